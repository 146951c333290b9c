"""`tkkpg pay`: a cardholder without a browser pays an order on the sandbox's hosted page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from tkkpg.cli.home import RunningSandbox, home_option
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.cli.values import ORDER_ID
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.redirect import payment_url
from tkkpg.protocol.values import Language, OrderRef
from tkkpg.sandbox import cardholder
from tkkpg.sandbox.cardholder import Journey
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
@home_option
def pay(
    *,
    order_id: int,
    session_id: str,
    name_or_pan: str,
    save_card: bool | None,
    home: Path,
    as_json: bool,
) -> None:
    """Pay an order of the sandbox as a cardholder would.

    Walks the real page over HTTPS: fills the form, waits for the outcome, and brings the XMLOut
    back to the shop. A declined payment is an outcome too, and ends with exit status 0.
    """
    card = find_card(name_or_pan)
    sandbox = RunningSandbox.of(home)
    url = payment_url(sandbox.page_url, OrderRef(order_id, session_id))
    journey = asyncio.run(_walk(Path(sandbox.ca), url, card, save_card=save_card))
    if as_json:
        print_json(_told(journey))
    else:
        _print(journey)


async def _walk(ca: Path, url: str, card: SandboxCard, *, save_card: bool | None) -> Journey:
    async with cardholder.browser(ca) as http:
        return await cardholder.pay(http, url, card, save_card=save_card)


def _told(journey: Journey) -> dict[str, object]:
    xmlout, landing = journey.xmlout, journey.landing
    return {
        "order_status": xmlout.order_status if xmlout else None,
        "response_code": xmlout.response_code if xmlout else None,
        "return_url": journey.return_url,
        "xmlmsg": journey.xmlmsg,
        "card_sent": journey.card_sent,
        "landed_url": landing.url if landing else None,
        "landed_status": landing.http_status if landing else None,
        "landed_error": landing.trouble if landing else None,
    }


def _print(journey: Journey) -> None:
    told, code = _told(journey), None
    if told["response_code"]:
        code = response_code(str(told["response_code"]))
    print_facts(
        {
            "Status": told["order_status"],
            "Response code": f"{code.code} – {code.text(Language.EN)}" if code else None,
            "Returned to": told["return_url"],
            "Ended up at": told["landed_url"],
            "Shop's answer": told["landed_status"] or told["landed_error"],
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
