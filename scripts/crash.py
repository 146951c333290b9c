"""`make crash`: the crash grid, then random rounds; rows as JSON, the summary as one line."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import secrets
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Final

from tests.faults.grid.cells import Bench, cell, plan, trace, unreached
from tests.faults.grid.flows import FLOWS, Flow
from tests.faults.grid.report import Row, page, summary
from tests.faults.grid.rounds import rounds

LANES: Final = 3
"""Lives at a time: on two cores one of them mostly waits, for a silence or a settlement."""
ROUNDS: Final = 200
SHORT_FLOWS: Final = ("refund", "payment recovered")
SHORT_POINTS: Final = 6
SHORT_ROUNDS: Final = 3
BEGUN: Final = time.monotonic()
PAGE: Final = Path(__file__).parents[1] / "docs" / "crash-grid.md"


class Grid:
    """One run: what was asked for, and the rows so far."""

    def __init__(self, bench: Bench, wanted: argparse.Namespace, seed: int) -> None:
        """Take the folder of homes and what was asked for."""
        self._bench = bench
        self._wanted = wanted
        self._chance = random.Random(seed)  # noqa: S311 - moments, no secrets
        self.rows: list[Row] = []
        self.missing: list[str] = []

    async def run(self) -> None:
        """Go through the grid, then through the rounds."""
        await self._bench.prepare()
        traces = await self._traces()
        self.missing = [] if self._wanted.short else unreached(traces)
        cells = self._sampled(plan(traces))
        _say(f"{len(cells)} crashes, then {self._wanted.rounds} random rounds")
        await _in_lanes([partial(self._cell, *one) for one in cells])
        await asyncio.gather(*(self._lane(lane) for lane in range(LANES)))

    async def _traces(self) -> dict[Flow, list[str]]:
        flows = [flow for flow in FLOWS if not self._wanted.short or flow.name in SHORT_FLOWS]
        traces: dict[Flow, list[str]] = {flow: [] for flow in flows}

        async def one(flow: Flow) -> None:
            traces[flow] = await trace(self._bench, flow)
            _say(f"{flow.name}: reaches {len(traces[flow])} points")

        await _in_lanes([partial(one, flow) for flow in flows])
        return traces

    def _sampled(self, cells: list[tuple[Flow, str]]) -> list[tuple[Flow, str]]:
        """Keep some points of each flow, where not all are wanted."""
        most: int | None = self._wanted.points
        if most is None:
            return cells
        kept: list[tuple[Flow, str]] = []
        for flow in dict.fromkeys(flow for flow, _ in cells):
            mine = [one for one in cells if one[0] is flow]
            kept += self._spread(mine)[:most]
        return kept

    def _spread(self, cells: list[tuple[Flow, str]]) -> list[tuple[Flow, str]]:
        """Shuffle, then bring one point of each kind to the front, and so on."""
        drawn = self._chance.sample(cells, len(cells))
        kinds: Counter[str] = Counter()
        turns = []
        for flow, point in drawn:
            kind = point.split(":")[0]
            turns.append((kinds[kind], flow, point))
            kinds[kind] += 1
        return [(flow, point) for _, flow, point in sorted(turns, key=itemgetter(0))]

    async def _cell(self, flow: Flow, point: str) -> None:
        self._add(await cell(self._bench, flow, point))

    async def _lane(self, lane: int) -> None:
        numbers = list(range(lane + 1, self._wanted.rounds + 1, LANES))
        chance = random.Random(self._chance.getrandbits(32))  # noqa: S311 - moments, no secrets
        async for row in rounds(self._bench, chance, numbers):
            self._add(row)

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        name = f"{row.flow}, round {row.round}" if row.round else f"{row.flow}, {row.point}"
        fine = "ok, passed by" if row.passed_by else "ok"
        _say(f"{len(self.rows)}. {name}: {fine if row.clean else row.findings or 'unresolved'}")

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong and nothing was left out."""
        return bool(self.rows) and all(row.clean for row in self.rows) and not self.missing


async def _in_lanes(work: list[Callable[[], Awaitable[None]]]) -> None:
    """Do one piece of work after the other, a few at a time."""
    waiting = iter(work)

    async def lane() -> None:
        for one in waiting:
            await one()

    async with asyncio.TaskGroup() as lanes:
        for _ in range(LANES):
            lanes.create_task(lane())


def _say(sentence: str) -> None:
    print(f"{time.monotonic() - BEGUN:6.1f} s  {sentence}", file=sys.stderr, flush=True)


def _arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, help="crash points of each flow, drawn by the seed")
    parser.add_argument("--rounds", type=int, help=f"random rounds, {ROUNDS} unless given")
    parser.add_argument("--seed", type=int, help="the same seed gives the same draws")
    parser.add_argument("--json", type=Path, metavar="FILE", help="gets the rows, one a line")
    parser.add_argument("--short", action="store_true", help="a few of each, under a minute")
    wanted = parser.parse_args(words)
    wanted.whole = not wanted.short and wanted.points is None and wanted.rounds is None
    if wanted.rounds is None:
        wanted.rounds = SHORT_ROUNDS if wanted.short else ROUNDS
    if wanted.points is None and wanted.short:
        wanted.points = SHORT_POINTS
    return wanted


def main(words: list[str] | None = None) -> int:
    """Run the grid; give 0 only when nothing was lost, doubled or left unresolved."""
    wanted = _arguments(words)
    seed = secrets.randbits(32) if wanted.seed is None else wanted.seed
    _say(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="crash-", ignore_cleanup_errors=True) as folder:
        grid = Grid(Bench(Path(folder)), wanted, seed)
        asyncio.run(grid.run())
    if wanted.json:
        lines = "".join(f"{json.dumps(asdict(row))}\n" for row in grid.rows)
        wanted.json.write_text(lines, encoding="utf-8")
    if wanted.whole:
        PAGE.write_text(page(grid.rows), encoding="utf-8")
    for row in grid.rows:
        for finding in row.findings:
            print(f"{row.flow}, {row.point}, round {row.round}, seed {row.seed}: {finding}")
    if grid.missing:
        print(f"No flow reaches: {', '.join(grid.missing)}")
    print(summary(grid.rows))
    return 0 if grid.clean else 1


if __name__ == "__main__":
    # A run that is told to end takes its sandboxes with it, as one that is interrupted does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
