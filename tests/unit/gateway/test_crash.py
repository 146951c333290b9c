"""Crash points: silent unless switched on, and then exactly where they were asked for."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

import tkkpg.gateway
from tkkpg.gateway.crash import ACTIONS, CRASH_AT, CRASH_TRACE, POINTS, UnknownCrashPoint, reach

GATEWAY: Final = Path(tkkpg.gateway.__file__).parent
POINT: Final = "host.before:refund"
OTHER: Final = "host.before:reversal"


def run(program: str, **switches: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own that begins with switches."""
    return subprocess.run(
        [sys.executable, "-c", f"from tkkpg.gateway.crash import *\n{program}"],
        env={**os.environ, **switches},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_nothing_happens_while_it_is_switched_off() -> None:
    reach(POINT)
    reach("there is no such point")


def test_the_process_is_killed_at_the_point_that_it_was_asked_for() -> None:
    ended = run(
        f"reach({OTHER!r}); print('here', flush=True); reach({POINT!r}); print('there')",
        **{CRASH_AT: POINT},
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "here\n")


def test_a_number_waits_for_that_time_it_is_reached() -> None:
    program = f"for n in range(5): print(n, flush=True); reach({POINT!r})"
    ended = run(program, **{CRASH_AT: f"{POINT}:3"})
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "0\n1\n2\n")


def test_a_trace_has_every_point_in_the_order_in_which_it_was_reached(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = f"reach({POINT!r}); reach('host.before', 'reversal'); reach('page.request')"
    for _ in range(2):
        assert run(program, **{CRASH_TRACE: str(trace)}).returncode == 0
    assert trace.read_text("utf-8").split() == [POINT, OTHER, "page.request"] * 2


def test_a_trace_has_the_point_too_at_which_the_process_is_killed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = f"reach({OTHER!r}); reach({POINT!r}); reach('page.request')"
    ended = run(program, **{CRASH_AT: POINT, CRASH_TRACE: str(trace)})
    assert (ended.returncode, trace.read_text("utf-8").split()) == (-signal.SIGKILL, [OTHER, POINT])


def test_what_was_written_is_traced_in_the_next_turn_of_the_loop(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    program = (
        "import asyncio\n"
        "async def main():\n"
        f"    reach_written('page.after_reply'); reach({POINT!r}); await asyncio.sleep(0)\n"
        "asyncio.run(main())"
    )
    assert run(program, **{CRASH_TRACE: str(trace)}).returncode == 0
    assert trace.read_text("utf-8").split() == [POINT, "page.after_reply"]


@pytest.mark.parametrize("switch", [CRASH_AT, CRASH_TRACE])
def test_a_point_that_is_not_listed_is_an_error_once_switched_on(
    switch: str, tmp_path: Path
) -> None:
    value = POINT if switch == CRASH_AT else str(tmp_path / "trace")
    ended = run("reach('host.before:nonsense')", **{switch: value})
    assert UnknownCrashPoint.__name__ in ended.stderr
    assert "host.before:nonsense" in ended.stderr


def test_a_wish_for_a_point_that_is_not_listed_is_an_error_at_the_start() -> None:
    assert UnknownCrashPoint.__name__ in run("", **{CRASH_AT: "host.before:nonsense"}).stderr


def test_every_action_of_a_plan_has_its_points() -> None:
    written = {
        value.value
        for path in GATEWAY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "action"
        for value in [node.value]
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }
    assert written
    assert written <= set(ACTIONS)


def test_every_point_says_in_one_sentence_what_has_happened() -> None:
    assert all(moment.endswith(".") and moment.count(". ") == 0 for moment in POINTS.values())
