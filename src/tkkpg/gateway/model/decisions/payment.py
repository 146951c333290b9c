"""Decisions of one payment: a card, what the host said, leaving, running out of time.

Each function takes facts and gives a `Plan`, or refuses; none of them looks at a clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tkkpg.gateway.model.decisions.authentication import abandoned
from tkkpg.gateway.model.decisions.booking import book
from tkkpg.gateway.model.decisions.notices import notices, status_notices
from tkkpg.gateway.model.decisions.reservation import Numbers, authorisation, find_transaction
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import EXPIRING, Event
from tkkpg.gateway.model.plan import Context, Facts, OrderChange, Plan, TransactionChange
from tkkpg.gateway.model.transaction import (
    OPEN,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
    event_of,
)

if TYPE_CHECKING:
    from tkkpg.gateway.model.card import SavedCard, StoredCard
    from tkkpg.gateway.model.order import Order


def plan_authorisation(
    context: Context, facts: Facts, card: StoredCard, numbers: Numbers, *, card_uid: str
) -> Plan:
    """Reserve the authorisation of a saved card, which its holder need not confirm again.

    Two steps in one commit: the card is taken (ON-PAYMENT) and the authorisation is about to
    leave (ON-LOCK); nothing happens between them, since no authentication stands there.

    Args:
        context: Identity and time.
        facts: The order as it is.
        card: Kept by the host.
        numbers: Of this message.
        card_uid: The saved card that pays.

    Raises:
        IllegalTransition: The order is not waiting for a card (any more).
    """
    order = facts.order
    if order.status_at(context.now) is not order.status:
        message = "The order's time is over."
        raise IllegalTransition(message)
    taken, _ = order.after(Event.CARD_SUBMITTED, context.now)
    locked, _ = taken.after(Event.AUTHORISATION_SENT, context.now)
    tran = authorisation(context, facts, card, numbers, card_uid=card_uid)
    return Plan(
        context=context,
        action="authorisation_reserved",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "card": card.masked, "stan": tran.stan},
        orders=(OrderChange(locked, order.version),),
        new_transactions=(tran,),
        notifications=status_notices(context, facts, locked),
    )


def plan_outcome(
    context: Context,
    facts: Facts,
    tran_id: int,
    reply: HostReply,
    *,
    reversal_stan: int,
    saved: SavedCard | None = None,
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
        saved: The card that the host keeps from now on, if it does.

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
        order = replace(order, paid_at=context.now, captured_minor=tran.amount_minor)
    finished = _finished(tran, reply, context, reversal_stan)
    if saved is None and tran.register:
        finished = replace(finished, card_uid=None)  # the host did not keep the card
    return Plan(
        context=context,
        action=f"authorisation_{reply.outcome.lower()}",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        orders=(OrderChange(order, facts.order.version),),
        transactions=(TransactionChange(finished, tran.state),),
        entries=book(rule.posting, tran, context.now),
        notifications=notices(context, facts, order, finished),
        saved_cards=(saved,) if saved else (),
    )


def _finished(
    tran: Transaction, reply: HostReply, context: Context, reversal_stan: int
) -> Transaction:
    answered = replace(
        tran,
        card_expiry=None,  # it stands with the saved card, if there is one
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
        transactions=abandoned(facts, context.now),
        notifications=notices(context, facts, order),
    )
