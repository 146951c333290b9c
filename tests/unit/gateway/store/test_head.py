"""The head follows the commits, never leads them, and covers every number before it is used."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tkkpg.gateway.keys import Keys, new_keys
from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.gateway.store import head as module
from tkkpg.gateway.store.head import AHEAD, Head, HeadKeeper, HeadRefused, read_head, write_head


@pytest.fixture
def keys() -> Keys:
    return new_keys(os.urandom)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "head.json"


def written_at(path: Path) -> int:
    """Return when a file was written, in nanoseconds."""
    return path.stat().st_mtime_ns


@asynccontextmanager
async def keeping(
    path: Path, keys: Keys, failures: list[OSError] | None = None
) -> AsyncIterator[HeadKeeper]:
    """Keep a head that is on disk."""
    write_head(path, Head(), keys)
    told = [] if failures is None else failures
    keeper = HeadKeeper(path, Head(), keys, failed=told.append)
    try:
        yield keeper
    finally:
        await keeper.aclose()


def test_what_was_written_is_read_and_only_its_owner_may(path: Path, keys: Keys) -> None:
    head = Head(seal_id=3, audit_id=9, mac="k1.ab", numbers={"order": 5}, accepted_id=2)

    write_head(path, head, keys)

    assert read_head(path, keys) == head
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_each_part_of_a_head_is_signed(path: Path, keys: Keys) -> None:
    write_head(path, Head(seal_id=3, audit_id=9, mac="k1.ab", numbers={"order": 5}), keys)
    whole = path.read_text(encoding="utf-8")
    for old, new in (
        ('"seal_id": 3', '"seal_id": 2'),
        ('"audit_id": 9', '"audit_id": 8'),
        ("k1.ab", "k1.ac"),
        ('"order": 5', '"order": 4'),
        ('"accepted_id": 0', '"accepted_id": 1'),
    ):
        assert old in whole
        path.write_text(whole.replace(old, new), encoding="utf-8")
        with pytest.raises(HeadRefused, match="not signed by the keys"):
            read_head(path, keys)


@pytest.mark.anyio
async def test_many_seals_are_one_write_a_second_later(
    path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAG_S", 0.05)
    written: list[int] = []
    write_head(path, Head(), keys)
    keeper = HeadKeeper(path, Head(), keys, written=lambda head: written.append(head.seal_id))
    for seal_id in range(1, 200):
        keeper.sealed(seal_id, seal_id, f"k1.{seal_id}")
    assert read_head(path, keys).seal_id == 0

    async with asyncio.timeout(5):
        while read_head(path, keys).seal_id != 199:  # noqa: ASYNC110 - the file is what is told
            await asyncio.sleep(0.005)
    await keeper.aclose()

    assert written == [199]


@pytest.mark.anyio
async def test_closing_writes_what_is_not_written_yet(path: Path, keys: Keys) -> None:
    async with keeping(path, keys) as keeper:
        keeper.sealed(7, 70, "k1.7")

    assert read_head(path, keys) == Head(seal_id=7, audit_id=70, mac="k1.7")


@pytest.mark.anyio
async def test_a_number_is_covered_on_disk_before_it_may_be_used(path: Path, keys: Keys) -> None:
    async with keeping(path, keys) as keeper:
        await keeper.cover("order", 1_001)
        assert read_head(path, keys).numbers == {"order": 1_001 + AHEAD}
        before = written_at(path)
        for following in range(2_001, AHEAD // 2, 1_000):
            await keeper.cover("order", following)

        assert written_at(path) == before


@pytest.mark.anyio
async def test_numbers_are_reserved_again_before_they_run_out(path: Path, keys: Keys) -> None:
    async with keeping(path, keys) as keeper:
        for following in range(1_001, 5 * AHEAD, 1_000):
            await keeper.cover("order", following)
            assert read_head(path, keys).numbers["order"] >= following


@pytest.mark.anyio
async def test_where_the_head_cannot_be_written_no_number_is_handed_out(
    path: Path, keys: Keys
) -> None:
    failures: list[OSError] = []
    async with keeping(path, keys, failures) as keeper:
        obstacle = path.with_name(f".{path.name}.new")
        obstacle.mkdir()

        with pytest.raises(StoreUnavailable, match="no new numbers are handed out"):
            await keeper.cover("order", 1_001)

        assert failures
        obstacle.rmdir()
        await keeper.cover("order", 1_001)


@pytest.mark.anyio
async def test_a_head_that_could_not_be_written_is_tried_again(
    path: Path, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAG_S", 0.01)
    failures: list[OSError] = []
    obstacle = path.with_name(f".{path.name}.new")
    async with keeping(path, keys, failures) as keeper:
        obstacle.mkdir()
        keeper.sealed(7, 70, "k1.7")
        async with asyncio.timeout(5):
            while not failures:  # noqa: ASYNC110 - told by a callback
                await asyncio.sleep(0.005)
            obstacle.rmdir()
            while read_head(path, keys).seal_id != 7:  # noqa: ASYNC110 - the file is what is told
                await asyncio.sleep(0.005)
