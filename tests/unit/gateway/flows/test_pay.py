"""One payment, whatever two tabs, impatient fingers and broken connections do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.gateway_fixtures import stage
from tests.paying import APPROVED, Answer, AnsweringHost, card, create, stored, submit_card

from tkkpg.gateway.flows.pay import leave, open_page
from tkkpg.gateway.flows.record import record
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio
AUTHORISATION = TranKind.AUTHORISATION


async def test_two_tabs_that_submit_at_once_ask_the_host_once(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        views = [await open_page(at.gateway, ref) for _ in range(2)]
        await asyncio.gather(*(submit_card(at.gateway, view, card(at.gateway)) for view in views))
        assert host.count(AUTHORISATION) == 1
        assert (await stored(at.gateway, ref)).status is OrderStatus.APPROVED


async def test_the_same_page_submitted_again_asks_nobody(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        view = await open_page(at.gateway, ref)
        for _ in range(3):
            await submit_card(at.gateway, view, card(at.gateway))
        assert host.count(AUTHORISATION) == 1


async def test_of_leaving_and_submitting_exactly_one_wins(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        for number in range(20):
            ref = await create(at.client)
            view = await open_page(at.gateway, ref)
            before = host.count(AUTHORISATION)
            racers = [leave(at.gateway, view), submit_card(at.gateway, view, card(at.gateway))]
            await asyncio.gather(*(racers if number % 2 else reversed(racers)))
            sent = host.count(AUTHORISATION) - before
            expected = OrderStatus.APPROVED if sent else OrderStatus.CANCELED
            assert (await stored(at.gateway, ref)).status is expected


async def test_a_payer_who_goes_away_meanwhile_has_paid_nevertheless(tmp_path: Path) -> None:
    host, answered = AnsweringHost(), asyncio.Event()
    host.answers(AUTHORISATION, Answer(when=answered))
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        view = await open_page(at.gateway, ref)
        paying = asyncio.create_task(submit_card(at.gateway, view, card(at.gateway)))
        async with asyncio.timeout(5):
            while not host.asked:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.001)
        paying.cancel()
        await asyncio.wait({paying})
        assert (await stored(at.gateway, ref)).status is OrderStatus.ON_LOCK
        answered.set()
        assert await at.gateway.background.drain(5) == 0
        assert (await stored(at.gateway, ref)).status is OrderStatus.APPROVED


async def test_an_approval_that_comes_too_late_changes_nothing(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(AUTHORISATION, HostReply.silent())
    async with stage(tmp_path, host=host) as at:
        ref = await create(at.client)
        view = await open_page(at.gateway, ref)
        await submit_card(at.gateway, view, card(at.gateway))
        await record(at.gateway, host.asked[0][1], APPROVED)
        assert (await stored(at.gateway, ref)).status is OrderStatus.DECLINED
        facts = await at.gateway.store.facts(ref.order_id)
        assert facts is not None
        assert facts.transactions[0].state in {TranState.REVERSING, TranState.REVERSED}
