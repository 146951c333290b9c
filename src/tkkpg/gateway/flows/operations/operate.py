"""An operation on a paid order: reserve it, ask the host, record; the same for every kind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import decide, draw_numbers
from tkkpg.gateway.flows.find_order import find_order
from tkkpg.gateway.flows.record import ask, ask_and_record
from tkkpg.gateway.model.errors import GuardFailed, PolicyRefusal
from tkkpg.gateway.model.transaction import TranState
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from tkkpg.gateway.model.decisions.reservation import Numbers
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway
    from tkkpg.protocol.messages import OrderRequest


async def operate(
    gateway: Gateway,
    merchant: Merchant,
    request: OrderRequest,
    planner: Callable[[Context, Facts, Numbers], Plan],
) -> Transaction:
    """Carry out an operation and give its transaction as it ended: approved or declined.

    Args:
        gateway: What to work with.
        merchant: Who asks; the order must be its own.
        request: Names the order.
        planner: Reserves the operation, or refuses it.

    Raises:
        OrderUnknown: Status 30.
        PolicyRefusal: As the planner refuses; 205 where the merchant's current account is short;
            97 where nothing was sent, 96 where the outcome is not known yet.
    """
    await find_order(gateway, merchant.merchant_id, request.ref)
    numbers = await draw_numbers(gateway)
    try:
        plan = await decide(
            gateway,
            request.order_id,
            f"merchant {merchant.merchant_id}",
            lambda context, facts: planner(context, facts, numbers),
        )
    except GuardFailed:
        message = (
            "The merchant's current account does not hold what this takes. "
            "The order is as before; repeat it when the account is covered."
        )
        raise PolicyRefusal(message, status=OperationStatus.ACCOUNT_SHORT) from None
    assert plan is not None, "this planner always plans"  # noqa: S101 - says what holds
    tran = plan.new_transactions[0]
    asking = ask_and_record(gateway, tran, lambda: ask(gateway, tran))
    await asyncio.shield(gateway.background.start(asking))
    return await ended(gateway, tran.tran_id)


async def ended(gateway: Gateway, tran_id: int) -> Transaction:
    """Give a transaction that has its outcome.

    Raises:
        PolicyRefusal: 97 where it was not sent, 96 where its outcome is not known yet.
    """
    tran = await gateway.store.transaction(tran_id)
    if tran is not None and tran.state in {TranState.APPROVED, TranState.DECLINED}:
        return tran
    if tran is not None and tran.state is TranState.NOT_SENT:
        message = "There is no link to the host; nothing was done. Repeat it later."
        raise PolicyRefusal(message, status=OperationStatus.NO_HOST_LINK)
    message = (
        "The host has not answered; what became of it is being found out. "
        "Ask GetOrderStatus before you repeat it."
    )
    raise PolicyRefusal(message, status=OperationStatus.SYSTEM_ERROR)
