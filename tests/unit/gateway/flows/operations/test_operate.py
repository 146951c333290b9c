"""An operation on a paid order runs to its end, and is answered by what became of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.gateway_fixtures import merchant, stage
from tests.paying import DECLINED, Answer, AnsweringHost, ordered, paid, pay, stored, unsettled

from tkkpg.gateway.flows.operations.complete import complete
from tkkpg.gateway.flows.operations.operate import ended
from tkkpg.gateway.flows.operations.refund import refund
from tkkpg.gateway.flows.operations.reverse import reverse
from tkkpg.gateway.flows.record import ask
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.model.errors import IllegalTransition, PolicyRefusal
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.protocol.messages import CompletionRequest, RefundRequest, ReverseRequest
from tkkpg.protocol.values import Language, OperationStatus, OrderRef, OrderStatus

pytestmark = pytest.mark.anyio


def reversal(ref: OrderRef) -> ReverseRequest:
    """Ask to reverse an order."""
    return ReverseRequest(
        language=Language.EN,
        merchant_id="E1000010",
        order_id=ref.order_id,
        session_id=ref.session_id,
    )


def completion(ref: OrderRef, amount_minor: int = 3000) -> CompletionRequest:
    """Ask to complete an order."""
    return CompletionRequest(
        language=Language.EN,
        merchant_id="E1000010",
        order_id=ref.order_id,
        session_id=ref.session_id,
        amount_minor=amount_minor,
    )


def refund_of(ref: OrderRef, amount_minor: int) -> RefundRequest:
    """Ask to refund some of an order."""
    return RefundRequest(
        language=Language.EN,
        merchant_id="E1000010",
        order_id=ref.order_id,
        session_id=ref.session_id,
        amount_minor=amount_minor,
    )


async def test_an_operation_whose_asker_goes_away_is_recorded_nevertheless(
    tmp_path: Path,
) -> None:
    host, answer = AnsweringHost(), asyncio.Event()
    async with unsettled(tmp_path, opening="1.00", host=host) as desk:
        ref = await paid(desk.client, desk.gateway)
        host.answers(TranKind.REVERSAL, Answer(when=answer))
        asking = asyncio.create_task(reverse(desk.gateway, merchant(), reversal(ref)))
        async with asyncio.timeout(5):
            while not host.count(TranKind.REVERSAL):  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.001)

        asking.cancel()
        answer.set()
        await desk.gateway.background.drain(5)

        assert (await stored(desk.gateway, ref)).status is OrderStatus.REVERSED


async def test_a_settled_charge_that_the_account_does_not_cover_is_kept_with_205(
    tmp_path: Path,
) -> None:
    host = AnsweringHost()
    async with unsettled(tmp_path, opening="0.01", host=host) as desk:
        kept, refunded = [await paid(desk.client, desk.gateway) for _ in range(2)]
        await settle(desk.gateway)
        # The account has 60.01: a refund that is under way holds 30.00, another 0.02.
        host.answers(TranKind.REFUND, HostReply.silent())
        with pytest.raises(PolicyRefusal):
            await refund(desk.gateway, merchant(), refund_of(refunded, 3000))
        third = await paid(desk.client, desk.gateway)
        host.answers(TranKind.REFUND, HostReply.silent())
        with pytest.raises(PolicyRefusal):
            await refund(desk.gateway, merchant(), refund_of(third, 2))

        with pytest.raises(PolicyRefusal, match="current account") as short:
            await reverse(desk.gateway, merchant(), reversal(kept))

        assert short.value.status is OperationStatus.ACCOUNT_SHORT
        assert (await stored(desk.gateway, kept)).status is OrderStatus.APPROVED
        assert host.count(TranKind.REVERSAL) == 0


@pytest.mark.parametrize(
    ("reply", "status", "told"),
    [
        (HostReply.not_sent(), OrderStatus.PREAUTH_APPROVED, OperationStatus.NO_HOST_LINK),
        (HostReply.silent(), OrderStatus.ON_LOCK, OperationStatus.SYSTEM_ERROR),
    ],
)
@pytest.mark.parametrize("kind", [TranKind.COMPLETION, TranKind.REVERSAL])
async def test_without_an_outcome_the_answer_says_which_kind_of_failure_it_is(
    tmp_path: Path,
    kind: TranKind,
    reply: HostReply,
    status: OrderStatus,
    told: OperationStatus,
) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await ordered(at.exec)
        await pay(at.gateway, ref)
        host.answers(kind, reply)

        asking = (
            complete(at.gateway, merchant(), completion(ref))
            if kind is TranKind.COMPLETION
            else reverse(at.gateway, merchant(), reversal(ref))
        )
        with pytest.raises(PolicyRefusal) as failed:
            await asking

        assert failed.value.status is told
        assert (await stored(at.gateway, ref)).status is status


async def test_a_declined_operation_has_its_outcome(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await ordered(at.exec)
        await pay(at.gateway, ref)
        host.answers(TranKind.COMPLETION, DECLINED)

        answer = await complete(at.gateway, merchant(), completion(ref))

        assert answer.status is OperationStatus.SYSTEM_ERROR
        tran = await ended(at.gateway, host.asked[-1][1].tran_id)
        assert (tran.state, tran.response_code) == (TranState.DECLINED, "076")


async def test_what_is_not_stored_has_no_outcome(tmp_path: Path) -> None:
    async with stage(tmp_path) as at:
        with pytest.raises(PolicyRefusal, match="has not answered"):
            await ended(at.gateway, 99)


async def test_the_host_is_asked_about_the_payment_that_is_stored(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        await paid(at.client, at.gateway)
        lost = replace(host.asked[0][1], kind=TranKind.REFUND, original_id=99)

        with pytest.raises(IllegalTransition, match="not stored"):
            await ask(at.gateway, lost)

        assert host.count(TranKind.REFUND) == 0
