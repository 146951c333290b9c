"""What protects the hosted page: response headers, form tokens, the check for foreign forms.

There is no cookie, and so nothing that a foreign page could ride on: who knows an order's number
and session may pay or leave it, nobody else. The token says on top that a form was made by us,
for this order, as it was when the form was shown.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from starlette.datastructures import Headers

from tkkpg.gateway.keys import Keys
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import Order

PURPOSE: Final = "page"
OWN_SITE: Final = frozenset({"same-origin", "none"})
POLICY: Final = (
    "default-src 'none'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
    "base-uri 'none'",
)
"""Nothing but our own script, styles and pictures; no element may move relative addresses."""

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "origin",  # an address with a session goes nowhere
    "X-Content-Type-Options": "nosniff",
}
HSTS: Final = "max-age=31536000"

ANYWHERE: Final = "*"
NOBODY: Final = "'none'"
ORIGIN: Final = re.compile(
    r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?(?=[/?#]|\Z)",
    re.ASCII | re.IGNORECASE,
)
"""Scheme, host and port at the beginning of an address; without the user that some have in front
of the host, and without IPv6, which a policy has no way to write."""


class Action(Enum):
    """What a form asks for."""

    PAY = "pay"
    CANCEL = "cancel"
    AUTHENTICATE = "authenticate"


class Verdict(Enum):
    """What a form's token says about it."""

    FRESH = "fresh"
    """Ours, and the order has not moved since."""
    STALE = "stale"
    """Ours, but the order has moved on: another tab, a reload, the way back."""
    FORGED = "forged"
    """Not ours."""


def page_headers(
    *,
    sandbox: bool,
    merchant: Merchant | None = None,
    form_action: str | None = None,
    frame: str | None = None,
    framed_by: str | None = None,
) -> dict[str, str]:
    """Give the headers of a page.

    Args:
        sandbox: Leaves out HSTS, which would outlive the sandbox in the developer's browser.
        merchant: Whose page it is; says who may frame it, and who says nothing lets nobody.
        form_action: Address to whose origin the page may send forms, besides the gateway;
            `ANYWHERE` for one whose only form leads to the shop, which nobody knows before.
        frame: Address whose origin the page may show in a frame, besides the gateway.
        framed_by: Who may frame the page, whatever the merchant says; `ANYWHERE` for everybody.

    Raises:
        ValueError: An address from outside is none that a policy can name.
    """
    policy = list(POLICY)
    if form_action != ANYWHERE:
        policy.append(f"form-action {_own_and(form_action)}")
    if frame is not None:
        policy.append(f"frame-src {_own_and(frame)}")
    listed = _sources(merchant.frame_ancestors) if merchant else ""
    policy.append(f"frame-ancestors {framed_by or listed or NOBODY}")
    headers = HEADERS | {"Content-Security-Policy": "; ".join(policy)}
    return headers if sandbox else headers | {"Strict-Transport-Security": HSTS}


def _own_and(address: str | None) -> str:
    """Name our own origin and that of an address, of which nothing else is copied."""
    if address is None:
        return "'self'"
    found = ORIGIN.match(address)
    if found is None:
        # The address stays out of the sentence: a bank's may carry what belongs to one payment.
        raise ValueError(
            "The address is not http or https, a host name of letters, digits, points and"
            " hyphens, and a port: the page's policy cannot name it, so the browser would not go"
            " there. Ask the directory to correct it."
        )
    return f"'self' {found[0]}"


def _sources(setting: str) -> str:
    # Semicolon and comma would end the directive and begin another.
    return " ".join(re.split(r"[\s;,]+", setting.strip(" ;,")))


def is_foreign(headers: Headers) -> bool:
    """Whether the browser says that a page of somebody else sent this form.

    Browsers older than 2023 say nothing; the token covers them.
    """
    site = headers.get("sec-fetch-site")
    return site is not None and site not in OWN_SITE


def form_token(keys: Keys, order: Order, action: Action) -> str:
    """Make the token of a form: the order's version, a point, an HMAC over what it is for."""
    return f"{order.version}.{keys.sign(PURPOSE, _signed(order, action, str(order.version)))}"


def judge_token(keys: Keys, order: Order, action: Action, token: str) -> Verdict:
    """Compare a form's token with the order as it is now; the HMAC in constant time."""
    version, _, signature = token.partition(".")
    if not keys.verify(PURPOSE, _signed(order, action, version), signature):
        return Verdict.FORGED
    return Verdict.FRESH if version == str(order.version) else Verdict.STALE


def _signed(order: Order, action: Action, version: str) -> str:
    return "\n".join((action.value, str(order.order_id), order.session_id, version))
