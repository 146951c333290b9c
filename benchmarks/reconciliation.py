"""Payments at half of what saturates, while ten thousand transactions are being reconciled.

A disk's moods move the median of a few seconds by a quarter either way, so many short pairs are
compared, each with and without reconciliation in a drawn order, and the median of their ratios
counts.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.host_link import linked_host, ready
from benchmarks.in_process import CREATE_ORDER, BenchmarkError, Stage, stage
from benchmarks.payment import timed_payment
from benchmarks.rounds import Effort

from tkkpg.gateway.flows.decide import context
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.model.decisions.new_order import plan_order
from tkkpg.gateway.model.decisions.reservation import Numbers, reserved
from tkkpg.gateway.model.plan import Facts, Plan
from tkkpg.gateway.model.transaction import SILENCE_CODE, TranKind, TranState
from tkkpg.gateway.store.base import EVER
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import OrderRef, OrderStatus

PART: Final = "reconciliation"
UNRESOLVED: Final = 10_000
SATURATING: Final = 16
"""Payers at once, each beginning when the last has ended: more do not pay faster."""
FIRST_ID: Final = 50_000_000
PAIRS: Final = 5
"""Pairs measured where others measure one round."""
LONGER: Final = 1.5
"""A slice lasts as many times longer than others' rounds: it needs hundreds of payments."""
SETTLED_S: Final = 0.3
"""From the beginning of reconciliation, or its end, to the first payment that counts."""

AHEAD: Final = timedelta(hours=1)
"""How far the transactions' times lie ahead, or the gateway's own rounds would take them up."""


async def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Pay at half of the saturating rate, with and without reconciliation, in turn."""
    home = folder / "home"
    home.mkdir(parents=True)
    async with linked_host(folder / "issuer") as host, stage(home, host) as opened:
        await ready(host)
        seconds = effort.seconds * LONGER
        rate = await _saturating(opened, seconds * PAIRS)
        await _leave_behind(opened)
        alone: list[float] = []
        beside: list[float] = []
        resolved: list[float] = []

        async def without() -> None:
            alone.append(await _pay_steadily(opened, rate / 2, seconds))

        async def during() -> None:
            before = await _left(opened)
            began = perf_counter()
            work = asyncio.create_task(reconcile(opened.gateway, EVER))
            beside.append(await _pay_steadily(opened, rate / 2, seconds))
            _check(not work.done(), "There was not enough to reconcile.")
            work.cancel()
            await asyncio.wait({work})
            resolved.append((before - await _left(opened)) / (perf_counter() - began))

        for _ in range(effort.rounds * PAIRS):
            for case in random.sample((without, during), 2):
                await case()
    ratios = ratio(beside, alone)
    lower, _, upper = quantiles(ratios, n=4)
    return [
        Figure(PART, f"payments with {SATURATING} payers at once", "/s", (rate,)),
        Figure(PART, "median payment at half of that", "ms", tuple(one * 1e3 for one in alone)),
        Figure(
            PART,
            f"the same while {UNRESOLVED:,} transactions are reconciled",
            RATIO,
            ratios,
            at_most=1.1,
            note=f"{len(ratios)} pairs, half of them from {lower:.2f} to {upper:.2f}",
        ),
        Figure(PART, "transactions reconciled meanwhile", "/s", tuple(resolved)),
    ]


async def _saturating(opened: Stage, seconds: float) -> float:
    end = perf_counter() + seconds
    paid = 0

    async def payer() -> None:
        nonlocal paid
        while perf_counter() < end:
            await timed_payment(opened)
            paid += 1

    await asyncio.gather(*(payer() for _ in range(SATURATING)))
    return paid / seconds


async def _left(opened: Stage) -> int:
    return len(await opened.gateway.store.unresolved(EVER, UNRESOLVED))


def _check(as_it_should_be: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as a sentence
    if not as_it_should_be:
        raise BenchmarkError(otherwise)


async def _pay_steadily(opened: Stage, rate: float, seconds: float) -> float:
    """Begin payments at a rate, whether those before have ended or not; give the median time."""
    await asyncio.sleep(SETTLED_S)
    began = perf_counter()
    tasks = []
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - perf_counter()))
        tasks.append(asyncio.create_task(timed_payment(opened)))
    return median(await asyncio.gather(*tasks))


async def _leave_behind(opened: Stage) -> None:
    """Commit orders whose authorisation nobody knows, as a crash would leave them."""
    request = codec.decode_request(CREATE_ORDER.encode())
    if not isinstance(request, CreateOrderRequest):
        message = f"A CreateOrder was expected, not {request}."
        raise BenchmarkError(message)
    plans = [_left_behind(opened, request, FIRST_ID + at) for at in range(UNRESOLVED)]
    await asyncio.gather(*(opened.gateway.store.commit(plan) for plan in plans))


def _left_behind(opened: Stage, request: CreateOrderRequest, number: int) -> Plan:
    now = context(opened.gateway, "benchmark")
    plan = plan_order(now, opened.merchant, request, OrderRef(number, f"{number:032X}"))
    order = replace(plan.new_orders[0], status=OrderStatus.DECLINED)
    facts = Facts(order=order, merchant=opened.merchant, transactions=())
    numbers = Numbers(tran_id=number, two_id=number, stan=number % 900_000 + 1)
    sent = reserved(now, facts, TranKind.AUTHORISATION, numbers, order.amount_minor)
    reversing = replace(
        sent,
        state=TranState.REVERSING,
        response_code=SILENCE_CODE,
        reversal_stan=numbers.stan + 50_000,
        sent_at=now.now + AHEAD,
        reversal_at=now.now + AHEAD,
    )
    return replace(plan, new_orders=(order,), new_transactions=(reversing,))
