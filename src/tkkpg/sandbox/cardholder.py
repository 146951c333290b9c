"""A cardholder without a browser: walks the real hosted page, as a browser without scripts would.

Whatever is sent is read from the page first, so a page that a browser could not pay on cannot be
paid on here either.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2

from tkkpg import __version__
from tkkpg.client import ConfigurationError, TKKPGError, XMLOut, read_xmlout
from tkkpg.client.callbacks import XMLMSG
from tkkpg.client.config import NEVER_BY_PROXY
from tkkpg.sandbox.cards import SandboxCard

PATIENCE_S: Final = 60.0
"""Until when the payment must have an outcome: a host that never answers takes a quarter of it."""
TIMEOUT_S: Final = 20.0
"""For one answer; the page itself waits two seconds at most."""
PAN_FIELD: Final = "pan"
REGISTER_FIELD: Final = "register"
"""The field by which the card form is known."""
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


class CardholderStopped(TKKPGError):
    """The cardholder could not reach an outcome on the hosted page."""


@dataclass(slots=True)
class Form:
    """A form of a page.

    Attributes:
        action: Where it is sent, as written on the page.
        values: Its named fields as they stand there, but for the boxes to tick.
        boxes: Boxes to tick, with the value that each sends when ticked.
        ticked: Boxes that are ticked already.
    """

    action: str
    values: dict[str, str] = field(default_factory=dict, repr=False)
    boxes: dict[str, str] = field(default_factory=dict)
    ticked: set[str] = field(default_factory=set)


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
        return_url: The shop's address to which the page sent the browser; `None` when the page
            showed the outcome and no way back.
        xmlmsg: What the browser carried there; it holds the order's session.
        landing: Where the browser ended up.
    """

    card_sent: bool
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


def browser(ca: Path) -> httpx2.AsyncClient:
    """Make what stands for the browser: believes the sandbox's CA, and those of the system.

    Raises:
        ConfigurationError: The CA's file cannot be read.
    """
    context = httpx2.create_ssl_context()
    try:
        context.load_verify_locations(ca)
    except OSError as error:  # also when it holds no certificate
        raise ConfigurationError(
            f"The sandbox's CA {ca} cannot be read: {error}. Start the sandbox again."
        ) from error
    return httpx2.AsyncClient(
        verify=context,
        timeout=TIMEOUT_S,
        headers={"User-Agent": f"tkkpg-cardholder/{__version__}"},
        mounts=NEVER_BY_PROXY,
    )


async def pay(
    http: httpx2.AsyncClient, payment_url: str, card: SandboxCard, *, save_card: bool | None = None
) -> Journey:
    """Pay on the hosted page and go back to the shop.

    Args:
        http: The browser; it does not follow redirects by itself.
        payment_url: Address of the page with number and session of the order.
        card: What is typed into the form.
        save_card: Tick the box that has the card saved, or not; left as it is for `None`, and
            where there is none.

    Raises:
        CardholderStopped: The page cannot be reached, shows no such order, does not take the card,
            or has no outcome after a minute.
    """
    try:
        async with asyncio.timeout(PATIENCE_S):
            page, card_sent = await _reach_outcome(http, payment_url, card, save_card=save_card)
    except TimeoutError:
        raise CardholderStopped(
            f"The payment has no outcome after {PATIENCE_S:.0f} s. The card was not charged twice: "
            "ask for the order's status, and look into the sandbox's log."
        ) from None
    except httpx2.HTTPError as error:
        raise CardholderStopped(
            f"The hosted page at {_origin(payment_url)} cannot be reached: {error}. Check that "
            "the sandbox runs; with --host-name that name must lead to this machine."
        ) from error
    way_back = form_with(page.text, XMLMSG)
    if way_back is None:
        return Journey(card_sent=card_sent)
    return Journey(
        card_sent=card_sent,
        return_url=way_back.action,
        xmlmsg=way_back.values[XMLMSG],
        landing=await _return_to_shop(http, way_back, _origin(payment_url)),
    )


def form_with(page: str, name: str) -> Form | None:
    """Find the form of a page that has a field of this name."""
    reader = _FormReader()
    reader.feed(page)
    return next((form for form in reader.forms if name in form.values), None)


async def _reach_outcome(
    http: httpx2.AsyncClient, payment_url: str, card: SandboxCard, *, save_card: bool | None
) -> tuple[httpx2.Response, bool]:
    """Open the page, send the card where it is asked for, and wait until the page stays."""
    page = await _settle(http, await http.get(payment_url))
    form = form_with(page.text, PAN_FIELD)
    if form is None:
        return page, False
    typed = {PAN_FIELD: card.pan, "expiry": card.expiry, "cvv2": card.cvv2}
    answer = await http.post(
        urljoin(str(page.url), form.action),
        data={**form.values, **typed, **_tick(form, save_card=save_card)},
        headers={"Origin": _origin(payment_url), "Sec-Fetch-Site": "same-origin"},
    )
    page = await _settle(http, answer)
    if form_with(page.text, PAN_FIELD) is not None:
        raise CardholderStopped(
            f"The page does not take the test card {card.name} and asks for a card again. Another "
            "version of the sandbox may be running: `tkkpg cards` lists the cards of this one."
        )
    return page, True


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


async def _return_to_shop(http: httpx2.AsyncClient, form: Form, origin: str) -> Landing:
    """Send the form to the shop, as the browser does, and follow one redirect of its answer.

    The bodies are the shop's affair and are not read.
    """
    headers = {"Origin": origin, "Referer": f"{origin}/", "Sec-Fetch-Site": "cross-site"}
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


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class _FormReader(HTMLParser):
    """Collects the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a form, or add a field to the one that is open."""
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(attributes.get("action", ""))
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and (name := attributes.get("name")):
            if attributes.get("type") == "checkbox":
                self._open.boxes[name] = attributes.get("value", "on")
                self._open.ticked |= {name} if "checked" in attributes else set()
            else:
                self._open.values[name] = attributes.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        """End the form that is open."""
        if tag == "form":
            self._open = None
