"""Two things that happen to one order at once: whatever the order of events, one of them wins."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.challenged import at_the_issuer
from tests.conversation.test_two_steps import (
    clean,
    completion,
    reverse_request,
)
from tests.gateway_fixtures import Stage, stage
from tests.paying import (
    AnsweringHost,
    card,
    give_up,
    ordered,
    pay,
    post,
    refund_request,
    settled,
    stored,
    submit_card,
)
from tests.unit.gateway.flows.upkeep.test_claim import late_reply

from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.upkeep.claim import claim
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

ROUNDS = 100
JUST_IN_TIME = ORDER_LIFE - timedelta(microseconds=1)


async def after_a_moment(work: Callable[[], Awaitable[object]]) -> None:
    """Do something after none to three turns of the event loop."""
    for _ in range(random.randrange(4)):  # noqa: S311 - not for secrets
        await asyncio.sleep(0)
    await work()


async def at_once(*works: Callable[[], Awaitable[object]]) -> None:
    """Do things at once, each begun at a moment of its own."""
    await asyncio.gather(*(after_a_moment(work) for work in works))


async def transactions(one: Stage, ref: OrderRef) -> list[TranState]:
    """Read the states of an order's transactions."""
    facts = await one.gateway.store.facts(ref.order_id)
    return [tran.state for tran in facts.transactions] if facts else []


async def sent(one: Stage, ref: OrderRef) -> int:
    """Count what was sent to the host of an order; a card may be taken and never sent."""
    return sum(state is not TranState.ABANDONED for state in await transactions(one, ref))


async def test_a_card_and_the_deadline(tmp_path: Path) -> None:
    ends: Counter[tuple[OrderStatus, int]] = Counter()
    async with stage(tmp_path) as one:
        for _ in range(ROUNDS):
            ref = await ordered(one.exec, "Purchase")
            view = await open_page(one.gateway, ref)
            one.clock.advance(JUST_IN_TIME)

            async def runs_out() -> None:
                one.clock.advance(timedelta(microseconds=1))
                await expire(one.gateway)

            await at_once(partial(submit_card, one.gateway, view, card(one.gateway)), runs_out)
            await expire(one.gateway)
            await one.gateway.background.drain(5)
            order_now = await stored(one.gateway, ref)
            ends[order_now.status, await sent(one, ref)] += 1
        assert clean(tmp_path, one.gateway)
    assert set(ends) <= {(OrderStatus.APPROVED, 1), (OrderStatus.EXPIRED, 0)}
    assert sum(ends.values()) == ROUNDS


async def test_a_card_and_the_cancel_button(tmp_path: Path) -> None:
    ends: Counter[tuple[OrderStatus, int]] = Counter()
    async with stage(tmp_path) as one:
        for _ in range(ROUNDS):
            ref = await ordered(one.exec, "Purchase")
            view = await open_page(one.gateway, ref)
            await at_once(
                partial(submit_card, one.gateway, view, card(one.gateway)),
                partial(give_up, one.gateway, ref),
            )
            await one.gateway.background.drain(5)
            order_now = await stored(one.gateway, ref)
            ends[order_now.status, await sent(one, ref)] += 1
        assert clean(tmp_path, one.gateway)
    assert set(ends) <= {(OrderStatus.APPROVED, 1), (OrderStatus.CANCELED, 0)}


async def test_a_late_approval_and_the_time_out(tmp_path: Path) -> None:
    ends: Counter[tuple[OrderStatus, tuple[TranState, ...]]] = Counter()
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as one:
        for _ in range(ROUNDS):
            ref = await ordered(one.exec, "Purchase")
            view = await open_page(one.gateway, ref)
            host.answers(TranKind.AUTHORISATION, HostReply.silent())

            async def answers_late(ref: OrderRef = ref) -> None:
                facts = await one.gateway.store.facts(ref.order_id)
                for tran in facts.transactions if facts else ():
                    if tran.sent_at is not None:
                        await claim(one.gateway, late_reply(tran))

            await at_once(
                partial(submit_card, one.gateway, view, card(one.gateway)),
                answers_late,
                answers_late,
            )
            await one.gateway.background.drain(5)
            order_now = await stored(one.gateway, ref)
            ends[order_now.status, tuple(await transactions(one, ref))] += 1
        assert clean(tmp_path, one.gateway)
    assert set(ends) <= {
        (OrderStatus.APPROVED, (TranState.APPROVED,)),
        (OrderStatus.DECLINED, (TranState.REVERSED,)),
    }


