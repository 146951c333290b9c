"""The connections of production, as SQLite itself reports them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from tests.conformance.plans import attempt, enrolment, order, plan

from tkkpg.gateway.keys import new_keys
from tkkpg.gateway.model.authentication import Authentication
from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.gateway.model.plan import TransactionChange
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.store import sqlite
from tkkpg.gateway.store.head import Head, HeadKeeper, read_head, write_head
from tkkpg.gateway.store.sqlite import SQLiteStore, connect
from tkkpg.protocol.masking import Secret

FULL = 2


@pytest.fixture(params=[True, False], ids=["writing", "reading"])
def connection(request: pytest.FixtureRequest, database: Path) -> Iterator[apsw.Connection]:
    with closing(connect(database, writing=request.param)) as opened:
        yield opened


@pytest.mark.parametrize(
    ("pragma", "value"),
    [
        ("journal_mode", "wal"),
        ("synchronous", FULL),
        ("foreign_keys", 1),
        ("fullfsync", 1),
        ("secure_delete", 1),
    ],
)
def test_every_connection_keeps_what_it_was_told(
    connection: apsw.Connection, pragma: str, value: object
) -> None:
    assert connection.execute(f"PRAGMA {pragma}").get == value


def test_a_reading_connection_cannot_write(database: Path) -> None:
    with (
        closing(connect(database, writing=False)) as reader,
        pytest.raises(apsw.ReadOnlyError),
    ):
        reader.execute("INSERT INTO sequence VALUES ('order', 1)")


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        connect(tmp_path / "missing.db", writing=True)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.anyio
async def test_the_store_writes_through_such_connections(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[apsw.Connection] = []

    def recorded(path: Path, *, writing: bool) -> apsw.Connection:
        opened.append(connect(path, writing=writing))
        return opened[-1]

    monkeypatch.setattr(sqlite, "connect", recorded)
    store = SQLiteStore(database, sign=str)
    try:
        settings = [
            (one.execute("PRAGMA synchronous").get, one.execute("PRAGMA query_only").get)
            for one in opened
        ]
    finally:
        await store.aclose()

    assert sorted(settings) == [(FULL, 0), (FULL, 1)]


@pytest.mark.anyio
async def test_commits_wait_for_the_disk_in_a_thread_of_their_own(database: Path) -> None:
    batches: list[int] = []
    threads: set[str] = set()

    def committing() -> bool:
        threads.add(threading.current_thread().name)
        return False  # go on

    store = SQLiteStore(database, sign=str, observe=lambda size, _seconds: batches.append(size))
    try:
        store._writer._connection.set_commit_hook(committing)  # type: ignore[union-attr]
        await store.commit(enrolment())
        await asyncio.gather(*(store.commit(plan(new_orders=(order(n),))) for n in range(1, 9)))
    finally:
        await store.aclose()

    assert threads == {"commit_0"}
    assert batches == [1, 8]


@pytest.mark.anyio
async def test_a_signature_that_fails_leaves_nothing_unsealed(database: Path) -> None:
    signing = iter([ValueError("no key"), None])

    def sign(text: str) -> str:
        problem = next(signing)
        if problem is not None:
            raise problem
        return text

    store = SQLiteStore(database, sign=sign)
    try:
        with pytest.raises(StoreUnavailable):
            await store.commit(enrolment())
        assert await store.merchant("E1000010") is None
        await store.commit(enrolment())
        assert await store.merchant("E1000010") is not None
    finally:
        await store.aclose()


@pytest.mark.anyio
async def test_the_head_never_names_a_seal_of_a_batch_that_failed(database: Path) -> None:
    keys, path = new_keys(os.urandom), database.with_name("head.json")
    write_head(path, Head(), keys)
    keeper = HeadKeeper(path, Head(), keys)
    store = SQLiteStore(database, sign=lambda text: keys.sign("audit", text), head=keeper)
    try:
        await store.commit(enrolment())
        store._writer._connection.set_commit_hook(lambda: True)  # type: ignore[union-attr]
        with pytest.raises(StoreUnavailable, match="nothing of it is stored"):
            await store.commit(plan())
        await store.reserve_numbers("order", 1, 10)
    finally:
        await store.aclose()

    with closing(connect(database, writing=False)) as db:
        newest = db.execute("SELECT max(seal_id) FROM seal").get
    assert read_head(path, keys).seal_id == newest == 1


@pytest.mark.anyio
async def test_a_key_that_a_commit_removes_is_nowhere_in_the_file(database: Path) -> None:
    secret = "a-key-that-opens-a-card-for-a-while"
    waits = attempt(1, "t", authentication=Authentication(server_trans_id="t", key=Secret(secret)))
    assert waits.authentication is not None
    ended = replace(waits, state=TranState.ABANDONED, authentication=waits.authentication.closed())
    store = SQLiteStore(database, sign=str)
    try:
        await store.commit(enrolment())
        await store.commit(plan(new_orders=(order(1),), new_transactions=(waits,)))
        assert secret.encode() in _written_back(database)
        await store.commit(plan(transactions=(TransactionChange(ended, TranState.RESERVED),)))
        assert secret.encode() not in _written_back(database)
    finally:
        await store.aclose()


def _written_back(database: Path) -> bytes:
    """Bring what is in the log into the file, and give its bytes."""
    with closing(connect(database, writing=True)) as db:
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return database.read_bytes()
