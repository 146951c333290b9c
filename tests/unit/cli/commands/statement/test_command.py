"""`tkkpg statement`: both forms read back, beside a running sandbox and on a stopped home."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run

from tkkpg.cli.commands.statement.forms import COLUMNS
from tkkpg.protocol.zone import BAKU

DAY = "2026-11-24"
"""On which the stopped gateway had its deposit, and sold for 30.00 and for 7.00."""
YEN = """
    INSERT INTO balance VALUES ('E1000010', '392', 0, 0, 0);
    INSERT INTO entry (plan_id, posting, phase, debit, credit, merchant_id, amount_minor, currency,
        at, order_id, tran_id)
    SELECT plan_id, posting, phase, debit, credit, merchant_id, 700, '392', at, NULL, NULL
    FROM entry WHERE order_id = :first AND posting = 'CHARGE' AND :second
"""


def read_csv(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text), strict=True)
    rows = list(reader)
    assert tuple(reader.fieldnames or ()) == COLUMNS
    return rows


def read_json(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def words(stopped: Stopped, *more: object, day: str = DAY) -> tuple[object, ...]:
    return ("statement", "--merchant=E1000010", f"--day={day}", "--home", stopped.folder, *more)


def test_the_csv_adds_up_account_by_account(run: Run, stopped: Stopped) -> None:
    rows = read_csv(run(*words(stopped)).stdout)

    for account in ("MERCHANT_PAYABLE", "MERCHANT_CURRENT"):
        opening, *entries, closing = [row for row in rows if row["account"] == account]
        assert (opening["row"], closing["row"]) == ("OPENING", "CLOSING")
        assert {row["row"] for row in entries} == {"ENTRY"}
        change = sum(Decimal(row["amount"]) for row in entries)
        assert Decimal(closing["balance"]) - Decimal(opening["balance"]) == change
    assert rows[-1]["total"] == "10037.00"


def test_a_row_of_the_csv_names_what_was_booked(run: Run, stopped: Stopped) -> None:
    (charge,) = [
        row
        for row in read_csv(run(*words(stopped)).stdout)
        if row["posting"] == "CHARGE" and row["order"] == str(stopped.orders[1])
    ]

    assert charge["time"] == "2026-11-24 12:00:01"
    assert (charge["amount"], charge["currency"]) == ("7.00", "AZN")
    assert charge["description"] == "Two shirts"
    assert len(charge["rrn"]) == 12


def test_the_json_says_the_same_in_minor_units(run: Run, stopped: Stopped) -> None:
    in_csv = read_csv(run(*words(stopped)).stdout)
    in_json = read_json(run(*words(stopped, "--format=json")).stdout)

    for one, other in zip(in_csv, in_json, strict=True):
        for name in ("row", "account", "posting", "entry", "order", "transaction", "rrn"):
            assert one[name] == str("" if other[name] is None else other[name])
        for name in ("amount", "balance", "total"):
            assert Decimal(one[name]).scaleb(2) == other[f"{name}_minor"]


def test_a_time_in_the_json_carries_its_zone(run: Run, stopped: Stopped) -> None:
    rows = read_json(run(*words(stopped, "--format=json")).stdout)

    moments = [datetime.fromisoformat(row["time"]) for row in rows if row["time"]]
    assert moments
    assert {moment.utcoffset() for moment in moments} == {BAKU.utcoffset(None)}


def test_the_next_day_opens_with_the_closing_balances_and_is_empty(
    run: Run, stopped: Stopped
) -> None:
    rows = read_csv(run(*words(stopped, day="2026-11-25")).stdout)

    assert [(row["row"], row["total"]) for row in rows] == [
        (kind, "10037.00") for kind in ("OPENING", "OPENING", "CLOSING", "CLOSING")
    ]


def test_every_currency_is_told_with_its_own_decimals(run: Run, stopped: Stopped) -> None:
    stopped.plant(YEN)

    rows = read_csv(run(*words(stopped)).stdout)

    assert {row["currency"] for row in rows} == {"JPY", "AZN"}
    assert [row["total"] for row in rows if row["currency"] == "JPY"][-1] == "700"


def test_one_currency_is_told_when_asked_for(run: Run, stopped: Stopped) -> None:
    stopped.plant(YEN)

    rows = read_csv(run(*words(stopped, "--currency=944")).stdout)

    assert {row["currency"] for row in rows} == {"AZN"}
    assert run(*words(stopped, "--currency=XXX")).exit_code == 2


def test_a_file_holds_what_would_have_been_printed(run: Run, stopped: Stopped) -> None:
    printed = run(*words(stopped)).stdout

    told = run(*words(stopped, "--output", "day.csv"))

    assert (told.exit_code, told.stdout) == (0, "")
    assert Path("day.csv").read_text("utf-8") == printed


def test_a_file_that_cannot_be_written_is_named(run: Run, stopped: Stopped) -> None:
    told = run(*words(stopped, "--output", "nowhere/day.csv"))

    assert told.exit_code == 1
    assert "nowhere/day.csv cannot be written" in told.stderr


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_unknown_merchant_is_an_error_and_makes_no_file(
    run: Run, stopped: Stopped, form: str
) -> None:
    told = run(
        *words(stopped, "--merchant=E404", f"--format={form}", "--output", "day.csv"),
    )

    assert told.exit_code == 1
    assert "There is no merchant E404" in told.stderr
    assert bool(told.stdout) is (form == "json")
    assert not Path("day.csv").exists()


def test_the_running_sandbox_is_told_while_it_pays(run_at: Run) -> None:
    order = json.loads(run_at("order", "create", "--amount", "7.00", "--json").stdout)
    assert run_at("pay", order["order_id"], order["session_id"]).exit_code == 0

    told = run_at("statement", "--merchant=E1000010", f"--day={datetime.now(BAKU):%Y-%m-%d}")

    charged = [row["order"] for row in read_csv(told.stdout) if row["posting"] == "CHARGE"]
    assert str(order["order_id"]) in charged
