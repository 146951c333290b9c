"""`tkkpg order complete`."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.outcome import Outcome, status_after, tell
from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command
from tkkpg.cli.values import AMOUNT
from tkkpg.client import Amount, Client, OrderRef


@click.command("complete", cls=Command)
@with_ref
@click.option(
    "--amount", type=AMOUNT, required=True, help="In AZN, such as 30.00; at most what is held."
)
@click.option("--fee", type=AMOUNT, help="What the merchant pays for it; else the order's own.")
@click.option("--description", default="", help="Replaces the order's own.")
@with_client
def complete(
    client: Client,
    *,
    ref: OrderRef,
    amount: Amount,
    fee: Amount | None,
    description: str,
    as_json: bool,
) -> None:
    """Charge money that an order of the type PreAuth holds; the rest is released.

    There is one completion: to charge less, complete a part, or refund later.
    """
    done = client.complete(ref, amount=amount, fee=fee, description=description)
    tell(
        Outcome(
            order_id=ref.order_id,
            approved=done.approved,
            response_code=done.response_code,
            approval_code=done.approval_code,
            order_status=status_after(client, ref, "completion"),
            otherwise="Nothing was charged and the money is still held: complete again, or "
            "release it with `tkkpg order reverse`.",
        ),
        as_json=as_json,
    )
