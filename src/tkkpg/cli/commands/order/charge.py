"""`tkkpg order charge`: a saved card pays, without its payer."""

from __future__ import annotations

import click

from tkkpg.cli.commands.order.outcome import Outcome, tell
from tkkpg.cli.commands.order.ref import with_ref
from tkkpg.cli.merchant import with_client
from tkkpg.cli.output import Command
from tkkpg.cli.values import AMOUNT, CARD_UID
from tkkpg.client import Amount, CardPayment, Client, OrderRef
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.masking import Secret


@click.command("charge", cls=Command)
@with_ref
@click.option("--amount", type=AMOUNT, required=True, help="The order's own, such as 30.00.")
@click.option(
    "--card",
    type=CARD_UID,
    required=True,
    metavar="UID",
    help="CardUID of the saved card. `-` reads it from standard input, where neither the list of "
    "processes nor the shell's history has it.",
)
@with_client
def charge(client: Client, *, ref: OrderRef, amount: Amount, card: Secret, as_json: bool) -> None:
    """Pay a new order with a saved card, without its payer.

    Create the order with the same card: `tkkpg order create --saved-card UID`. A CardUID is
    money, so it is never printed.
    """
    payment = client.pay_with_saved_card(ref, amount=amount, card_uid=card.reveal())
    tell(
        Outcome(
            order_id=ref.order_id,
            approved=payment.approved if payment.is_final else None,
            response_code=payment.response_code,
            approval_code=payment.xmlout.approval_code or "",
            order_status=payment.order_status,
            otherwise=_advice(payment),
        ),
        as_json=as_json,
    )


def _advice(payment: CardPayment) -> str:
    """Say what to do where the card did not pay."""
    if not payment.is_final:
        return "Do not charge again: `tkkpg order wait` tells how it ends."
    if not payment.response_code:
        return "The card was not charged."
    return f"The card was not charged. {response_code(payment.response_code).family.advice}"
