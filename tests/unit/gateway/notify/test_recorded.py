"""The courier without a network."""

from __future__ import annotations

import pytest

from tkkpg.gateway.notify.base import Courier, Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier

TAKEN = DeliveryResult(delivered=True, detail="Delivered.", http_status=200)
BROKEN = DeliveryResult(delivered=False, detail="Not delivered.", http_status=500)


def delivery(number: int) -> Delivery:
    return Delivery(f"d-{number}", "https://shop.example/notify", {"xmlmsg": f"<n>{number}</n>"})


@pytest.mark.anyio
async def test_it_keeps_every_try_in_order() -> None:
    courier = RecordedCourier(lambda _: TAKEN)
    for number in (1, 2, 1):
        await courier.deliver(delivery(number))
    await courier.aclose()
    assert courier.deliveries == (delivery(1), delivery(2), delivery(1))


@pytest.mark.anyio
async def test_the_given_function_decides_by_delivery() -> None:
    courier: Courier = RecordedCourier(lambda it: BROKEN if it.delivery_id == "d-2" else TAKEN)
    assert [await courier.deliver(delivery(number)) for number in (1, 2, 3)] == [
        TAKEN,
        BROKEN,
        TAKEN,
    ]


def test_a_delivery_shows_neither_its_address_nor_its_form() -> None:
    shown = repr(Delivery("d-1", "https://shop.example/?token=abc", {"xmlmsg": "<SessionID>F"}))
    assert shown == "Delivery(delivery_id='d-1')"
