"""A reply without a waiter finds its transaction by its trace, and says nothing of any other."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.gateway_fixtures import Stage, stage
from tests.paying import APPROVED, AnsweringHost, create, paid, pay, post, refund_request, settled

from tkkpg.gateway.flows.upkeep.claim import claim
from tkkpg.gateway.host.base import Unclaimed
from tkkpg.gateway.host.fields import Trace, transmitted
from tkkpg.gateway.model.transaction import HostReply, TranKind, Transaction, TranState
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio


def late_reply(tran: Transaction, reply: HostReply = APPROVED) -> Unclaimed:
    """The answer to a transaction's request, as the link hands it over."""
    assert tran.sent_at is not None
    trace = Trace("2", f"{tran.stan:06d}", transmitted(tran.sent_at), tran.terminal_id)
    return Unclaimed(
        trace=trace, reply=reply, amount_minor=tran.amount_minor, currency=tran.currency.code
    )


async def last(at: Stage, ref: OrderRef) -> tuple[OrderStatus, Transaction]:
    """Read an order's status and its last transaction."""
    facts = await at.gateway.store.facts(ref.order_id)
    assert facts is not None
    return facts.order.status, facts.transactions[-1]


async def silent_payment(at: Stage, host: AnsweringHost, *reversals: HostReply) -> OrderRef:
    """Pay with a host that says nothing."""
    host.answers(TranKind.AUTHORISATION, HostReply.silent())
    host.answers(TranKind.REVERSAL, *reversals)
    ref = await create(at.client)
    await pay(at.gateway, ref)
    return ref


async def unknown_refund(at: Stage, host: AnsweringHost) -> OrderRef:
    """Leave a refund without an answer."""
    ref = await paid(at.client, at.gateway)
    await settled(at.gateway)
    host.answers(TranKind.REFUND, HostReply.silent())
    await post(at.exec, refund_request(ref, 3000))
    return ref


@pytest.mark.parametrize("reversals", [(), (HostReply.silent(),)], ids=["reversed", "reversing"])
async def test_a_late_approval_is_kept_and_changes_nothing_else(
    tmp_path: Path, reversals: tuple[HostReply, ...]
) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await silent_payment(at, host, *reversals)
        before, tran = await last(at, ref)

        for _ in range(2):
            await claim(at.gateway, late_reply(tran))

        after, told = await last(at, ref)
        assert before is after is OrderStatus.DECLINED
        assert told == replace(tran, late_reply="001 123456")


async def test_a_late_answer_ends_a_refund(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await unknown_refund(at, host)

        await claim(at.gateway, late_reply((await last(at, ref))[1]))

        status, tran = await last(at, ref)
        assert (status, tran.state) == (OrderStatus.REFUNDED, TranState.APPROVED)


async def test_a_late_confirmation_ends_a_reversal(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await silent_payment(at, host, HostReply.silent())
        _, tran = await last(at, ref)
        assert tran.reversal_at is not None
        told = late_reply(tran)
        advice = Trace(
            "4", f"{tran.reversal_stan:06d}", transmitted(tran.reversal_at), tran.terminal_id
        )

        await claim(at.gateway, replace(told, trace=advice))

        assert (await last(at, ref))[1].state is TranState.REVERSED


@pytest.mark.parametrize(
    "other",
    [
        lambda told: replace(told, trace=told.trace._replace(transmitted_at="0101000000")),
        lambda told: replace(told, trace=told.trace._replace(terminal_id="E9999999")),
        lambda told: replace(told, trace=told.trace._replace(message_class="4")),
        lambda told: replace(told, trace=told.trace._replace(stan="999998")),
        lambda told: replace(told, amount_minor=told.amount_minor + 1),
        lambda told: replace(told, currency="840"),
        lambda told: replace(told, reply=HostReply.silent()),
    ],
    ids=["time", "terminal", "class", "stan", "amount", "currency", "outcome"],
)
async def test_a_reply_that_differs_in_anything_changes_nothing(
    tmp_path: Path, other: object
) -> None:
    assert callable(other)
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await unknown_refund(at, host)
        before = await last(at, ref)

        await claim(at.gateway, other(late_reply(before[1])))

        assert await last(at, ref) == before


async def test_the_host_is_given_whom_to_tell(tmp_path: Path) -> None:
    host = AnsweringHost()
    async with stage(tmp_path, host=host) as at:
        ref = await unknown_refund(at, host)

        host.unclaimed(late_reply((await last(at, ref))[1]))

        await at.gateway.background.drain(timedelta(seconds=5).seconds)
        await asyncio.sleep(0)
        assert (await last(at, ref))[0] is OrderStatus.REFUNDED
