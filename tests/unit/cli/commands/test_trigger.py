"""`tkkpg trigger`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Run

from tkkpg.sandbox.faults import FAULTS


def test_every_fault_is_listed(run: Run) -> None:
    told = json.loads(run("trigger", "list", "--json").stdout)

    assert [one["name"] for one in told] == [fault.name for fault in FAULTS]


def test_people_see_what_each_fault_does(run: Run) -> None:
    told = run("trigger", "list").stdout

    assert all(fault.does in told for fault in FAULTS)


def test_without_a_sandbox_it_says_that_none_runs(run: Run, tmp_path: Path) -> None:
    failed = run("trigger", "fault", "latency", f"--home={tmp_path}")

    assert failed.exit_code == 1
    assert "No gateway runs" in failed.stderr
