"""Many jobs, one COMMIT: nobody is told before it, and one bad job harms nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import ClassVar, TypeAlias

import apsw
import pytest

from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.gateway.store import group_commit
from tkkpg.gateway.store.group_commit import BATCH_MAX, GroupCommit
from tkkpg.gateway.store.sqlite import connect

pytestmark = pytest.mark.anyio

Work: TypeAlias = Callable[[apsw.Connection], int]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one table."""
    file = tmp_path / "small.db"
    with closing(apsw.Connection(str(file))) as db:
        db.execute("CREATE TABLE kept (number INTEGER PRIMARY KEY, filler BLOB)")
        db.execute("CREATE TABLE audit (plan_id TEXT UNIQUE)")
    return file


def keep(number: int, size: int = 0) -> Work:
    """Store a number, with some bytes to fill the disk."""

    def work(db: apsw.Connection) -> int:
        db.execute("INSERT INTO kept VALUES (?, zeroblob(?))", (number, size))
        return number

    return work


def kept(path: Path) -> list[int]:
    """What is in the file, as another connection sees it."""
    with closing(connect(path, writing=False)) as db:
        return [number for (number,) in db.execute("SELECT number FROM kept ORDER BY number")]


async def run_here(commit: Callable[[], object]) -> object:
    """Run COMMIT at once."""
    return commit()


@asynccontextmanager
async def committing(
    path: Path,
    *,
    opened: Callable[[], apsw.Connection] | None = None,
    before_commit: Callable[[apsw.Connection], None] = lambda _db: None,
    run_commit: Callable[[Callable[[], object]], Awaitable[object]] = run_here,
    observe: Callable[[int, float], None] = lambda _size, _seconds: None,
) -> AsyncIterator[GroupCommit]:
    """A writer of the file; closed at the end."""
    group = GroupCommit(
        opened or (lambda: connect(path, writing=True)),
        before_commit=before_commit,
        run_commit=run_commit,
        observe=observe,
    )
    try:
        yield group
    finally:
        await group.aclose()


async def outcomes(group: GroupCommit, *works: Work) -> list[int | BaseException]:
    """Submit side by side: what each gave or raised."""
    return await asyncio.gather(*map(group.submit, works), return_exceptions=True)


async def test_work_gives_its_result_and_is_stored(path: Path) -> None:
    async with committing(path) as group:
        assert await group.submit(keep(7)) == 7
        assert kept(path) == [7]


async def test_what_is_submitted_together_is_one_commit(path: Path) -> None:
    sizes: list[int] = []
    async with committing(path, observe=lambda size, _seconds: sizes.append(size)) as group:
        await outcomes(group, *map(keep, range(20)))

    assert sizes == [20]
    assert kept(path) == list(range(20))


async def test_a_batch_is_bounded_and_the_rest_comes_next(path: Path) -> None:
    sizes: list[int] = []
    async with committing(path, observe=lambda size, _seconds: sizes.append(size)) as group:
        await outcomes(group, *map(keep, range(BATCH_MAX + 3)))

    assert sizes == [BATCH_MAX, 3]


async def test_every_commit_is_timed(path: Path) -> None:
    took: list[float] = []

    async def slowly(commit: Callable[[], object]) -> object:
        await asyncio.sleep(0.02)
        return commit()

    async with committing(
        path, run_commit=slowly, observe=lambda _size, seconds: took.append(seconds)
    ) as group:
        await group.submit(keep(1))

    assert took[0] >= 0.02


async def test_jobs_of_one_batch_see_each_other(path: Path) -> None:
    def count(db: apsw.Connection) -> int:
        return int(db.execute("SELECT count(*) FROM kept").get)

    async with committing(path) as group:
        assert await outcomes(group, count, keep(1), count) == [0, 1, 1]


