"""Notifications: each end of an order is told to the merchant's server once, until it is taken."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import SHOP, ManualClock, Stage, merchant, stage
from tests.paying import (
    DECLINED,
    AnsweringHost,
    create,
    give_up,
    paid,
    pay,
    post,
    refund_request,
    stored,
)

from tkkpg.client import read_xmlout
from tkkpg.gateway.config import DATABASE, RETRY_PAUSES
from tkkpg.gateway.flows.pay import hand_over, open_page
from tkkpg.gateway.flows.upkeep.deliver import LEASE, deliver
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.model.xmlout import local
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.messages import XMLOut
from tkkpg.protocol.values import AZN, Amount, Language, OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

INSTANT = timedelta(milliseconds=1)
SHAPES = [(wrapped, as_base64) for wrapped in (True, False) for as_base64 in (True, False)]


def refuse_everything(_delivery: Delivery) -> DeliveryResult:
    """A receiver that is broken."""
    return DeliveryResult(delivered=False, detail="Not delivered: 503.", http_status=503)


class SilentCourier:
    """A courier whose receiver never answers."""

    def __init__(self) -> None:
        """Nothing was given to it yet."""
        self.taken: asyncio.Queue[Delivery] = asyncio.Queue()

    async def deliver(self, delivery: Delivery) -> DeliveryResult:
        """Wait for ever."""
        self.taken.put_nowait(delivery)
        await asyncio.Event().wait()
        raise AssertionError

    async def aclose(self) -> None:
        """Nothing to let go of."""


def outbox(home: Path) -> list[tuple[str, str, int]]:
    """Read id, state and attempts of every notification, the oldest first."""
    db = connect(home / DATABASE, writing=False)
    try:
        rows = db.execute(
            "SELECT notification_id, state, attempts FROM notification ORDER BY created_at, rowid"
        ).fetchall()
    finally:
        db.close()
    return [(str(known), str(state), int(str(attempts))) for known, state, attempts in rows]


async def written(home: Path, state: str, attempts: int) -> str:
    """Wait until the only notification is so far; give its id."""
    async with asyncio.timeout(5):
        while [row[1:] for row in outbox(home)] != [(state, attempts)]:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.002)
    return outbox(home)[0][0]


async def told(gateway: Stage) -> list[XMLOut]:
    """Deliver all there is, and again to see that nothing is repeated; give what was received."""
    running = gateway.gateway
    assert await running.background.drain(5) == 0
    async with asyncio.timeout(5):
        while (await running.store.backlog()).queued:
            await deliver(running)
            await asyncio.sleep(0.002)
    gateway.clock.advance(2 * LEASE)
    assert await deliver(running) == 0
    return [read_xmlout(delivery.form) for delivery in gateway.courier.deliveries]


async def time_out(gateway: Stage, ref: OrderRef) -> None:
    """Let an order's time pass."""
    order = await stored(gateway.gateway, ref)
    gateway.clock.time = order.expires_at
    await expire(gateway.gateway)


@asynccontextmanager
async def refusing(home: Path) -> AsyncIterator[Stage]:
    """Open a gateway whose merchant's server refuses every notification."""
    async with stage(home, courier=RecordedCourier(refuse_everything)) as gateway:
        yield gateway


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ("approve", OrderStatus.APPROVED, "001"),
        ("076", OrderStatus.DECLINED, "076"),
        ("810", OrderStatus.DECLINED, "810"),
        ("-1", OrderStatus.ERROR, "-1"),
    ],
)
async def test_the_outcome_of_a_payment_is_told_once(
    tmp_path: Path, card: str, status: OrderStatus, code: str
) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await pay(gateway.gateway, ref, card)
        (message,) = await told(gateway)
        assert message.ref == ref
        assert (message.order_status, message.response_code) == (status, code)
        assert message.transaction_type == "Purchase"
        assert message.amount == Amount.of("30.00", AZN)


