"""Whoever changes an audit row leaves a trace, unless they have the key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.plans import enrolment, plan

from tkkpg.gateway.keys import Keys, load_keys
from tkkpg.gateway.store.head import Head
from tkkpg.gateway.store.history import broken_history
from tkkpg.gateway.store.seals import (
    FIRST_MAC,
    Seal,
    broken_seals,
    leaf,
    merkle_root,
    seal,
)
from tkkpg.gateway.store.sqlite import SQLiteStore


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return load_keys(tmp_path / "keys.toml", os.urandom)


@pytest.fixture
async def audited(database: Path, keys: Keys) -> Path:
    """A file with four sealed batches: audit rows 1, 2 to 4, 5 to 7, and 8."""
    store = SQLiteStore(database, sign=lambda text: keys.sign("audit", text))
    await store.commit(enrolment())
    for size in (3, 3, 1):
        await gather_commits(store, size)
    await store.aclose()
    return database


async def gather_commits(store: SQLiteStore, size: int) -> None:
    """Commit some plans in one batch."""
    await asyncio.gather(*(store.commit(plan()) for _ in range(size)))


@pytest.fixture
def db(audited: Path) -> Iterator[apsw.Connection]:
    """The file in the hands of somebody who has no key."""
    with closing(apsw.Connection(str(audited))) as connection:
        yield connection


def problems(db: apsw.Connection, keys: Keys) -> str:
    """What the check of the seals says."""
    found = broken_history(db, Head(), lambda text, mac: keys.verify("audit", text, mac))
    return " ".join(found)


@pytest.mark.anyio
async def test_untouched_rows_are_intact(db: apsw.Connection, keys: Keys) -> None:
    assert problems(db, keys) == ""
    assert db.execute("SELECT first_audit_id, last_audit_id, rows FROM seal").fetchall() == [
        (1, 1, 1),
        (2, 4, 3),
        (5, 7, 3),
        (8, 8, 1),
    ]


COLUMNS = ("plan_id", "at", "actor", "action", "order_id", "request_id", "detail", "written")


@pytest.mark.anyio
@pytest.mark.parametrize("column", COLUMNS)
async def test_an_edited_row_is_found(db: apsw.Connection, keys: Keys, column: str) -> None:
    db.execute(f"UPDATE audit SET {column} = 42 WHERE audit_id = 3")  # noqa: S608 - constant columns

    assert "Audit rows 2 to 4 were changed" in problems(db, keys)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("DELETE FROM audit WHERE audit_id = 3", "Audit rows 2 to 4 were changed"),
        ("DELETE FROM audit WHERE audit_id = 8", "Audit rows 8 to 8 were changed"),
        ("DELETE FROM audit", "Audit rows 1 to 1 were changed"),
        ("DELETE FROM seal WHERE seal_id = 1", "Audit rows 2 to 4: rows or seals before"),
        ("DELETE FROM seal WHERE seal_id = 2", "Audit rows 5 to 7: the seal was not made"),
        ("DELETE FROM seal WHERE seal_id = 4", "holds 8 rows, but its seals cover 7"),
        ("DELETE FROM seal", "holds 8 rows, but its seals cover 0"),
        ("UPDATE seal SET rows = rows - 1 WHERE seal_id = 2", "Audit rows 2 to 4: the seal"),
        ("UPDATE seal SET root = '00' WHERE seal_id = 2", "Audit rows 2 to 4: the seal"),
        ("UPDATE seal SET mac = 'k1.00' WHERE seal_id = 2", "Audit rows 2 to 4: the seal"),
        ("UPDATE seal SET last_audit_id = 3 WHERE seal_id = 2", "Audit rows 2 to 3: the seal"),
        ("UPDATE seal SET seal_id = 9 WHERE seal_id = 2", "Audit rows 2 to 4: the seal"),
    ],
)
async def test_removed_rows_and_seals_are_found(
    db: apsw.Connection, keys: Keys, tampering: str, finding: str
) -> None:
    db.execute(tampering)

    assert finding in problems(db, keys)


@pytest.mark.anyio
async def test_swapped_rows_are_found(db: apsw.Connection, keys: Keys) -> None:
    for old, new in ((2, -1), (3, 2), (-1, 3)):
        db.execute("UPDATE audit SET audit_id = ? WHERE audit_id = ?", (new, old))

    assert "Audit rows 2 to 4 were changed" in problems(db, keys)


@pytest.mark.anyio
@pytest.mark.parametrize("audit_id", [9, 0, -5])
async def test_an_added_row_is_found(db: apsw.Connection, keys: Keys, audit_id: int) -> None:
    db.execute(
        "INSERT INTO audit SELECT ?, 'forged', at, actor, action, order_id, request_id, detail,"
        " written FROM audit WHERE audit_id = 3",
        (audit_id,),
    )

    assert "holds 9 rows, but its seals cover 8" in problems(db, keys)


@pytest.mark.anyio
async def test_a_replaced_row_is_found(db: apsw.Connection, keys: Keys) -> None:
    db.execute("UPDATE audit SET audit_id = 33 WHERE audit_id = 3")

    assert "Audit rows 2 to 4 were changed" in problems(db, keys)


@pytest.mark.anyio
async def test_seals_of_another_key_are_found(
    db: apsw.Connection, keys: Keys, tmp_path: Path
) -> None:
    other = load_keys(tmp_path / "other.toml", os.urandom)

    assert "was not made by this gateway's key" in problems(db, other)


@pytest.mark.anyio
async def test_the_seals_go_on_after_reopening(audited: Path, keys: Keys) -> None:
    store = SQLiteStore(audited, sign=lambda text: keys.sign("audit", text))
    await gather_commits(store, 2)
    await store.aclose()

    with closing(apsw.Connection(str(audited))) as db:
        assert problems(db, keys) == ""
        assert db.execute("SELECT max(last_audit_id), count(*) FROM seal").get == (10, 5)


@pytest.mark.anyio
async def test_a_batch_without_plans_needs_no_seal(audited: Path, keys: Keys) -> None:
    store = SQLiteStore(audited, sign=lambda text: keys.sign("audit", text))
    await store.reserve_numbers("order", 1, 10)
    await store.aclose()

    with closing(apsw.Connection(str(audited))) as db:
        assert db.execute("SELECT count(*) FROM seal").get == 4


# ---------------------------------------------------------------- pure


def chain(sizes: list[int], sign: Callable[[str], str]) -> tuple[list[bytes], list[Seal]]:
    """Make rows and the seals over them, some rows a seal."""
    rows = [(n, leaf(n, (f"p{n}", n))) for n in range(1, sum(sizes) + 1)]
    seals: list[Seal] = []
    for size in sizes:
        done = seals[-1].last_audit_id if seals else 0
        mac_before = seals[-1].mac if seals else FIRST_MAC
        seals.append(seal(rows[done : done + size], mac_before, sign))
    return [hashed for _, hashed in rows], seals


sizes = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@given(sizes=sizes)
def test_whatever_was_sealed_is_intact(sizes: list[int]) -> None:
    leaves, seals = chain(sizes, lambda text: f"mac of {text}")

    def verify(text: str, mac: str) -> bool:
        return mac == f"mac of {text}"

    assert [*broken_seals(seals, lambda first, last: leaves[first - 1 : last], verify)] == []


@given(sizes=sizes, where=st.data())
def test_any_one_other_leaf_is_found(sizes: list[int], where: st.DataObject) -> None:
    leaves, seals = chain(sizes, lambda text: f"mac of {text}")
    index = where.draw(st.integers(0, len(leaves) - 1))
    leaves[index] = leaf(index + 1, ("forged", 0))

    found = [
        *broken_seals(
            seals, lambda first, last: leaves[first - 1 : last], lambda t, mac: mac == f"mac of {t}"
        )
    ]

    assert len(found) == 1


values = st.one_of(st.none(), st.integers(), st.text())
rows = st.tuples(st.integers(1), st.lists(values, min_size=1, max_size=7))


@given(one=rows, other=rows)
def test_two_rows_have_one_leaf_only_if_they_are_the_same(
    one: tuple[int, list[int | str | None]], other: tuple[int, list[int | str | None]]
) -> None:
    assert (leaf(*one) == leaf(*other)) == (one == other)


@pytest.mark.parametrize(
    ("one", "other"), [(("a\x1f", "b"), ("a", "\x1fb")), ((None,), ("None",)), ((1,), ("1",))]
)
def test_a_leaf_says_where_each_value_ends_and_what_it_is(
    one: tuple[int | str | None, ...], other: tuple[int | str | None, ...]
) -> None:
    assert leaf(1, one) != leaf(1, other)


def test_a_leaf_is_never_an_inner_node() -> None:
    one, two = leaf(1, ("a",)), leaf(2, ("b",))
    inner = merkle_root([one, two])

    assert merkle_root([inner]) == inner
    assert merkle_root([one, two, one]) == merkle_root([inner, one])
    assert merkle_root([one, two]) != merkle_root([two, one])
