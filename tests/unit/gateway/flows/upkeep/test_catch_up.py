"""A move of the clock ends when all that fell due has run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.clock_fixtures import moved_desk
from tests.paying import (
    Answer,
    AnsweringHost,
    Desk,
    card,
    create,
    paid,
    post,
    refund_request,
    stored,
    submit_card,
)

from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.upkeep import expire
from tkkpg.gateway.flows.upkeep.catch_up import advance, caught_up, ran
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.gateway.notify.base import DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.runtime import Gateway
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TEN_AT_NIGHT = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)
"""In Baku."""


async def move(gateway: Gateway, step: timedelta) -> dict[str, int]:
    """Move the clock, and say what ran."""
    advance(gateway, step)
    assert await caught_up(gateway, 20)
    return ran(gateway)


async def unanswered_refund(at: Desk, host: AnsweringHost, silences: int) -> OrderRef:
    """Refund an order of which the host says nothing so many times."""
    ref = await paid(at.client, at.gateway)
    host.answers(TranKind.REFUND, *[HostReply.silent()] * silences)
    await post(at.exec, refund_request(ref, 3000))
    return ref


async def last_transaction(at: Desk, ref: OrderRef) -> tuple[TranState, datetime | None]:
    facts = await at.gateway.store.facts(ref.order_id)
    assert facts is not None
    return facts.transactions[-1].state, facts.transactions[-1].parked_at


async def test_all_overdue_orders_are_expired_however_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire, "AT_ONCE", 2)
    async with moved_desk(tmp_path) as at:
        refs = [await create(at.client) for _ in range(5)]
        assert (await move(at.gateway, 29 * MINUTE))["expired"] == 0
        assert (await move(at.gateway, 2 * MINUTE))["expired"] == 5
        assert {(await stored(at.gateway, ref)).status for ref in refs} == {OrderStatus.EXPIRED}


async def test_merchants_are_settled_when_it_is_time(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, settle_every_s=3600) as at:
        await paid(at.client, at.gateway)
        assert (await move(at.gateway, 50 * MINUTE))["settled"] == 0
        assert (await move(at.gateway, 10 * MINUTE))["settled"] == 1
        assert not await at.gateway.store.unsettled()


async def test_merchants_are_settled_when_a_business_day_begins(tmp_path: Path) -> None:
    clock = BusinessClock(tmp_path / "clock.json", machine=lambda: TEN_AT_NIGHT)
    async with moved_desk(tmp_path, clock=clock, settle_every_s=None) as at:
        await paid(at.client, at.gateway)
        assert (await move(at.gateway, HOUR))["settled"] == 0
        assert (await move(at.gateway, HOUR))["settled"] == 1


async def test_a_notification_that_failed_is_tried_again_once(tmp_path: Path) -> None:
    refused = DeliveryResult(delivered=False, detail="Refused.", http_status=500)
    courier = RecordedCourier(lambda _delivery: refused)
    async with moved_desk(tmp_path, courier=courier) as at:
        await paid(at.client, at.gateway)
        async with asyncio.timeout(5):
            while not at.gateway.upkeep.notified.done:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.005)
        assert (await move(at.gateway, HOUR))["notified"] == 1
        assert len(courier.deliveries) == 2


async def test_an_unresolved_transaction_is_asked_about(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with moved_desk(tmp_path, host=host) as at:
        ref = await unanswered_refund(at, host, 1)
        assert (await move(at.gateway, MINUTE))["reconciled"] == 1
        assert (await stored(at.gateway, ref)).status is OrderStatus.REFUNDED


async def test_what_is_unresolved_after_a_day_is_left_to_the_operator(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with moved_desk(tmp_path, host=host) as at:
        ref = await unanswered_refund(at, host, 9)
        await move(at.gateway, 23 * HOUR)
        assert await last_transaction(at, ref) == (TranState.UNKNOWN, None)
        await move(at.gateway, HOUR)
        _, parked_at = await last_transaction(at, ref)
        assert parked_at is not None


async def test_a_payment_under_way_is_waited_for_and_not_given_up(tmp_path: Path) -> None:
    host, go = AnsweringHost(), asyncio.Event()
    host.answers(TranKind.AUTHORISATION, Answer(when=go))
    async with moved_desk(tmp_path, host=host) as at:
        ref = await create(at.client)
        view = await open_page(at.gateway, ref)
        paying = asyncio.create_task(submit_card(at.gateway, view, card(at.gateway)))
        async with asyncio.timeout(5):
            while not host.asked:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.001)

        advance(at.gateway, HOUR)
        assert not await caught_up(at.gateway, 0.2)
        go.set()
        assert await caught_up(at.gateway, 20)
        await paying

        assert (await stored(at.gateway, ref)).status is OrderStatus.APPROVED
        assert host.count(TranKind.REVERSAL) == 0


async def test_a_step_that_is_refused_begins_nothing(tmp_path: Path) -> None:
    async with moved_desk(tmp_path) as at:
        with pytest.raises(ConfigurationError):
            advance(at.gateway, -MINUTE)
        assert at.gateway.upkeep.catching_up is None


async def test_business_time_is_no_earlier_after_the_gateway_was_closed(tmp_path: Path) -> None:
    async with moved_desk(tmp_path) as at:
        await move(at.gateway, HOUR)
        before = at.gateway.clock.now()
    async with moved_desk(tmp_path) as at:
        assert at.gateway.clock.now() >= before
