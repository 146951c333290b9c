"""Decisions of one refund: reserve it on the merchant's account, then record what the host said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tkkpg.gateway.model.decisions.payment import (
    Numbers,
    entries_of,
    find_transaction,
    notifications,
    reserved,
)
from tkkpg.gateway.model.errors import IllegalTransition
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.plan import Context, Facts, OrderChange, Plan, TransactionChange
from tkkpg.gateway.model.policy import check_refund
from tkkpg.gateway.model.transaction import (
    OPEN,
    HostReply,
    TranKind,
    Transaction,
    TranState,
    event_of,
)
from tkkpg.gateway.model.xmlout import payment_of

if TYPE_CHECKING:
    from tkkpg.protocol.messages import RefundRequest


def plan_refund(context: Context, facts: Facts, request: RefundRequest, numbers: Numbers) -> Plan:
    """Reserve a refund: on the order, on the merchant's current account, with all to transmit.

    Raises:
        PolicyRefusal: Status 30; see `policy.check_refund`.
    """
    payment = payment_of(facts.transactions)
    event = check_refund(request, facts, payment.two_id if payment else None)
    order, rule = facts.order.after(event, context.now)
    tran = replace(
        reserved(context, facts, TranKind.REFUND, numbers, request.amount_minor),
        original_id=payment.tran_id if payment else None,
        description=request.description,
        pan_masked=payment.pan_masked if payment else None,
        pan_hash=payment.pan_hash if payment else None,
        brand=payment.brand if payment else None,
    )
    return Plan(
        context=context,
        action="refund_reserved",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "amount_minor": tran.amount_minor},
        orders=(OrderChange(order, facts.order.version),),
        new_transactions=(tran,),
        entries=entries_of(tran, rule.posting, context),
    )


def plan_refund_outcome(
    context: Context, facts: Facts, tran_id: int, reply: HostReply
) -> Plan | None:
    """Record what the host answered to a refund.

    Silence leaves the order in ON-REFUND, to be repeated until there is an answer. A repeat that
    was not sent says nothing about the first message: the caller passes it as silence.

    Returns:
        The plan, or `None` when there is nothing new to record.

    Raises:
        IllegalTransition: It is no refund of this order, or its outcome cannot follow.
    """
    tran = find_transaction(facts, tran_id)
    if tran.kind is not TranKind.REFUND:
        message = f"Transaction {tran_id} is no refund; its outcome is recorded elsewhere."
        raise IllegalTransition(message)
    if tran.state not in OPEN:
        return None
    event = event_of(
        tran.kind,
        reply.outcome,
        order_type=facts.order.order_type,
        charged=True,
        refunded=facts.order.refunded_minor > 0,
    )
    if event is None:
        return _still_unknown(context, tran)
    order, rule = facts.order.after(event, context.now)
    if event is Event.REFUND_CONFIRMED:
        order = replace(
            order, refunded_minor=order.refunded_minor + tran.amount_minor, refunded_at=context.now
        )
    finished = replace(
        tran.moved(TranState(reply.outcome.value)),
        finished_at=context.now,
        response_code=reply.response_code,
        approval_code=reply.approval_code or None,
    )
    return Plan(
        context=context,
        action=f"refund_{reply.outcome.lower()}",
        order_id=order.order_id,
        detail={"tran_id": tran.tran_id, "response_code": reply.response_code},
        orders=(OrderChange(order, facts.order.version),),
        transactions=(TransactionChange(finished, tran.state),),
        entries=entries_of(tran, rule.posting, context),
        notifications=notifications(
            context, order, facts.merchant, finished, payment_of(facts.transactions)
        ),
    )


def _still_unknown(context: Context, tran: Transaction) -> Plan | None:
    if tran.state is TranState.UNKNOWN:
        return None
    return Plan(
        context=context,
        action="refund_unknown",
        order_id=tran.order_id,
        detail={"tran_id": tran.tran_id},
        transactions=(TransactionChange(tran.moved(TranState.UNKNOWN), tran.state),),
    )
