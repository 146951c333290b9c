"""The walk: the hosted page, the bank's challenge where it asks, the outcome, back to the shop."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin

import httpx2

from tkkpg.client import XMLOut, read_xmlout
from tkkpg.client.callbacks import XMLMSG
from tkkpg.sandbox.cardholder.browser import CardholderStopped, origin, send
from tkkpg.sandbox.cardholder.challenge import CREQ_FIELD, Challenge, Conduct, meet
from tkkpg.sandbox.cardholder.forms import Form, form_with

if TYPE_CHECKING:
    from tkkpg.sandbox.cards import SandboxCard

PATIENCE_S: Final = 120.0
"""Until when the payment must have an outcome. The longest ways end within it: a directory that is
silent twice (20 s), a result of a challenge that does not come (30 s), a host that never answers
(15 s)."""
PAN_FIELD: Final = "pan"
REGISTER_FIELD: Final = "register"
"""The field by which the card form is known, and its box that has the card saved."""
TO_ANOTHER_PAGE: Final = frozenset({301, 302, 303})
"""Answers to a form that a browser follows with a GET."""
SHOWN: Final = frozenset({200, 422})
"""HTTP statuses of the page's own screens; 422 is a form that has to be corrected."""

REASONS: Final = {
    400: "it cannot read the order's number and session: copy both as they were printed",
    403: "it does not take the form that it showed before: open the page again",
    404: "there is no order with this number and session in this sandbox",
    410: "the order ended more than a day ago",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where the browser ended up after the shop's return address.

    Attributes:
        url: The last address; after a redirect, where that led.
        http_status: What the shop answered there, `None` when it did not.
        trouble: Why the shop could not be reached.
    """

    url: str
    http_status: int | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """What the cardholder lived through.

    Attributes:
        card_sent: Whether the card was sent; not when the order had ended before.
        challenge: What happened at the bank, if it asked.
        return_url: The shop's address to which the page sent the browser; `None` when the page
            showed the outcome and no way back.
        xmlmsg: What the browser carried there; it holds the order's session.
        landing: Where the browser ended up.
    """

    card_sent: bool
    challenge: Challenge | None = None
    return_url: str | None = None
    xmlmsg: str | None = field(default=None, repr=False)
    landing: Landing | None = None

    @property
    def xmlout(self) -> XMLOut | None:
        """The message that the browser carried.

        Raises:
            CallbackError: It cannot be read.
        """
        return None if self.xmlmsg is None else read_xmlout(self.xmlmsg)


class _Reached(NamedTuple):
    """The page that stays, and what it took to get there."""

    page: httpx2.Response
    card_sent: bool = False
    challenge: Challenge | None = None


async def pay(
    http: httpx2.AsyncClient,
    payment_url: str,
    card: SandboxCard,
    *,
    save_card: bool | None = None,
    conduct: Conduct = Conduct.PASS,
) -> Journey:
    """Pay on the hosted page and go back to the shop.

    Args:
        http: The browser; it does not follow redirects by itself.
        payment_url: Address of the page with number and session of the order.
        card: What is typed into the form.
        save_card: Tick the box that has the card saved, or not; left as it is for `None`, and
            where there is none.
        conduct: How a challenge of the bank is met, if there is one.

    Raises:
        CardholderStopped: A page cannot be reached, there is no such order, the card is not taken
            or asked for again after the challenge, or there is no outcome after two minutes.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            reached = await _reach_outcome(
                http, payment_url, card, save_card=save_card, conduct=conduct
            )
    except TimeoutError:
        raise CardholderStopped(
            f"The payment has no outcome after {PATIENCE_S:.0f} s. The card was not charged twice: "
            "ask for the order's status, and look into the sandbox's log."
        ) from None
    except httpx2.RequestError as error:
        raise CardholderStopped(
            f"The page at {origin(str(error.request.url))} cannot be reached: {error}. Check that "
            "the sandbox runs; with --host-name that name must lead to this machine."
        ) from error
    way_back = form_with(reached.page.text, XMLMSG)
    if way_back is None:
        return Journey(card_sent=reached.card_sent, challenge=reached.challenge)
    return Journey(
        card_sent=reached.card_sent,
        challenge=reached.challenge,
        return_url=way_back.action,
        xmlmsg=way_back.values[XMLMSG],
        landing=await _return_to_shop(http, way_back, origin(payment_url)),
    )


async def _reach_outcome(
    http: httpx2.AsyncClient,
    payment_url: str,
    card: SandboxCard,
    *,
    save_card: bool | None,
    conduct: Conduct,
) -> _Reached:
    """Open the page, send the card where it is asked for, and wait until the page stays."""
    page = await _settle(http, await http.get(payment_url))
    form = form_with(page.text, PAN_FIELD)
    if form is None:
        return _Reached(page)
    typed = {PAN_FIELD: card.pan, "expiry": card.expiry, "cvv2": card.cvv2}
    page = await _settle(
        http, await send(http, page, form, typed | _tick(form, save_card=save_card))
    )
    if form_with(page.text, PAN_FIELD) is not None:
        raise CardholderStopped(
            f"The page does not take the test card {card.name} and asks for a card again. Another "
            "version of the sandbox may be running: `tkkpg cards` lists the cards of this one."
        )
    to_bank = form_with(page.text, CREQ_FIELD)
    if to_bank is None:
        return _Reached(page, card_sent=True)
    returned, met = await meet(http, page, to_bank, conduct)
    page = await _settle(http, returned)
    if form_with(page.text, PAN_FIELD) is not None:
        raise CardholderStopped(
            f"The challenge ended ({met.end}), and the page asks for the card again: the sealed "
            "card that came back does not open, since another try at this order took its place. "
            "The card was not sent to its bank. Pay once more; `tkkpg order show` tells both tries."
        )
    return _Reached(page, card_sent=True, challenge=met)


def _tick(form: Form, *, save_card: bool | None) -> dict[str, str]:
    ticked = REGISTER_FIELD in form.ticked if save_card is None else save_card
    offered = REGISTER_FIELD in form.boxes
    return {REGISTER_FIELD: form.boxes[REGISTER_FIELD]} if offered and ticked else {}


async def _settle(http: httpx2.AsyncClient, page: httpx2.Response) -> httpx2.Response:
    """Follow redirects, and the page's own wish to be looked at again, until a page stays."""
    while True:
        if page.has_redirect_location:
            address = page.headers["location"]
        elif refresh := page.headers.get("refresh"):
            pause_s, _, address = refresh.partition("; url=")
            await asyncio.sleep(float(pause_s))
        else:
            break
        page = await http.get(urljoin(str(page.url), address))
    if page.status_code not in SHOWN:
        reason = REASONS.get(page.status_code, "the sandbox's log says why")
        raise CardholderStopped(
            f"The hosted page answers with HTTP status {page.status_code}: {reason}."
        )
    return page


async def _return_to_shop(http: httpx2.AsyncClient, form: Form, site: str) -> Landing:
    """Send the form to the shop, as the browser does, and follow one redirect of its answer.

    The bodies are the shop's affair and are not read.
    """
    headers = {"Origin": site, "Referer": f"{site}/", "Sec-Fetch-Site": "cross-site"}
    url = form.action
    try:
        async with http.stream("POST", url, data=dict(form.values), headers=headers) as answer:
            http_status, address = answer.status_code, answer.headers.get("location")
        if http_status in TO_ANOTHER_PAGE and address:
            url = urljoin(url, address)
            async with http.stream("GET", url) as answer:
                http_status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Landing(url=url, trouble=str(error) or type(error).__name__)
    return Landing(url=url, http_status=http_status)
