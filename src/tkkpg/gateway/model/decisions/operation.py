"""Decisions of an operation on a paid order: completion, reversal, refund.

Each is reserved on the order, and on the merchant's account where it takes from it; then what the
host said is recorded, by one function for all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.decisions.booking import book, share_of_fee
from tkkpg.gateway.model.decisions.notices import notices, status_notices
from tkkpg.gateway.model.decisions.reservation import Numbers, find_transaction, reserved
from tkkpg.gateway.model.errors import IllegalTransition, PolicyRefusal
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.plan import (
    Context,
    Facts,
    OrderChange,
    Plan,
    StillUnsettled,
    TransactionChange,
)
from tkkpg.gateway.model.policy import check_completion, check_refund, check_reversal
from tkkpg.gateway.model.transaction import (
    OPEN,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
    event_of,
)
from tkkpg.gateway.model.xmlout import payment_of
from tkkpg.protocol.converters import DESCRIPTION_MAX
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tkkpg.gateway.model.order import Order
    from tkkpg.protocol.messages import CompletionRequest, RefundRequest, ReverseRequest


def plan_completion(
    context: Context, facts: Facts, request: CompletionRequest, numbers: Numbers
) -> Plan:
    """Reserve a completion: nothing is booked, since the amount is held already.

    Raises:
        PolicyRefusal: Status 30; see `policy.check_completion`.
    """
    payment = _payment(facts, OperationStatus.INVALID_MESSAGE)  # the manual's own, at every bank
    check_completion(request, facts, payment)
    order = facts.order
    part = share_of_fee(order.fee_minor, request.amount_minor, 0, order.amount_minor)
    tran = replace(
        _about(context, facts, TranKind.COMPLETION, numbers, request.amount_minor),
        description=request.description,
        fee_minor=max(part, request.fee_minor or 0),
    )
    return _reserved(context, facts, Event.COMPLETION_SENT, tran)


def plan_reversal(
    context: Context, facts: Facts, request: ReverseRequest, numbers: Numbers
) -> Plan:
    """Reserve a reversal: of a charge on what the merchant has of it, before or after settlement.

    Raises:
        PolicyRefusal: Status 30; see `policy.check_reversal`.
    """
    event = check_reversal(request, facts, _payment(facts))
    charge = event is Event.CHARGE_REVERSAL_SENT
    order, capture = facts.order, facts.capture
    amount = order.captured_minor if charge else order.amount_minor
    settled = charge and capture is not None and capture.settled
    tran = replace(
        _about(context, facts, TranKind.REVERSAL, numbers, amount),
        description=request.description,
        source=request.source,
        positions=request.positions,
        fee_minor=_charged_fee(facts) if charge else 0,
        settled=settled,
    )
    plan = _reserved(context, facts, event, tran)
    if not charge or settled or capture is None:
        return plan
    guard = StillUnsettled(order.merchant_id, order.currency, capture.entry_id)
    return replace(plan, unsettled=(guard,))


def plan_refund(
    context: Context, facts: Facts, request: RefundRequest, numbers: Numbers, digest: str = ""
) -> Plan:
    """Reserve a refund: on the order, on the merchant's current account, with all to transmit.

    Args:
        context: Identity and time.
        facts: The order as it is.
        request: What is asked for.
        numbers: Of this message.
        digest: Of the request, by which the same one again is told.

    Raises:
        PolicyRefusal: Status 30; see `policy.check_refund`.
    """
    payment = _payment(facts)
    event = check_refund(request, facts, payment.two_id)
    order = facts.order
    fee = share_of_fee(
        _charged_fee(facts), request.amount_minor, order.refunded_minor, order.captured_minor
    )
    tran = replace(
        _about(context, facts, TranKind.REFUND, numbers, request.amount_minor),
        description=request.description,
        source=request.source,
        positions=request.positions,
        fee_minor=fee if request.with_fee else 0,
        request_digest=digest,
    )
    return _reserved(context, facts, event, tran)


def plan_operation_outcome(
    context: Context, facts: Facts, tran_id: int, reply: HostReply
) -> Plan | None:
    """Record what the host answered to an operation.

    Silence leaves the order busy, and the same message is sent again until there is an answer. A
    repeat that was not sent says nothing about the first message: the caller passes it as silence.

    Returns:
        The plan, or `None` when there is nothing new to record.

    Raises:
        IllegalTransition: It is no operation of this order, or its outcome cannot follow.
    """
    tran = find_transaction(facts, tran_id)
    if tran.kind is TranKind.AUTHORISATION:
        message = f"Transaction {tran_id} is an authorisation; its outcome is recorded elsewhere."
        raise IllegalTransition(message)
    if tran.state not in OPEN:
        return _contradicted(context, tran, reply)
    before = facts.order
    event = event_of(
        tran.kind,
        reply.outcome,
        order_type=before.order_type,
        charged=before.captured_minor > 0,
        refunded=before.refunded_minor > 0,
    )
    if event is None:
        return _still_unknown(context, tran)
    order, rule = before.after(event, context.now)
    order = _EFFECTS.get(event, _nothing)(order, tran, context.now)
    finished = replace(
        tran.moved(TranState(reply.outcome.value)),
        finished_at=context.now,
        response_code=reply.response_code,
        approval_code=reply.approval_code or None,
    )
    return Plan(
        context=context,
        action=f"{tran.kind.lower()}_{reply.outcome.lower()}",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        orders=(OrderChange(order, before.version),),
        transactions=(TransactionChange(finished, tran.state),),
        entries=book(rule.posting, finished, context.now, held_minor=before.amount_minor),
        notifications=notices(context, facts, order, finished, payment_of(facts.transactions)),
    )


def _contradicted(context: Context, tran: Transaction, reply: HostReply) -> Plan | None:
    """Keep an answer that says otherwise than the operator did: the books need a look."""
    answered = reply.outcome in {Outcome.APPROVED, Outcome.DECLINED}
    done, says_done = tran.state is TranState.APPROVED, reply.outcome is Outcome.APPROVED
    if not answered or done == says_done or tran.late_reply:
        return None
    late = replace(tran, late_reply=f"{reply.response_code} {reply.approval_code}".rstrip())
    return Plan(
        context=context,
        action="late_reply_kept",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        transactions=(TransactionChange(late, tran.state),),
    )


def _payment(
    facts: Facts, refused_with: OperationStatus = OperationStatus.WRONG_ORDER_STATUS
) -> Transaction:
    payment = payment_of(facts.transactions)
    if payment is None:
        message = (
            f"An order in {facts.order.status} was not paid: "
            "there is nothing to complete, reverse or refund."
        )
        raise PolicyRefusal(message, status=refused_with)
    return payment


def _charged_fee(facts: Facts) -> int:
    """The fee that was booked with the charge, in minor units."""
    charging = {TranKind.AUTHORISATION, TranKind.COMPLETION}
    return sum(
        tran.fee_minor
        for tran in facts.transactions
        if tran.kind in charging and tran.state is TranState.APPROVED
    )


def _about(
    context: Context, facts: Facts, kind: TranKind, numbers: Numbers, amount_minor: int
) -> Transaction:
    """Make a transaction about the order's payment, with the card as it is shown."""
    payment = _payment(facts)
    return replace(
        reserved(context, facts, kind, numbers, amount_minor),
        original_id=payment.tran_id,
        pan_masked=payment.pan_masked,
        pan_hash=payment.pan_hash,
        brand=payment.brand,
    )


