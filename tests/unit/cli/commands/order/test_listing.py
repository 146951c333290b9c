"""`tkkpg order list`, against a real sandbox that others use too: each test has its own text."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.cli.commands.order.conftest import created, paid, told
from tests.unit.cli.conftest import Run

from tkkpg.protocol.zone import BAKU


def listed(run: Run, *words: object) -> list[dict[str, Any]]:
    """List orders, and read the array."""
    result = run("order", "list", *words, "--json")
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


@pytest.fixture
def own() -> tuple[str, str]:
    """Options that find the orders of one test."""
    return ("--description", uuid4().hex)


def numbers(run: Run, *words: object) -> list[int]:
    return [row["order_id"] for row in listed(run, *words)]


def test_the_newest_comes_first_unless_the_oldest_is_wanted(
    run_at: Run, own: tuple[str, str]
) -> None:
    orders = [created(run_at, "1.00", *own)[0] for _ in range(3)]

    assert numbers(run_at, *own) == orders[::-1]
    assert numbers(run_at, *own, "--oldest-first") == orders
    assert numbers(run_at, *own, "--oldest-first", "--last", 2) == orders[1:]


def test_orders_are_found_by_status(run_at: Run, own: tuple[str, str]) -> None:
    created(run_at, "1.00", *own)
    approved = paid(run_at, "1.00", *own)[0]
    held = paid(run_at, "1.00", *own, "--type", "PreAuth")[0]

    assert numbers(run_at, *own, "--status", "approved") == [approved]
    assert numbers(run_at, *own, "--status", "PREAUTH-APPROVED") == [held]


def test_one_order_is_found_by_its_number_with_its_session(run_at: Run) -> None:
    order_id, session_id = created(run_at, "12.34")

    (row,) = listed(run_at, "--order", order_id)

    assert (row["order_id"], row["session_id"]) == (order_id, session_id)
    assert (row["amount_minor"], row["currency"]) == (1234, "AZN")
    assert "params" not in row


def test_orders_are_found_by_when_they_were_created(run_at: Run, own: tuple[str, str]) -> None:
    order_id, _ = ref = created(run_at, "1.00", *own)
    at = datetime.fromisoformat(told(run_at, "order", "info", *ref)["created"])
    second, elsewhere = timedelta(seconds=1), at.replace(tzinfo=BAKU).astimezone().isoformat()

    assert numbers(run_at, *own, "--from", at.isoformat(), "--to", elsewhere) == [order_id]
    assert numbers(run_at, *own, "--from", (at + second).isoformat()) == []
    assert numbers(run_at, *own, "--to", (at - second).isoformat()) == []


def test_people_see_a_table_without_sessions(run_at: Run, own: tuple[str, str]) -> None:
    order_id, session_id = ref = paid(run_at, "30.00", *own)
    told(run_at, "order", "refund", *ref, "--amount", "10.00")

    shown = run_at("order", "list", *own)

    (line,) = (line for line in shown.stdout.splitlines() if str(order_id) in line)
    assert line.split()[3:] == ["REFUNDED", "Purchase", "30.00", "AZN", "10.00", "AZN", own[1]]
    assert session_id not in shown.stdout
    assert shown.stderr == ""


def test_people_are_told_that_there_may_be_more(run_at: Run, own: tuple[str, str]) -> None:
    for _ in range(2):
        created(run_at, "1.00", *own)

    assert "Only the newest 1" in run_at("order", "list", *own, "--last", 1).stderr


def test_a_filter_that_contradicts_itself_is_refused(run_at: Run) -> None:
    result = run_at("order", "list", "--from", "2026-11-25", "--to", "2026-11-24", "--json")

    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] == "30"