async def test_a_bad_job_is_undone_and_its_neighbours_are_not(path: Path) -> None:
    def half(db: apsw.Connection) -> int:
        keep(2)(db)
        raise LookupError("no")

    async with committing(path) as group:
        first, second, third = await outcomes(group, keep(1), half, keep(3))

    assert (first, third) == (1, 3)
    assert isinstance(second, LookupError)
    assert kept(path) == [1, 3]


async def test_a_bad_statement_undoes_its_own_job_alone(path: Path) -> None:
    async with committing(path) as group:
        told = await outcomes(group, keep(1), keep(1), keep(2))

    assert isinstance(told[1], apsw.ConstraintError)
    assert kept(path) == [1, 2]


async def test_nobody_is_told_before_the_commit_ran(path: Path) -> None:
    happened: list[object] = []

    async def recorded(commit: Callable[[], object]) -> object:
        happened.append("before COMMIT")
        await asyncio.sleep(0.01)
        happened.append(kept(path))
        commit()
        happened.append("COMMIT")
        return None

    def refuse(_db: apsw.Connection) -> int:
        raise LookupError("no")

    async def ask(work: Work) -> None:
        try:
            happened.append(await group.submit(work))
        except LookupError:
            happened.append("refused")

    async with committing(path, run_commit=recorded) as group:
        await asyncio.gather(ask(keep(1)), ask(refuse))

    assert happened == ["before COMMIT", [], "COMMIT", 1, "refused"]


async def test_what_comes_while_a_commit_runs_waits_for_the_next(path: Path) -> None:
    sizes: list[int] = []
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def held(commit: Callable[[], object]) -> object:
        begun.set()
        await go_on.wait()
        return commit()

    async with committing(
        path, run_commit=held, observe=lambda size, _seconds: sizes.append(size)
    ) as group:
        first = asyncio.create_task(group.submit(keep(1)))
        await begun.wait()
        others = [asyncio.create_task(group.submit(keep(number))) for number in (2, 3)]
        await asyncio.sleep(0)
        assert not first.done()
        go_on.set()
        await asyncio.gather(first, *others)

    assert sizes == [1, 2]


async def test_the_last_work_of_a_batch_is_in_its_commit(path: Path) -> None:
    def seal(db: apsw.Connection) -> None:
        keep(100 + int(db.execute("SELECT count(*) FROM kept").get))(db)

    async with committing(path, before_commit=seal) as group:
        await outcomes(group, keep(1), keep(2))

    assert kept(path) == [1, 2, 102]


async def test_who_gave_up_waiting_disturbs_nobody(path: Path) -> None:
    async with committing(path) as group:
        impatient = asyncio.create_task(group.submit(keep(1)))
        patient = asyncio.create_task(group.submit(keep(2)))
        await asyncio.sleep(0)
        impatient.cancel()

        assert await patient == 2


# ---------------------------------------------------------------- the database fails


def all_unavailable(told: list[int | BaseException]) -> bool:
    """Whether everybody was told that nothing is stored."""
    return all(isinstance(one, StoreUnavailable) for one in told)


async def test_a_failed_commit_fails_its_batch_and_the_next_one_works(path: Path) -> None:
    problems: Iterator[Exception | None] = iter([OSError("the disk is gone")])

    async def sometimes(commit: Callable[[], object]) -> object:
        problem = next(problems, None)
        if problem is not None:
            raise problem
        return commit()

    async with committing(path, run_commit=sometimes) as group:
        told = await outcomes(group, keep(1), keep(2))
        after = await outcomes(group, keep(3))

    assert all_unavailable(told)
    assert after == [3]
    assert kept(path) == [3]


def planned(number: int, plan_id: str) -> Work:
    """Store a number as a plan with an id does."""

    def work(db: apsw.Connection) -> int:
        db.execute("INSERT INTO audit VALUES (?)", (plan_id,))
        return keep(number)(db)

    return work


