"""What every store promises of `Store.orders`: the merchant's own, newest first, as seen now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.conformance.plans import MERCHANT, NOW, SECOND, order, plan, tran

from tkkpg.gateway.model.decisions.order_query import OrderQuery
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.store.base import FoundOrders, Store
from tkkpg.protocol.messages import OrdersFilter, Param
from tkkpg.protocol.values import AZN, CURRENCIES, OrderStatus

pytestmark = pytest.mark.anyio


def query(only: OrdersFilter | None = None, **changes: object) -> OrderQuery:
    """Ask for up to a hundred of the merchant's orders."""
    asked = OrderQuery(
        merchant_id=MERCHANT.merchant_id,
        only=only or OrdersFilter(),
        now=NOW,
        since=None,
        until=None,
        skip=0,
        take=100,
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


async def given(store: Store, *orders: Order) -> None:
    """Store orders."""
    await store.commit(plan(new_orders=orders))


def ids(found: FoundOrders) -> list[int]:
    """Give the numbers of what was found, in its order."""
    return [one.order_id for one in found.orders]


async def only(store: Store, **filters: object) -> list[int]:
    """Find what fits a filter."""
    found = await store.orders(query(OrdersFilter(**filters)))  # type: ignore[arg-type]
    assert found.complete
    return ids(found)


async def test_orders_are_found_whole_with_their_transactions_oldest_first(store: Store) -> None:
    first, second = tran(1, state=TranState.DECLINED), tran(2)
    await store.commit(plan(new_orders=(order(),), new_transactions=(second, first)))

    found = await store.orders(query())

    assert found.orders == (order(),)
    assert found.transactions == {1: (first, second)}
    assert found.complete


async def test_an_order_without_transactions_has_none(store: Store) -> None:
    await given(store, order())

    assert (await store.orders(query())).transactions == {1: ()}


async def test_where_nothing_fits_nothing_is_found(store: Store) -> None:
    assert await store.orders(query()) == FoundOrders((), {}, complete=True)


async def test_the_newest_come_first_by_time_then_by_number(store: Store) -> None:
    await given(store, order(1), order(2, created_at=NOW - SECOND), order(3))

    assert ids(await store.orders(query())) == [3, 1, 2]


async def test_another_merchants_orders_are_never_found(store: Store) -> None:
    other = replace(MERCHANT, merchant_id="E1000011")
    await store.commit(plan(merchants=(other,)))
    await given(store, order(1), order(2, merchant_id="E1000011"))

    assert ids(await store.orders(query())) == [1]
    assert await only(store, order_id=2) == []


async def test_so_many_are_left_out_and_so_many_given(store: Store) -> None:
    await given(store, *(order(n) for n in range(1, 7)))

    assert ids(await store.orders(query(skip=1, take=3))) == [5, 4, 3]
    assert ids(await store.orders(query(skip=6))) == []


async def test_a_period_holds_both_its_ends(store: Store) -> None:
    await given(store, *(order(n, created_at=NOW + n * SECOND) for n in range(5)))

    found = await store.orders(query(since=NOW + SECOND, until=NOW + 3 * SECOND))

    assert ids(found) == [3, 2, 1]


async def test_an_overdue_order_is_expired_before_it_is_written_so(store: Store) -> None:
    await given(
        store,
        order(1, expires_at=NOW),
        order(2, expires_at=NOW + SECOND),
        order(3, status=OrderStatus.EXPIRED, expires_at=NOW + SECOND),
        order(4, status=OrderStatus.APPROVED, expires_at=NOW),
        order(5, status=OrderStatus.ON_PAYMENT, expires_at=NOW),
    )

    by_status = {status: await only(store, status=status) for status in OrderStatus}

    assert {status: found for status, found in by_status.items() if found} == {
        OrderStatus.EXPIRED: [5, 3, 1],
        OrderStatus.CREATED: [2],
        OrderStatus.APPROVED: [4],
    }
    for status, found in by_status.items():
        for number in found:
            stored = await store.order(number)
            assert stored is not None
            assert stored.status_at(NOW) is status


async def test_amounts_lie_between_both_ends(store: Store) -> None:
    await given(store, *(order(n, amount_minor=n) for n in range(1, 6)))

    assert await only(store, amount_min_minor=2, amount_max_minor=4) == [4, 3, 2]
    assert await only(store, amount_min_minor=5) == [5]
    assert await only(store, amount_max_minor=1) == [1]
    assert await only(store, amount_min_minor=10**18 - 1) == []


async def test_a_currency_is_exact(store: Store) -> None:
    dollar = CURRENCIES["840"]
    await given(store, order(1), order(2, currency=dollar))

    assert await only(store, currency=dollar) == [2]
    assert await only(store, currency=AZN) == [1]


@pytest.mark.parametrize(
    ("description", "fitting"),
    [
        ("2 kq", [1]),
        ("Çay", [3]),
        ("%", [2]),
        ("_", [2]),
        ("N*r", []),
        ("nar", []),
        ("' OR 1=1 --", [4]),
        ("x' OR 'a'='a", []),
        ("\\", []),
    ],
)
async def test_a_description_holds_exactly_the_text(
    store: Store, description: str, fitting: list[int]
) -> None:
    await given(
        store,
        order(1),
        order(2, description="100 %_"),
        order(3, description="Qara Çay"),
        order(4, description="' OR 1=1 --"),
    )

    assert await only(store, description=description) == fitting


async def test_a_parameter_is_exact_in_name_and_value(store: Store) -> None:
    shop, till = Param(name="Shop", value="7"), Param(name="Till", value='say "7"\\')
    await given(
        store,
        order(1, params=(shop, till)),
        order(2, params=(Param(name="Shop", value="77"),)),
        order(3, params=(Param(name="Shop"),)),
        order(4),
    )

    assert await only(store, params=(shop,)) == [1]
    assert await only(store, params=(till, shop)) == [1]
    assert await only(store, params=(Param(name="Shop"),)) == [3]
    assert await only(store, params=(shop, Param(name="Shop", value="77"))) == []
    assert await only(store, params=(Param(name="shop", value="7"),)) == []
    assert await only(store, params=(Param(name="p", value="7"),)) == []


async def test_a_parameter_cannot_be_imitated_inside_another(store: Store) -> None:
    forged = '"},{"name":"Shop","value":"7"},{"name":"x","value":"'
    await given(store, order(1, params=(Param(name="Note", value=forged),)))

    assert await only(store, params=(Param(name="Shop", value="7"),)) == []


async def test_an_order_is_found_by_its_number_if_it_fits_the_rest(store: Store) -> None:
    await given(store, order(1), order(2))

    assert await only(store, order_id=1) == [1]
    assert await only(store, order_id=1, status=OrderStatus.CREATED) == [1]
    assert await only(store, order_id=1, status=OrderStatus.APPROVED) == []
    assert await only(store, order_id=10**18 - 1) == []
    assert ids(await store.orders(query(OrdersFilter(order_id=1), since=NOW + SECOND))) == []
    assert ids(await store.orders(query(OrdersFilter(order_id=1), until=NOW - SECOND))) == []


async def test_a_search_says_when_it_did_not_look_at_everything(store: Store) -> None:
    await given(store, *(order(n, amount_minor=n) for n in range(1, 6)))
    large = OrdersFilter(amount_min_minor=4)
    small = OrdersFilter(amount_max_minor=1)

    found = await store.orders(query(small, look_at_most=4))
    assert (ids(found), found.complete) == ([], False)
    found = await store.orders(query(small, look_at_most=5))
    assert (ids(found), found.complete) == ([1], True)
    found = await store.orders(query(large, look_at_most=2, take=2))
    assert (ids(found), found.complete) == ([5, 4], True)
    found = await store.orders(query(large, look_at_most=2, take=3))
    assert (ids(found), found.complete) == ([5, 4], False)


async def test_an_order_named_by_its_number_is_found_however_old_it_is(store: Store) -> None:
    await given(store, *(order(n) for n in range(1, 6)))

    found = await store.orders(query(OrdersFilter(order_id=1, description="Nar"), look_at_most=1))

    assert (ids(found), found.complete) == ([1], True)


async def test_searches_side_by_side_find_the_same(store: Store) -> None:
    await given(store, *(order(n, created_at=NOW + timedelta(days=n)) for n in range(1, 4)))
    asked = (query(), query(take=1), query(OrdersFilter(order_id=2)))

    found = [ids(await store.orders(one)) for one in asked]

    assert found == [[3, 2, 1], [3], [2]]
