"""Group commit for SQLite: what is submitted in one turn of the event loop is one transaction.

The batch runs on the event loop, each job in its own savepoint, so that jobs see each other and
one bad job never undoes its neighbours; COMMIT, which waits for the disk, runs elsewhere, and the
connection is not touched meanwhile. Answers, conflicts too, are given after the COMMIT: before it
no reader could see the winner that a conflict lost to.

A COMMIT that fails may have stored the batch all the same, or leave it in the write-ahead log,
where a crash would bring it back. So another commit is put in its place first, and each plan is
looked up by its id before anybody is answered; while that is not possible, nothing more is written.
"""

from __future__ import annotations

import asyncio
import json
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
PROVEN_S: Final = 10.0
"""How long a commit proves that the next one would succeed."""


NOT_STORED: Final = "nothing of it is stored"
NOBODY_KNOWS: Final = "nobody knows whether it is stored"


class Job(NamedTuple):
    """Work on the writing connection, and whom to tell.

    Attributes:
        work: Writes; what it returns is told once it is on disk.
        told: Waits for that.
        plan_id: By which the audit tells whether it is stored; empty where there is none.
    """

    work: Callable[[apsw.Connection], Any]
    told: asyncio.Future[Any]
    plan_id: str


Result: TypeAlias = "tuple[Job, Any, BaseException | None]"
"""A job, what it gave, and why it failed."""


class GroupCommit:
    """The only writer of a SQLite file."""

    def __init__(
        self,
        connect: Callable[[], apsw.Connection],
        *,
        after_begin: Callable[[apsw.Connection], None] = lambda _db: None,
        before_commit: Callable[[apsw.Connection], None],
        run_commit: Callable[[Callable[[], object]], Awaitable[object]],
        observe: Callable[[int, float], None],
    ) -> None:
        """Take what it works with.

        Args:
            connect: Opens a writing connection; called again when one has failed.
            after_begin: First work of every batch, which may refuse to go on.
            before_commit: Last work of every batch, such as sealing.
            run_commit: Runs a blocking function away from the event loop.
            observe: Told after every commit: jobs in the batch, seconds it took.
        """
        self._connect = connect
        self._after_begin = after_begin
        self._before_commit = before_commit
        self._run_commit = run_commit
        self._observe = observe
        self._connection: apsw.Connection | None = connect()
        self._waiting: deque[Job] = deque()
        self._running: asyncio.Task[None] | None = None
        self._closed = False
        self._in_doubt = False
        self._proven_until = 0.0

    async def submit(self, work: Callable[[apsw.Connection], T], *, plan_id: str = "") -> T:
        """Run work in the next batch and return its result once that is on disk.

        Args:
            work: Writes on the connection.
            plan_id: Of the audit row that it writes, by which it is looked up after a COMMIT that
                failed; work without one is then taken as not stored, which must do no harm.

        Raises:
            StoreUnavailable: The batch was not committed, or nobody knows, or the store is closed.
            Exception: Whatever the work raised; then nothing of it is stored.
        """
        if self._closed:
            message = "The store is closed, because the gateway is stopping. Ask again later."
            raise StoreUnavailable(message)
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(work, told, plan_id))
        if self._running is None:
            self._running = asyncio.create_task(self._work_off())
        return await told

    async def prove(self) -> None:
        """Return if commits succeed: the last one did, and lately, or one of no content does now.

        Raises:
            StoreUnavailable: They fail, or the store is closed.
        """
        if self._closed or perf_counter() > self._proven_until:
            await self.submit(_touch_the_disk)

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
            db = await self._connected()
            db.execute("BEGIN IMMEDIATE")
            self._after_begin(db)
            results = [_run(db, job) for job in jobs]
            self._before_commit(db)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told, whatever it is
            # A connection that failed once is not trusted; the next batch opens another.
            self._drop_connection()
            results = [(job, None, _unavailable(error, NOT_STORED)) for job in jobs]
        else:
            try:
                await self._run_commit(lambda: db.execute("COMMIT"))
            except Exception as error:  # noqa: BLE001 - the same
                self._drop_connection()
                self._in_doubt = True
                results = await self._looked_up(results, error)
            else:
                self._proven_until = perf_counter() + PROVEN_S
        self._observe(len(jobs), perf_counter() - started)
        for job, result, failure in results:
            if job.told.cancelled():
                continue
            if failure is None:
                job.told.set_result(result)
            else:
                job.told.set_exception(failure)

    async def _connected(self) -> apsw.Connection:
        """Return the connection, a new one after a failure, and nothing in doubt behind it."""
        db = self._connection = self._connection or self._connect()
        if self._in_doubt:
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").get
            db.execute(f"PRAGMA user_version = {version}")  # writes a page, and changes nothing
            await self._run_commit(lambda: db.execute("COMMIT"))
            self._in_doubt = False
        return db

    async def _looked_up(self, results: list[Result], error: Exception) -> list[Result]:
        """Return what became of a batch whose COMMIT failed: all of it is stored, or nothing."""
        written = [job.plan_id for job, _, failure in results if failure is None and job.plan_id]
        try:
            db = await self._connected()
            ((stored,),) = db.execute(
                "SELECT count(*) FROM audit WHERE plan_id IN (SELECT value FROM json_each(?))",
                (json.dumps(written),),
            )
        except Exception:  # noqa: BLE001 - the failure that is told is the first
            self._drop_connection()
            return [(job, None, _unavailable(error, NOBODY_KNOWS)) for job, *_ in results]
        if stored:
            return results
        return [(job, None, _unavailable(error, NOT_STORED)) for job, *_ in results]

    def _drop_connection(self) -> None:
        self._proven_until = 0.0
        if self._connection is not None:
            # Closing rolls back whatever is open.
            self._connection.close(True)  # noqa: FBT003 - apsw takes no keyword: force
            self._connection = None


def _touch_the_disk(db: apsw.Connection) -> None:
    """Write as much as large plans do, and leave nothing: a full disk takes what is smaller."""
    db.execute("CREATE TABLE probe (filler BLOB)")
    db.execute("INSERT INTO probe VALUES (zeroblob(65536))")
    db.execute("DROP TABLE probe")


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


def _unavailable(error: Exception, stored: str) -> StoreUnavailable:
    if isinstance(error, StoreUnavailable):
        return error
    reason = StoreUnavailable(
        f"The database took no commit ({type(error).__name__}), and {stored}. "
        "Look at the disk's space and health, then ask again."
    )
    reason.__cause__ = error
    return reason