async def test_a_payer_who_leaves_is_told_once_and_without_a_card(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await give_up(gateway.gateway, ref)
        await give_up(gateway.gateway, ref)
        left_at = local(gateway.clock.time)
        (message,) = await told(gateway)
        assert (message.ref, message.order_status) == (ref, OrderStatus.CANCELED)
        assert (message.pan, message.response_code, message.two_id) == (None, None, None)
        assert message.response_description == "Cancelled by the payer"
        assert message.tran_date_time == left_at
        carried = read_xmlout(hand_over(await open_page(gateway.gateway, ref)).xmlmsg)
        assert carried.tran_date_time == left_at


async def test_an_order_whose_time_is_over_is_told_once(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        ended_at = local((await stored(gateway.gateway, ref)).expires_at)
        gateway.clock.time = (await stored(gateway.gateway, ref)).expires_at
        carried = read_xmlout(hand_over(await open_page(gateway.gateway, ref)).xmlmsg)
        await time_out(gateway, ref)
        await expire(gateway.gateway)
        (message,) = await told(gateway)
        assert carried.tran_date_time == message.tran_date_time == ended_at
        assert (message.ref, message.order_status) == (ref, OrderStatus.EXPIRED)
        assert (message.pan, message.response_code, message.two_id) == (None, None, None)


async def test_nothing_is_told_an_instant_before_the_time_is_over(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        order = await stored(gateway.gateway, await create(gateway.client))
        gateway.clock.time = order.expires_at - INSTANT
        assert await expire(gateway.gateway) == 0
        assert outbox(tmp_path) == []


async def test_every_refund_is_told_once_under_the_two_id_of_its_payment(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        await gateway.client.refund(ref, amount=Amount.of("10.00", AZN))
        await gateway.client.refund(ref, amount=Amount.of("5.00", AZN))
        payment, first, second = await told(gateway)
        assert payment.order_status is OrderStatus.APPROVED
        for refund in (first, second):
            assert refund.order_status is OrderStatus.REFUNDED
            assert (refund.transaction_type, refund.response_code) == ("Refund", "001")
            assert refund.ref == ref
        amounts = [(it.amount_minor, it.operation_minor) for it in (payment, first, second)]
        assert amounts == [(3000, 3000), (3000, 1000), (3000, 500)]
        assert payment.two_id == first.two_id == second.two_id
        assert first.rrn != second.rrn


async def test_every_event_has_a_delivery_id_of_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        await gateway.client.refund(ref, amount=Amount.of("10.00", AZN))
        await give_up(gateway.gateway, await create(gateway.client))
        await pay(gateway.gateway, await create(gateway.client), "076")
        await time_out(gateway, await create(gateway.client))
        assert len(await told(gateway)) == 5
        ids = {delivery.delivery_id for delivery in gateway.courier.deliveries}
        assert len(ids) == 5
        assert all(re.fullmatch(r"[!-~]+", known) for known in ids)


async def test_a_refund_is_told_when_the_host_declined_it_but_not_when_we_refused_it(
    tmp_path: Path,
) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        await post(gateway.exec, refund_request(ref, 3001))
        assert len(outbox(tmp_path)) == 1
        host.answers(TranKind.REFUND, DECLINED)
        await post(gateway.exec, refund_request(ref, 1000))
        _, declined = await told(gateway)
        assert (declined.transaction_type, declined.response_code) == ("Refund", "076")
        assert declined.order_status is OrderStatus.APPROVED


async def test_creating_and_reading_orders_tells_nobody(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        ref = await create(gateway.client)
        await gateway.client.get_order_status(ref)
        await gateway.client.get_order_information(ref)
        await open_page(gateway.gateway, ref)
        assert await told(gateway) == []
        assert outbox(tmp_path) == []


async def test_a_merchant_without_an_address_is_told_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=merchant(notification_url="")) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        await gateway.client.refund(ref, amount=Amount.of("10.00", AZN))
        await give_up(gateway.gateway, await create(gateway.client))
        await time_out(gateway, await create(gateway.client))
        assert await told(gateway) == []
        assert outbox(tmp_path) == []


async def test_it_goes_to_the_merchants_address_as_the_form_field_xmlmsg(tmp_path: Path) -> None:
    async with stage(tmp_path) as gateway:
        await paid(gateway.client, gateway.gateway)
        await told(gateway)
        (delivery,) = gateway.courier.deliveries
        assert delivery.url == f"{SHOP}/notify"
        assert list(delivery.form) == ["xmlmsg"]


async def test_a_refused_notification_is_tried_again_after_each_pause_and_then_parked(
    tmp_path: Path,
) -> None:
    """The pauses are of the business clock: not an instant sooner, and never after the last."""
    async with refusing(tmp_path) as gateway:
        await paid(gateway.client, gateway.gateway)
        known = await written(tmp_path, "QUEUED", 1)
        for attempts, pause in enumerate(RETRY_PAUSES, start=1):
            gateway.clock.advance(pause - INSTANT)
            assert await deliver(gateway.gateway) == 0
            assert outbox(tmp_path) == [(known, "QUEUED", attempts)]
            gateway.clock.advance(INSTANT)
            await deliver(gateway.gateway)
            last = attempts == len(RETRY_PAUSES)
            assert await written(tmp_path, "PARKED" if last else "QUEUED", attempts + 1) == known
        gateway.clock.advance(timedelta(days=365))
        assert await deliver(gateway.gateway) == 0
        tries = gateway.courier.deliveries
        assert len(tries) == len(RETRY_PAUSES) + 1
        assert all(again == tries[0] for again in tries)


def test_the_pauses_never_shrink_and_last_longer_than_a_day() -> None:
    assert list(RETRY_PAUSES) == sorted(RETRY_PAUSES)
    assert RETRY_PAUSES[0] < timedelta(minutes=1)
    assert sum(RETRY_PAUSES, timedelta()) > timedelta(days=1)


async def test_a_receiver_that_recovers_gets_the_same_words_once_more_and_no_further(
    tmp_path: Path,
) -> None:
    answers = iter([refuse_everything, refuse_everything])

    def answer(delivery: Delivery) -> DeliveryResult:
        taken = DeliveryResult(delivered=True, detail="Taken.", http_status=200)
        failing = next(answers, None)
        return taken if failing is None else failing(delivery)

    async with stage(tmp_path, courier=RecordedCourier(answer)) as gateway:
        await paid(gateway.client, gateway.gateway)
        for attempts, pause in enumerate(RETRY_PAUSES[:2], start=1):
            await written(tmp_path, "QUEUED", attempts)
            gateway.clock.advance(pause)
            await deliver(gateway.gateway)
        await written(tmp_path, "DELIVERED", 3)
        gateway.clock.advance(timedelta(days=365))
        assert await deliver(gateway.gateway) == 0
        first, second, third = gateway.courier.deliveries
        assert first == second == third


async def test_a_delivery_that_a_stop_cut_off_is_made_again_under_its_id(tmp_path: Path) -> None:
    clock, silent = ManualClock(), SilentCourier()
    async with stage(tmp_path, clock=clock, courier=silent) as gateway:
        await paid(gateway.client, gateway.gateway)
        async with asyncio.timeout(5):
            cut_off = await silent.taken.get()
    clock.advance(LEASE)
    async with stage(tmp_path, clock=clock) as again:
        await told(again)
        assert again.courier.deliveries == (cut_off,)


@pytest.mark.parametrize(("wrapped", "as_base64"), SHAPES)
async def test_the_merchants_switches_shape_the_notification_and_the_browsers_form_alike(
    tmp_path: Path, wrapped: bool, as_base64: bool
) -> None:
    trader = merchant(xmlout_wrapped=wrapped, xmlout_base64=as_base64)
    async with stage(tmp_path, trader=trader) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        carried = hand_over(await open_page(gateway.gateway, ref))
        await told(gateway)
        (delivery,) = gateway.courier.deliveries
        xmlmsg = delivery.form["xmlmsg"]
        assert xmlmsg == carried.xmlmsg
        assert carried.url == f"{SHOP}/ok"
        text = base64.b64decode(xmlmsg, validate=True).decode() if as_base64 else xmlmsg
        assert text.startswith("<XMLOut><Message date=" if wrapped else "<Message date=")
        assert text.endswith("</Message></XMLOut>" if wrapped else "</Message>")
        assert read_xmlout(xmlmsg).ref == ref


async def test_two_id_and_tran_id_are_the_number_that_the_information_tells(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, trader=merchant(xmlout_base64=False)) as gateway:
        ref = await paid(gateway.client, gateway.gateway)
        information = await gateway.client.get_order_information(ref)
        await told(gateway)
        (delivery,) = gateway.courier.deliveries
        numbers = re.findall(r"<(TwoId|TranId)>(\d+)</\1>", delivery.form["xmlmsg"])
        assert numbers == [("TwoId", str(information.two_id)), ("TranId", str(information.two_id))]


@pytest.mark.parametrize(
    ("language", "paid_text", "poor_text", "left_text"),
    [
        (
            Language.AZ,
            "Əməliyyat uğurla icra edildi",
            "Hesabda kifayət qədər vəsait yoxdur",
            "Ödəyici imtina edib",
        ),
        (
            Language.EN,
            "Approved, no balances available",
            "Insufficient funds",
            "Cancelled by the payer",
        ),
        (
            Language.RU,
            "Удачное выполнение транзакции",
            "На счете не хватает средств",
            "Отменён плательщиком",
        ),
    ],
    ids=["AZ", "EN", "RU"],
)
async def test_the_description_is_in_the_orders_language(
    tmp_path: Path, language: Language, paid_text: str, poor_text: str, left_text: str
) -> None:
    async with stage(tmp_path) as gateway:
        refs = [await create(gateway.client, language=language) for _ in range(3)]
        await pay(gateway.gateway, refs[0])
        await pay(gateway.gateway, refs[1], "076")
        await give_up(gateway.gateway, refs[2])
        texts = {message.ref: message.response_description for message in await told(gateway)}
        assert texts == dict(zip(refs, (paid_text, poor_text, left_text), strict=True))
