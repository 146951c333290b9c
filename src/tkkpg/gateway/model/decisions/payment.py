"""Decisions of one payment: a new order, a card, what the host said, leaving, running out of time.

Each function takes facts and gives a `Plan`, or refuses; none of them looks at a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.lifecycle import EXPIRING, Event
from tkkpg.gateway.model.order import ORDER_LIFE, Order
from tkkpg.gateway.model.plan import (
    Context,
    Facts,
    Notification,
    OrderChange,
    Plan,
    TransactionChange,
)
from tkkpg.gateway.model.transaction import (
    OPEN,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
    event_of,
)
from tkkpg.gateway.model.xmlout import xmlmsg
from tkkpg.protocol.values import OrderRef, OrderStatus, OrderType

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import Card
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.protocol.messages import CreateOrderRequest


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


def retrieval_reference(moment: datetime, stan: int) -> str:
    """Make the RRN: last digit of the year, day of the year, hour, trace number (ISO 8583)."""
    return f"{moment:%Y}"[-1] + f"{moment:%j%H}{stan:06d}"


def plan_order(
    context: Context, merchant: Merchant, request: CreateOrderRequest, ref: OrderRef
) -> Plan:
    """Make a new order, ready to be paid until its time is over."""
    order = Order(
        order_id=ref.order_id,
        session_id=ref.session_id,
        merchant_id=merchant.merchant_id,
        order_type=request.order_type,
        status=OrderStatus.CREATED,
        version=1,
        amount_minor=request.amount_minor,
        currency=request.currency,
        language=request.language,
        description=request.description,
        approve_url=request.approve_url,
        cancel_url=request.cancel_url,
        decline_url=request.decline_url,
        created_at=context.now,
        updated_at=None,
        expires_at=context.now + ORDER_LIFE,
    )
    return Plan(
        context=context,
        action="order_created",
        order_id=order.order_id,
        detail={"amount_minor": order.amount_minor, "currency": order.currency.code},
        new_orders=(order,),
    )


def plan_authorisation(
    context: Context, facts: Facts, card: Card, numbers: Numbers, pan_hash: str
) -> Plan:
    """Reserve the authorisation of a submitted card, with all that will be transmitted.

    Two steps in one commit: the card is taken (ON-PAYMENT) and the authorisation is about to
    leave (ON-LOCK); nothing happens between them as long as no authentication stands there.

    Raises:
        IllegalTransition: The order is not waiting for a card (any more).
    """
    order = facts.order
    if order.status_at(context.now) is not order.status:
        message = "The order's time is over."
        raise IllegalTransition(message)
    taken, _ = order.after(Event.CARD_SUBMITTED, context.now)
    locked, _ = taken.after(Event.AUTHORISATION_SENT, context.now)
    tran = replace(
        reserved(context, facts, TranKind.AUTHORISATION, numbers, order.amount_minor),
        pan_masked=card.masked,
        pan_hash=pan_hash,
        brand=card.scheme,
        hold=order.order_type is OrderType.PRE_AUTH,
    )
    return Plan(
        context=context,
        action="authorisation_reserved",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "card": card.masked, "stan": tran.stan},
        orders=(OrderChange(locked, order.version),),
        new_transactions=(tran,),
    )


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
        rrn=retrieval_reference(context.now, numbers.stan),
        created_at=context.now,
        sent_at=context.now,
    )


def plan_outcome(
    context: Context, facts: Facts, tran_id: int, reply: HostReply, reversal_stan: int
) -> Plan | None:
    """Record what the host answered to an authorisation.

    Silence declines the order with 810 in the same commit that reserves the reversal. An answer
    that comes after that commit is kept on the transaction and changes nothing else.

    Args:
        context: Identity and time.
        facts: The order as it is.
        tran_id: The transaction that was answered.
        reply: What is certain.
        reversal_stan: Trace number of the reversal, should one be needed.

    Returns:
        The plan, or `None` when the answer was recorded before.

    Raises:
        IllegalTransition: It is no authorisation of this order, or its outcome cannot follow.
    """
    tran = find_transaction(facts, tran_id)
    if tran.state not in OPEN:
        return _late(context, tran, reply)
    event = event_of(
        tran.kind, reply.outcome, order_type=facts.order.order_type, charged=False, refunded=False
    )
    if tran.kind is not TranKind.AUTHORISATION or event is None:
        message = f"Transaction {tran_id} is no authorisation; its outcome is recorded elsewhere."
        raise IllegalTransition(message)
    order, rule = facts.order.after(event, context.now)
    if event is Event.CHARGED:
        order = replace(order, paid_at=context.now)
    finished = _finished(tran, reply, context, reversal_stan)
    return Plan(
        context=context,
        action=f"authorisation_{reply.outcome.lower()}",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        orders=(OrderChange(order, facts.order.version),),
        transactions=(TransactionChange(finished, tran.state),),
        entries=entries_of(tran, rule.posting, context),
        notifications=notifications(context, order, facts.merchant, finished),
    )


def _finished(
    tran: Transaction, reply: HostReply, context: Context, reversal_stan: int
) -> Transaction:
    answered = replace(
        tran,
        finished_at=context.now,
        response_code=reply.response_code,
        approval_code=reply.approval_code or None,
    )
    if reply.outcome is not Outcome.UNKNOWN:
        return answered.moved(TranState(reply.outcome.value))
    unknown = answered if tran.state is TranState.UNKNOWN else answered.moved(TranState.UNKNOWN)
    return replace(
        unknown.moved(TranState.REVERSING), reversal_stan=reversal_stan, reversal_at=context.now
    )


def _late(context: Context, tran: Transaction, reply: HostReply) -> Plan | None:
    """Keep what the host answered after the reversal was reserved, once."""
    reversal_reserved = tran.state in {TranState.REVERSING, TranState.REVERSED}
    answered = reply.outcome in {Outcome.APPROVED, Outcome.DECLINED}
    if not (reversal_reserved and answered) or tran.late_reply:
        return None
    late = replace(tran, late_reply=f"{reply.response_code} {reply.approval_code}".rstrip())
    return Plan(
        context=context,
        action="late_reply_kept",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        transactions=(TransactionChange(late, tran.state),),
    )


def plan_reversed(context: Context, facts: Facts, tran_id: int) -> Plan | None:
    """Record that the host has undone an authorisation whose outcome nobody knew.

    The order was declined when the reversal was reserved; it stays as it is.

    Returns:
        The plan, or `None` when this was recorded before.
    """
    tran = find_transaction(facts, tran_id)
    if tran.state is not TranState.REVERSING:
        return None
    return Plan(
        context=context,
        action="authorisation_reversed",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id},
        transactions=(TransactionChange(tran.moved(TranState.REVERSED), tran.state),),
    )


def plan_leaving(context: Context, facts: Facts) -> Plan:
    """The payer pressed cancel.

    Raises:
        IllegalTransition: A card was sent or the order has ended: it is too late to leave.
    """
    order, _ = facts.order.after(Event.PAYER_LEFT, context.now)
    if facts.order.status_at(context.now) is not facts.order.status:
        message = "The order's time is over."
        raise IllegalTransition(message)
    return _ended(context, facts, order, "payer_left")


def plan_expiry(context: Context, facts: Facts) -> Plan | None:
    """The order's time is over.

    Returns:
        The plan, or `None` when the order no longer waits.
    """
    if facts.order.status not in EXPIRING or context.now < facts.order.expires_at:
        return None
    order, _ = facts.order.after(Event.TIMED_OUT, context.now)
    return _ended(context, facts, order, "order_expired")


def _ended(context: Context, facts: Facts, order: Order, action: str) -> Plan:
    return Plan(
        context=context,
        action=action,
        order_id=order.order_id,
        orders=(OrderChange(order, facts.order.version),),
        notifications=notifications(context, order, facts.merchant, None),
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


def entries_of(tran: Transaction, posting: Posting | None, context: Context) -> tuple[Entry, ...]:
    """Book a transaction's amount, where its step books anything."""
    if posting is None:
        return ()
    return (
        Entry(
            posting=posting,
            merchant_id=tran.merchant_id,
            amount_minor=tran.amount_minor,
            currency=tran.currency,
            at=context.now,
            order_id=tran.order_id,
            tran_id=tran.tran_id,
        ),
    )


def notifications(
    context: Context,
    order: Order,
    merchant: Merchant,
    tran: Transaction | None,
    payment: Transaction | None = None,
) -> tuple[Notification, ...]:
    """Promise the XMLOut to a merchant that has a notification URL; once per plan.

    The plan's id is the delivery's id: unique, and stable over all attempts.
    """
    if not merchant.notification_url:
        return ()
    return (
        Notification(
            notification_id=context.plan_id,
            order_id=order.order_id,
            merchant_id=merchant.merchant_id,
            url=merchant.notification_url,
            xmlmsg=xmlmsg(order, merchant, tran, context.now, payment),
            due_at=context.now,
        ),
    )
