"""The row of GetOrderInformation and GetOrders: everything about an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.model.decisions.new_order import SAVE_CARD_UID
from tkkpg.gateway.model.receipt import receipt
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.model.xmlout import local, operation_name, payment_of
from tkkpg.protocol.messages import (
    OperationRow,
    OrderInformation,
    Param,
    Position,
    UnpaidOrderInformation,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.plan import Facts


def order_row(facts: Facts, now: datetime) -> OrderInformation:
    """Write facts as the document's row; an unpaid order has empty elements (description, 7.21)."""
    order = facts.order
    paid = local(order.paid_at)
    payment = payment_of(facts.transactions)
    approved = payment is not None and payment.state is TranState.APPROVED
    kind = OrderInformation if paid else UnpaidOrderInformation
    return kind(
        order_id=order.order_id,
        session_id=order.session_id,
        created=local(order.created_at) or order.created_at,
        updated=local(order.updated_at),
        paid=paid,
        merchant_id=order.merchant_id,
        amount_minor=order.amount_minor,
        currency=order.currency,
        language=order.language,
        description=order.description,
        approve_url=order.approve_url,
        cancel_url=order.cancel_url,
        decline_url=order.decline_url,
        order_status=order.told_at(now, facts.merchant.profile.refund_shown_s),
        receipt=receipt(order, facts.merchant, facts.transactions),
        two_id=payment.two_id if payment and approved else None,
        refund_amount_minor=order.refunded_minor if paid else None,
        refund_currency=order.currency if order.refunded_minor else None,
        order_type=order.order_type,
        fee_minor=order.fee_minor,
        email=order.email,
        refunded=local(order.refunded_at),
        two_date=paid,
        two_time=paid.time() if paid else None,
    )


def params(facts: Facts) -> tuple[Param, ...]:
    """Give the order's parameters, and the saved card where the merchant asked for it there."""
    order = facts.order
    saved = [
        Param(name="CardUID", value=tran.saved_card_uid)
        for tran in facts.transactions
        if tran.saved_card_uid
    ]
    return (*order.params, *(saved if order.param(SAVE_CARD_UID) else ()))


def positions(facts: Facts) -> tuple[Position, ...]:
    """Give the lines of goods of the order, then those of each operation that was approved."""
    approved = (tran for tran in facts.transactions if tran.state is TranState.APPROVED)
    return (*facts.order.positions, *(line for tran in approved for line in tran.positions))


def operations(facts: Facts) -> tuple[OperationRow, ...]:
    """Give what was done with an order, oldest first: what the host approved."""
    order = facts.order
    return tuple(
        OperationRow(
            tran_id=tran.tran_id,
            created=local(tran.created_at) or tran.created_at,
            merchant_id=tran.merchant_id,
            terminal_id=tran.terminal_id,
            kind=operation_name(tran.kind, order),
            name=operation_name(tran.kind, order),
            order_id=tran.order_id,
            amount_minor=tran.amount_minor,
            currency=tran.currency,
            approval_code=tran.approval_code or "",
            two_id=tran.two_id,
        )
        for tran in facts.transactions
        if tran.state is TranState.APPROVED
    )
