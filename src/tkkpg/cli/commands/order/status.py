"""`tkkpg order status`, and how a status and a receipt are told."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command, print_facts, print_json, printable
from tkkpg.client import Client, OrderRef
from tkkpg.client.results import OrderState
from tkkpg.protocol.values import OperationStatus


@click.command("status", cls=Command)
@with_ref
@with_client
def status(client: Client, *, ref: OrderRef, as_json: bool) -> None:
    """Ask where an order is in its life."""
    tell(client.get_order_status(ref), as_json=as_json)


def tell(state: OrderState, *, as_json: bool) -> None:
    """Print where an order is, with the receipt of a paid one."""
    if as_json:
        print_json(
            {
                "order_id": state.order_id,
                "order_status": state.order_status,
                "receipt": state.receipt,
                "status": OperationStatus.OK,
            }
        )
        return
    print_facts({"Order": state.order_id, "Status": state.order_status})
    print_receipt(state.receipt)


def print_receipt(receipt: str | None) -> None:
    """Print a receipt below the facts, where there is one."""
    if receipt:
        click.echo()
        for line in receipt.splitlines():
            click.echo(printable(line))
