"""A crash image is a copy of the home while the host has not answered yet."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, stage
from tests.paying import (
    Answer,
    AnsweringHost,
    card,
    create,
    paid,
    post,
    refund_request,
    settled,
    submit_card,
)

from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.resolve import resolve
from tkkpg.gateway.flows.upkeep.reconcile import HOST_AT_ONCE, reconcile, recover
from tkkpg.gateway.model.decisions.resolution import Resolution
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.transaction import HostReply, TranKind, Transaction, TranState
from tkkpg.gateway.store.base import EVER
from tkkpg.gateway.store.sqlite import SQLiteStore
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def crashed(folder: Path, kind: TranKind) -> AsyncIterator[tuple[Path, OrderRef]]:
    """Give the home of a gateway that was killed after a message left."""
    home, image = folder / "home", folder / "image"
    home.mkdir()
    host, go = AnsweringHost(), asyncio.Event()
    async with stage(home, host=host) as at:
        host.answers(kind, Answer(when=go))
        if kind is TranKind.REFUND:
            ref = await paid(at.client, at.gateway)
            await settled(at.gateway)
            asking = asyncio.create_task(_refund(at, ref))
        else:
            ref = await create(at.client)
            view = await open_page(at.gateway, ref)
            asking = asyncio.create_task(submit_card(at.gateway, view, card(at.gateway)))
        async with asyncio.timeout(5):
            while not host.count(kind):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.001)
        shutil.copytree(home, image)
        go.set()
        await asking
    yield image, ref


async def _refund(at: Stage, ref: OrderRef) -> None:
    await post(at.exec, refund_request(ref, 3000))


async def unanswered(at: Stage, host: AnsweringHost, number: int) -> list[OrderRef]:
    """Refund orders of which the host says nothing."""
    refs = [await paid(at.client, at.gateway) for _ in range(number)]
    await settled(at.gateway)
    host.answers(TranKind.REFUND, *[HostReply.silent()] * number)
    for ref in refs:
        await _refund(at, ref)
    return refs


async def last(
    at: Stage, ref: OrderRef, state: TranState | None = None
) -> tuple[Order, Transaction]:
    """Read the order with its last transaction, once that is in a state."""
    async with asyncio.timeout(5):
        while True:
            facts = await at.gateway.store.facts(ref.order_id)
            assert facts is not None
            if state in {None, facts.transactions[-1].state}:
                return facts.order, facts.transactions[-1]
            await asyncio.sleep(0.005)


async def test_an_authorisation_left_behind_is_declined_and_reversed(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with (
        crashed(tmp_path, TranKind.AUTHORISATION) as (image, ref),
        stage(image, host=host) as at,
    ):
        order, tran = await last(at, ref, TranState.REVERSED)
        assert order.status is OrderStatus.DECLINED
        assert tran.response_code == "810"
        assert tran.reversal_at is not None
        assert host.count(TranKind.AUTHORISATION) == 0


async def test_a_refund_left_behind_is_repeated_as_it_was_and_done(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with crashed(tmp_path, TranKind.REFUND) as (image, ref), stage(image, host=host) as at:
        order, tran = await last(at, ref, TranState.APPROVED)
        assert order.status is OrderStatus.REFUNDED
        assert order.refunded_minor == 3000
        ((_, repeated),) = host.asked
        assert (repeated.stan, repeated.sent_at) == (tran.stan, tran.sent_at)


async def test_a_repeat_that_was_not_sent_leaves_the_refund_unknown(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, *[HostReply.not_sent()] * 100)
    async with crashed(tmp_path, TranKind.REFUND) as (image, ref), stage(image, host=host) as at:
        order, _ = await last(at, ref, TranState.UNKNOWN)
        assert order.status is OrderStatus.ON_REFUND


async def test_recovery_goes_on_until_the_host_can_be_reached(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, HostReply.not_sent())
    async with crashed(tmp_path, TranKind.REFUND) as (image, ref), stage(image, host=host) as at:
        order, _ = await last(at, ref, TranState.APPROVED)
        assert order.status is OrderStatus.REFUNDED
        assert host.count(TranKind.REFUND) == 2


async def test_what_nobody_answers_for_a_day_is_left_to_the_operator(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await paid(at.client, at.gateway)
        await settled(at.gateway)
        host.answers(TranKind.REFUND, *[HostReply.silent()] * 3)
        await _refund(at, ref)
        at.clock.advance(timedelta(hours=23))
        await reconcile(at.gateway, at.clock.now())
        assert (await last(at, ref))[1].parked_at is None
        at.clock.advance(timedelta(hours=1))
        await reconcile(at.gateway, at.clock.now())
        order, tran = await last(at, ref)
        assert (order.status, tran.state) == (OrderStatus.ON_REFUND, TranState.UNKNOWN)
        assert tran.parked_at == at.clock.now()
        asked = host.count(TranKind.REFUND)
        assert await reconcile(at.gateway, at.clock.now()) == 0
        assert host.count(TranKind.REFUND) == asked


async def test_what_was_resolved_since_the_round_began_is_not_asked_about(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        refs = await unanswered(at, host, HOST_AT_ONCE + 1)
        at.clock.advance(timedelta(minutes=1))
        _, tran = await last(at, refs[-1])
        asked = host.count(TranKind.REFUND)
        round_ = asyncio.create_task(reconcile(at.gateway, at.clock.now()))
        async with asyncio.timeout(5):
            while host.count(TranKind.REFUND) == asked:  # noqa: ASYNC110 - no event to wait for
                await asyncio.sleep(0.001)

        await resolve(at.gateway, tran.tran_id, Resolution.DECLINED, "The host has nothing")
        await round_

        assert (await last(at, refs[-1]))[1].state is TranState.DECLINED
        assert host.count(TranKind.REFUND) - asked == len(refs) - 1


async def test_a_host_out_of_reach_is_not_asked_for_every_transaction(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        refs = await unanswered(at, host, HOST_AT_ONCE + 5)
        host.answers(TranKind.REFUND, *[HostReply.not_sent()] * len(refs))
        at.clock.advance(timedelta(minutes=1))
        asked = host.count(TranKind.REFUND)
        assert await reconcile(at.gateway, at.clock.now()) == len(refs)
        assert host.count(TranKind.REFUND) - asked <= HOST_AT_ONCE


async def test_while_the_host_is_out_of_reach_what_waits_is_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tkkpg.gateway.flows.upkeep.reconcile.HOST_AT_ONCE", 1)
    monkeypatch.setattr("tkkpg.gateway.flows.upkeep.reconcile.PER_SECOND", 10_000)
    monkeypatch.setattr("tkkpg.gateway.flows.upkeep.reconcile.RECOVER_EVERY_S", 0)
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        refs = await unanswered(at, host, 8)
        left_behind = await at.gateway.store.unresolved(EVER, len(refs))
        host.answers(TranKind.REFUND, *[HostReply.not_sent()] * 5)
        reads: list[int] = []
        read = SQLiteStore.transaction

        async def counted(self: SQLiteStore, tran_id: int) -> Transaction | None:
            reads.append(tran_id)
            return await read(self, tran_id)

        monkeypatch.setattr(SQLiteStore, "transaction", counted)
        await recover(at.gateway, left_behind)

        assert {(await last(at, ref))[0].status for ref in refs} == {OrderStatus.REFUNDED}
        assert len(reads) <= 3 * (len(refs) + 5)


async def test_what_cannot_be_resolved_for_a_day_is_left_to_the_operator_too(
    tmp_path: Path,
) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        (ref,) = await unanswered(at, host, 1)
        host.answers(TranKind.REFUND, Answer(reply=None))
        at.clock.advance(timedelta(hours=24))
        await reconcile(at.gateway, at.clock.now())
        assert (await last(at, ref))[1].parked_at == at.clock.now()


async def test_one_that_cannot_be_resolved_keeps_the_others_not_waiting(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        refs = [await paid(at.client, at.gateway) for _ in range(2)]
        await settled(at.gateway)
        host.answers(TranKind.REFUND, HostReply.silent(), HostReply.silent(), Answer(reply=None))
        for ref in refs:
            await _refund(at, ref)
        later = at.clock.now().replace(year=2027)
        assert await reconcile(at.gateway, later) == 2
        statuses = [(await last(at, ref))[0].status for ref in refs]
        assert sorted(statuses) == [OrderStatus.ON_REFUND, OrderStatus.REFUNDED]
