"""`tkkpg check`, beside a running sandbox and on a home whose gateway has stopped."""

from __future__ import annotations

import json

from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run

from tkkpg.gateway.config import DATABASE, KEYS
from tkkpg.gateway.store.check import DECIDED, RULES

UNTOLD = "DELETE FROM notification WHERE order_id = :first OR order_id = :second"
TOLD = "the merchant is told how an order stands"


def test_a_running_gateway_is_checked_while_it_pays(run_at: Run) -> None:
    order = json.loads(run_at("order", "create", "--amount", "7.00", "--json").stdout)
    assert run_at("pay", order["order_id"], order["session_id"]).exit_code == 0

    result = run_at("check", "--json")

    assert json.loads(result.stdout) == {
        "clean": True,
        "rules": dict.fromkeys(RULES, 0),
        "findings": [],
    }
    assert result.exit_code == 0


def test_people_see_each_rule_with_its_count(run: Run, stopped: Stopped) -> None:
    result = run("check", "--home", stopped.folder)

    lines = [line.split() for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    for rule in RULES:
        assert [*rule.split(), "0"] in lines


def test_findings_are_counted_named_and_end_with_status_1(run: Run, stopped: Stopped) -> None:
    stopped.plant(UNTOLD)

    result = run("check", "--home", stopped.folder)

    assert result.exit_code == 1
    assert [*TOLD.split(), "2"] in [line.split() for line in result.stdout.splitlines()]
    for order in stopped.orders:
        assert f"\norder {order}: It became APPROVED without a notification" in result.stdout


def test_a_program_gets_the_findings_on_one_line(run: Run, stopped: Stopped) -> None:
    stopped.plant(UNTOLD)

    result = run("check", "--home", stopped.folder, "--json")

    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told["clean"], told["rules"][TOLD]) == (False, 2)
    found = [(one["rule"], one["rows"]) for one in told["findings"] if one["rule"] != DECIDED]
    assert found == [(TOLD, f"order {order}") for order in stopped.orders]


def test_without_its_keys_a_home_is_not_checked_and_gets_no_new_ones(
    run: Run, stopped: Stopped
) -> None:
    (stopped.folder / KEYS).unlink()

    result = run("check", "--home", stopped.folder)

    assert result.exit_code == 1
    assert "There is no key file" in result.stderr
    assert not (stopped.folder / KEYS).exists()


def test_without_its_database_a_home_is_not_checked(run: Run, stopped: Stopped) -> None:
    (stopped.folder / DATABASE).unlink()

    result = run("check", "--home", stopped.folder)

    assert result.exit_code == 1
    assert "There is no database" in result.stderr
