"""The frozen bundle of everything that flows are handed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """One running gateway.

    Attributes:
        outbox: Set when a notification was promised, so that delivery need not wait.
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
