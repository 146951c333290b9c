"""`tkkpg merchant set`: changing what the gateway knows of a merchant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from tkkpg.cli.commands.merchant.values import PERCENT, WINDOW
from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json
from tkkpg.cli.owner import change
from tkkpg.cli.values import CURRENCY
from tkkpg.gateway.model.authentication import Unauthenticated
from tkkpg.gateway.verbs import CHANGE_MERCHANT
from tkkpg.protocol.profiles import PROFILES
from tkkpg.protocol.values import Currency, Operation, OrderType

ALL: Final = "all"


def _every(
    _ctx: click.Context, _param: click.Parameter, named: tuple[str, ...]
) -> list[str] | None:
    return sorted(Operation if ALL in named else set(named)) or None


def _listed(
    _ctx: click.Context, _param: click.Parameter, named: tuple[str, ...]
) -> list[str] | None:
    """Take a list as it is; one empty name is the empty list."""
    return sorted(set(named) - {""}) if named else None


def _codes(
    _ctx: click.Context, _param: click.Parameter, chosen: tuple[Currency, ...]
) -> list[str] | None:
    return sorted({currency.code for currency in chosen}) or None


def _wrapped(_ctx: click.Context, _param: click.Parameter, form: str | None) -> bool | None:
    return None if form is None else form == "wrapped"


def _seconds(_ctx: click.Context, _param: click.Parameter, window: timedelta | None) -> int | None:
    return None if window is None else int(window.total_seconds())


# Each is named as the attribute of `Merchant` that it sets, as JSON has it; None leaves it alone.
OPTIONS: Final = (
    click.option("--name", help="Shown to payers."),
    click.option(
        "--base-url", metavar="URL", help="What relative return addresses begin with; '' for none."
    ),
    click.option(
        "--notification-url",
        metavar="URL",
        help="Where XMLOut is sent, server to server; '' for nowhere.",
    ),
    click.option(
        "--change-status-url",
        metavar="URL",
        help="Told of every status of its orders; '' for nowhere.",
    ),
    click.option(
        "--xmlout",
        "xmlout_wrapped",
        type=click.Choice(["wrapped", "bare"]),
        callback=_wrapped,
        help="XMLOut with a root element XMLOut, or Message as the root.",
    ),
    click.option(
        "--xmlout-base64/--no-xmlout-base64", default=None, help="XMLOut as base64, or as XML."
    ),
    click.option(
        "--frame-ancestors",
        metavar="ORIGINS",
        help="Who may frame the hosted page, in the words of Content-Security-Policy, such as "
        "'https://shop.az https://*.shop.az'; '' for nobody.",
    ),
    click.option(
        "--operation",
        "operations",
        type=click.Choice([*(one.value for one in Operation), ALL]),
        multiple=True,
        callback=_every,
        metavar="NAME",
        help="What it may ask for, such as Refund, or all; given several times, the whole list.",
    ),
    click.option(
        "--currency",
        "currencies",
        type=CURRENCY,
        multiple=True,
        callback=_codes,
        metavar="CODE",
        help="What it may charge in, such as 840 or USD; given several times, the whole list.",
    ),
    click.option(
        "--fee",
        "fee_bp",
        type=PERCENT,
        metavar="PERCENT",
        help="What it pays of a charge, such as 2.5; orders that exist keep theirs.",
    ),
    click.option(
        "--duplicate-window",
        "duplicate_window_s",
        type=WINDOW,
        metavar="DURATION",
        callback=_seconds,
        help="How long the same Refund again is answered like the first, such as 5m; 0s for off.",
    ),
    click.option(
        "--card-registration/--no-card-registration",
        default=None,
        help="Whether its payers may have their cards saved.",
    ),
    click.option(
        "--unauthenticated",
        type=click.Choice([one.value for one in Unauthenticated]),
        help="What becomes of a card whose holder 3-D Secure could not prove: declined, or sent "
        "without a proof.",
    ),
    click.option(
        "--order-type",
        "order_types",
        type=click.Choice([one.value for one in OrderType]),
        multiple=True,
        callback=_listed,
        metavar="NAME",
        help="What its orders may be, such as Purchase or Payment; given several times, the whole "
        "list. Payment and QuasiCash are charged like Purchase.",
    ),
    click.option(
        "--return-scheme",
        "return_schemes",
        multiple=True,
        callback=_listed,
        metavar="SCHEME",
        help="Of an app that payers may be led back to, such as myapp for myapp://paid; given "
        "several times, the whole list; '' for none.",
    ),
    click.option(
        "--bank-profile",
        type=click.Choice(list(PROFILES)),
        help="Whose way of writing its replies follow; docs/protocol.md says what differs.",
    ),
    click.option("--active/--inactive", default=None, help="Whether it may trade."),
)


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options, and the settings that are wanted as its argument `changes`."""

    @functools.wraps(command)
    def run(*, merchant_id: str, home: Path, as_json: bool, **given: Any) -> None:  # noqa: ANN401 - whatever JSON holds
        changes = {name: value for name, value in given.items() if value is not None}
        command(merchant_id=merchant_id, changes=changes, home=home, as_json=as_json)

    for option in reversed(OPTIONS):
        run = option(run)
    return run


@click.command("set", cls=Command)
@click.argument("merchant_id", metavar="MERCHANT")
@_with_settings
@home_option
def set_(*, merchant_id: str, changes: dict[str, Any], home: Path, as_json: bool) -> None:
    """Change settings of MERCHANT; those that are not named stay.

    The running gateway takes them at once; without one, the database in --home is changed
    directly. What was changed is kept in the audit.
    """
    if not changes:
        raise click.UsageError(
            "There is nothing to change. Name at least one setting, such as --fee 2.5."
        )
    done = change(home, CHANGE_MERCHANT, {"merchant_id": merchant_id, "changes": changes})
    if as_json:
        print_json(done)
        return
    what = ", ".join(done["changed"]) or "nothing, it is set like that already"
    click.echo(f"Changed for merchant {merchant_id}: {what}. See all of its settings:")
    click.echo(f"  tkkpg merchant show {merchant_id}")
