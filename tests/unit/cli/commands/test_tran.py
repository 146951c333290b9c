"""`tkkpg tran list`: what went to the host, and what waits."""

from __future__ import annotations

import json

import pytest
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run

from tkkpg.cli.commands import tran as module

UNRESOLVED = """
    UPDATE tran SET state = 'REVERSING', response_code = '810' WHERE order_id = :first;
    UPDATE tran SET state = 'UNKNOWN', parked_at = 1 WHERE order_id = :second
"""


def test_all_transactions_are_listed_newest_first(run: Run, stopped: Stopped) -> None:
    told = json.loads(run("tran", "list", "--home", stopped.folder, "--json").stdout)

    assert [one["order_id"] for one in told] == list(reversed(stopped.orders))
    assert [(one["state"], one["amount_minor"], one["currency"]) for one in told] == [
        ("APPROVED", 700, "AZN"),
        ("APPROVED", 3000, "AZN"),
    ]


def test_the_running_sandbox_is_looked_at(run_at: Run) -> None:
    order = json.loads(run_at("order", "create", "--amount", "7.00", "--json").stdout)
    assert run_at("pay", order["order_id"], order["session_id"], "--card", "076").exit_code == 0

    told = json.loads(run_at("tran", "list", "--json").stdout)

    (one,) = [one for one in told if one["order_id"] == order["order_id"]]
    assert (one["kind"], one["state"], one["response_code"]) == ("AUTHORISATION", "DECLINED", "076")
    assert 0 <= one["age_s"] < 3600


def test_only_what_is_unresolved_is_listed_oldest_first(run: Run, stopped: Stopped) -> None:
    assert (
        json.loads(run("tran", "list", "--unresolved", "--home", stopped.folder, "--json").stdout)
        == []
    )
    stopped.plant(UNRESOLVED)

    told = json.loads(
        run("tran", "list", "--unresolved", "--home", stopped.folder, "--json").stdout
    )

    assert [(one["order_id"], one["state"]) for one in told] == list(
        zip(stopped.orders, ("REVERSING", "UNKNOWN"), strict=True)
    )


def test_people_see_time_in_baku_age_parking_and_code(run: Run, stopped: Stopped) -> None:
    stopped.plant(UNRESOLVED)

    shown = run("tran", "list", "--unresolved", "--home", stopped.folder).stdout

    first, second = [line for line in shown.splitlines() if "AUTHORISATION" in line]
    assert "2026-11-24 12:00:00" in first
    assert "30.00 AZN" in first
    assert first.split()[-2:] == ["no", "810"]
    assert second.split()[-2:] == ["yes", "001"]


def test_no_secret_of_card_or_order_is_shown(run: Run, stopped: Stopped) -> None:
    (told, _) = json.loads(run("tran", "list", "--home", stopped.folder, "--json").stdout)

    assert told["pan_masked"] == "416973••••••5869"
    assert not {"pan_hash", "session_id"} & told.keys()


@pytest.mark.parametrize(("option", "which"), [([], "newest"), (["--unresolved"], "oldest")])
def test_a_list_that_was_cut_short_says_so(
    run: Run, stopped: Stopped, monkeypatch: pytest.MonkeyPatch, option: list[str], which: str
) -> None:
    monkeypatch.setattr(module, "TRANSACTIONS_MAX", 2)
    stopped.plant(UNRESOLVED)

    shown = run("tran", "list", *option, "--home", stopped.folder).stdout

    assert shown.endswith(f"Only the {which} 2 are shown.\n")


def test_a_home_without_a_database_is_an_error(run: Run) -> None:
    result = run("tran", "list")

    assert result.exit_code == 1
    assert "There is no database" in result.stderr
