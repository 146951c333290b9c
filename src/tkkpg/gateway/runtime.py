"""The frozen bundle of everything that flows are handed."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator
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
    from tkkpg.gateway.threeds.base import Authenticator, Challenge


CHALLENGE_KEPT_S: Final = 900.0
"""How long a challenge is remembered, for a form that is sent again; issuers allow ten minutes."""


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


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to 3-D Secure.

    Attributes:
        work: Ends when the payment has an outcome, or the payer is to be challenged.
        challenge: The challenge as soon as there is one; `None` once it is known that there is
            none, which is before the host is asked.
    """

    work: asyncio.Task[None]
    challenge: asyncio.Future[Challenge | None]


class Authentications:
    """What this process has under way with 3-D Secure, by transaction.

    It spares asking twice and waiting for nothing. Whatever decides is in the store.
    """

    def __init__(self, background: Background) -> None:
        """Begin with nothing."""
        self._background = background
        self._asked: dict[int, Asked] = {}
        self._concluding: dict[int, asyncio.Task[None]] = {}
        self._results: dict[str, asyncio.Event] = {}
        self._waiting: set[asyncio.Task[Any]] = set()

    def ask(
        self,
        tran_id: int,
        work: Callable[[asyncio.Future[Challenge | None]], Coroutine[Any, Any, None]],
    ) -> Asked:
        """Begin the work for a transaction, or give what was begun for it before."""
        known = self._asked.get(tran_id)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        challenge: asyncio.Future[Challenge | None] = loop.create_future()
        asked = self._asked[tran_id] = Asked(self._background.start(work(challenge)), challenge)

        def ended(_: object) -> None:
            if not challenge.done():
                challenge.set_result(None)
            kept_s = CHALLENGE_KEPT_S if challenge.result() else 0.0
            loop.call_later(kept_s, self._asked.pop, tran_id, None)

        asked.work.add_done_callback(ended)
        return asked

    def conclude(
        self, tran_id: int, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        """Begin what follows a challenge, or give what was begun for it before."""
        task = self._concluding.get(tran_id)
        if task is None:
            task = self._concluding[tran_id] = self._background.start(work())
            task.add_done_callback(lambda _: self._concluding.pop(tran_id, None))
        return task

    def under_way(self, tran_id: int) -> bool:
        """Say whether a transaction will go on without its payer."""
        asked = self._asked.get(tran_id)
        return tran_id in self._concluding or (asked is not None and not asked.work.done())

    @contextmanager
    def awaiting(self, server_trans_id: str) -> Iterator[asyncio.Event]:
        """Give what is set when the result of a challenge was kept by this process."""
        event = self._results.setdefault(server_trans_id, asyncio.Event())
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever waits is one
        self._waiting.add(task)
        try:
            yield event
        finally:
            self._waiting.discard(task)
            self._results.pop(server_trans_id, None)

    def waiting(self) -> set[asyncio.Task[Any]]:
        """Give the work that waits for a result, and has sent nothing yet."""
        return set(self._waiting)

    async def stop(self) -> None:
        """Give up waiting for results, which nobody brings any more; the store has the attempts."""
        for task in self._waiting:
            task.cancel()

    def kept(self, server_trans_id: str) -> None:
        """Wake who waits for a result."""
        event = self._results.get(server_trans_id)
        if event is not None:
            event.set()


@dataclass(slots=True)
class Upkeep:
    """What the gateway does by itself, and how far it is.

    Attributes:
        expired: Orders that ran out of time.
        passed_over: Orders that could not be expired, and when each is tried again.
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
    passed_over: dict[int, datetime] = field(default_factory=dict)
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
    authenticator: Authenticator
    courier: Courier
    clock: Clock
    ids: Ids
    keys: Keys
    metrics: Metrics
    log: FilteringBoundLogger
    background: Background
    authentications: Authentications
    outbox: asyncio.Event = field(default_factory=asyncio.Event)
    upkeep: Upkeep = field(default_factory=Upkeep)
