"""Every status of an order, reached; and what may not be asked for in it, refused alike."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.conversation.test_two_steps import completion, reverse_request
from tests.gateway_fixtures import Stage, stage
from tests.paying import (
    DECLINED,
    AnsweringHost,
    give_up,
    ordered,
    pay,
    post,
    refund_request,
    request,
    settled,
    stored,
)

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.decide import context
from tkkpg.gateway.model.lifecycle import Event
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.plan import OrderChange, Plan
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.gateway.store.sqlite import connect
from tkkpg.protocol.values import OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

S = OrderStatus
Reach = Callable[[Stage, AnsweringHost], Awaitable[OrderRef]]


async def created(one: Stage, _host: AnsweringHost) -> OrderRef:
    """An order that waits for its payer."""
    return await ordered(one.exec, "Purchase")


async def on_payment(one: Stage, host: AnsweringHost) -> OrderRef:
    """A card was taken and nothing sent yet: between two commits of a payment."""
    ref = await created(one, host)
    order = await stored(one.gateway, ref)
    taken, _ = order.after(Event.CARD_SUBMITTED, one.clock.now())
    change = OrderChange(taken, order.version)
    plan = Plan(context=context(one.gateway, "test"), action="card_taken", orders=(change,))
    await one.gateway.store.commit(replace(plan, order_id=ref.order_id))
    return ref


async def on_lock(one: Stage, host: AnsweringHost) -> OrderRef:
    """A completion has no answer."""
    host.answers(TranKind.COMPLETION, HostReply.silent())
    ref = await held(one, host)
    await post(one.exec, completion(ref, 3000))
    return ref


async def held(one: Stage, _host: AnsweringHost) -> OrderRef:
    """The amount is held."""
    ref = await ordered(one.exec, "PreAuth")
    await pay(one.gateway, ref)
    return ref


async def approved(one: Stage, host: AnsweringHost) -> OrderRef:
    """Paid."""
    ref = await created(one, host)
    await pay(one.gateway, ref)
    await settled(one.gateway)
    return ref


def paid_for(reply: HostReply) -> Reach:
    """Make an order whose card got this reply."""

    async def reach(one: Stage, host: AnsweringHost) -> OrderRef:
        host.answers(TranKind.AUTHORISATION, reply)
        return await approved(one, host)

    return reach


async def canceled(one: Stage, host: AnsweringHost) -> OrderRef:
    """The payer left."""
    ref = await created(one, host)
    await give_up(one.gateway, ref)
    return ref


async def expired(one: Stage, host: AnsweringHost) -> OrderRef:
    """The time is over."""
    ref = await created(one, host)
    one.clock.advance(ORDER_LIFE + timedelta(seconds=1))
    return ref


async def undone(one: Stage, host: AnsweringHost) -> OrderRef:
    """The hold was reversed."""
    ref = await held(one, host)
    await post(one.exec, reverse_request(ref))
    return ref


async def on_refund(one: Stage, host: AnsweringHost) -> OrderRef:
    """A refund has no answer."""
    host.answers(TranKind.REFUND, HostReply.silent())
    ref = await approved(one, host)
    await post(one.exec, refund_request(ref, 1000))
    return ref


async def refunded(one: Stage, host: AnsweringHost) -> OrderRef:
    """A part was given back."""
    ref = await approved(one, host)
    await post(one.exec, refund_request(ref, 1000))
    return ref


WAYS: Final[dict[OrderStatus, Reach]] = {
    S.CREATED: created,
    S.ON_PAYMENT: on_payment,
    S.ON_LOCK: on_lock,
    S.APPROVED: approved,
    S.PREAUTH_APPROVED: held,
    S.DECLINED: paid_for(DECLINED),
    S.CANCELED: canceled,
    S.REVERSED: undone,
    S.ON_REFUND: on_refund,
    S.REFUNDED: refunded,
    S.EXPIRED: expired,
    S.ERROR: paid_for(HostReply.not_sent()),
}
ALLOWED: Final = {
    "Completion": {S.PREAUTH_APPROVED},
    "Reverse": {S.APPROVED, S.PREAUTH_APPROVED},
    "Refund": {S.APPROVED, S.REFUNDED},
    "Purchase": {S.CREATED},
}
ASKED: Final[dict[str, Callable[[OrderRef], bytes]]] = {
    "Completion": lambda ref: completion(ref, 100),
    "Reverse": reverse_request,
    "Refund": lambda ref: refund_request(ref, 100),
    "Purchase": lambda ref: request("Purchase", ref, more="<Amount>3000</Amount>"),
}


@asynccontextmanager
async def reached(home: Path, status: OrderStatus) -> AsyncIterator[tuple[Stage, OrderRef]]:
    """Open a gateway with an order in a status."""
    host = AnsweringHost()
    async with stage(home, host=host) as one:
        yield one, await WAYS[status](one, host)


def noted(home: Path, ref: OrderRef) -> list[dict[str, str]]:
    """Read what the audit says of refused requests."""
    connection = connect(home / DATABASE, writing=False)
    try:
        found = connection.execute(
            "SELECT detail FROM audit WHERE action = 'request_refused' AND order_id = ?",
            (ref.order_id,),
        ).fetchall()
    finally:
        connection.close()
    return [json.loads(str(detail)) for (detail,) in found]


def test_there_is_a_way_to_every_status() -> None:
    assert set(WAYS) == set(OrderStatus)


@pytest.mark.parametrize("status", OrderStatus)
async def test_every_status_is_told_to_the_merchant(tmp_path: Path, status: OrderStatus) -> None:
    async with reached(tmp_path, status) as (one, ref):
        told = (await post(one.exec, request("GetOrderStatus", ref))).content
        row = (await post(one.exec, request("GetOrderInformation", ref))).content
    assert f"<OrderStatus>{status}</OrderStatus>".encode() in told
    assert f"<Orderstatus>{status}</Orderstatus>".encode() in row


@pytest.mark.parametrize(
    ("status", "operation"),
    [
        pytest.param(status, operation, id=f"{operation} of {status}")
        for status in OrderStatus
        for operation, allowed in ALLOWED.items()
        if status not in allowed
    ],
)
async def test_what_a_status_does_not_allow_is_refused_and_noted(
    tmp_path: Path, status: OrderStatus, operation: str
) -> None:
    async with reached(tmp_path, status) as (one, ref):
        before = await one.gateway.store.facts(ref.order_id)
        answer = await post(one.exec, ASKED[operation](ref))
        assert await one.gateway.store.facts(ref.order_id) == before
    assert b"<Status>30</Status>" in answer.content
    (row,) = noted(tmp_path, ref)
    assert (row["operation"], row["status"]) == (operation, "30")
    assert row["reason"]


async def test_nothing_is_noted_of_somebody_elses_order(tmp_path: Path) -> None:
    async with reached(tmp_path, S.APPROVED) as (one, ref):
        wrong = replace(ref, session_id="0" * 32)
        answer = await post(one.exec, refund_request(wrong, 100))
    assert b"<Status>30</Status>" in answer.content
    assert noted(tmp_path, ref) == []
