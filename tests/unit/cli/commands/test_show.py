"""`tkkpg order show`: the operator's view, beside a running sandbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from tests.unit.cli.conftest import Run, Sandbox

from tkkpg.gateway.config import DATABASE
from tkkpg.protocol.zone import BAKU


@pytest.fixture
def paid(run_at: Run) -> tuple[int, str]:
    order = json.loads(run_at("order", "create", "--amount", "7.00", "--json").stdout)
    ref = order["order_id"], order["session_id"]
    assert run_at("pay", *ref).exit_code == 0
    return ref


def test_a_program_gets_the_whole_order(run_at: Run, paid: tuple[int, str]) -> None:
    view = json.loads(run_at("order", "show", paid[0], "--json").stdout)

    assert (view["order_status"], view["amount_minor"], view["currency"]) == (
        "APPROVED",
        700,
        "AZN",
    )
    assert [tran["state"] for tran in view["transactions"]] == ["APPROVED"]
    (proof,) = (tran["authentication"] for tran in view["transactions"])
    assert (proof["result"], proof["eci"]) == ("Y", "05")
    assert not {"key", "cavv"} & set(proof)
    assert [entry["posting"] for entry in view["ledger"]] == ["CHARGE"]
    assert [note["xmlout"]["order_status"] for note in view["notifications"]] == ["APPROVED"]
    assert [event["action"] for event in view["timeline"]] == [
        "order_created",
        "authentication_begun",
        "authorisation_reserved",
        "authorisation_approved",
    ]


def test_neither_session_nor_card_number_is_shown(run_at: Run, paid: tuple[int, str]) -> None:
    order_id, session_id = paid

    shown = run_at("order", "show", order_id).stdout
    shown += run_at("order", "show", order_id, "--json").stdout

    assert "416973••••••5869" in shown
    assert "4169733213495869" not in shown
    assert session_id not in shown


def test_people_see_all_four_lists(run_at: Run, paid: tuple[int, str]) -> None:
    shown = run_at("order", "show", paid[0]).stdout

    for title in ("Timeline", "Transactions", "Ledger", "Messages to the merchant's server"):
        assert f"\n{title}\n" in shown
    assert "authorisation_approved" in shown


def test_an_order_is_found_by_its_session(run_at: Run, paid: tuple[int, str]) -> None:
    view = json.loads(run_at("order", "show", "--session", paid[1], "--json").stdout)

    assert view["order_id"] == paid[0]


def test_the_orders_of_a_day_in_baku_are_listed(run_at: Run, paid: tuple[int, str]) -> None:
    today = datetime.now(UTC).astimezone(BAKU).date()

    listed = json.loads(run_at("order", "show", "--date", today, "--json").stdout)

    assert paid[0] in [order["order_id"] for order in listed]
    assert str(paid[0]) in run_at("order", "show", "--date", today).stdout
    assert json.loads(run_at("order", "show", "--date", "2001-01-01", "--json").stdout) == []


@pytest.mark.parametrize("words", [["5"], ["--session", "A" * 32]])
def test_an_order_that_is_not_there_is_an_error(run_at: Run, words: list[str]) -> None:
    result = run_at("order", "show", *words)

    assert result.exit_code == 1
    assert "There is no such order" in result.stderr


def test_a_home_without_a_database_is_an_error(run: Run) -> None:
    assert "There is no database" in run("order", "show", "5").stderr


@pytest.mark.parametrize("words", [[], ["5", "--session", "A"], ["--date", "24/11/2026"]])
def test_exactly_one_way_to_find_an_order_is_taken(run: Run, words: list[str]) -> None:
    assert run("order", "show", *words).exit_code == 2


def test_the_database_is_the_one_that_the_gateway_writes(sandbox: Sandbox) -> None:
    assert sandbox.told["database"] == str(sandbox.home / DATABASE)
