"""Every operation with a million orders in the database against the same with a thousand.

Two gateways stand side by side in this process, each with a home of its own; every case is called
on both in every round.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.filled import Past, about, fill, leave_overdue, paid_order, refund
from benchmarks.in_process import MERCHANT_ID, BenchmarkError, Stage, stage
from benchmarks.payment import timed_payment
from benchmarks.rounds import Case, Effort, interleaved

from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.store.base import EVER
from tkkpg.protocol.values import OrderType

PART: Final = "many orders"
FEW: Final = 1_000
MANY: Final = 1_000_000
AT_MOST: Final = 1.3
LIST: Final = "GetOrders, the last 100"


async def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Fill two homes and call every operation on both."""
    homes = {FEW: folder / "few", MANY: folder / "many"}
    past: dict[int, Past] = {}
    began = perf_counter()
    for orders, home in homes.items():
        home.mkdir(parents=True)
        past[orders] = await fill(home, orders)
    filled_s = perf_counter() - began
    async with stage(homes[FEW]) as few, stage(homes[MANY]) as many:
        cases = _Calls(few, past[FEW]).cases(), _Calls(many, past[MANY]).cases()
        both = {f"{name}, {FEW}": case for name, case in cases[0].items()}
        both |= {f"{name}, {MANY}": case for name, case in cases[1].items()}
        series = await interleaved(both, effort)
    figures = []
    for name in cases[0]:
        with_few, with_many = series[f"{name}, {FEW}"], series[f"{name}, {MANY}"]
        took = sorted(with_many)[len(with_many) // 2] * 1e6
        figures.append(
            Figure(
                PART,
                f"{name}: {MANY:,} orders / {FEW:,}",
                RATIO,
                ratio(with_many, with_few),
                at_most=AT_MOST,
                note=f"{took:,.0f} µs with {MANY:,}",
            )
        )
    size = sum(path.stat().st_size for path in homes[MANY].iterdir()) / 1e6
    note = f"{size:,.0f} MB"
    return [*figures, Figure(PART, f"filling with {MANY:,}", "s", (filled_s,), note=note)]


@dataclass(frozen=True, slots=True)
class _Calls:
    """One call of each operation; the seconds of the part that counts."""

    opened: Stage
    past: Past

    def cases(self) -> dict[str, Case]:
        return {
            "CreateOrder": self._create,
            "payment": self._pay,
            "GetOrderStatus": lambda: self._ask("GetOrderStatus"),
            "GetOrderInformation": lambda: self._ask("GetOrderInformation"),
            "Completion": self._complete,
            "Reverse": self._reverse,
            "Refund": lambda: refund(self.opened, self.past.any_paid(), 1),
            "GetOrders, the last 100": self._list_last,
            "GetOrders, one by its number": self._list_one,
            "settling a charge": self._settle,
            "expiring an order": self._expire,
            "looking for what is unresolved": self._look_for_unresolved,
        }

    async def _create(self) -> float:
        return (await self.opened.create_order()).seconds

    async def _pay(self) -> float:
        return await timed_payment(self.opened)

    async def _ask(self, operation: str) -> float:
        return (await about(self.opened, operation, self.past.any_paid())).seconds

    async def _complete(self) -> float:
        held = await paid_order(self.opened, OrderType.PRE_AUTH)
        return (await about(self.opened, "Completion", held, "<Amount>3000</Amount>")).seconds

    async def _reverse(self) -> float:
        return (await about(self.opened, "Reverse", await paid_order(self.opened))).seconds

    async def _list_last(self) -> float:
        return await _listed(self.opened, "<LastCount>100</LastCount>", 100)

    async def _list_one(self) -> float:
        number = self.past.any_paid().order_id
        return await _listed(self.opened, f"<OrderId>{number}</OrderId>", 1)

    async def _settle(self) -> float:
        await paid_order(self.opened)
        return await _timed(settle(self.opened.gateway))

    async def _expire(self) -> float:
        await leave_overdue(self.opened)
        return await _timed(expire(self.opened.gateway))

    async def _look_for_unresolved(self) -> float:
        return await _timed(reconcile(self.opened.gateway, EVER))


async def _timed(work: Awaitable[object]) -> float:
    began = perf_counter()
    await work
    return perf_counter() - began


async def _listed(opened: Stage, more: str, rows: int) -> float:
    """Ask for a list that must have so many rows."""
    body = (
        f"<TKKPG><Request><Operation>GetOrders</Operation><Merchant>{MERCHANT_ID}</Merchant>"
        f"<OrdersFilter>{more}</OrdersFilter></Request></TKKPG>"
    )
    reply = await opened.ask([body.encode()])
    if reply.body.count(b"<row>") != rows:
        message = f"{rows} rows were expected, not {reply.body[:200]!r}."
        raise BenchmarkError(message)
    return reply.seconds
