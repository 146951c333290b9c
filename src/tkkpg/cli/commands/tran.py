"""`tkkpg tran`: the messages exchanged with the bank's host, for the gateway's operator."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json, print_table
from tkkpg.cli.owner import change
from tkkpg.cli.records import attributes, business_time, local
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.decisions.resolution import Resolution
from tkkpg.gateway.model.transaction import Transaction
from tkkpg.gateway.store.views import TRANSACTIONS_MAX, find_transactions
from tkkpg.gateway.verbs import RESOLVE
from tkkpg.protocol.values import Amount


@click.group("tran")
def tran() -> None:
    """Look at the messages exchanged with the host, and resolve what it never answered."""


@tran.command("list", cls=Command)
@click.option(
    "--unresolved",
    is_flag=True,
    help="Only those whose outcome is not certain yet, oldest first.",
)
@home_option
def list_(*, unresolved: bool, home: Path, as_json: bool) -> None:
    """List transactions, newest first.

    Reads the database in --home, whether the gateway runs or not. The gateway resolves most of
    what is unresolved by itself; what is parked waits for its operator.
    """
    found = find_transactions(home / DATABASE, unresolved=unresolved)
    now = business_time(home)
    if as_json:
        print_json([told(one, now) for one in found])
        return
    print_table(
        (
            "Transaction",
            "Order",
            "Kind",
            "State",
            "Amount",
            "Sent in Baku",
            "Age",
            "Parked",
            "Code",
        ),
        [
            (
                one.tran_id,
                one.order_id,
                one.kind,
                one.state,
                Amount(one.amount_minor, one.currency),
                local(one.sent_at),
                _age(one, now),
                "yes" if one.parked_at else "no",
                one.response_code,
            )
            for one in found
        ],
    )
    if len(found) == TRANSACTIONS_MAX:
        which = "oldest" if unresolved else "newest"
        click.echo(f"Only the {which} {TRANSACTIONS_MAX} are shown.")


@tran.command("resolve", cls=Command)
@click.argument("tran_id", type=int)
@click.option(
    "--as",
    "resolution",
    type=click.Choice(list(Resolution), case_sensitive=False),
    required=True,
    help="What the host's own records say.",
)
@click.option("--reason", required=True, help="Who confirmed it and when; kept in the audit.")
@home_option
def resolve_(
    *, tran_id: int, resolution: Resolution, reason: str, home: Path, as_json: bool
) -> None:
    """Record the outcome of a transaction that the host never told.

    First ask the host's operators what they have. The running gateway does it at once; without
    one, the database in --home is changed directly.
    """
    values = {"tran_id": tran_id, "resolution": resolution.value, "reason": reason}
    done = change(home, RESOLVE, values)
    if as_json:
        print_json(done)
    else:
        click.echo(f"Transaction {tran_id} is resolved as {resolution}. See the whole order:")
        click.echo(f"  tkkpg order show {done['order_id']}")


def told(transaction: Transaction, now: datetime) -> dict[str, object]:
    """Say everything about a transaction in plain values; times are UTC, its age is in seconds."""
    age = _age(transaction, now)
    return attributes(transaction) | {"age_s": None if age is None else int(age.total_seconds())}


def _age(transaction: Transaction, now: datetime) -> timedelta | None:
    """Say how long ago it was sent, in whole seconds."""
    sent_at = transaction.sent_at
    return timedelta(seconds=(now - sent_at) // timedelta(seconds=1)) if sent_at else None
