"""Unknown order, wrong session, somebody else's order: nobody may tell them apart by the time."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import STRANGER_ID, BenchmarkError, Stage, expect
from benchmarks.rounds import Case, Effort, interleaved

from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderResponse
from tkkpg.protocol.values import Operation, OrderRef

PART: Final = "refused alike"
ORDERS: Final = 64
BEYOND: Final = 500_000
"""Added to an order's number, gives one that was never drawn."""
CALLS: Final = 10
"""Times the calls of other measurements: the differences looked for are microseconds."""
WRONG, TWIN = "wrong session", "wrong session again"
UNKNOWN, FOREIGN = "unknown order", "somebody else's order"


async def measure(stage: Stage, effort: Effort) -> list[Figure]:
    """Ask for the status of orders that the asker has no right to."""
    own = [await _created(stage) for _ in range(ORDERS)]
    foreign = [await _created(stage, STRANGER_ID) for _ in range(ORDERS)]
    wrong = [
        OrderRef(ref.order_id, other.session_id) for ref, other in zip(own, foreign, strict=True)
    ]
    unknown = [OrderRef(ref.order_id + BEYOND, ref.session_id) for ref in own]
    replies = {(await stage.ask([_status(refs[0])])).body for refs in (wrong, foreign, unknown)}
    if len(replies) != 1:
        message = f"The three refusals are not the same bytes: {replies}."
        raise BenchmarkError(message)
    cases = {
        WRONG: _asked(stage, wrong),
        TWIN: _asked(stage, wrong),
        UNKNOWN: _asked(stage, unknown),
        FOREIGN: _asked(stage, foreign),
    }
    series = await interleaved(cases, replace(effort, calls=effort.calls * CALLS))
    noise = ratio(series[TWIN], series[WRONG])
    figures = [
        Figure(PART, name, "µs", tuple(seconds * 1e6 for seconds in series[name]))
        for name in (UNKNOWN, WRONG, FOREIGN)
    ]
    figures.append(Figure(PART, f"{TWIN} / {WRONG} (noise)", RATIO, noise))
    for name in (UNKNOWN, FOREIGN):
        compared = ratio(series[name], series[WRONG])
        figures.append(Figure(PART, f"{name} / {WRONG}", RATIO, compared, max(noise), min(noise)))
    return figures


async def _created(stage: Stage, *merchant: str) -> OrderRef:
    reply = await stage.create_order(*merchant)
    order = codec.decode_response(reply.body, Operation.CREATE_ORDER)
    if not isinstance(order, CreateOrderResponse):
        message = f"An order was expected, not {order}."
        raise BenchmarkError(message)
    return order.ref


def _asked(stage: Stage, refs: list[OrderRef]) -> Case:
    bodies = [_status(ref) for ref in refs]

    async def case() -> float:
        return expect(await stage.ask([random.choice(bodies)]), "30").seconds

    return case


def _status(ref: OrderRef) -> bytes:
    return (
        "<TKKPG><Request><Operation>GetOrderStatus</Operation><Language>EN</Language>"
        f"<Order><Merchant>E1000010</Merchant><OrderID>{ref.order_id}</OrderID></Order>"
        f"<SessionID>{ref.session_id}</SessionID></Request></TKKPG>"
    ).encode()