@pytest.mark.parametrize("interruption", ["deadline", "cancel button", "another card"])
async def test_what_comes_back_from_a_challenge_and_what_ends_it(
    tmp_path: Path, interruption: str
) -> None:
    ends: Counter[tuple[OrderStatus, int]] = Counter()
    async with at_the_issuer(tmp_path, result_timeout_s=0.05) as scene:

        async def interrupted() -> None:
            if interruption == "deadline":
                scene.at.clock.advance(timedelta(microseconds=1))
                await expire(scene.gateway)
            elif interruption == "cancel button":
                await give_up(scene.gateway, scene.payer.ref)
            else:
                view = await open_page(scene.gateway, scene.payer.ref)
                await submit_card(scene.gateway, view, card(scene.gateway))

        for _ in range(ROUNDS // 4):
            step = await scene.challenge()
            scene.at.clock.advance(JUST_IN_TIME)
            before = scene.host.count(TranKind.AUTHORISATION)
            await at_once(
                partial(scene.tell, step), partial(scene.back, step), interrupted, interrupted
            )
            order_now = await scene.ended()
            ends[order_now.status, scene.host.count(TranKind.AUTHORISATION) - before] += 1
            scene.at.clock.advance(timedelta(seconds=1))
            await expire(scene.gateway)
        assert clean(tmp_path, scene.gateway)
    ended = {"deadline": OrderStatus.EXPIRED, "cancel button": OrderStatus.CANCELED}
    unpaid = ended.get(interruption, OrderStatus.ON_PAYMENT)
    assert set(ends) <= {(OrderStatus.APPROVED, 1), (unpaid, 0)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (lambda ref: completion(ref, 3000), lambda ref: completion(ref, 3000)),
        (lambda ref: completion(ref, 1000), reverse_request),
        (reverse_request, reverse_request),
    ],
    ids=["completed twice", "completed and reversed", "reversed twice"],
)
async def test_two_operations_on_one_hold(
    tmp_path: Path, first: Callable[[OrderRef], bytes], second: Callable[[OrderRef], bytes]
) -> None:
    async with stage(tmp_path) as one:
        for _ in range(ROUNDS):
            ref = await ordered(one.exec)
            await pay(one.gateway, ref)
            replies = await asyncio.gather(*(post(one.exec, ask(ref)) for ask in (first, second)))
            done = [b"<Status>00</Status>" in reply.content for reply in replies]
            kinds = await transactions(one, ref)
            # A completed payment may be reversed after all; nothing else can succeed twice.
            assert sum(done) == 1 or first is not second
            assert kinds == [TranState.APPROVED] * (1 + sum(done))
        assert clean(tmp_path, one.gateway)


async def test_two_refunds_of_60_on_one_order_of_100(tmp_path: Path) -> None:
    async with stage(tmp_path) as one:
        for _ in range(ROUNDS // 2):
            ref = await ordered(one.exec, "Purchase")
            await pay(one.gateway, ref)
            await settled(one.gateway)
            replies = await asyncio.gather(
                *(post(one.exec, refund_request(ref, 1800)) for _ in range(2))
            )
            statuses = sorted(reply.content.split(b"Status>")[1][:-2] for reply in replies)
            assert statuses == [b"00", b"30"]
            assert (await stored(one.gateway, ref)).refunded_minor == 1800
        assert clean(tmp_path, one.gateway)


async def test_a_reversal_and_settlement(tmp_path: Path) -> None:
    async with stage(tmp_path, balance="0.01") as one:
        for _ in range(ROUNDS):
            ref = await ordered(one.exec, "Purchase")
            await pay(one.gateway, ref)
            reply: list[bytes] = []

            async def asks(ref: OrderRef = ref, reply: list[bytes] = reply) -> None:
                reply.append((await post(one.exec, reverse_request(ref))).content)

            await at_once(asks, partial(settle, one.gateway))
            assert b"<Status>00</Status>" in reply[0]
        assert clean(tmp_path, one.gateway)
