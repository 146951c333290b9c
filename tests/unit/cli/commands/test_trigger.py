"""`tkkpg trigger`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
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


def test_an_outcome_is_armed_once_and_listed_until_it_is_met(run_at: Run) -> None:
    order = json.loads(run_at("order", "create", "--amount=30.00", "--json").stdout)
    order_id = order["order_id"]
    told = run_at("trigger", "outcome", "205", f"--order={order_id}").stdout
    armed = {one["order_id"]: one["code"] for one in _waiting(run_at)}
    paid = run_at("pay", order_id, order["session_id"], "--json")

    assert told == (
        f"The next authorisation or operation of order {order_id} ends with"
        " 205 – Invalid advance amount.\n"
    )
    assert armed == {order_id: "205"}
    assert json.loads(paid.stdout)["response_code"] == "205"
    assert _waiting(run_at) == []


def test_minus_one_is_written_after_two_dashes(run_at: Run) -> None:
    order = json.loads(run_at("order", "create", "--amount=30.00", "--json").stdout)
    armed = run_at("trigger", "outcome", f"--order={order['order_id']}", "--json", "--", "-1")
    paid = run_at("pay", order["order_id"], order["session_id"], "--json")

    assert json.loads(armed.stdout)["code"] == "-1"
    assert json.loads(paid.stdout)["order_status"] == "ERROR"


def _waiting(run_at: Run) -> list[dict[str, object]]:
    told: list[dict[str, object]] = json.loads(run_at("trigger", "waiting", "--json").stdout)
    return told


@pytest.mark.parametrize("options", [(), ("--order=1", "--merchant=E1000010")])
def test_an_outcome_is_for_one_order_or_one_merchant(run: Run, options: tuple[str, ...]) -> None:
    failed = run("trigger", "outcome", "205", *options)

    assert failed.exit_code == 2
    assert "Name one: --order or --merchant." in failed.stderr