async def test_a_commit_whose_answer_was_lost_is_looked_up_and_told(path: Path) -> None:
    lost = iter([True])

    async def answer_lost(commit: Callable[[], object]) -> object:
        commit()
        if next(lost, False):
            raise apsw.IOError("disk I/O error")
        return None

    async with committing(path, run_commit=answer_lost) as group:
        assert await group.submit(planned(1, "p1"), plan_id="p1") == 1
        assert await group.submit(keep(2)) == 2

    assert kept(path) == [1, 2]


async def test_where_nobody_can_look_nobody_is_told_that_nothing_is_stored(path: Path) -> None:
    broken = [True]

    def opened() -> apsw.Connection:
        if broken[0] and opening:
            raise apsw.CantOpenError("unable to open database file")
        opening.append(True)
        return connect(path, writing=True)

    async def fail(commit: Callable[[], object]) -> object:
        if broken[0]:
            raise apsw.IOError("disk I/O error")
        return commit()

    opening: list[bool] = []
    async with committing(path, opened=opened, run_commit=fail) as group:
        with pytest.raises(StoreUnavailable, match="nobody knows whether it is stored"):
            await group.submit(planned(1, "p1"), plan_id="p1")
        broken[0] = False
        assert await group.submit(keep(2)) == 2

    assert kept(path) == [2]


class UnsyncedFile(apsw.VFSFile):
    """A file whose next sync fails when it is asked to."""

    failing: ClassVar[list[bool]] = []

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        if self.failing and self.failing.pop():
            raise apsw.IOError("the disk did not take it")
        super().xSync(flags)


