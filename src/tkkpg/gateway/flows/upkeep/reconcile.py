"""Finding out what really happened to transactions that nobody is waiting for any more.

| no answer to      | the gateway sends            | order meanwhile, in the end              |
| ----------------- | ---------------------------- | ---------------------------------------- |
| an authorisation  | a reversal, until confirmed  | DECLINED 810 in the commit that reserves |
| a completion      | the same again               | ON-LOCK, then APPROVED or back           |
| a Reverse         | the same again               | ON-LOCK, then REVERSED or back           |
| a refund          | the same again               | ON-REFUND, then REFUNDED or back         |

After a day without an answer a transaction is parked: the operator resolves it, nobody drops it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.crash import reach
from tkkpg.gateway.flows.decide import decide
from tkkpg.gateway.flows.record import GATEWAY, ask, record, reverse
from tkkpg.gateway.model.decisions.resolution import plan_parking
from tkkpg.gateway.model.transaction import (
    PARKED_AFTER,
    UNRESOLVED,
    HostReply,
    Outcome,
    TranKind,
    TranState,
)
from tkkpg.gateway.store.base import Unresolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.runtime import Gateway

AT_ONCE: Final = 10_000
"""Transactions per round; the rest waits for the next one."""
RECOVER_EVERY_S: Final = 0.5
"""Pause between attempts while the host cannot be reached after a start."""
HOST_AT_ONCE: Final = 16
"""Transactions being resolved at a time, so that one slow answer does not hold up the rest."""
PER_SECOND: Final = 25
"""Transactions begun in a second: payments under way come first. See docs/benchmarks.md."""


async def reconcile(gateway: Gateway, sent_before: datetime) -> int:
    """Resolve transactions whose last message was sent before a time and have no final state.

    Args:
        gateway: What to work with.
        sent_before: At start-up: ever, since nothing is under way. While running: longer ago than
            the host may take, so that nothing under way is touched.

    Returns:
        The number of transactions looked at.
    """
    found = await gateway.store.unresolved(sent_before, AT_ONCE)
    await _Round(gateway).work_off(found)
    return len(found)


async def recover(gateway: Gateway, left_behind: Sequence[Unresolved]) -> None:
    """Resolve what a crash left behind, again and again until the host can be reached.

    Args:
        gateway: What to work with.
        left_behind: What was unresolved before anything new was begun.
    """
    waiting: Sequence[Unresolved] = left_behind
    while waiting:
        one_round = _Round(gateway)
        await one_round.work_off(waiting)
        waiting = one_round.unsent
        if waiting:
            await asyncio.sleep(RECOVER_EVERY_S)


class _Round:
    """One look at all that is unresolved; it ends early when the host cannot be reached.

    Attributes:
        unsent: What could not be sent, and what was then passed over, not read again: it may be
            a million transactions.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.unsent: list[Unresolved] = []

    async def work_off(self, found: Sequence[Unresolved]) -> None:
        """Resolve one after the other, several at a time."""
        waiting = iter(found)
        workers = min(HOST_AT_ONCE, len(found))
        async with asyncio.TaskGroup() as group:
            for at in range(workers):
                group.create_task(self._worker(waiting, at))

    async def _worker(self, waiting: Iterator[Unresolved], number: int) -> None:
        await asyncio.sleep(number / PER_SECOND)  # evenly, not all in one moment
        for tran in waiting:
            # What has not left an authorisation that is given up must be written all the same.
            if self.unsent and tran.state is not TranState.SENT:
                self.unsent.append(tran)
                continue
            log = self._gateway.log.bind(order_id=tran.order_id, tran_id=tran.tran_id)
            try:
                await self._attempt(tran.tran_id, log)
            except Exception:  # it keeps nobody else waiting
                log.exception("transaction_not_looked_at", state=tran.state)
            await asyncio.sleep(HOST_AT_ONCE / PER_SECOND)

    async def _attempt(self, tran_id: int, log: FilteringBoundLogger) -> None:
        """Resolve a transaction as it is now: since the round began the operator may have."""
        tran = await self._unresolved(tran_id)
        if tran is None:
            return
        reach("reconcile.found", tran.state)
        try:
            outcome = await _RESOLVE[tran.kind, tran.state is TranState.REVERSING](
                self._gateway, tran
            )
            log.warning("transaction_reconciled", state=tran.state, outcome=outcome)
            if outcome is Outcome.NOT_SENT and (now := await self._unresolved(tran_id)):
                self.unsent.append(Unresolved(tran_id, now.order_id, now.state))
        except Exception:  # it is parked all the same, when its time has come
            log.exception("transaction_not_resolved", state=tran.state)
        await _park(self._gateway, tran)
        reach("reconcile.done", tran.state)

    async def _unresolved(self, tran_id: int) -> Transaction | None:
        tran = await self._gateway.store.transaction(tran_id)
        waits = tran is not None and tran.state in UNRESOLVED and tran.parked_at is None
        return tran if waits else None


async def _park(gateway: Gateway, tran: Transaction) -> None:
    """Leave a transaction to the operator if it is still unresolved and old enough."""
    if gateway.clock.now() - (tran.sent_at or tran.created_at) >= PARKED_AFTER:
        await decide(
            gateway,
            tran.order_id,
            GATEWAY,
            lambda context, facts: plan_parking(context, facts, tran.tran_id),
        )


async def _give_up(gateway: Gateway, tran: Transaction) -> Outcome:
    """Decline an authorisation that nobody knows, and reverse it."""
    reversing = await record(gateway, tran, HostReply.silent())
    return Outcome.UNKNOWN if reversing is None else (await reverse(gateway, reversing)).outcome


async def _reverse_again(gateway: Gateway, tran: Transaction) -> Outcome:
    return (await reverse(gateway, tran, repeat=True)).outcome


async def _ask_again(gateway: Gateway, tran: Transaction) -> Outcome:
    reply = await ask(gateway, tran, repeat=True)
    # A repeat that did not leave says nothing about the message before it.
    unsent = reply.outcome is Outcome.NOT_SENT
    await record(gateway, tran, HostReply.silent() if unsent else reply)
    return reply.outcome


_RESOLVE: Final = {
    (TranKind.AUTHORISATION, False): _give_up,
    (TranKind.AUTHORISATION, True): _reverse_again,
    (TranKind.COMPLETION, False): _ask_again,
    (TranKind.REVERSAL, False): _ask_again,
    (TranKind.REFUND, False): _ask_again,
}
"""What is done about a transaction, by kind and by whether its reversal is reserved."""
