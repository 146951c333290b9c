"""`tkkpg order reverse`."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.outcome import Outcome, status_after, tell
from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command
from tkkpg.client import Client, OrderRef


@click.command("reverse", cls=Command)
@with_ref
@click.option("--description", default="", help="Appended to the order's own.")
@with_client
def reverse(client: Client, *, ref: OrderRef, description: str, as_json: bool) -> None:
    """Undo an order's hold or charge, whole.

    To give a part back, or after a refund: `tkkpg order refund`.
    """
    done = client.reverse(ref, description=description)
    tell(
        Outcome(
            order_id=ref.order_id,
            approved=done.approved,
            response_code=done.response_code,
            order_status=status_after(client, ref, "reversal"),
            otherwise="Nothing was undone: the order is as it was before.",
        ),
        as_json=as_json,
    )
