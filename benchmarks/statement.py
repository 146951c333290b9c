"""A statement of a day with 100,000 transactions against one of 1,000: memory and time."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import MERCHANT_ID, BenchmarkError
from benchmarks.rounds import Effort, interleaved

from tkkpg.cli.commands.statement.forms import write_csv
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.model.ledger import Entry, Posting
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.plan import Context, Plan
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.apply import apply
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.sqlite import connect
from tkkpg.gateway.store.views import statement
from tkkpg.protocol.values import AZN, Language, OrderStatus, OrderType

PART: Final = "statement"
SMALL: Final = 1_000
LARGE: Final = 100_000
DAY: Final = date(2026, 11, 24)
MIDNIGHT: Final = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
"""At which that day begins in Baku."""
APART: Final = timedelta(milliseconds=860)
"""So that the larger number of them fills the day."""
ROWS_A_TRANSACTION: Final = 2
"""Its charge and its fee."""
PROGRAM: Final = """
import sys
from tkkpg.cli.main import main
main(sys.argv[1:], standalone_mode=False)
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")), file=sys.stderr)
"""
"""The command, and then the most memory that its process ever had, in kB."""

_MERCHANT: Final = Merchant(merchant_id=MERCHANT_ID, name="Nar", terminal_id=MERCHANT_ID)
_ORDER: Final = Order(
    order_id=1,
    session_id="A" * 32,
    merchant_id=MERCHANT_ID,
    order_type=OrderType.PURCHASE,
    status=OrderStatus.APPROVED,
    version=3,
    amount_minor=3000,
    currency=AZN,
    language=Language.AZ,
    description="Two shirts and a pair of shoes",
    approve_url="/ok",
    cancel_url="/cancel",
    decline_url="/declined",
    created_at=MIDNIGHT,
    updated_at=MIDNIGHT,
    expires_at=MIDNIGHT,
)
_TRAN: Final = Transaction(
    tran_id=1,
    order_id=1,
    merchant_id=MERCHANT_ID,
    terminal_id=MERCHANT_ID,
    kind=TranKind.AUTHORISATION,
    state=TranState.APPROVED,
    amount_minor=3000,
    currency=AZN,
    two_id=1,
    stan=1,
    rrn="632800000001",
    created_at=MIDNIGHT,
)


async def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Write both statements in turn, and then measure the memory of each."""
    homes = {size: _filled(folder / str(size), size) for size in (SMALL, LARGE)}

    def timed(size: int) -> float:
        began = perf_counter()
        _write(homes[size], size)
        return (perf_counter() - began) / size

    async def small() -> float:
        return timed(SMALL)

    async def large() -> float:
        return timed(LARGE)

    once = replace(effort, calls=1)  # a call is a thousand and a hundred thousand already
    times = await interleaved({"small": small, "large": large}, once)
    figures = [
        Figure(
            PART,
            f"time of a transaction, one of {LARGE:,} against one of {SMALL:,}",
            RATIO,
            ratio(times["large"], times["small"]),
            at_most=1.3,
        ),
        Figure(
            PART,
            f"a transaction of {LARGE:,}",
            "µs",
            tuple(one * 1e6 for one in times["large"]),
        ),
    ]
    return figures + _memories(homes)


def _memories(homes: dict[int, Path]) -> list[Figure]:
    figures = [_memory("peak of Python's memory", homes, _allocated)]
    if Path("/proc/self/status").exists():
        figures.append(_memory("peak of the process's memory", homes, _resident))
    return figures


def _memory(name: str, homes: dict[int, Path], peak: Callable[[Path, int], float]) -> Figure:
    small, large = (peak(homes[size], size) for size in (SMALL, LARGE))
    return Figure(
        PART,
        f"{name}, {LARGE:,} transactions against {SMALL:,}",
        RATIO,
        (large / small,),
        at_most=1.3,
        note=f"{large:,.0f} kB; one round, since it hardly varies",
    )


def _write(home: Path, size: int) -> None:
    path = home / "statement.csv"
    with (
        statement(home / DATABASE, MERCHANT_ID, DAY) as told,
        path.open("w", encoding="utf-8") as out,
    ):
        write_csv(told, out)
    _check(path, size)


def _check(path: Path, size: int) -> None:
    """A header, two opening and two closing balances, and the rows of each transaction."""
    with path.open(encoding="utf-8") as written:
        lines = sum(1 for _ in written)
    if lines != size * ROWS_A_TRANSACTION + 5:
        message = f"A statement of {size} transactions has {lines} lines."
        raise BenchmarkError(message)


def _allocated(home: Path, size: int) -> float:
    tracemalloc.start()
    try:
        _write(home, size)
        return tracemalloc.get_traced_memory()[1] / 1e3
    finally:
        tracemalloc.stop()


def _resident(home: Path, size: int) -> float:
    path = home / "statement.csv"
    words = ["statement", f"--merchant={MERCHANT_ID}", f"--day={DAY}", f"--home={home}"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, f"--output={path}"],
        check=True,
        capture_output=True,
        text=True,
    )
    _check(path, size)
    return float(done.stderr)


def _filled(home: Path, size: int) -> Path:
    """Make a home whose merchant has so many charged orders on the day."""
    home.mkdir(parents=True)
    path = home / DATABASE
    migrate(path)
    context = Context(plan_id="benchmark", now=MIDNIGHT, request_id="", actor="benchmark")
    with closing(connect(path, writing=True)) as db, db:
        apply(db, Plan(context=context, action="enrolled", merchants=(_MERCHANT,)))
        db.executemany(
            _insert("orders", rows.ORDER),
            (rows.order_row(replace(_ORDER, order_id=number)) for number in range(size)),
        )
        db.executemany(
            _insert("tran", rows.TRAN),
            (
                rows.tran_row(replace(_TRAN, tran_id=number, order_id=number))
                for number in range(size)
            ),
        )
        db.executemany(
            _insert("entry", rows.ENTRY),
            (
                rows.entry_row("benchmark", one)
                for one in chain.from_iterable(_booked(number) for number in range(size))
            ),
        )
    return home


def _insert(table: str, columns: str) -> str:
    marks = ", ".join("?" for _ in columns.split(","))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - constant columns


def _booked(number: int) -> Iterator[Entry]:
    for posting, amount in ((Posting.CHARGE, 3000), (Posting.FEE, 60)):
        yield Entry(
            posting=posting,
            merchant_id=MERCHANT_ID,
            amount_minor=amount,
            currency=AZN,
            at=MIDNIGHT + number * APART,
            order_id=number,
            tran_id=number,
        )
