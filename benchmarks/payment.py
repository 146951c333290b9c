"""A payment, from the card form's POST to the recorded outcome, against a CreateOrder."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Final
from urllib.parse import urlencode

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import CREATE_ORDER, BenchmarkError, Stage, ask
from benchmarks.rounds import Effort, interleaved

from tkkpg.gateway.flows.create_order import create_order
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderRequest, CreateOrderResponse
from tkkpg.protocol.values import Operation, OrderStatus
from tkkpg.sandbox.cardholder import form_with
from tkkpg.sandbox.cards import find_card

PART: Final = "money"
AT_ONCE: Final = 32
CREATE, PAY = "CreateOrder", "payment"
SINGLE, GROUP = "orders one after another", f"{AT_ONCE} orders at once"
SEE_OTHER: Final = 303


async def measure(stage: Stage, effort: Effort) -> list[Figure]:
    """Pay and create orders in turn; and create them one by one and many at once."""

    async def create() -> float:
        return (await stage.create_order()).seconds

    async def pay() -> float:
        return await timed_payment(stage)

    async def single() -> float:
        return await _create(stage, 1)

    async def group() -> float:
        return await _create(stage, AT_ONCE) / AT_ONCE

    series = await interleaved({CREATE: create, PAY: pay, SINGLE: single, GROUP: group}, effort)
    paid = tuple(seconds * 1e6 for seconds in series[PAY])
    gain = ratio(series[SINGLE], series[GROUP])
    return [
        Figure(PART, "payment, from the form to the recorded outcome", "µs", paid),
        Figure(PART, "payment / CreateOrder", RATIO, ratio(series[PAY], series[CREATE])),
        Figure(PART, f"group commit: {SINGLE} / {GROUP}, each", RATIO, gain, at_least=4.0),
    ]


async def timed_payment(stage: Stage) -> float:
    """Create an order, open its page, send a card; only the last step counts."""
    created = codec.decode_response((await stage.create_order()).body, Operation.CREATE_ORDER)
    if not isinstance(created, CreateOrderResponse):
        message = f"An order was expected, not {created}."
        raise BenchmarkError(message)
    ref = created.ref
    query = urlencode({"ORDERID": ref.order_id, "SESSIONID": ref.session_id}).encode()
    page = await ask(stage.page, "/index.jsp", None, query=query)
    form = form_with(page.body.decode(), "pan")
    if form is None:
        message = f"The page has no card form; it answered {page.status}."
        raise BenchmarkError(message)
    card = find_card("approve")
    typed = {"pan": card.pan, "expiry": card.expiry, "cvv2": card.cvv2}
    reply = await ask(stage.page, "/pay", [urlencode({**form.values, **typed}).encode()])
    order = await stage.gateway.store.order(ref.order_id)
    if reply.status != SEE_OTHER or order is None or order.status is not OrderStatus.APPROVED:
        message = f"The payment was not approved; the page answered {reply.status}."
        raise BenchmarkError(message)
    return reply.seconds


async def _create(stage: Stage, count: int) -> float:
    request = codec.decode_request(CREATE_ORDER.encode())
    if not isinstance(request, CreateOrderRequest):
        message = f"A CreateOrder was expected, not {request}."
        raise BenchmarkError(message)
    began = perf_counter()
    await asyncio.gather(
        *(create_order(stage.gateway, stage.merchant, request) for _ in range(count))
    )
    return perf_counter() - began
