"""Measure: every figure a median of interleaved rounds, compared inside this one run.

Called by `make bench`; `make bench ARGS="--quick --json FILE"` is short and writes a file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # for `benchmarks.…`

from benchmarks import (
    bad_input,
    end_to_end,
    host_link,
    many_orders,
    payment,
    reconciliation,
    statement,
    strangers,
    wire,
)
from benchmarks.figures import Figure, table
from benchmarks.in_process import stage
from benchmarks.rounds import Effort

from tkkpg.gateway.logs import configure

FULL = Effort(rounds=9, calls=20, seconds=1.0)
QUICK = Effort(rounds=5, calls=5, seconds=0.5)


async def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Take all measurements, one part after the other."""
    home = folder / "in-process"
    home.mkdir()
    figures = await wire.measure(effort)
    async with stage(home) as opened:
        figures += await bad_input.measure(opened, effort)
        figures += await strangers.measure(opened, effort)
        figures += await payment.measure(opened, effort)
    figures += await host_link.measure(folder / "host-link", effort)
    figures += await reconciliation.measure(folder / "reconciliation", effort)
    figures += await statement.measure(folder / "statement", effort)
    figures += await many_orders.measure(folder / "many-orders", effort)
    return figures + await end_to_end.measure(folder / "sandbox", effort)


def main() -> None:
    """Measure, print the table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    began = perf_counter()
    with tempfile.TemporaryDirectory(prefix="tkkpg-bench-") as name:
        folder = Path(name)
        with (folder / "in-process.log").open("w", encoding="utf-8") as log:
            configure(log, human=False)
            figures = uvloop.run(measure(folder, effort))
    print(table(figures))
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "rounds": effort.rounds,
        "seconds": round(perf_counter() - began, 1),
    }
    print("\n" + ", ".join(f"{key}: {value}" for key, value in about.items()))
    if options.json:
        content = {**about, "figures": [figure.as_json() for figure in figures]}
        options.json.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
