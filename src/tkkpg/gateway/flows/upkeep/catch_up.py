"""Moving the business clock, and running everything that fell due by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tkkpg.gateway.flows.upkeep.deliver import AT_ONCE
from tkkpg.gateway.flows.upkeep.rounds import (
    deliver_round,
    expire_rounds,
    reconcile_round,
    settle_round,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from tkkpg.gateway.runtime import Gateway


def advance(gateway: Gateway, step: timedelta) -> None:
    """Move business time forward, and begin to run what fell due.

    Only for a gateway that has caught up with the move before: `caught_up` says so.

    Raises:
        ConfigurationError: The clock refuses the step; nothing has changed.
    """
    upkeep = gateway.upkeep
    assert upkeep.catching_up is None or upkeep.catching_up.done()  # noqa: S101 - or it waits for itself
    before = upkeep.counts()
    gateway.clock.advance(step)
    upkeep.looks_old |= gateway.background.under_way() - gateway.authentications.waiting()
    upkeep.before = before
    # Now: the worker that wakes writes down the next time before it has settled.
    settles = upkeep.settle_at is None or gateway.clock.now() >= upkeep.settle_at
    upkeep.catching_up = gateway.background.start(_catch_up(gateway, settles=settles))


async def caught_up(gateway: Gateway, patience_s: float) -> bool:
    """Wait until all that fell due has run, also by a move meanwhile; say whether it has."""
    loop = asyncio.get_running_loop()
    end = loop.time() + patience_s
    while True:
        task = gateway.upkeep.catching_up
        if task is None or task.done():
            return True
        left_s = end - loop.time()
        if left_s <= 0:
            return False
        await asyncio.wait({task}, timeout=left_s)


def ran(gateway: Gateway) -> dict[str, int]:
    """Say how much of what fell due by the last move has run, by kind."""
    upkeep = gateway.upkeep
    return {kind: done - upkeep.before.get(kind, 0) for kind, done in upkeep.counts().items()}


async def _catch_up(gateway: Gateway, *, settles: bool) -> None:
    """Run what is due, in the order in which one may bring about the next.

    Transactions and notifications are tried once, as when their time comes by itself: who stays
    silent now is asked again later.

    Raises:
        ExceptionGroup: Some kinds could not be run; all others were.
    """
    failures: list[Exception] = []
    for run in (expire_rounds, reconcile_round, *([settle_round] if settles else []), _deliver_all):
        try:
            await run(gateway)
        except Exception as error:  # noqa: BLE001 - raised below, when the others have had their turn
            failures.append(error)
    if failures:
        message = "Not all that fell due could be run"
        raise ExceptionGroup(message, failures)


async def _deliver_all(gateway: Gateway) -> None:
    queued = (await gateway.store.backlog()).queued
    for _ in range(queued // AT_ONCE + 1):
        if not await deliver_round(gateway):
            break
