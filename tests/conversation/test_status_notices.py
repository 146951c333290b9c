"""ChangeStatusURL: a GET for every status, to the order's address or the merchant's."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.conversation.test_two_steps import completion, reverse_request
from tests.gateway_fixtures import Stage, merchant, stage
from tests.paying import give_up, ordered, pay, post, refund_request, settled

from tkkpg.gateway.flows.upkeep.deliver import deliver
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier

pytestmark = pytest.mark.anyio

HEARS = "https://shop.example/status"
ORDERS_OWN = f"<AddParams><ChangeStatusURL>{HEARS}?x=1</ChangeStatusURL></AddParams>"
MACROS = (
    "<AddParams><ChangeStatusURL>https://shop.example/s/%ORDERID%?k=%SESSIONID%&amp;to=%STATUS%"
    "</ChangeStatusURL></AddParams>"
)


async def told(one: Stage, count: int) -> list[Delivery]:
    """Wait for so many status notices."""
    async with asyncio.timeout(5):
        while len(found := [d for d in one.courier.deliveries if not d.form]) < count:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)
    return found


def statuses(deliveries: list[Delivery]) -> list[str]:
    """Read the statuses that notices tell of."""
    return [parse_qs(urlsplit(delivery.url).query)["Status"][0] for delivery in deliveries]


async def test_every_status_of_an_order_is_told(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "PreAuth", ORDERS_OWN)
        await pay(one.gateway, ref)
        await post(one.exec, completion(ref, 3000))
        await settled(one.gateway)
        await post(one.exec, refund_request(ref, 3000))
        notices = await told(one, 7)
    assert sorted(statuses(notices)) == sorted(
        [
            "ON-PAYMENT",
            "ON-LOCK",
            "PREAUTH-APPROVED",
            "ON-LOCK",
            "APPROVED",
            "ON-REFUND",
            "REFUNDED",
        ]
    )
    query = parse_qs(urlsplit(notices[0].url).query)
    assert (query["x"], query["OrderID"], query["SessionID"]) == (
        ["1"],
        [str(ref.order_id)],
        [ref.session_id],
    )


async def test_statuses_are_told_in_their_order_whatever_fails(tmp_path: Path) -> None:
    refusals = iter([True, False, True, False])

    def answer(delivery: Delivery) -> DeliveryResult:
        fails = not delivery.form and next(refusals, False)
        return DeliveryResult(delivered=not fails, detail="Said.", http_status=503)

    courier = RecordedCourier(answer)
    async with stage(tmp_path, courier=courier) as one:
        ref = await ordered(one.exec, "PreAuth", ORDERS_OWN)
        await pay(one.gateway, ref)
        await post(one.exec, reverse_request(ref))
        for _ in range(9):
            one.clock.advance(timedelta(hours=1))
            await deliver(one.gateway)
        told_of = statuses([d for d in courier.deliveries if not d.form])
    assert [status for status, _ in groupby(told_of)] == [
        "ON-PAYMENT",
        "ON-LOCK",
        "PREAUTH-APPROVED",
        "ON-LOCK",
        "REVERSED",
    ]


async def test_macros_are_filled_in(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await ordered(one.exec, "Purchase", MACROS)
        await give_up(one.gateway, ref)
        (notice,) = await told(one, 1)
    assert notice.url == f"https://shop.example/s/{ref.order_id}?k={ref.session_id}&to=CANCELED"


async def test_the_merchants_own_address_hears_of_orders_without_one(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=merchant(change_status_url=HEARS)) as one:
        ref = await ordered(one.exec)
        await pay(one.gateway, ref)
        await post(one.exec, reverse_request(ref))
        notices = await told(one, 5)
    assert statuses(notices)[-1] == "REVERSED"


async def test_nothing_is_told_where_nobody_asked(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=merchant(notification_url="")) as one:
        await pay(one.gateway, await ordered(one.exec))
        await one.gateway.background.drain(5)
        assert one.courier.deliveries == ()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://shop.example/", "https://u:p@x/"])
async def test_an_address_that_cannot_be_called_is_refused(tmp_path: Path, url: str) -> None:
    async with stage(tmp_path) as one:
        more = f"<AddParams><ChangeStatusURL>{url}</ChangeStatusURL></AddParams>"
        body = (
            "<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
            "<Merchant>E1000010</Merchant><Amount>3000</Amount><Currency>944</Currency>"
            f"{more}</Order></Request></TKKPG>"
        ).encode()
        assert b"<Status>30</Status>" in (await post(one.exec, body)).content