def _reserved(context: Context, facts: Facts, event: Event, tran: Transaction) -> Plan:
    order, rule = facts.order.after(event, context.now)
    return Plan(
        context=context,
        action=f"{tran.kind.lower()}_reserved",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "amount_minor": tran.amount_minor, **_source(tran)},
        orders=(OrderChange(order, facts.order.version),),
        new_transactions=(tran,),
        entries=book(rule.posting, tran, context.now),
        notifications=status_notices(context, facts, order),
    )


def _source(tran: Transaction) -> dict[str, str]:
    return {"source": tran.source} if tran.source else {}


def _still_unknown(context: Context, tran: Transaction) -> Plan | None:
    if tran.state is TranState.UNKNOWN:
        return None
    return Plan(
        context=context,
        action=f"{tran.kind.lower()}_unknown",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id},
        transactions=(TransactionChange(tran.moved(TranState.UNKNOWN), tran.state),),
    )


# ---------------------------------------------------------- what a success changes on the order


def _nothing(order: Order, _tran: Transaction, _now: datetime) -> Order:
    return order


def _completed(order: Order, tran: Transaction, now: datetime) -> Order:
    """The completion's description replaces the order's (protocol description, 2.7)."""
    return replace(
        order,
        captured_minor=tran.amount_minor,
        fee_minor=tran.fee_minor,
        paid_at=now,
        description=tran.description or order.description,
    )


def _reversed(order: Order, tran: Transaction, _now: datetime) -> Order:
    """The reversal's description is appended (protocol description, 2.7)."""
    joined = (order.description + tran.description)[:DESCRIPTION_MAX]
    return replace(order, captured_minor=0, description=joined)


def _refunded(order: Order, tran: Transaction, now: datetime) -> Order:
    refunded = order.refunded_minor + tran.amount_minor
    return replace(order, refunded_minor=refunded, refunded_at=now)


_EFFECTS: Final[dict[Event, Callable[[Order, Transaction, datetime], Order]]] = {
    Event.COMPLETED: _completed,
    Event.HOLD_REVERSED: _reversed,
    Event.CHARGE_REVERSED: _reversed,
    Event.REFUND_CONFIRMED: _refunded,
}
