"""The same Refund again within the merchant's window: answered like the first, moved once."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, merchant, stage
from tests.paying import (
    DECLINED,
    AnsweringHost,
    ordered,
    pay,
    post,
    refund_request,
    settled,
    stored,
)

from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

WINDOW = merchant(duplicate_window_s=60)
OK = b"<Status>00</Status>"


async def paid(one: Stage) -> OrderRef:
    """Pay an order of 30.00 and settle it."""
    ref = await ordered(one.exec, "Purchase")
    await pay(one.gateway, ref)
    await settled(one.gateway)
    return ref


async def test_a_repeat_is_answered_and_moves_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=WINDOW) as one:
        ref = await paid(one)
        first = await post(one.exec, refund_request(ref, 1000))
        second = await post(one.exec, refund_request(ref, 1000))
        assert (await stored(one.gateway, ref)).refunded_minor == 1000
    assert OK in first.content
    assert second.content == first.content


async def test_of_two_at_once_one_moves(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=WINDOW) as one:
        for _ in range(20):
            ref = await paid(one)
            replies = await asyncio.gather(
                *(post(one.exec, refund_request(ref, 1000)) for _ in range(3))
            )
            await one.gateway.background.drain(5)
            assert (await stored(one.gateway, ref)).refunded_minor == 1000
            assert any(OK in reply.content for reply in replies)


async def test_another_refund_is_another(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=WINDOW) as one:
        ref = await paid(one)
        for amount in (1000, 1001):
            assert OK in (await post(one.exec, refund_request(ref, amount))).content
        assert (await stored(one.gateway, ref)).refunded_minor == 2001


async def test_after_the_window_the_same_is_another(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=WINDOW) as one:
        ref = await paid(one)
        await post(one.exec, refund_request(ref, 1000))
        one.clock.advance(timedelta(seconds=61))
        await post(one.exec, refund_request(ref, 1000))
        assert (await stored(one.gateway, ref)).refunded_minor == 2000


async def test_without_a_window_the_same_is_another(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        ref = await paid(one)
        for _ in range(2):
            await post(one.exec, refund_request(ref, 1000))
        assert (await stored(one.gateway, ref)).refunded_minor == 2000


async def test_what_never_left_may_be_sent_again(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, HostReply.not_sent())
    async with stage(tmp_path, host=host, trader=WINDOW) as one:
        ref = await paid(one)
        first = await post(one.exec, refund_request(ref, 1000))
        second = await post(one.exec, refund_request(ref, 1000))
    assert b"<Status>97</Status>" in first.content
    assert OK in second.content


@pytest.mark.parametrize("reply", [DECLINED, HostReply.silent()], ids=["declined", "silent"])
async def test_a_repeat_of_what_did_not_succeed_asks_nobody_again(
    tmp_path: Path, reply: HostReply
) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REFUND, reply)
    async with stage(tmp_path, host=host, trader=WINDOW) as one:
        ref = await paid(one)
        first = await post(one.exec, refund_request(ref, 1000))
        second = await post(one.exec, refund_request(ref, 1000))
        assert host.count(TranKind.REFUND) == 1
        assert (await stored(one.gateway, ref)).status in {
            OrderStatus.APPROVED,
            OrderStatus.ON_REFUND,
        }
    assert b"<Status>96</Status>" in first.content
    assert second.content == first.content
