"""The pages of 3-D Secure: method page, the way to the challenge, what is read of the browser.

The card crosses both pages sealed; neither has anything else of it.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse

from tkkpg.gateway.flows.authenticate import ChallengeStep, MethodStep
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.threeds.base import Browser, JavaScript
from tkkpg.gateway.web.forms import Fields
from tkkpg.gateway.web.i18n import read_language
from tkkpg.gateway.web.rendering import render
from tkkpg.gateway.web.screens import Visit, order_fields, show
from tkkpg.gateway.web.security import ANYWHERE, Action, form_token, page_headers

FIRST_TAG: Final = re.compile(r"\s*([a-z]{2,3})(-[a-z]{2})?(?![a-z0-9])", re.ASCII | re.IGNORECASE)
"""Language and country at the beginning of an Accept-Language; scripts and the rest stay out,
since an AReq has room for eight characters."""

TOLD: Final = {
    "browserJavaEnabled": re.compile("true|false"),
    "browserColorDepth": re.compile("1|4|8|15|16|24|32|48"),
    "browserScreenHeight": re.compile("[0-9]{1,6}"),
    "browserScreenWidth": re.compile("[0-9]{1,6}"),
    "browserTZ": re.compile("[+-]?[0-9]{1,3}"),
}
"""What a script says of its browser, and how (EMV 3DS 2.2, table A.1)."""


def method_screen(gateway: Gateway, visit: Visit, step: MethodStep) -> HTMLResponse:
    """Show that the bank is asked, and call its method page in a hidden frame.

    The script goes on once the frame has reported, or after ten seconds; the button does at once.

    Args:
        gateway: Whose page it is.
        visit: The order as it is after the card was taken, since the form's token is for it.
        step: What to call, and the sealed card.

    Raises:
        ValueError: The directory's address is none that the page's policy can name.
    """
    return show(
        gateway,
        visit,
        "method.html",
        form_action=step.call.url,
        frame=step.call.url,
        url=step.call.url,
        data=step.call.data,
        sealed=step.sealed,
        hidden=order_fields(visit),
        token=form_token(gateway.keys, visit.view.order, Action.AUTHENTICATE),
    )


def challenge_screen(gateway: Gateway, visit: Visit, step: ChallengeStep) -> HTMLResponse:
    """Send the payer to the issuer's challenge, by script or by a button.

    The page has nothing to type into, and a policy would count the issuer's own redirects too: it
    names no address.
    """
    challenge = step.challenge
    return show(
        gateway,
        visit,
        "challenge.html",
        form_action=ANYWHERE,
        acs_url=challenge.acs_url,
        creq=challenge.creq,
        sealed=step.sealed,
    )


def method_done() -> HTMLResponse:
    """Tell the page around the hidden frame that the issuer's method page has reported.

    Whoever else frames this page learns nothing: its word is for our own origin alone. It may be
    framed by anybody, because around our page may be a shop, and it does not know whose.
    """
    headers = page_headers(sandbox=True, framed_by=ANYWHERE)
    return HTMLResponse(render("method_done.html"), headers=headers)


def browser_of(headers: Headers, fields: Fields, ip: str | None) -> Browser:
    """Read what an issuer is told of the payer's browser.

    Args:
        headers: Of the request.
        fields: Its form; without script, or with one that talks nonsense, `script` is `None`.
        ip: The payer's address, where it is known.
    """
    told = {name: fields.typed(name) for name in TOLD}
    sensible = all(pattern.fullmatch(told[name]) for name, pattern in TOLD.items())
    script = JavaScript(
        java_enabled=told["browserJavaEnabled"] == "true",
        color_depth=told["browserColorDepth"],
        screen_height=told["browserScreenHeight"],
        screen_width=told["browserScreenWidth"],
        tz=told["browserTZ"],
    )
    return Browser(
        accept_header=headers.get("accept", ""),
        user_agent=headers.get("user-agent", ""),
        language=_language(headers, fields),
        ip=ip,
        script=script if sensible else None,
    )


def _language(headers: Headers, fields: Fields) -> str:
    """Give the language of the page, else the one that the browser likes best; or nothing."""
    chosen = read_language(fields.typed("browserLanguage"))
    if chosen is not None:
        return chosen.lower()
    found = FIRST_TAG.match(headers.get("accept-language", ""))
    return found[1].lower() + (found[2] or "").upper() if found else ""
