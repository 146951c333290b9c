"""Asking the host with no transaction open, and recording what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.model.decisions.payment import plan_outcome, plan_reversed
from tkkpg.gateway.model.decisions.refund import plan_refund_outcome
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind, Transaction, TranState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tkkpg.gateway.model.plan import Context, Facts, Plan
    from tkkpg.gateway.runtime import Gateway

GATEWAY = "gateway"
"""Actor of what the gateway does by itself."""


async def ask_and_record(
    gateway: Gateway, tran: Transaction, ask: Callable[[], Awaitable[HostReply]]
) -> None:
    """Send a reserved transaction and record its outcome; reverse it if nobody knows.

    Raises:
        StoreUnavailable: The outcome is not recorded; reconciliation finds the transaction.
    """
    reply = await ask()
    gateway.metrics.host_asked(tran.kind, reply.outcome)
    await record(gateway, tran, reply)


async def record(gateway: Gateway, tran: Transaction, reply: HostReply) -> None:
    """Record the outcome of a transaction; recording the same twice changes nothing."""
    gateway.log.info(
        "host_answered",
        order_id=tran.order_id,
        tran_id=tran.tran_id,
        kind=tran.kind,
        outcome=reply.outcome,
        response_code=reply.response_code,
    )
    if tran.kind is TranKind.REFUND:
        await decide(
            gateway,
            tran.order_id,
            GATEWAY,
            lambda context, facts: plan_refund_outcome(context, facts, tran.tran_id, reply),
        )
        return
    stan = await gateway.ids.stan() if reply.outcome is Outcome.UNKNOWN else 0

    def planner(context: Context, facts: Facts) -> Plan | None:
        return plan_outcome(context, facts, tran.tran_id, reply, stan)

    plan = await decide(gateway, tran.order_id, GATEWAY, planner)
    if plan is not None:
        for change in plan.transactions:
            if change.transaction.state is TranState.REVERSING:
                gateway.background.start(reverse(gateway, change.transaction))


async def reverse(gateway: Gateway, tran: Transaction) -> None:
    """Send the reversal of an authorisation that nobody knows, and record its confirmation.

    Without a confirmation the transaction stays REVERSING, and reconciliation asks again.
    """
    reply = await gateway.host.reverse(tran)
    gateway.metrics.host_asked(TranKind.REVERSAL, reply.outcome)
    if reply.outcome is Outcome.APPROVED:
        await decide(
            gateway,
            tran.order_id,
            GATEWAY,
            lambda context, facts: plan_reversed(context, facts, tran.tran_id),
        )
