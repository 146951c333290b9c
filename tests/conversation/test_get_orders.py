"""GetOrders: the merchant's own orders that fit a filter, and no others, whatever is asked."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.gateway_fixtures import (
    MERCHANT_ID,
    SHOP,
    Stage,
    merchant,
    stage,
    with_certificate,
)
from tests.golden_files import golden_cases
from tests.model_factories import NOW, authorisation_in
from tests.model_factories import paid as paid_facts
from tests.paying import create, paid, post, request, settled, stored

from tkkpg.client import OperationRefused, OrderOptions
from tkkpg.gateway.app import exec_app
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.flows.reads import get_orders as flow
from tkkpg.gateway.flows.reads.order_row import order_row
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.model.decisions.order_query import (
    LAST_COUNT_MAX,
    OrderQuery,
    order_query,
)
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.model.plan import Facts
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol import codec
from tkkpg.protocol.messages import (
    CreateOrderResponse,
    GetOrdersResponse,
    OrderInformation,
    OrdersFilter,
    Param,
)
from tkkpg.protocol.values import AZN, Amount, Language, Operation, OrderStatus

pytestmark = pytest.mark.anyio

CASES: Final = {case.name: case for case in golden_cases("operations")}
NONE: Final = b"<Orders></Orders>"
REFUSED: Final = b"<Status>30</Status>"


def ids(rows: tuple[OrderInformation, ...]) -> list[int]:
    """Give the numbers of rows, in their order."""
    return [row.order_id for row in rows]


def filtered(more: str, merchant_id: str = MERCHANT_ID) -> bytes:
    """Write a GetOrders by hand."""
    return (
        f"<TKKPG><Request><Operation>GetOrders</Operation><Merchant>{merchant_id}</Merchant>"
        f"<OrdersFilter>{more}</OrdersFilter></Request></TKKPG>"
    ).encode()


async def answered(one: Stage, more: str) -> list[int]:
    """Ask by hand and read the numbers of the rows."""
    reply = codec.decode_response(
        (await post(one.exec, filtered(more))).content, Operation.GET_ORDERS
    )
    assert isinstance(reply, GetOrdersResponse), reply
    return ids(reply.orders)


async def described(one: Stage, description: str, options: OrderOptions | None = None) -> int:
    """Create an order of 30.00 with a description."""
    created = await one.client.create_order(
        amount=Amount.of("30.00", AZN),
        description=description,
        approve_url=SHOP,
        options=options or OrderOptions(),
    )
    return created.ref.order_id


TABLES = ("orders", "tran", "entry", "balance", "notification")


def everything(home: Path, tables: tuple[str, ...] = (*TABLES, "audit", "seal")) -> list[object]:
    """Read all that is stored."""
    connection = connect(home / DATABASE, writing=False)
    try:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()  # noqa: S608 - names of tables
            for table in tables
        ]
    finally:
        connection.close()


async def test_a_row_is_what_get_order_information_says(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        refs = [await create(one.client), await paid(one.client, one.gateway)]
        await settled(one.gateway)
        await one.client.refund(refs[1], amount=Amount.of("10.00", AZN))

        rows = await one.client.get_orders(OrdersFilter())

        assert rows == tuple([await one.client.get_order_information(ref) for ref in refs[::-1]])
        assert rows[0].receipt is not None


async def test_rows_stand_in_orders_without_an_envelope(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await create(one.client)
        single = (await post(one.exec, request("GetOrderInformation", ref))).content

        reply = (await post(one.exec, CASES["operations/get_orders_without_filter"].body)).content

        row = single.removeprefix(b"<Order>").removesuffix(b"</Order>")
        assert reply == b"<Orders>%s</Orders>" % row


async def test_a_merchant_without_orders_has_an_empty_list(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        assert (await post(one.exec, filtered(""))).content == NONE
        assert await one.client.get_orders(OrdersFilter()) == ()


@pytest.mark.parametrize("name", ["filtered", "of_a_day", "without_filter"])
async def test_the_requests_of_the_manual_are_answered(tmp_path: Path, name: str) -> None:
    async with stage(tmp_path) as one:
        reply = await post(one.exec, CASES[f"operations/get_orders_{name}"].body)

        assert reply.content == NONE


async def test_another_merchants_orders_are_never_listed(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        mine = await create(one.client)
        other = merchant(merchant_id="E1000011", terminal_id="E1000011")
        certificate = Certificate(
            fingerprint="cd" * 32,
            merchant_id="E1000011",
            not_after=one.clock.wall() + timedelta(days=1),
        )
        await enrol(one.gateway, other, certificate)
        created = (
            b"<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
            b"<OrderType>Purchase</OrderType><Merchant>E1000011</Merchant><Amount>3000</Amount>"
            b"<Currency>944</Currency><Description>Theirs</Description></Order></Request></TKKPG>"
        )
        answer = await post(with_certificate(exec_app(one.gateway), "cd" * 32), created)
        theirs = codec.decode_response(answer.content, Operation.CREATE_ORDER)
        assert isinstance(theirs, CreateOrderResponse)

        assert ids(await one.client.get_orders(OrdersFilter())) == [mine.order_id]
        assert await one.client.get_orders(OrdersFilter(order_id=theirs.order_id)) == ()
        assert await one.client.get_orders(OrdersFilter(description="Theirs")) == ()
        reply = await post(one.exec, filtered("", "E1000011"))
        assert b"<Status>10</Status>" in reply.content


async def test_a_period_is_local_time_and_holds_its_last_second(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:  # at noon in Baku
        first = (await create(one.client)).order_id
        one.clock.advance(timedelta(seconds=1, milliseconds=500))
        second = (await create(one.client)).order_id

        noon = "2026-11-24 12:00:0"
        assert await answered(one, f"<Period><Start>{noon}0</Start></Period>") == [second, first]
        assert await answered(one, f"<Period><Start>{noon}1</Start></Period>") == [second]
        assert await answered(one, f"<Period><End>{noon}0</End></Period>") == [first]
        assert await answered(one, f"<Period><End>{noon}1</End></Period>") == [second, first]
        assert await answered(one, "<Period><Start>2026-11-24</Start></Period>") == [second, first]
        assert await answered(one, "<Period><Start>2026-11-25</Start></Period>") == []


async def test_last_count_is_so_many_of_the_newest_whatever_they_are_sorted_by(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as one:
        amounts = ("3.00", "1.00", "4.00", "2.00")
        a, b, c, d = [(await create(one.client, amount)).order_id for amount in amounts]

        assert await answered(one, "<LastCount>2</LastCount>") == [d, c]
        ascending = "<OrderingDirection>ACS</OrderingDirection>"
        assert await answered(one, f"<LastCount>2</LastCount>{ascending}") == [c, d]
        by_amount = f"<OrderBy>Amount</OrderBy>{ascending}"
        assert await answered(one, f"<LastCount>3</LastCount>{by_amount}") == [b, d, c]
        assert await answered(one, f"<StartFrom>1</StartFrom>{by_amount}") == [b, a, c]


async def test_pages_hold_every_order_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        created = [(await create(one.client)).order_id for _ in range(5)]

        pages = [
            await answered(one, f"<LastCount>2</LastCount><StartFrom>{at}</StartFrom>")
            for at in (0, 2, 4, 6)
        ]

        assert [number for page in pages for number in page] == created[::-1]


async def test_a_status_fits_as_the_row_shows_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        overdue = await create(one.client)
        approved = await paid(one.client, one.gateway)
        one.clock.advance(timedelta(minutes=30))
        fresh = await create(one.client)

        for written in (False, True):
            if written:
                await expire(one.gateway)
            assert (await stored(one.gateway, overdue)).status is (
                OrderStatus.EXPIRED if written else OrderStatus.CREATED
            )
            by_status = {
                status: await one.client.get_orders(OrdersFilter(status=status))
                for status in OrderStatus
            }
            assert {status: ids(rows) for status, rows in by_status.items() if rows} == {
                OrderStatus.EXPIRED: [overdue.order_id],
                OrderStatus.APPROVED: [approved.order_id],
                OrderStatus.CREATED: [fresh.order_id],
            }
            for status, rows in by_status.items():
                assert {row.order_status for row in rows} <= {status}


async def test_a_description_and_parameters_fit_literally(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        plain = await described(one, "Order 100%", OrderOptions(params={"Shop": "7", "Till": "A"}))
        other = await described(one, "Order 100", OrderOptions(params={"Shop": "77"}))
        find = one.client.get_orders

        assert ids(await find(OrdersFilter(description="100"))) == [other, plain]
        assert ids(await find(OrdersFilter(description="100%"))) == [plain]
        assert ids(await find(OrdersFilter(description="_"))) == []
        shop, till = Param(name="Shop", value="7"), Param(name="Till", value="A")
        assert ids(await find(OrdersFilter(params=(till, shop)))) == [plain]
        assert ids(await find(OrdersFilter(params=(till, Param(name="Shop", value="77"))))) == []


async def test_every_field_of_the_filter_narrows_together(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await create(one.client, "12.34")
        fitting = OrdersFilter(
            start=datetime(2026, 11, 24),  # noqa: DTZ001 - the wire has no zone
            end=datetime(2026, 11, 25),  # noqa: DTZ001 - as above
            last_count=5,
            start_from=0,
            status=OrderStatus.CREATED,
            amount_min_minor=1234,
            amount_max_minor=1234,
            currency=AZN,
            description="shirts",
            order_by="payDate",
            direction="DESC",
            order_id=ref.order_id,
        )

        assert ids(await one.client.get_orders(fitting)) == [ref.order_id]


ITEM: Final = "<Item><PARAMNAME>a</PARAMNAME><VAL>b</VAL></Item>"
HOSTILE: Final = {
    "no rows": "<LastCount>0</LastCount>",
    "too many rows": "<LastCount>201</LastCount>",
    "a number of nineteen digits": "<LastCount>9999999999999999999</LastCount>",
    "a negative number": "<StartFrom>-1</StartFrom>",
    "a page beyond reach": "<StartFrom>10000</StartFrom>",
    "the largest number": f"<StartFrom>{10**18 - 1}</StartFrom>",
    "no status": "<Status>PAID</Status>",
    "statements as a status": "<Status>APPROVED' OR '1'='1</Status>",
    "no currency": "<Currency>AZN</Currency>",
    "least above most": "<Amount><Min>2</Min><Max>1</Max></Amount>",
    "a fraction": "<Amount><Min>1.5</Min></Amount>",
    "an end before the start": (
        "<Period><Start>2026-11-24 00:00:01</Start><End>2026-11-24</End></Period>"
    ),
    "no time": "<Period><Start>yesterday</Start></Period>",
    "a year before years have four digits": "<Period><Start>0001-01-01</Start></Period>",
    "a column": "<OrderBy>session_id</OrderBy>",
    "statements to sort by": "<OrderBy>createDate; DROP TABLE orders</OrderBy>",
    "statements as a direction": "<OrderingDirection>DESC; --</OrderingDirection>",
    "a long description": f"<Description>{'x' * 513}</Description>",
    "33 parameters": f"<AddParams>{ITEM * 33}</AddParams>",
    "a parameter without a name": "<AddParams><Item><VAL>b</VAL></Item></AddParams>",
    "a field twice": "<LastCount>1</LastCount><LastCount>2</LastCount>",
    "a number that is text": "<OrderId>1 OR 1=1</OrderId>",
}
EMPTY: Final = {
    "statements in the description": "<Description>' OR 1=1 --</Description>",
    "wildcards": "<Description>%</Description>",
    "statements in a parameter": (
        "<AddParams><Item><PARAMNAME>a' OR '1</PARAMNAME><VAL>') OR 1=1 --</VAL></Item></AddParams>"
    ),
    "32 parameters": f"<AddParams>{ITEM * 32}</AddParams>",
    "the largest numbers": (
        f"<Amount><Min>{10**18 - 1}</Min><Max>{10**18 - 1}</Max></Amount>"
        f"<OrderId>{10**18 - 1}</OrderId>"
    ),
    "the end of time": (
        "<Period><Start>9999-12-31 23:59:59</Start><End>9999-12-31 23:59:59</End></Period>"
    ),
    "the last page": "<StartFrom>9900</StartFrom>",
}


@pytest.mark.parametrize("more", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_filter_is_refused_and_changes_nothing(tmp_path: Path, more: str) -> None:
    async with stage(tmp_path) as one:
        await create(one.client)
        before = everything(tmp_path, TABLES)

        reply = await post(one.exec, filtered(more))

        assert REFUSED in reply.content
        assert reply.headers["tkkpg-reason"]
        assert everything(tmp_path, TABLES) == before


async def test_a_filter_that_can_be_read_and_is_refused_is_noted(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        await post(one.exec, filtered(HOSTILE["statements to sort by"]))
        (audit,) = everything(tmp_path, ("audit",))
    assert isinstance(audit, list)
    assert [row[4] for row in audit][-1] == "request_refused"
    assert "OrderBy" in audit[-1][7]


@pytest.mark.parametrize("more", EMPTY.values(), ids=EMPTY)
async def test_a_filter_that_nothing_fits_gives_an_empty_list(tmp_path: Path, more: str) -> None:
    async with stage(tmp_path) as one:
        await create(one.client)
        before = everything(tmp_path)

        reply = await post(one.exec, filtered(more))

        assert reply.content == NONE
        assert everything(tmp_path) == before


async def test_a_search_that_would_look_at_too_much_is_refused_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def near(only: OrdersFilter, merchant_id: str, now: datetime) -> OrderQuery:
        return replace(order_query(only, merchant_id, now), look_at_most=2)

    monkeypatch.setattr(flow, "order_query", near)
    async with stage(tmp_path) as one:
        rare = await described(one, "rare")
        for _ in range(2):
            await create(one.client)
        find = one.client.get_orders

        with pytest.raises(OperationRefused, match=r"newest 2 orders.*Narrow.*Period"):
            await find(OrdersFilter(description="rare"))

        assert ids(await find(OrdersFilter(order_id=rare, description="rare"))) == [rare]
        assert len(await find(OrdersFilter(last_count=2, description="shirts"))) == 2


def largest_row() -> OrderInformation:
    """Give the row of an order whose texts, receipt and numbers are as long as they can be."""
    wide = "&" * 255
    order = replace(
        paid_facts().order,
        status=OrderStatus.REFUNDED,
        order_id=10**18 - 1,
        amount_minor=10**12 - 1,
        captured_minor=10**12 - 1,
        refunded_minor=10**12 - 1,
        fee_minor=10**12 - 1,
        instalments=99,
        language=Language.RU,
        description="🍎" * 512,
        approve_url=wide,
        cancel_url=wide,
        decline_url=wide,
        email="&" * 128,
        updated_at=NOW,
        refunded_at=NOW,
    )
    payment = replace(
        authorisation_in(TranState.APPROVED), hold=True, amount_minor=10**12 - 1, brand="MASTERCARD"
    )
    completion = replace(payment, kind=TranKind.COMPLETION)
    refund = replace(payment, kind=TranKind.REFUND, amount_minor=10**11 - 1)
    trader = merchant(name="Ə" * 128)
    transactions = (payment, completion, *(refund,) * 11)
    return order_row(Facts(order=order, merchant=trader, transactions=transactions), NOW)


def test_the_longest_list_of_the_largest_rows_is_one_that_a_client_reads() -> None:
    rows = (largest_row(),) * LAST_COUNT_MAX

    body = codec.encode(GetOrdersResponse(orders=rows))

    assert body.count(b"<Receipt>") == LAST_COUNT_MAX
    read = codec.decode_response(body, Operation.GET_ORDERS)
    assert isinstance(read, GetOrdersResponse)
    assert len(read.orders) == LAST_COUNT_MAX


async def test_others_have_their_turn_while_a_long_list_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Facts] = []
    turns: list[int] = []

    def row(facts: Facts, now: datetime) -> OrderInformation:
        made.append(facts)
        return order_row(facts, now)

    async def other() -> None:
        while len(made) < flow.AT_ONCE * 2:
            turns.append(len(made))
            await asyncio.sleep(0)

    monkeypatch.setattr(flow, "order_row", row)
    async with stage(tmp_path) as one:
        for _ in range(flow.AT_ONCE * 2):
            await create(one.client)

        await asyncio.gather(one.client.get_orders(OrdersFilter()), other())

    assert flow.AT_ONCE in turns
