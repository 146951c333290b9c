"""What a new order may say besides amount, text and addresses, as options of the command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

import click

from tkkpg.cli.values import AMOUNT, CARD_UID, EXPIRY, PAIR
from tkkpg.client import OrderOptions
from tkkpg.protocol.masking import Secret


def _by_name(
    ctx: click.Context, param: click.Parameter, pairs: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    by_name = dict(pairs)
    if len(by_name) < len(pairs):
        raise click.BadParameter(
            "The same name is there twice, and an order keeps one value for a name.", ctx, param
        )
    return by_name


def _revealed(_ctx: click.Context, _param: click.Parameter, uid: Secret | None) -> str:
    return uid.reveal() if uid else ""


OPTIONS: Final = (
    click.option(
        "--expires",
        "expires_after",
        type=EXPIRY,
        metavar="DURATION|never",
        help="How long the payer has, in whole minutes, such as 15m or 2h; else as the gateway "
        "gives, which is 30 minutes.",
    ),
    click.option(
        "--instalments",
        type=int,
        metavar="N",
        help="Monthly parts that the payer asked for; written into the description as TAKSIT=N.",
    ),
    click.option("--save-card", is_flag=True, help="Offer the payer to save the card."),
    click.option("--consent", default="", help="Text beside that offer: what it is saved for."),
    click.option(
        "--saved-card",
        type=CARD_UID,
        metavar="UID",
        callback=_revealed,
        help="Saved card that is going to pay by `tkkpg order charge`; `-` reads its CardUID from "
        "standard input.",
    ),
    click.option("--email", default="", help="The payer's."),
    click.option("--phone", default="", help="The payer's."),
    click.option(
        "--fee", type=AMOUNT, help="What the merchant pays for this order; else by its tariff."
    ),
    click.option(
        "--change-status-url",
        default="",
        metavar="URL",
        help="Address that the gateway calls at each new status.",
    ),
    click.option(
        "--param",
        "params",
        type=PAIR,
        multiple=True,
        callback=_by_name,
        metavar="NAME=VALUE",
        help="A further value to keep with the order; may be given several times.",
    ),
)
NAMES: Final = (
    "expires_after",
    "instalments",
    "save_card",
    "consent",
    "saved_card",
    "email",
    "phone",
    "fee",
    "change_status_url",
    "params",
)
"""The attributes of `OrderOptions` that they give."""


def with_order_options(work: Callable[..., None]) -> Callable[..., None]:
    """Give a command the optional fields of a new order, as its argument `options`."""

    @functools.wraps(work)
    def run(*args: object, **given: Any) -> None:  # noqa: ANN401 - whatever the command has
        chosen = {name: given.pop(name) for name in NAMES}
        work(*args, options=OrderOptions(**chosen), **given)

    for option in reversed(OPTIONS):
        option(run)
    return run
