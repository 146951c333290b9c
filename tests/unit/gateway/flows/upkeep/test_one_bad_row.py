"""One row that cannot be worked on stops no other, in every kind of upkeep.

Rows are damaged in the file itself, as nothing else makes them fail.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture
from tests.clock_fixtures import moved_desk
from tests.gateway_fixtures import SHOP, Stage, merchant, stage
from tests.paying import (
    Answer,
    AnsweringHost,
    create,
    give_up,
    paid,
    pay,
    post,
    refund_request,
    settled,
    stored,
)

from tkkpg.gateway.flows.upkeep import expire
from tkkpg.gateway.flows.upkeep.catch_up import advance, caught_up
from tkkpg.gateway.flows.upkeep.deliver import AT_ONCE as DELIVERIES
from tkkpg.gateway.flows.upkeep.expire import AGAIN_AFTER
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.flows.upkeep.rounds import expire_rounds
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.values import CURRENCIES, Amount, OrderStatus

pytestmark = pytest.mark.anyio

A_ROUND = 4
"""Notifications of one merchant that one round takes."""
TAKEN = DeliveryResult(delivered=True, detail="Taken.", http_status=200)


def damage(home: Path, statement: str, *values: int) -> None:
    """Do something to the database of a running gateway."""
    db = connect(home / "tkkpg.db", writing=True)
    db.execute(statement, values)
    db.close()


def listening(gateway: Gateway) -> tuple[Gateway, LogCapture]:
    """Give the gateway a log that is kept."""
    log = LogCapture()
    wrapped = structlog.wrap_logger(structlog.PrintLogger(), processors=[log])
    return replace(gateway, log=wrapped), log


async def test_an_order_that_cannot_be_expired_is_passed_over_and_tried_again_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expire, "AT_ONCE", 1)
    async with stage(tmp_path) as at:
        gateway, log = listening(at.gateway)
        refs = [await create(at.client) for _ in range(4)]
        damage(tmp_path, "UPDATE orders SET currency = '000' WHERE order_id = ?", refs[0].order_id)

        at.clock.advance(timedelta(minutes=31))
        await expire_rounds(gateway)
        await expire_rounds(gateway)

        statuses = {(await stored(gateway, ref)).status for ref in refs[1:]}
        assert statuses == {OrderStatus.EXPIRED}
        failures = [entry["order_id"] for entry in log.entries]
        assert failures == [refs[0].order_id]
        damage(tmp_path, "UPDATE orders SET currency = '944'")
        at.clock.advance(AGAIN_AFTER)
        await expire_rounds(gateway)
        assert (await stored(gateway, refs[0])).status is OrderStatus.EXPIRED
        assert not gateway.upkeep.passed_over


class HoldingCourier:
    """A courier that takes every fourth delivery at once and holds all others back."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.begun = self.under_way = self.most = 0

    async def deliver(self, _delivery: Delivery) -> DeliveryResult:
        """Deliver when it may."""
        self.begun += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.begun % A_ROUND != 1:
            await self.go.wait()
        self.under_way -= 1
        return TAKEN

    async def aclose(self) -> None:
        """Let go of all."""
        self.go.set()


async def test_no_more_is_delivered_at_once_when_one_cannot_be_marked(tmp_path: Path) -> None:
    courier = HoldingCourier()
    async with stage(tmp_path, courier=courier) as at:
        damage(
            tmp_path,
            "CREATE TRIGGER broken BEFORE UPDATE ON notification WHEN NEW.state <> 'QUEUED'"
            " BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )

        async def queue() -> int:
            refs = await asyncio.gather(*(create(at.client) for _ in range(2 * DELIVERIES)))
            await asyncio.gather(*(give_up(at.gateway, ref) for ref in refs))
            return 0

        await at.gateway.upkeep.notified.run(queue)  # so that no round begins with fewer
        async with asyncio.timeout(5):
            while courier.begun < A_ROUND:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.002)
        for _ in range(40):  # a round each, unless the first one is still under way
            at.gateway.outbox.set()
            await asyncio.sleep(0.002)
        assert courier.most < DELIVERIES
        courier.go.set()


async def test_a_courier_that_fails_has_made_a_try_like_any_other(tmp_path: Path) -> None:
    class BrokenCourier(HoldingCourier):
        async def deliver(self, delivery: Delivery) -> DeliveryResult:
            self.begun += 1
            raise RuntimeError(delivery.delivery_id)

    courier = BrokenCourier()
    async with moved_desk(tmp_path, courier=courier) as at:
        await give_up(at.gateway, await create(at.client))
        async with asyncio.timeout(5):
            while not at.gateway.upkeep.notified.done:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.002)
        advance(at.gateway, timedelta(seconds=6))  # the first pause, not the lease
        assert await caught_up(at.gateway, 5)
        assert courier.begun == 2


@asynccontextmanager
async def two_currencies(home: Path) -> AsyncIterator[Stage]:
    """A gateway with a payment in each of two currencies."""
    both = merchant(currencies=frozenset({"944", "840"}))
    async with stage(home, trader=both) as at:
        yield at


async def test_a_merchant_that_cannot_be_settled_keeps_no_money_from_others(tmp_path: Path) -> None:
    async with two_currencies(tmp_path) as at:
        damage(
            tmp_path,
            "CREATE TRIGGER broken BEFORE INSERT ON entry WHEN NEW.posting = 'SETTLE'"
            " AND NEW.currency = '944' BEGIN SELECT RAISE(ABORT, 'broken'); END",
        )
        await paid(at.client, at.gateway)
        other = await at.client.create_order(
            amount=Amount.of("30.00", CURRENCIES["840"]),
            description="Two shirts",
            approve_url=f"{SHOP}/ok",
        )
        await pay(at.gateway, other.ref)

        with pytest.raises(ExceptionGroup) as failed:
            await settle(at.gateway)

        left = {one.currency.alpha for one in await at.gateway.store.unsettled()}
        assert left == {"AZN"}
        (error,) = failed.value.exceptions
        assert "merchant E1000010" in error.__notes__[0]


async def test_a_transaction_that_cannot_be_read_leaves_nothing_under_way(tmp_path: Path) -> None:
    host, go = AnsweringHost(), asyncio.Event()
    async with stage(tmp_path, host=host) as at:
        refs = [await paid(at.client, at.gateway) for _ in range(2)]
        await settled(at.gateway)
        host.answers(TranKind.REFUND, HostReply.silent(), HostReply.silent(), Answer(when=go))
        for ref in refs:
            await post(at.exec, refund_request(ref, 3000))
        damage(tmp_path, "UPDATE tran SET currency = '000' WHERE order_id = ?", refs[1].order_id)
        asked = host.count(TranKind.REFUND)
        later = at.clock.now() + timedelta(minutes=1)
        round_ = asyncio.create_task(reconcile(at.gateway, later))
        async with asyncio.timeout(5):
            while host.count(TranKind.REFUND) == asked:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.001)
        await asyncio.wait({round_}, timeout=0.1)
        assert not round_.done()
        go.set()
        assert await round_ == 2
        assert (await stored(at.gateway, refs[0])).status is OrderStatus.REFUNDED
