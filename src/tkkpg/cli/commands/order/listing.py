"""`tkkpg order list`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import click

from tkkpg.cli.commands.order.info import row_told
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, print_json, print_table
from tkkpg.cli.values import MOMENT, ORDER_ID
from tkkpg.client import Amount, Client, OrderInformation, OrdersFilter, OrderStatus
from tkkpg.protocol.zone import BAKU

BY_CREATION: Final = "createDate"
OLDEST_FIRST: Final = "ACS"
"""As the manual spells ascending (protocol description, 2.11)."""
NEWEST_FIRST: Final = "DESC"


@click.command("list", cls=Command)
@click.option(
    "--status",
    type=click.Choice([status.value for status in OrderStatus], case_sensitive=False),
    help="Only orders that are there in their life now.",
)
@click.option(
    "--from", "start", type=MOMENT, help="Created then or later; in Baku, unless it has a zone."
)
@click.option(
    "--to",
    "end",
    type=MOMENT,
    help="Created then or earlier. A date alone is the midnight that it begins with.",
)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="At most so many, the newest that fit.",
)
@click.option("--description", default="", metavar="TEXT", help="Text that the description holds.")
@click.option("--order", "order_id", type=ORDER_ID, help="Only the order of this number.")
@click.option("--oldest-first", is_flag=True, help="Oldest first instead of newest.")
@with_client
def list_(
    client: Client,
    *,
    status: str | None,
    start: datetime | None,
    end: datetime | None,
    last: int,
    description: str,
    order_id: int | None,
    oldest_first: bool,
    as_json: bool,
) -> None:
    """Ask for the merchant's orders, newest first; times are local times of the gateway.

    --json prints an array, in which each order has its session for further commands.
    """
    only = OrdersFilter(
        status=OrderStatus(status) if status else None,
        start=_local(start),
        end=_local(end),
        last_count=last,
        description=description,
        order_id=order_id,
        order_by=BY_CREATION,
        direction=OLDEST_FIRST if oldest_first else NEWEST_FIRST,
    )
    rows = client.get_orders(only)
    if as_json:
        print_json([row_told(row) for row in rows])
        return
    print_table(
        ("Order", "Created", "Status", "Type", "Amount", "Refunded", "Description"),
        [
            (
                row.order_id,
                row.created,
                row.order_status,
                row.order_type,
                Amount(row.amount_minor, row.currency),
                _refunded(row),
                row.description,
            )
            for row in rows
        ],
    )
    if len(rows) == last:
        click.echo(f"Only the newest {last} are shown; --last N shows more.", err=True)


def _local(moment: datetime | None) -> datetime | None:
    """Write a time as the wire has it: local, without a zone."""
    return moment and moment.astimezone(BAKU).replace(tzinfo=None)


def _refunded(row: OrderInformation) -> Amount | None:
    return Amount(row.refund_amount_minor, row.currency) if row.refund_amount_minor else None
