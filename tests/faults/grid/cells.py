"""The grid itself: which points a flow reaches, and what becomes of it when it dies at one."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

from tests.faults.grid.flows import Flow, at_rest, resolve_parked
from tests.faults.grid.ledgers import Merchant, compare
from tests.faults.grid.lives import UNANSWERED, UNSETTLED, Life, life
from tests.faults.grid.report import Row, row_of
from tests.faults.grid.told import Told

from tkkpg.gateway.authority import EC, Authority
from tkkpg.gateway.authority.files import FOLDER, write_key
from tkkpg.gateway.crash import POINTS
from tkkpg.sandbox.app import MERCHANT_ID

RECOVERED_S: Final = 20.0
"""How long a gateway may take to leave nothing unresolved."""
AFTER_S: Final = 0.3
"""How long a recording goes on after the last commit: what follows that is a few statements."""
CELL_S: Final = 90.0


@dataclass(slots=True)
class Bench:
    """A folder of homes, each a copy of one that has its certificates."""

    folder: Path
    _numbers: count[int] = field(default_factory=count)

    async def prepare(self) -> None:
        """Make the home that all others are copies of, with the keys that are quicker to read."""
        prepared, now = self.folder / "prepared", datetime.now(UTC)
        for home in (prepared, prepared / "merchants"):
            home.mkdir(mode=FOLDER, parents=True)
            write_key(home / "ca-key.pem", EC.new())
        Authority(prepared, now).merchant_certificate(MERCHANT_ID, now, EC)
        async with life(prepared) as one:
            one.process.terminate()
            await one.gone()

    def home(self) -> Path:
        """Make a new home."""
        home = self.folder / f"home{next(self._numbers)}"
        shutil.copytree(self.folder / "prepared", home, ignore=shutil.ignore_patterns("*.sock"))
        return home


async def trace(bench: Bench, flow: Flow) -> list[str]:
    """Run a flow without a crash; give the points that it reaches, in order, each once."""
    home = bench.home()
    await _earlier(home, flow, Told())
    async with life(home, trace=_trace_of(home), options=flow.options) as one:
        await flow.drive(one, Told())
        await _rest(one, flow)
        await one.gone(AFTER_S)
    return _reached(home)


def _trace_of(home: Path) -> Path:
    return home.with_suffix(".trace")


def _reached(home: Path) -> list[str]:
    return list(dict.fromkeys(_trace_of(home).read_text("utf-8").split()))


def plan(traces: dict[Flow, list[str]]) -> list[tuple[Flow, str]]:
    """Decide what is tried: every flow at every point that it reaches."""
    return [(flow, point) for flow, points in traces.items() for point in points]


def unreached(traces: dict[Flow, list[str]]) -> list[str]:
    """Name the crash points that no flow reaches."""
    reached = {point for points in traces.values() for point in points}
    return [point for point in POINTS if point not in reached]


async def cell(bench: Bench, flow: Flow, point: str) -> Row:
    """Let a flow die at a point, start again, and compare the ledgers."""
    home = bench.home()
    try:
        async with asyncio.timeout(CELL_S):
            row = await _cell(home, flow, point)
    except (*UNANSWERED, RuntimeError) as error:
        sentence = f"{type(error).__name__}: {error}"
        return Row(point=point, flow=flow.name, unresolved=1, findings=[sentence])
    if row.clean:
        # A killed gateway's issuer may still be closing its journal, and removes files itself.
        shutil.rmtree(home, ignore_errors=True)
    return row


async def _cell(home: Path, flow: Flow, point: str) -> Row:
    told = Told()
    await _earlier(home, flow, told)
    async with life(home, crash_at=point, trace=_trace_of(home), options=flow.options) as one:
        if one.begun:
            with suppress(*UNANSWERED):
                await flow.drive(one, told)
            await _rest(one, flow)
        died = await one.gone()
    async with life(home) as one:
        unresolved = await recover(one)
        found = await compare(one, told, Merchant())
    reached = point in _reached(home)
    missed = [f"It did not die at {point}."] if reached and not died else []
    about = Row(point=point, flow=flow.name, findings=missed, passed_by=not (reached or died))
    return row_of(about, found, told, unresolved)


async def _earlier(home: Path, flow: Flow, told: Told) -> None:
    """Live the life before the one on trial, if the flow has one."""
    if flow.before is None:
        return
    async with life(home, crash_at=flow.left_at) as one:
        with suppress(*UNANSWERED):
            await flow.before(one, told)
        if flow.left_at and not await one.gone():
            raise RuntimeError(f"The life before {flow.name!r} did not end at {flow.left_at}.")
    if flow.prepare is not None:
        flow.prepare(home)


async def _rest(one: Life, flow: Flow) -> None:
    """Leave a life alone until it has done what it does by itself, or is dead."""
    await at_rest(one, RECOVERED_S, settled=UNSETTLED not in flow.options)


async def recover(one: Life) -> dict[str, int]:
    """Wait until nothing is unresolved; give what still is after the time for it."""
    await resolve_parked(one)
    return await at_rest(one, RECOVERED_S)
