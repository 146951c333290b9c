"""The link to the host: what it adds to a payment, and what one link bears.

A real issuer in a process of its own, over TCP on loopback; beside it the scripted host.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from timeit import timeit
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import MERCHANT_ID, BenchmarkError, stage
from benchmarks.payment import timed_payment
from benchmarks.rounds import Effort, interleaved

from tkkpg.gateway.clock import SystemClock
from tkkpg.gateway.crash import reach
from tkkpg.gateway.host.iso_host import IsoHost
from tkkpg.gateway.logs import get_logger
from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.model.transaction import Outcome, TranKind, Transaction, TranState
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.issuer_process import issuer_process

PART: Final = "host link"
IN_FLIGHT: Final = 500
TIMEOUT_S: Final = 15.0
REACHED: Final = 1_000_000
SCRIPTED, LINKED = "scripted", "linked"


async def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Pay over a link and without one, in turn; then fill one link."""
    (folder / SCRIPTED).mkdir(parents=True)
    (folder / LINKED).mkdir()
    async with (
        linked_host(folder / "issuer") as host,
        stage(folder / SCRIPTED) as scripted,
        stage(folder / LINKED, host) as linked,
    ):
        await ready(host)

        async def without() -> float:
            return await timed_payment(scripted)

        async def over() -> float:
            return await timed_payment(linked)

        series = await interleaved({SCRIPTED: without, LINKED: over}, effort)
        bursts = [await _burst(host, number) for number in range(effort.rounds + 1)][1:]
    off = tuple(timeit(_reach, number=REACHED) / REACHED * 1e9 for _ in range(effort.rounds))
    added = tuple(value - 1 for value in ratio(series[LINKED], series[SCRIPTED]))
    return [
        Figure(
            PART,
            "payment over the link, added to one with the scripted host",
            RATIO,
            added,
            at_most=0.5,
        ),
        Figure(
            PART,
            f"{IN_FLIGHT} authorisations in flight on one link, approved",
            "",
            tuple(float(approved) for approved, _, _ in bursts),
            at_least=IN_FLIGHT,
        ),
        Figure(PART, "one of them, until all are answered", "µs", tuple(b[1] for b in bursts)),
        Figure(PART, "one of them, CPU of the gateway", "µs", tuple(b[2] for b in bursts)),
        Figure(PART, "a crash point, switched off", "ns", off),
    ]


@asynccontextmanager
async def linked_host(home: Path) -> AsyncIterator[IsoHost]:
    """Start an issuer, and make the host that is linked to it; a gateway starts and closes it."""
    log = get_logger("benchmarks")
    async with issuer_process(home, lambda: None, log) as running:
        yield IsoHost(
            [("127.0.0.1", running.port)], timeout_s=TIMEOUT_S, now=SystemClock().now, log=log
        )


async def ready(host: IsoHost) -> None:
    """Wait for the link."""
    async with asyncio.timeout(10):
        while not host.ready:  # noqa: ASYNC110 - it signs on in milliseconds, once
            await asyncio.sleep(0.01)


async def _burst(host: IsoHost, number: int) -> tuple[int, float, float]:
    """Ask for all at once: how many were approved, µs and µs of CPU for each."""
    typed = find_card("approve")
    card = Card(Secret(typed.pan), Expiry(2030, 12), Secret(typed.cvv2))
    trans = [_tran(number * IN_FLIGHT + at + 1) for at in range(IN_FLIGHT)]
    began, began_cpu = perf_counter(), process_time()
    replies = await asyncio.gather(*(host.authorise(tran, card) for tran in trans))
    took, took_cpu = perf_counter() - began, process_time() - began_cpu
    approved = sum(reply.outcome is Outcome.APPROVED for reply in replies)
    if approved != IN_FLIGHT:
        message = f"Of {IN_FLIGHT} authorisations in flight {approved} were approved."
        raise BenchmarkError(message)
    return approved, took / IN_FLIGHT * 1e6, took_cpu / IN_FLIGHT * 1e6


def _tran(number: int) -> Transaction:
    now = datetime.now(UTC)
    stan = 500_000 + number  # far from those of the payments before
    return Transaction(
        tran_id=number,
        order_id=number,
        merchant_id=MERCHANT_ID,
        terminal_id=MERCHANT_ID,
        kind=TranKind.AUTHORISATION,
        state=TranState.SENT,
        amount_minor=3000,
        currency=AZN,
        two_id=number,
        stan=stan,
        rrn=f"999999{stan:06d}",
        created_at=now,
        sent_at=now,
    )


def _reach() -> None:
    reach("commit.before", "order_created")