class UnsyncedVFS(apsw.VFS):
    """The system's files, with syncs that fail."""

    def __init__(self) -> None:
        super().__init__("unsynced", "")

    def xOpen(  # noqa: N802 - the same
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        return UnsyncedFile("", name, flags)


async def test_what_was_said_not_to_be_stored_does_not_come_back_after_a_crash(
    path: Path, tmp_path: Path
) -> None:
    vfs = UnsyncedVFS()

    def opened() -> apsw.Connection:
        db = apsw.Connection(str(path), vfs="unsynced")
        db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL").fetchall()
        return db

    # Whoever reads keeps the write-ahead log from being cleared away with the connection.
    with closing(connect(path, writing=False)) as reader:
        reader.execute("SELECT count(*) FROM kept").fetchall()
        await commit_and_crash(path, opened, tmp_path)

    assert kept(tmp_path / "after.db") == [1]
    vfs.unregister()


async def commit_and_crash(path: Path, opened: Callable[[], apsw.Connection], folder: Path) -> None:
    """Have a sync fail, and keep what a crash at the moment of the answer leaves on the disk."""
    async with committing(path, opened=opened) as group:
        assert await group.submit(keep(1)) == 1
        UnsyncedFile.failing.append(True)
        with pytest.raises(StoreUnavailable, match="nothing of it is stored"):
            await group.submit(planned(2, "p2"), plan_id="p2")
        for suffix in ("", "-wal"):
            copy = folder / f"after.db{suffix}"
            copy.write_bytes(path.with_name(path.name + suffix).read_bytes())


async def test_a_refusal_in_a_failed_batch_is_not_told_as_one(path: Path) -> None:
    def refuse(_db: apsw.Connection) -> int:
        raise LookupError("lost to a neighbour that is not stored either")

    async def fail(_commit: Callable[[], object]) -> object:
        raise OSError

    async with committing(path, run_commit=fail) as group:
        assert all_unavailable(await outcomes(group, keep(1), refuse))


async def test_failing_last_work_fails_the_batch(path: Path) -> None:
    def seal(db: apsw.Connection) -> None:
        if db.execute("SELECT count(*) FROM kept").get == 1:
            raise ValueError("no key")

    async with committing(path, before_commit=seal) as group:
        assert all_unavailable(await outcomes(group, keep(1)))
        assert await outcomes(group, keep(2), keep(3)) == [2, 3]

    assert kept(path) == [2, 3]


async def test_a_full_disk_fails_the_batch_and_room_lets_the_next_one_through(path: Path) -> None:
    room = [8]

    def opened() -> apsw.Connection:
        db = connect(path, writing=True)
        db.execute(f"PRAGMA max_page_count = {room[0]}")
        return db

    async with committing(path, opened=opened) as group:
        assert await outcomes(group, keep(1)) == [1]
        told = await outcomes(group, keep(2), keep(3, 1_000_000), keep(4))
        small = await outcomes(group, keep(5))
        room[0] = 1000
        # The connection was replaced after the failure; only a new one knows of the room.
        assert all_unavailable(await outcomes(group, keep(6, 1_000_000)))
        large = await outcomes(group, keep(7, 1_000_000))

    assert all_unavailable(told)
    assert (small, large) == ([5], [7])
    assert kept(path) == [1, 5, 7]


async def test_a_full_disk_is_told_until_there_is_room_and_commits_prove_themselves(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, sizes = [12], list[int]()

    def opened() -> apsw.Connection:
        db = connect(path, writing=True)
        db.execute(f"PRAGMA max_page_count = {room[0]}")
        return db

    async with committing(
        path, opened=opened, observe=lambda size, _seconds: sizes.append(size)
    ) as group:
        assert await outcomes(group, keep(1)) == [1]
        await group.prove()  # by the commit before
        assert sizes == [1]
        monkeypatch.setattr(group_commit, "PROVEN_S", 0.0)
        # What is small fits still, and proves nothing about the rest.
        assert all_unavailable(await outcomes(group, keep(2, 65_536)))
        for number in (3, 4):
            with pytest.raises(StoreUnavailable, match="disk's space"):
                await group.prove()
            assert await outcomes(group, keep(number)) == [number]
        room[0] = 1000
        with pytest.raises(StoreUnavailable):
            await group.prove()  # the connection that knows of no room is replaced
        await group.prove()
        await group.prove()
    with pytest.raises(StoreUnavailable, match="closed"):
        await group.prove()
    with closing(connect(path, writing=False)) as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'probe'").get == 0
    assert kept(path) == [1, 3, 4]


async def test_the_reason_names_the_error_and_what_to_do_but_no_content(path: Path) -> None:
    def opened() -> apsw.Connection:
        db = connect(path, writing=True)
        db.execute("PRAGMA max_page_count = 8")
        return db

    async with committing(path, opened=opened) as group:
        with pytest.raises(StoreUnavailable, match=r"FullError.*disk's space") as raised:
            await group.submit(keep(1, 1_000_000))

    assert isinstance(raised.value.__cause__, apsw.FullError)


async def test_everybody_is_told_also_when_no_new_connection_can_be_had(path: Path) -> None:
    problems: Iterator[Exception | None] = iter(
        [None, apsw.CantOpenError("unable to open database file"), None]
    )

    def opened() -> apsw.Connection:
        problem = next(problems)
        if problem is not None:
            raise problem
        return connect(path, writing=True)

    def lose(db: apsw.Connection) -> int:
        db.execute("ROLLBACK")
        raise apsw.IOError("disk I/O error")

    async with committing(path, opened=opened) as group:
        async with asyncio.timeout(5):
            assert all_unavailable(await outcomes(group, keep(1), lose, keep(2)))
            assert all_unavailable(await outcomes(group, keep(3)))
            assert await outcomes(group, keep(4)) == [4]

    assert kept(path) == [4]


# ---------------------------------------------------------------- closing


async def test_closing_commits_what_was_submitted(path: Path) -> None:
    async with committing(path) as group:
        begun = [asyncio.create_task(group.submit(keep(number))) for number in (1, 2)]
        await asyncio.sleep(0)
        await group.aclose()

        assert await asyncio.gather(*begun) == [1, 2]
        assert kept(path) == [1, 2]


async def test_nothing_is_taken_after_closing(path: Path) -> None:
    async with committing(path) as group:
        await group.aclose()

        with pytest.raises(StoreUnavailable, match="closed"):
            await group.submit(keep(1))
