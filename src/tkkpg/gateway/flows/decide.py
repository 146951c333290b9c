"""Load facts, decide, commit; and again when somebody else was faster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from structlog.contextvars import get_contextvars

from tkkpg.gateway.crash import reach
from tkkpg.gateway.ids import Sequence
from tkkpg.gateway.model.decisions.reservation import Numbers
from tkkpg.gateway.model.errors import GuardFailed, OrderUnknown, StoreConflict
from tkkpg.gateway.model.plan import Context, Facts, Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from tkkpg.gateway.runtime import Gateway

ATTEMPTS: Final = 5
"""Decisions before a conflict is given up; each one lost to a commit that made progress."""
GUARD_ATTEMPTS: Final = 2
"""Decisions before a failed guard is believed: a balance does not grow by asking."""


def context(gateway: Gateway, actor: str) -> Context:
    """Give a decision its identity and time; the request's id comes from the log context."""
    return Context(
        plan_id=gateway.ids.token(),
        now=gateway.clock.now(),
        request_id=str(get_contextvars().get("request_id", "")),
        actor=actor,
    )


async def draw_numbers(gateway: Gateway) -> Numbers:
    """Draw the numbers of one financial message."""
    return Numbers(
        tran_id=await gateway.ids.take(Sequence.TRANSACTION),
        two_id=await gateway.ids.take(Sequence.TWO),
        stan=await gateway.ids.stan(),
    )


async def commit(gateway: Gateway, plan: Plan) -> None:
    """Commit a plan and wake whoever has work from it."""
    reach("commit.before", plan.action)
    await gateway.store.commit(plan)
    reach("commit.after", plan.action)
    if plan.notifications:
        gateway.outbox.set()


async def decide(
    gateway: Gateway, order_id: int, actor: str, planner: Callable[[Context, Facts], Plan | None]
) -> Plan | None:
    """Decide about an order on fresh facts and commit what was decided.

    Args:
        gateway: What to work with.
        order_id: The order.
        actor: Who asks, for the audit.
        planner: Pure decision; `None` means that there is nothing to do.

    Returns:
        The committed plan, or `None`.

    Raises:
        OrderUnknown: There is no such order.
        GuardFailed: A shared balance does not allow it.
        StoreConflict: Five decisions in a row lost to somebody else's commit.
        StoreUnavailable: Nothing was stored.
    """
    guard_failures = 0
    for _ in range(ATTEMPTS):
        facts = await gateway.store.facts(order_id)
        if facts is None:
            raise OrderUnknown
        plan = planner(context(gateway, actor), facts)
        if plan is None:
            return None
        try:
            await commit(gateway, plan)
        except GuardFailed:
            guard_failures += 1
            if guard_failures == GUARD_ATTEMPTS:
                raise
        except StoreConflict:
            continue
        else:
            return plan
    raise StoreConflict
