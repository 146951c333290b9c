"""The search for orders: which index it walks, how much it looks at, and in which thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from tests.conformance.plans import MERCHANT, NOW, SECOND, enrolment, order, plan, tran

from tkkpg.gateway.model.decisions.order_query import OrderQuery
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.store import order_search
from tkkpg.gateway.store.apply import apply
from tkkpg.gateway.store.order_search import OrderSearch, find_orders
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.messages import OrdersFilter, Param
from tkkpg.protocol.values import AZN, OrderStatus

EVERYTHING = OrderQuery(
    merchant_id=MERCHANT.merchant_id,
    only=OrdersFilter(),
    now=NOW,
    since=None,
    until=None,
    skip=0,
    take=10,
    look_at_most=100,
)
HARDEST = OrdersFilter(
    status=OrderStatus.EXPIRED,
    amount_min_minor=1,
    amount_max_minor=10**18 - 1,
    currency=AZN,
    description="not in any",
    params=(Param(name="a", value="b"), Param(name="c")),
)
ORDERS = 2_000
QUERIES = {
    "everything": EVERYTHING,
    "a page far back": replace(EVERYTHING, skip=90),
    "a period": replace(EVERYTHING, since=NOW - SECOND, until=NOW + SECOND),
    "every condition": replace(EVERYTHING, only=HARDEST, since=NOW - SECOND, until=NOW),
    "no period": replace(EVERYTHING, only=HARDEST),
    "one order": replace(EVERYTHING, only=replace(HARDEST, order_id=ORDERS)),
}


@pytest.fixture
def db(database: Path) -> Iterator[apsw.Connection]:
    """A file with many orders of one merchant, made in the same moment."""
    with closing(connect(database, writing=True)) as opened:
        with opened:
            apply(opened, enrolment())
            apply(opened, plan(new_orders=tuple(order(n) for n in range(1, ORDERS + 1))))
        yield opened


def plans_of(db: apsw.Connection, query: OrderQuery) -> list[str]:
    """Give every line of the plans of what a search runs."""
    statements: list[tuple[str, object]] = []

    def traced(_cursor: apsw.Cursor, text: str, values: object) -> bool:
        statements.append((text, values))
        return True

    db.exec_trace = traced
    find_orders(db, query)
    db.exec_trace = None
    assert statements
    return [
        line
        for text, values in statements
        for *_, line in db.execute(f"EXPLAIN QUERY PLAN {text}", values)  # type: ignore[arg-type]
    ]


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_no_search_reads_a_table_from_end_to_end(db: apsw.Connection, query: OrderQuery) -> None:
    lines = plans_of(db, query)

    assert {line for line in lines if line.startswith("SCAN")} <= {
        "SCAN looked_at",
        "SCAN json_each VIRTUAL TABLE INDEX 1:",
    }
    assert not [line for line in lines if "TEMP B-TREE" in line]


@pytest.mark.parametrize("query", [QUERIES[n] for n in QUERIES if n != "one order"])
def test_a_list_walks_the_index_over_merchant_and_time(
    db: apsw.Connection, query: OrderQuery
) -> None:
    walks = [line for line in plans_of(db, query) if "SEARCH orders" in line]

    index = "COVERING INDEX ix_orders_merchant_id_created_at"
    bounds = "(merchant_id=? AND created_at>? AND created_at<?)"
    assert set(walks) == {f"SEARCH orders USING {index} {bounds}"}


def steps(db: apsw.Connection, query: OrderQuery) -> int:
    """Count SQLite's own steps during a search, when it has been made before."""
    find_orders(db, query)
    counted = 0

    def step() -> bool:
        nonlocal counted
        counted += 1
        return False  # go on

    db.set_progress_handler(step, 1)
    find_orders(db, query)
    db.set_progress_handler(None)
    return counted


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_ten_times_the_orders_cost_no_more_steps(db: apsw.Connection, query: OrderQuery) -> None:
    many = steps(db, query)
    with db:
        db.execute("DELETE FROM orders WHERE order_id <= ?", (ORDERS * 9 // 10,))

    assert many <= steps(db, query) * 1.05


def test_a_list_with_too_many_transactions_is_not_complete(
    db: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        order_search, "_TRANSACTIONS", order_search._TRANSACTIONS.replace("20001", "3")
    )
    monkeypatch.setattr(order_search, "TRANSACTIONS_MAX", 2)
    transactions = tuple(
        tran(n, order_id=ORDERS, state=TranState.DECLINED, finished_at=NOW) for n in range(1, 3)
    )
    with db:
        apply(db, plan(new_transactions=transactions))
    assert find_orders(db, EVERYTHING).complete

    with db:
        apply(db, plan(new_transactions=(tran(3, order_id=ORDERS),)))

    assert not find_orders(db, EVERYTHING).complete


@pytest.mark.anyio
async def test_a_search_runs_on_a_reading_connection_in_a_thread_of_its_own(
    db: apsw.Connection, database: Path
) -> None:
    opened: list[tuple[str, int]] = []

    def open_in_thread() -> apsw.Connection:
        connection = connect(database, writing=False)
        query_only = connection.execute("PRAGMA query_only").get
        opened.append((threading.current_thread().name, query_only))
        return connection

    search = OrderSearch(open_in_thread)
    assert opened == []
    try:
        found = await asyncio.gather(*(search.find(EVERYTHING) for _ in range(3)))
    finally:
        search.close()

    assert opened == [("order-search_0", 1)]
    assert [len(one.orders) for one in found] == [10, 10, 10]


@pytest.mark.anyio
async def test_a_search_that_fails_leaves_no_snapshot_open(
    db: apsw.Connection, database: Path
) -> None:
    search = OrderSearch(lambda: connect(database, writing=False))
    try:
        with pytest.raises(OverflowError):
            await search.find(replace(EVERYTHING, take=2**64))
        with db:
            apply(db, plan(new_orders=(order(ORDERS + 1),)))
        found = await search.find(replace(EVERYTHING, take=1))
    finally:
        search.close()

    assert found.orders[0].order_id == ORDERS + 1
