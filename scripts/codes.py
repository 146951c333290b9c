"""`make codes`: every response code in three ways, and operations that end with one."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.codes.operations import OperationStep, every_operation, short_operations
from tests.codes.rounds import every_step, findings, short_steps
from tests.codes.walk import Step

BEGUN: Final = time.monotonic()


def main(words: list[str] | None = None) -> int:
    """Walk all codes; give 0 only when every one ended as it should everywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="each code in one way only")
    short = parser.parse_args(words).short
    steps: list[Step | OperationStep] = [*(short_steps() if short else every_step())]
    steps += short_operations() if short else every_operation()
    with tempfile.TemporaryDirectory(prefix="codes-", ignore_cleanup_errors=True) as folder:
        found = asyncio.run(findings(Path(folder) / "home", steps, _say))
    for finding in found:
        print(finding)
    print(f"{len(steps)} payments, {len(found)} findings, {time.monotonic() - BEGUN:.0f} s")
    return 1 if found else 0


def _say(sentence: str) -> None:
    print(f"{time.monotonic() - BEGUN:6.1f} s  {sentence}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # A run that is told to end takes its sandbox with it, as one that is interrupted does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
