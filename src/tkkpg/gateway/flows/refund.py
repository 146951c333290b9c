"""Refund: reserve on order and account, ask the host, record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.flows.decide import decide, draw_numbers
from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.flows.record import ask_and_record, ask_refund
from tkkpg.gateway.model.decisions.refund import plan_refund
from tkkpg.gateway.model.errors import GuardFailed, PolicyRefusal
from tkkpg.gateway.model.transaction import TranState
from tkkpg.protocol.messages import RefundRequest, RefundResponse
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway

_ASK: Final = "Ask GetOrderStatus before you repeat it."
REFUSALS: Final = {
    TranState.DECLINED: (
        OperationStatus.SYSTEM_ERROR,
        f"The host declined the refund; the order is as before. {_ASK}",
    ),
    TranState.NOT_SENT: (
        OperationStatus.NO_HOST_LINK,
        "There is no link to the host; nothing was refunded. Repeat it later.",
    ),
}
"""Answers to a refund that did not come about."""
UNKNOWN: Final = (
    OperationStatus.SYSTEM_ERROR,
    f"The host has not answered; the refund is being resolved. {_ASK}",
)


async def refund(gateway: Gateway, merchant: Merchant, request: RefundRequest) -> RefundResponse:
    """Answer Refund (protocol description, 2.5).

    Raises:
        PolicyRefusal: 30 where the order does not allow it, 205 where the merchant's current
            account is short, 96 or 97 where the host did not do it.
    """
    await find_order(gateway, merchant.merchant_id, request.ref)
    numbers = await draw_numbers(gateway)
    actor = f"merchant {merchant.merchant_id}"
    try:
        plan = await decide(
            gateway,
            request.order_id,
            actor,
            lambda context, facts: plan_refund(context, facts, request, numbers),
        )
    except GuardFailed:
        message = (
            "The merchant's current account does not hold the amount of this refund. "
            "The order is as before; repeat it when the account is covered."
        )
        raise PolicyRefusal(message, status=OperationStatus.ACCOUNT_SHORT) from None
    assert plan is not None, "this planner always plans"  # noqa: S101 - says what holds
    tran = plan.new_transactions[0]
    asking = ask_and_record(gateway, tran, lambda: ask_refund(gateway, tran))
    await asyncio.shield(gateway.background.start(asking))
    return await _answer(gateway, tran)


async def _answer(gateway: Gateway, tran: Transaction) -> RefundResponse:
    facts = await gateway.store.facts(tran.order_id)
    states = {one.tran_id: one.state for one in facts.transactions} if facts else {}
    state = states.get(tran.tran_id)
    if state is TranState.APPROVED:
        return RefundResponse()
    status, message = UNKNOWN if state is None else REFUSALS.get(state, UNKNOWN)
    raise PolicyRefusal(message, status=status)
