"""Reserving a financial message: everything that will be transmitted, before it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.protocol.values import OrderType

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import Card, StoredCard
    from tkkpg.gateway.model.plan import Context, Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Numbers of one financial message, drawn before the decision that uses them.

    Attributes:
        tran_id: Our number.
        two_id: Its number in the bank's back system.
        stan: Trace number, 1 to 999999.
    """

    tran_id: int
    two_id: int
    stan: int


def retrieval_reference(moment: datetime, tran_id: int) -> str:
    """Return the RRN: last digit of the year, day of the year (UTC), eight digits of our number.

    A trace number comes again after a million messages, ours never: the same RRN would take a
    hundred million transactions in one day.
    """
    return f"{moment:%Y}"[-1] + f"{moment:%j}{tran_id % 10**8:08d}"


def reserved(
    context: Context, facts: Facts, kind: TranKind, numbers: Numbers, amount_minor: int
) -> Transaction:
    """Make a transaction with all that will be transmitted, about to leave with its commit."""
    return Transaction(
        tran_id=numbers.tran_id,
        order_id=facts.order.order_id,
        merchant_id=facts.order.merchant_id,
        terminal_id=facts.merchant.terminal_id,
        kind=kind,
        state=TranState.SENT,
        amount_minor=amount_minor,
        currency=facts.order.currency,
        two_id=numbers.two_id,
        stan=numbers.stan,
        rrn=retrieval_reference(context.now, numbers.tran_id),
        created_at=context.now,
        sent_at=context.now,
    )


def authorisation(
    context: Context,
    facts: Facts,
    card: Card | StoredCard,
    numbers: Numbers,
    *,
    card_uid: str | None = None,
) -> Transaction:
    """Make the authorisation of an order: of a pre-authorisation, it holds and costs no fee yet."""
    order = facts.order
    holds = order.order_type is OrderType.PRE_AUTH
    return replace(
        reserved(context, facts, TranKind.AUTHORISATION, numbers, order.amount_minor),
        pan_masked=card.masked,
        brand=card.scheme,
        hold=holds,
        card_uid=card_uid,
        fee_minor=0 if holds else order.fee_minor,
    )


def find_transaction(facts: Facts, tran_id: int) -> Transaction:
    """Give the transaction of an order by its number.

    Raises:
        IllegalTransition: The order has no such transaction.
    """
    for tran in facts.transactions:
        if tran.tran_id == tran_id:
            return tran
    message = f"Order {facts.order.order_id} has no transaction {tran_id}."
    raise IllegalTransition(message)
