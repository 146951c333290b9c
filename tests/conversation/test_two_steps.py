"""Payments in two steps: hold, complete in whole or in part, reverse; and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, merchant, stage
from tests.paying import (
    DECLINED,
    Answer,
    AnsweringHost,
    ordered,
    pay,
    post,
    refund_request,
    request,
    settled,
    stored,
    unsettled,
)

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.home import check_home
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.store.base import EVER
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.values import Language, OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

OK = b"<Status>00</Status>"
REFUSED = b"<Status>30</Status>"
FAILED = b"<Status>96</Status>"
NO_LINK = b"<Status>97</Status>"
SHORT = b"<Status>205</Status>"


@asynccontextmanager
async def held(
    home: Path, host: AnsweringHost | None = None, **changes: object
) -> AsyncIterator[tuple[Stage, OrderRef]]:
    """Open a gateway with one order whose 30.00 are held."""
    async with stage(home, host=host, trader=merchant(**changes)) as one:
        ref = await ordered(one.exec)
        await pay(one.gateway, ref)
        assert (await stored(one.gateway, ref)).status is OrderStatus.PREAUTH_APPROVED
        yield one, ref


def completion(ref: OrderRef, amount: int, more: str = "") -> bytes:
    """Write a Completion."""
    return request("Completion", ref, more=f"<Amount>{amount}</Amount>{more}")


def reverse_request(ref: OrderRef, more: str = "") -> bytes:
    """Write a Reverse."""
    return request("Reverse", ref, more=more)


def booked(home: Path, ref: OrderRef) -> list[tuple[Posting, int]]:
    """Read the ledger lines of an order."""
    connection = connect(home / DATABASE, writing=False)
    try:
        lines = connection.execute(
            "SELECT posting, amount_minor FROM entry WHERE order_id = ? ORDER BY entry_id",
            (ref.order_id,),
        ).fetchall()
    finally:
        connection.close()
    return [(Posting(str(posting)), int(str(amount))) for posting, amount in lines]


def clean(home: Path, gateway: Gateway) -> bool:
    """Say whether the books agree."""
    assert check_home(home, gateway.clock.now()) == []
    return True


async def test_a_hold_is_completed_whole(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        answer = await post(one.exec, completion(ref, 3000, "<Description>54321</Description>"))
        order_now = await stored(one.gateway, ref)
        assert clean(tmp_path, one.gateway)
    assert answer.content.startswith(
        b"<TKKPG><Response><Operation>Completion</Operation><Status>00</Status>"
        b'<POSResponse><l name="ResponseCode" value="001"></l><f name="F" value="'
    )
    assert order_now.status is OrderStatus.APPROVED
    assert (order_now.captured_minor, order_now.description) == (3000, "54321")
    assert booked(tmp_path, ref) == [(Posting.HOLD, 3000), (Posting.COMPLETE, 3000)]


async def test_the_rest_of_a_part_completion_is_released(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        await post(one.exec, completion(ref, 1000))
        await settled(one.gateway)
        too_much = await post(one.exec, refund_request(ref, 1001))
        back = await post(one.exec, refund_request(ref, 1000))
        assert clean(tmp_path, one.gateway)
    assert REFUSED in too_much.content
    assert OK in back.content
    assert booked(tmp_path, ref)[:3] == [
        (Posting.HOLD, 3000),
        (Posting.COMPLETE, 1000),
        (Posting.RELEASE, 2000),
    ]


@pytest.mark.parametrize(
    "more",
    [
        "<Amount>3001</Amount>",
        "<Amount>3000</Amount><Currency>840</Currency>",
        "<Amount>3000</Amount><Fee>3001</Fee>",
        "",
    ],
)
async def test_a_completion_that_does_not_fit_is_refused(tmp_path: Path, more: str) -> None:
    async with held(tmp_path) as (one, ref):
        answer = await post(one.exec, request("Completion", ref, more=more))
        assert (await stored(one.gateway, ref)).status is OrderStatus.PREAUTH_APPROVED
    assert REFUSED in answer.content
    assert booked(tmp_path, ref) == [(Posting.HOLD, 3000)]


async def test_a_declined_completion_leaves_the_hold(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.COMPLETION, DECLINED)
    async with held(tmp_path, host) as (one, ref):
        answer = await post(one.exec, completion(ref, 3000))
        assert (await stored(one.gateway, ref)).status is OrderStatus.PREAUTH_APPROVED
        again = await post(one.exec, completion(ref, 3000))
        assert clean(tmp_path, one.gateway)
    assert FAILED in answer.content
    assert b'value="076"' in answer.content
    assert OK in again.content


async def test_a_completion_that_was_not_sent_may_be_repeated(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.COMPLETION, HostReply.not_sent())
    async with held(tmp_path, host) as (one, ref):
        answer = await post(one.exec, completion(ref, 3000))
        again = await post(one.exec, completion(ref, 3000))
    assert NO_LINK in answer.content
    assert OK in again.content


async def test_a_hold_is_reversed(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        answer = await post(one.exec, reverse_request(ref, "<Description>54321</Description>"))
        order_now = await stored(one.gateway, ref)
        assert clean(tmp_path, one.gateway)
    assert answer.content == (
        b"<TKKPG><Response><Operation>Reverse</Operation><Status>00</Status>"
        b"<Order><OrderID>%d</OrderID></Order><Reversal><RespCode>001</RespCode>"
        b"<RespMessage>%b</RespMessage></Reversal></Response></TKKPG>"
        % (ref.order_id, response_code("001").text(Language.EN).encode())
    )
    assert (order_now.status, order_now.description) == (OrderStatus.REVERSED, "1234554321")
    assert booked(tmp_path, ref) == [(Posting.HOLD, 3000), (Posting.RELEASE, 3000)]


async def test_a_charge_is_reversed_before_it_is_settled(tmp_path: Path) -> None:
    async with unsettled(tmp_path, opening="0.01") as desk:
        ref = await ordered(desk.exec, "Purchase")
        await pay(desk.gateway, ref)
        answer = await post(desk.exec, reverse_request(ref, "<Amount>3000</Amount>"))
        await settle(desk.gateway)
        assert clean(tmp_path, desk.gateway)
    assert OK in answer.content
    assert booked(tmp_path, ref) == [
        (Posting.CHARGE, 3000),
        (Posting.RESERVE_UNCHARGE, 3000),
        (Posting.UNCHARGE, 3000),
    ]


async def test_a_settled_charge_is_reversed_from_the_current_account(tmp_path: Path) -> None:
    async with unsettled(tmp_path, opening="0.01") as desk:
        ref = await ordered(desk.exec, "Purchase")
        await pay(desk.gateway, ref)
        await settle(desk.gateway)
        answer = await post(desk.exec, reverse_request(ref))
        assert clean(tmp_path, desk.gateway)
    assert OK in answer.content
    assert booked(tmp_path, ref)[1:] == [
        (Posting.RESERVE_CLAWBACK, 3000),
        (Posting.CLAWBACK, 3000),
    ]


async def test_a_reversal_after_midnight_does_not_keep_the_days_money(tmp_path: Path) -> None:
    async with unsettled(tmp_path, opening="0.01") as desk:
        undone, kept = [await ordered(desk.exec, "Purchase") for _ in range(2)]
        for ref in (undone, kept):
            await pay(desk.gateway, ref)
        midnight = desk.gateway.clock.now() + timedelta(seconds=1)
        counted = await desk.gateway.store.unsettled(midnight)
        desk.gateway.clock.advance(timedelta(seconds=2))
        assert OK in (await post(desk.exec, reverse_request(undone))).content
        assert len(counted) == 1
        await settle(desk.gateway, midnight)
        paid_out = await post(desk.exec, refund_request(kept, 3000))
        assert clean(tmp_path, desk.gateway)
    assert OK in paid_out.content


async def test_an_account_that_is_short_keeps_a_settled_charge(tmp_path: Path) -> None:
    trader = merchant(fee_bp=500)
    async with stage(tmp_path, trader=trader, balance="0.01") as one:
        refs = [await ordered(one.exec, "Purchase") for _ in range(2)]
        for ref in refs:
            await pay(one.gateway, ref)
        await settled(one.gateway)
        given_back = await post(one.exec, refund_request(refs[0], 3000))
        answer = await post(one.exec, reverse_request(refs[1]))
        order_now = await stored(one.gateway, refs[1])
        assert clean(tmp_path, one.gateway)
    assert OK in given_back.content
    assert SHORT in answer.content
    assert order_now.status is OrderStatus.APPROVED
    assert len(booked(tmp_path, refs[1])) == 2


async def test_a_completed_payment_is_reversed(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        await post(one.exec, completion(ref, 1000))
        too_much = await post(one.exec, reverse_request(ref, "<Amount>3000</Amount>"))
        answer = await post(one.exec, reverse_request(ref, "<Amount>1000</Amount>"))
        assert (await stored(one.gateway, ref)).status is OrderStatus.REVERSED
        assert clean(tmp_path, one.gateway)
    assert REFUSED in too_much.content
    assert OK in answer.content


async def test_a_refunded_order_is_not_reversed(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        await post(one.exec, completion(ref, 3000))
        await settled(one.gateway)
        await post(one.exec, refund_request(ref, 1))
        answer = await post(one.exec, reverse_request(ref))
        assert (await stored(one.gateway, ref)).status is OrderStatus.REFUNDED
    assert REFUSED in answer.content


async def test_a_reversal_names_the_payment_or_nothing(tmp_path: Path) -> None:
    async with held(tmp_path) as (one, ref):
        wrong = await post(one.exec, reverse_request(ref, "<TranId>1</TranId>"))
        empty = await post(one.exec, reverse_request(ref, "<TranId></TranId><Source>1</Source>"))
    assert REFUSED in wrong.content
    assert OK in empty.content


async def test_a_silent_completion_is_asked_again_until_there_is_an_answer(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.COMPLETION, HostReply.silent(), HostReply.not_sent(), Answer())
    async with held(tmp_path, host) as (one, ref):
        answer = await post(one.exec, completion(ref, 3000))
        assert (await stored(one.gateway, ref)).status is OrderStatus.ON_LOCK
        second = await post(one.exec, completion(ref, 3000))
        for _ in range(2):
            await _reconcile(one)
        order_now = await stored(one.gateway, ref)
        assert clean(tmp_path, one.gateway)
    assert FAILED in answer.content
    assert REFUSED in second.content
    assert order_now.status is OrderStatus.APPROVED


async def test_a_silent_reversal_is_asked_again_and_may_be_declined(tmp_path: Path) -> None:
    host = AnsweringHost()
    host.answers(TranKind.REVERSAL, HostReply.silent(), DECLINED)
    async with held(tmp_path, host) as (one, ref):
        answer = await post(one.exec, reverse_request(ref))
        await _reconcile(one)
        order_now = await stored(one.gateway, ref)
        assert clean(tmp_path, one.gateway)
    assert FAILED in answer.content
    assert order_now.status is OrderStatus.PREAUTH_APPROVED


async def _reconcile(one: Stage) -> None:
    await reconcile(one.gateway, EVER)


async def test_the_fee_is_taken_from_what_is_settled_and_comes_back_with_a_reversal(
    tmp_path: Path,
) -> None:
    async with held(tmp_path, fee_bp=250) as (one, ref):
        await post(one.exec, completion(ref, 1000))
        await settled(one.gateway)
        reversed_ = await post(one.exec, reverse_request(ref))
        assert clean(tmp_path, one.gateway)
    assert OK in reversed_.content
    assert booked(tmp_path, ref) == [
        (Posting.HOLD, 3000),
        (Posting.COMPLETE, 1000),
        (Posting.FEE, 25),
        (Posting.RELEASE, 2000),
        (Posting.RESERVE_CLAWBACK, 975),
        (Posting.CLAWBACK, 975),
        (Posting.CANCEL_FEE, 25),
    ]


async def test_a_refund_with_fee_gives_its_share_back(tmp_path: Path) -> None:
    async with stage(tmp_path, trader=merchant(fee_bp=333)) as one:
        ref = await ordered(one.exec, "Purchase")
        await pay(one.gateway, ref)
        await settled(one.gateway)
        for amount in (1000, 1000, 1000):
            body = refund_request(ref, amount).replace(
                b"</Currency>", b"</Currency><WithFee>true</WithFee>"
            )
            assert OK in (await post(one.exec, body)).content
        assert clean(tmp_path, one.gateway)
    lines = booked(tmp_path, ref)
    assert sum(amount for posting, amount in lines if posting is Posting.RETURN_FEE) == 100
    assert (Posting.FEE, 100) in lines
