"""Group commit for SQLite: what is submitted in one turn of the event loop is one transaction.

The batch runs on the event loop, each job in its own savepoint, so that jobs see each other and
one bad job never undoes its neighbours; COMMIT, which waits for the disk, runs elsewhere, and the
connection is not touched meanwhile. Answers, conflicts too, are given after the COMMIT: before it
no reader could see the winner that a conflict lost to.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import apsw

from tkkpg.gateway.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
BATCH_MAX: Final = 256
"""Jobs in one transaction: bounds how long the event loop is busy with one batch."""


class Job(NamedTuple):
    """Work on the writing connection, and whom to tell."""

    work: Callable[[apsw.Connection], Any]
    told: asyncio.Future[Any]


Result: TypeAlias = "tuple[Job, Any, BaseException | None]"
"""A job, what it gave, and why it failed."""


class GroupCommit:
    """The only writer of a SQLite file."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        *,
        before_commit: Callable[[apsw.Connection], None],
        run_commit: Callable[[Callable[[], object]], Awaitable[object]],
        observe: Callable[[int, float], None],
    ) -> None:
        """Take what it works with.

        Args:
            connect: Opens a writing connection; called again when one has failed.
            before_commit: Last work of every batch, such as sealing.
            run_commit: Runs a blocking function away from the event loop.
            observe: Told after every commit: jobs in the batch, seconds it took.
        """
        self._connect = connect
        self._before_commit = before_commit
        self._run_commit = run_commit
        self._observe = observe
        self._connection: apsw.Connection | None = connect()
        self._waiting: deque[Job] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run work in the next batch and give its result once that is on disk.

        Raises:
            StoreUnavailable: The batch was not committed, or the store is closed.
            Exception: Whatever the work raised; then nothing of it is stored.
        """
        if self._closed:
            message = "The store is closed, because the gateway is stopping. Ask again later."
            raise StoreUnavailable(message)
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(work, told))
        if self._running is None:
            self._running = asyncio.create_task(self._work_off())
        return await told

    async def aclose(self) -> None:
        """Commit what was submitted, then close the connection."""
        self._closed = True
        while self._running is not None:
            await asyncio.wait({self._running})
        self._drop_connection()

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                size = min(len(self._waiting), BATCH_MAX)
                await self._batch([self._waiting.popleft() for _ in range(size)])
        finally:
            self._running = None

    async def _batch(self, jobs: list[Job]) -> None:
        started = perf_counter()
        results: list[Result]
        try:
            db = self._connection = self._connection or self._connect()
            db.execute("BEGIN IMMEDIATE")
            results = [_run(db, job) for job in jobs]
            self._before_commit(db)
            await self._run_commit(lambda: db.execute("COMMIT"))
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            # A connection that failed once is not trusted; the next batch opens another.
            self._drop_connection()
            results = [(job, None, _unavailable(error)) for job in jobs]
        self._observe(len(jobs), perf_counter() - started)
        for job, result, failure in results:
            if job.told.cancelled():
                continue
            if failure is None:
                job.told.set_result(result)
            else:
                job.told.set_exception(failure)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            # Closing rolls back whatever is open.
            self._connection.close(True)  # noqa: FBT003 - apsw takes no keyword: force
            self._connection = None


def _run(db: apsw.Connection, job: Job) -> Result:
    db.execute("SAVEPOINT job")
    try:
        result, failure = job.work(db), None
    except Exception as error:
        if not db.in_transaction:
            # Full disks and I/O errors roll the whole batch back, neighbours too.
            raise
        db.execute("ROLLBACK TO job")
        result, failure = None, error
    db.execute("RELEASE job")
    return job, result, failure


def _unavailable(error: Exception) -> StoreUnavailable:
    reason = StoreUnavailable(
        f"The database took no commit ({type(error).__name__}), and nothing of it is stored. "
        "Look at the disk's space and health, then ask again."
    )
    reason.__cause__ = error
    return reason
