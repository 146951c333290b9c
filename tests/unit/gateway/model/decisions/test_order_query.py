"""What GetOrders may ask for, and how its rows are sorted."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.model_factories import MERCHANT, NOW, order_in

from tkkpg.gateway.flows.reads.order_row import order_row
from tkkpg.gateway.model.decisions.order_query import (
    LAST_COUNT,
    LAST_COUNT_MAX,
    REACH_MAX,
    SORTED_BY,
    in_order,
    order_query,
)
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.plan import Facts
from tkkpg.protocol.messages import OrderInformation, OrdersFilter, Param
from tkkpg.protocol.schema.replies import INFORMATION
from tkkpg.protocol.values import OperationStatus

DAY = datetime(2026, 11, 24)  # noqa: DTZ001 - the wire has no zone


def asked(**filters: object) -> OrdersFilter:
    return OrdersFilter(**filters)  # type: ignore[arg-type]


def row(order_id: int, **changes: object) -> OrderInformation:
    order = replace(order_in(), order_id=order_id, **changes)  # type: ignore[arg-type]
    return order_row(Facts(order=order, merchant=MERCHANT, transactions=()), NOW)


def ids(rows: tuple[OrderInformation, ...]) -> list[int]:
    return [one.order_id for one in rows]


def test_an_empty_filter_asks_for_the_newest_hundred_of_the_merchant() -> None:
    query = order_query(asked(), "E1000010", NOW)

    assert (query.merchant_id, query.skip, query.take) == ("E1000010", 0, LAST_COUNT)
    assert (query.since, query.until) == (None, None)


def test_a_period_is_local_and_holds_its_last_second() -> None:
    query = order_query(asked(start=DAY, end=DAY + timedelta(hours=4)), "E1000010", NOW)

    assert query.since == datetime(2026, 11, 23, 20, tzinfo=UTC)
    assert query.until == datetime(2026, 11, 24, 0, 0, 0, 999_999, tzinfo=UTC)


def test_the_longest_period_of_the_wire_is_a_period() -> None:
    query = order_query(
        asked(start=datetime(1000, 1, 1), end=datetime(9999, 12, 31, 23, 59, 59)),  # noqa: DTZ001 - as above
        "E1000010",
        NOW,
    )

    assert query.since is not None
    assert query.until is not None
    assert query.since < NOW < query.until


def test_the_largest_list_and_the_farthest_reach_are_allowed() -> None:
    only = asked(last_count=LAST_COUNT_MAX, start_from=REACH_MAX - LAST_COUNT_MAX)

    query = order_query(only, "E1000010", NOW)

    assert (query.skip, query.take) == (REACH_MAX - LAST_COUNT_MAX, LAST_COUNT_MAX)


def test_an_amount_and_a_moment_may_be_exact() -> None:
    order_query(asked(amount_min_minor=5, amount_max_minor=5, start=DAY, end=DAY), "E1", NOW)


@pytest.mark.parametrize(
    ("only", "reason"),
    [
        (asked(last_count=0), "LastCount must be between 1 and 200"),
        (asked(last_count=201), "LastCount must be between 1 and 200"),
        (asked(last_count=10**18 - 1), "LastCount must be between 1 and 200"),
        (asked(start_from=9_901), "reach beyond the newest 10000.*Period/End"),
        (asked(start_from=10**18 - 1), "reach beyond the newest 10000"),
        (asked(order_by="order_id"), "OrderBy must be one of id, createDate"),
        (asked(order_by="SessionID"), "OrderBy must be one of"),
        (asked(order_by="id; DROP TABLE orders"), "OrderBy must be one of"),
        (asked(order_by="createdate"), "OrderBy must be one of"),
        (asked(direction="asc"), "OrderingDirection must be one of ACS, ASC, DESC"),
        (asked(direction="DESC, session_id"), "OrderingDirection must be one of"),
        (asked(amount_min_minor=2, amount_max_minor=1), "Min is more than"),
        (asked(start=DAY, end=DAY - timedelta(seconds=1)), "Start is after"),
        (asked(params=(Param(name="a"),) * 33), "more than 32 items"),
    ],
)
def test_what_crosses_a_limit_is_refused_with_a_reason(only: OrdersFilter, reason: str) -> None:
    with pytest.raises(PolicyRefusal, match=reason) as refused:
        order_query(only, "E1000010", NOW)

    assert refused.value.status is OperationStatus.INVALID_MESSAGE


def test_rows_are_sorted_by_fields_that_a_row_has() -> None:
    names = {field.path[0] for field in INFORMATION.rows}

    assert names >= SORTED_BY.keys()
    for name in SORTED_BY:
        assert ids(in_order([row(1)], asked(order_by=name))) == [1]


def test_the_newest_come_first_where_nothing_is_said() -> None:
    older, newer = row(1), row(2, created_at=NOW + timedelta(seconds=1))

    assert ids(in_order([newer, older], asked())) == [2, 1]


@pytest.mark.parametrize("direction", ["ACS", "ASC"])
def test_ascending_is_the_other_way_round_in_both_spellings(direction: str) -> None:
    rows = [row(3), row(2), row(1)]

    assert ids(in_order(rows, asked(direction=direction))) == [1, 2, 3]


def test_rows_that_tie_stay_with_the_newest_first() -> None:
    rows = [row(3, amount_minor=7), row(2, amount_minor=9), row(1, amount_minor=7)]

    assert ids(in_order(rows, asked(order_by="Amount"))) == [2, 3, 1]
    assert ids(in_order(rows, asked(order_by="Amount", direction="ASC"))) == [3, 1, 2]


def test_what_a_row_does_not_have_comes_before_everything() -> None:
    paid = {1: NOW, 3: NOW + timedelta(seconds=1)}
    rows = [row(4), row(3, updated_at=paid[3]), row(2), row(1, updated_at=paid[1])]

    assert ids(in_order(rows, asked(order_by="lastUpdateDate", direction="ASC"))) == [4, 2, 1, 3]
