"""`tkkpg order refund`: once as it is, or as often as it takes and still only once."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.outcome import status_after
from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import FAILED, Command, print_facts, print_json, printable
from tkkpg.cli.values import AMOUNT
from tkkpg.client import Amount, Client, OrderRef, OrderStatus, SafeRefund
from tkkpg.protocol.values import OperationStatus


@click.command("refund", cls=Command)
@with_ref
@click.option("--amount", type=AMOUNT, required=True, help="In AZN, such as 30.00.")
@click.option("--description", default="", help="A note.")
@click.option("--with-fee", is_flag=True, help="The merchant's fee is returned too.")
@click.option(
    "--refunded-before",
    type=AMOUNT,
    help="All that was refunded of the order before; 0 at first. With it the command may be "
    "repeated, with the same amounts: it asks first, and never refunds twice.",
)
@with_client
def refund(
    client: Client,
    *,
    ref: OrderRef,
    amount: Amount,
    description: str,
    with_fee: bool,
    refunded_before: Amount | None,
    as_json: bool,
) -> None:
    """Give money of a paid order back, whole or in parts.

    Without --refunded-before it is asked for once; after a lost answer, do not repeat it.
    """
    if refunded_before is None:
        client.refund(ref, amount=amount, description=description, with_fee=with_fee)
        _tell(ref, amount, status_after(client, ref, "refund"), as_json=as_json)
        return
    refunded = client.refund_safely(
        ref,
        amount=amount,
        refunded_before=refunded_before,
        description=description,
        with_fee=with_fee,
    )
    _tell_safe(ref, refunded, status_after(client, ref, "refund"), as_json=as_json)


def _tell(
    ref: OrderRef, amount: Amount, order_status: OrderStatus | None, *, as_json: bool
) -> None:
    if as_json:
        told = {"status": OperationStatus.OK, "order_id": ref.order_id}
        print_json(told | {"order_status": order_status})
    else:
        print_facts({"Order": ref.order_id, "Returned": amount, "Status": order_status})


def _tell_safe(
    ref: OrderRef, refunded: SafeRefund, order_status: OrderStatus | None, *, as_json: bool
) -> None:
    """Print what the books say; exit status 1 for a refund that was declined."""
    refusal = refunded.refusal
    if as_json:
        told: dict[str, object] = {
            "status": refusal.status if refusal else OperationStatus.OK if refunded.done else None,
            "order_id": ref.order_id,
            "order_status": order_status,
            "outcome": refunded.outcome,
            "refunded_minor": refunded.refunded.minor,
            "currency": refunded.refunded.currency.alpha,
        }
        print_json(told | ({"error": refusal.message} if refusal else {}))
    else:
        print_facts(
            {
                "Order": ref.order_id,
                "Refund": refunded.outcome,
                "Returned in all": refunded.refunded,
                "Status": order_status,
            }
        )
    if not refunded.done:
        why = refusal.message if refusal else "The refund was declined; nothing is under way."
        click.echo(f"Error: {printable(why)}", err=True)
        click.get_current_context().exit(FAILED)
