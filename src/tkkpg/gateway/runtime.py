"""The frozen bundle of everything that flows are handed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from tkkpg.gateway.clock import Clock
    from tkkpg.gateway.config import GatewayConfig
    from tkkpg.gateway.host.base import Host
    from tkkpg.gateway.ids import Ids
    from tkkpg.gateway.keys import Keys
    from tkkpg.gateway.metrics import Metrics
    from tkkpg.gateway.notify.base import Courier
    from tkkpg.gateway.store.base import Store


class Background:
    """Work that must be finished whoever stops waiting for it, such as a payment under way."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        """Log what fails: nobody may be waiting for it any more."""
        self._log = log
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run work to its end, also when the request that began it goes away."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("background_failed", exc_info=task.exception())

    def under_way(self) -> set[asyncio.Task[Any]]:
        """Give what is not finished now."""
        return set(self._tasks)

    async def drain(self, timeout_s: float) -> int:
        """Wait until all is finished, what it began meanwhile too; give what was not."""
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        while self._tasks and loop.time() < end:
            await asyncio.wait(set(self._tasks), timeout=end - loop.time())
        unfinished = set(self._tasks)
        for task in unfinished:
            task.cancel()
        if unfinished:
            await asyncio.wait(unfinished)
        return len(unfinished)


class Rounds:
    """Rounds of one kind of upkeep: one at a time, whoever asks for them.

    Attributes:
        done: What all rounds together have done.
    """

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._turn = asyncio.Lock()
        self.done = 0

    async def run(self, work: Callable[[], Awaitable[int]]) -> int:
        """Wait for the turn, do the work and give how much it was."""
        async with self._turn:
            done = await work()
            self.done += done
            return done


@dataclass(slots=True)
class Upkeep:
    """What the gateway does by itself, and how far it is.

    Attributes:
        expired: Orders that ran out of time.
        reconciled: Unresolved transactions that were asked about.
        settled: Merchants whose charges became their money.
        notified: Notifications that were attempted.
        settle_at: Business time of the next settlement.
        looks_old: Messages under way while the clock was moved: by it they look older than they
            are, so they must have ended before anybody takes them for unresolved.
        catching_up: Works off what fell due by the last move.
        before: What was done before that move.
    """

    expired: Rounds = field(default_factory=Rounds)
    reconciled: Rounds = field(default_factory=Rounds)
    settled: Rounds = field(default_factory=Rounds)
    notified: Rounds = field(default_factory=Rounds)
    settle_at: datetime | None = None
    looks_old: set[asyncio.Task[Any]] = field(default_factory=set)
    catching_up: asyncio.Task[None] | None = None
    before: dict[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Say how much was done of each kind."""
        kinds = ("expired", "reconciled", "settled", "notified")
        return {kind: getattr(self, kind).done for kind in kinds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One running gateway.

    Attributes:
        outbox: Set when a notification was promised, so that delivery need not wait.
        upkeep: What it does by itself.
    """

    config: GatewayConfig
    store: Store
    host: Host
    courier: Courier
    clock: Clock
    ids: Ids
    keys: Keys
    metrics: Metrics
    log: FilteringBoundLogger
    background: Background
    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    upkeep: Upkeep = field(default_factory=Upkeep)
