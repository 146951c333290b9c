"""`tkkpg pay`: a cardholder without a browser pays an order on the sandbox's hosted page."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from tkkpg.cli.home import RunningSandbox, home_option
from tkkpg.cli.merchant import OVERRIDES, open_client
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.cli.values import ORDER_ID
from tkkpg.client import TKKPGError
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.redirect import payment_url
from tkkpg.protocol.values import Language, OrderRef, OrderStatus
from tkkpg.sandbox import cardholder
from tkkpg.sandbox.cardholder import Challenge, Conduct, Journey
from tkkpg.sandbox.cards import SandboxCard, find_card


@click.command("pay", cls=Command)
@click.argument("order_id", type=ORDER_ID)
@click.argument("session_id")
@click.option(
    "--card",
    "name_or_pan",
    default="approve",
    show_default=True,
    metavar="NAME-OR-PAN",
    help="A test card by name or number; `tkkpg cards` lists them.",
)
@click.option(
    "--save-card/--no-save-card",
    default=None,
    help="Tick the box that has the card saved, where the order offers it; else left as it is.",
)
@click.option(
    "--challenge",
    "conduct",
    type=click.Choice([conduct.value for conduct in Conduct]),
    default=Conduct.PASS.value,
    show_default=True,
    help="What to do where the card's bank asks for a code: type it, type wrong ones until the "
    "bank gives up, cancel, or let the time run out.",
)
@home_option
def pay(
    *,
    order_id: int,
    session_id: str,
    name_or_pan: str,
    save_card: bool | None,
    conduct: str,
    home: Path,
    as_json: bool,
) -> None:
    """Pay an order of the sandbox as a cardholder would.

    Walks the real pages over HTTPS: fills the form, meets the bank's challenge where there is one,
    waits for the outcome, brings the XMLOut back to the shop, and asks the gateway what the order's
    status is, as a shop should. A declined payment is an outcome too, and ends with exit status 0.
    """
    card = find_card(name_or_pan)
    sandbox = RunningSandbox.of(home)
    ref = OrderRef(order_id, session_id)
    url = payment_url(sandbox.page_url, ref)
    paying = _walk(Path(sandbox.ca), url, card, save_card=save_card, conduct=Conduct(conduct))
    journey = asyncio.run(paying)
    confirmed = _confirm(home, ref)
    if as_json:
        print_json({"page_url": sandbox.page_url, **_told(journey), **asdict(confirmed)})
    else:
        _print(journey, confirmed)


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """What GetOrderStatus says after the walk, or why it says nothing."""

    confirmed_status: OrderStatus | None = None
    confirmed_error: str | None = None


async def _walk(
    ca: Path, url: str, card: SandboxCard, *, save_card: bool | None, conduct: Conduct
) -> Journey:
    async with cardholder.browser(ca) as http:
        return await cardholder.pay(http, url, card, save_card=save_card, conduct=conduct)


def _confirm(home: Path, ref: OrderRef) -> _Confirmed:
    """Ask what became of the order; one of another merchant is refused, which is no failure."""
    try:
        with open_client(home, dict.fromkeys(OVERRIDES)) as client:
            return _Confirmed(client.get_order_status(ref).order_status)
    except TKKPGError as error:
        return _Confirmed(confirmed_error=error.message)


def _told(journey: Journey) -> dict[str, object]:
    """Tell the journey in its order."""
    xmlout, landing, challenge = journey.xmlout, journey.landing, journey.challenge
    return {
        "card_sent": journey.card_sent,
        "challenge": asdict(challenge) if challenge else None,
        "return_url": journey.return_url,
        "xmlmsg": journey.xmlmsg,
        "order_status": xmlout.order_status if xmlout else None,
        "response_code": xmlout.response_code if xmlout else None,
        "three_ds_verification": xmlout.three_ds_verification if xmlout else None,
        "three_ds_status": xmlout.three_ds_status if xmlout else None,
        "authorization_response_code": xmlout.authorization_response_code if xmlout else None,
        "landed_url": landing.url if landing else None,
        "landed_status": landing.http_status if landing else None,
        "landed_error": landing.trouble if landing else None,
    }


def _print(journey: Journey, confirmed: _Confirmed) -> None:
    told, code = _told(journey), None
    if told["response_code"]:
        code = response_code(str(told["response_code"]))
    verification = (told["three_ds_verification"], told["three_ds_status"])
    print_facts(
        {
            "Status": told["order_status"],
            "Response code": f"{code.code} – {code.text(Language.EN)}" if code else None,
            "Challenge": _in_words(journey.challenge),
            "3-D Secure": ", ".join(str(one) for one in verification if one),
            "Returned to": told["return_url"],
            "Ended up at": told["landed_url"],
            "Shop's answer": told["landed_status"] or told["landed_error"],
            "GetOrderStatus": confirmed.confirmed_status or confirmed.confirmed_error,
            "XMLOut": told["xmlmsg"],
        }
    )
    if not journey.card_sent:
        click.echo("No card was sent: the order had ended before.", err=True)
    if journey.return_url is None:
        click.echo(
            "The page shows the outcome and no way back, since the shop gave no return address.",
            err=True,
        )


def _in_words(challenge: Challenge | None) -> str:
    if challenge is None:
        return "none"
    typed = {0: "no code typed", 1: "one code typed"}
    codes = typed.get(challenge.codes_typed, f"{challenge.codes_typed} codes typed")
    return f"{challenge.end}, {codes}, at {challenge.acs_url}"
