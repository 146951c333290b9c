"""`tkkpg merchant set`: with a running gateway, without one, and over a restart."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Final

import pytest
from tests.gateway_fixtures import MERCHANT_ID
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run, start, stop

from tkkpg.protocol.values import Operation

EVERYTHING: Final[dict[tuple[str, ...], dict[str, Any]]] = {
    ("--name", "Alma"): {"name": "Alma"},
    ("--base-url", "https://alma.example"): {"base_url": "https://alma.example"},
    ("--notification-url", ""): {"notification_url": ""},
    ("--change-status-url", "https://a.example/s"): {"change_status_url": "https://a.example/s"},
    ("--xmlout", "bare"): {"xmlout_wrapped": False},
    ("--xmlout-base64",): {"xmlout_base64": True},
    ("--frame-ancestors", "'none'"): {"frame_ancestors": "'none'"},
    ("--operation", "Refund", "--operation", "CreateOrder"): {
        "operations": ["CreateOrder", "Refund"]
    },
    ("--currency", "usd", "--currency", "944"): {"currencies": ["AZN", "USD"]},
    ("--fee", "2.5"): {"fee_bp": 250},
    ("--duplicate-window", "5m"): {"duplicate_window_s": 300},
    ("--no-card-registration",): {"card_registration": False},
    ("--unauthenticated", "proceed"): {"unauthenticated": "proceed"},
    ("--bank-profile", "nabil"): {"bank_profile": "nabil"},
    ("--order-type", "QuasiCash"): {"order_types": ["QuasiCash"]},
    ("--return-scheme", "myapp"): {"return_schemes": ["myapp"]},
    ("--inactive",): {"active": False},
}


def shown(run: Run, home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(
        run("merchant", "show", MERCHANT_ID, "--home", home, "--json").stdout
    )
    return told


@pytest.mark.parametrize(("words", "expected"), EVERYTHING.items())
def test_an_option_changes_its_setting_and_no_other(
    run: Run, stopped: Stopped, words: tuple[str, ...], expected: dict[str, Any]
) -> None:
    before = shown(run, stopped.folder)
    done = run("merchant", "set", MERCHANT_ID, *words, "--home", stopped.folder)
    assert done.exit_code == 0, done.output
    assert shown(run, stopped.folder) == before | expected != before


@pytest.mark.parametrize(
    ("there", "back"),
    [
        (["--xmlout", "bare"], ["--xmlout", "wrapped"]),
        (["--xmlout-base64"], ["--no-xmlout-base64"]),
        (["--operation", "Refund"], ["--operation", "all"]),
        (["--fee", "0.01"], ["--fee", "0"]),
        (["--duplicate-window", "1d"], ["--duplicate-window", "0s"]),
        (["--no-card-registration"], ["--card-registration"]),
        (["--unauthenticated", "proceed"], ["--unauthenticated", "decline"]),
        (["--bank-profile", "manual"], ["--bank-profile", "kapital"]),
        (["--return-scheme", "myapp"], ["--return-scheme", ""]),
        (["--inactive"], ["--active"]),
    ],
)
def test_there_is_a_way_back(run: Run, stopped: Stopped, there: list[str], back: list[str]) -> None:
    before = shown(run, stopped.folder)
    for words in (there, back):
        done = run("merchant", "set", MERCHANT_ID, *words, "--home", stopped.folder, "--json")
        assert len(json.loads(done.stdout)["changed"]) == 1
    assert shown(run, stopped.folder) == before


def test_people_are_told_what_changed_and_where_to_look(run: Run, stopped: Stopped) -> None:
    words = ("merchant", "set", MERCHANT_ID, "--fee", "2.5", "--active", "--home", stopped.folder)
    assert run(*words).stdout == (
        f"Changed for merchant {MERCHANT_ID}: fee_bp. See all of its settings:\n"
        f"  tkkpg merchant show {MERCHANT_ID}\n"
    )
    assert "nothing, it is set like that already" in run(*words).stdout


def test_the_running_gateway_takes_it_at_once(run_at: Run) -> None:
    create = ("order", "create", "--amount", "3.00")
    assert run_at(*create).exit_code == 0
    try:
        assert run_at("merchant", "set", MERCHANT_ID, "--inactive").exit_code == 0
        assert run_at(*create).exit_code == 1
    finally:
        run_at("merchant", "set", MERCHANT_ID, "--active")
    assert run_at(*create).exit_code == 0


def test_settings_survive_a_restart_of_the_sandbox(run: Run, tmp_path: Path) -> None:
    home, fees = tmp_path / "home", []
    for words in (["--fee", "2.5"], ["--name", "Alma"]):
        process = start(home, "--json", "--metrics-port=0")
        assert process.stdout is not None
        shop_url = json.loads(process.stdout.readline())["shop_url"]
        fees.append(shown(run, home)["fee_bp"])
        assert shown(run, home)["base_url"] == shop_url
        assert run("merchant", "set", MERCHANT_ID, *words, "--home", home).exit_code == 0
        assert stop(process, signal.SIGTERM) == 0
    assert fees == [0, 250]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "There is nothing to change."),
        (["--fee", "2.555"], "at most two decimals"),
        (["--fee", "2,5"], "at most two decimals"),
        (["--fee", "100.01"], "at most 100"),
        (["--currency", "ABC"], "840 or USD"),
        (["--operation", "Payout"], "'CreateOrder', 'GetOrderStatus'"),
        (["--xmlout", "boxed"], "'wrapped', 'bare'"),
        (["--unauthenticated", "ask"], "'decline', 'proceed'"),
        (["--duplicate-window", "5"], "120s, 15m"),
    ],
)
def test_a_value_that_cannot_be_read_is_a_usage_error(
    run: Run, stopped: Stopped, words: list[str], sentence: str
) -> None:
    done = run("merchant", "set", MERCHANT_ID, *words, "--home", stopped.folder)
    assert done.exit_code == 2
    assert sentence in done.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([MERCHANT_ID, "--base-url", "shop"], "base_url must begin with https://"),
        ([MERCHANT_ID, "--notification-url", "http://10.0.0.1/"], "private address"),
        ([MERCHANT_ID, "--duplicate-window", "2d"], "from 0 to 86400"),
        (["E9999999", "--active"], "no merchant E9999999"),
    ],
)
def test_a_value_that_the_gateway_refuses_changes_nothing(
    run: Run, stopped: Stopped, words: list[str], sentence: str
) -> None:
    before = shown(run, stopped.folder)
    done = run("merchant", "set", *words, "--fee", "1", "--home", stopped.folder)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert shown(run, stopped.folder) == before


def test_a_command_names_every_operation(run: Run) -> None:
    done = run("merchant", "set", MERCHANT_ID, "--operation", "Payout")
    assert all(operation.value in done.stderr for operation in Operation)
