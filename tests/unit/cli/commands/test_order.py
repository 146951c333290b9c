"""`tkkpg order create|status|info|refund`, against a real sandbox."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Run, Sandbox


def told(run: Run, *words: object) -> dict[str, Any]:
    """Run a command that succeeds, and read its line."""
    result = run(*words, "--json")
    assert result.exit_code == 0, result.stderr
    value: dict[str, Any] = json.loads(result.stdout)
    return value


def created(run: Run, amount: str = "30.00", *options: object) -> tuple[int, str]:
    """Create an order, and give its number and session."""
    order = told(run, "order", "create", "--amount", amount, *options)
    return order["order_id"], order["session_id"]


def test_a_new_order_says_where_it_is_paid(run_at: Run, sandbox: Sandbox) -> None:
    order = told(run_at, "order", "create", "--amount", "30.00")

    ref = f"ORDERID={order['order_id']}&SESSIONID={order['session_id']}"
    assert order["payment_url"] == f"{sandbox.told['page_url']}?{ref}"
    assert (order["order_status"], order["status"]) == ("CREATED", "00")


def test_people_are_told_the_next_command(run_at: Run) -> None:
    out = run_at("order", "create", "--amount", "30").stdout

    facts = dict(line.split(maxsplit=1) for line in out.splitlines() if "  " in line)
    assert f"tkkpg pay {facts['Order']} {facts['Session']}" in out


def test_status_and_information_are_asked_of_the_gateway(run_at: Run) -> None:
    options = ("--description", "Çay", "--language", "ru", "--approve-url", "https://shop.az/ok")
    ref = created(run_at, "12.34", *options)

    assert told(run_at, "order", "status", *ref) == {
        "order_id": ref[0],
        "order_status": "CREATED",
        "receipt": None,
        "status": "00",
    }
    information = told(run_at, "order", "info", *ref)
    assert information["amount_minor"] == 1234
    assert information["language"] == "RU"
    assert information["description"] == "Çay"
    assert information["approve_url"] == "https://shop.az/ok"
    assert information["currency"] == "AZN"


def test_people_see_status_and_information_without_the_session(run_at: Run) -> None:
    order_id, session_id = created(run_at, "12.34", "--description", "Çay")

    status = run_at("order", "status", order_id, session_id).stdout
    information = run_at("order", "info", order_id, session_id).stdout
    assert "CREATED" in status
    assert "Çay" in information
    assert session_id not in status + information


def test_a_paid_order_is_refunded_in_parts_and_no_further(run_at: Run) -> None:
    ref = created(run_at)
    told(run_at, "pay", *ref)

    first = told(run_at, "order", "refund", *ref, "--amount", "20.00")
    assert first == {"status": "00", "order_id": ref[0], "order_status": "REFUNDED"}
    refused = run_at("order", "refund", *ref, "--amount", "10.01", "--json")
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["status"] == "30"
    assert "10.00 AZN" in run_at("order", "refund", *ref, "--amount", "10.00").stdout


def test_a_refusal_is_one_paragraph_without_the_session(run_at: Run) -> None:
    order_id, session_id = created(run_at)

    result = run_at("order", "refund", order_id, session_id, "--amount", "1.00")

    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert session_id not in result.stderr


def test_everything_can_be_named_without_a_home(run: Run, sandbox: Sandbox) -> None:
    names = {"--exec-url": "exec_url", "--merchant": "merchant_id"}
    names |= {f"--{name}": name for name in ("certificate", "key", "ca")}
    options = [word for name, key in names.items() for word in (name, sandbox.told[key])]

    ref = created(run, "30.00", *options)

    assert told(run, "order", "status", *ref, *options)["order_status"] == "CREATED"


def test_one_option_replaces_one_default(run_at: Run) -> None:
    result = run_at("order", "create", "--amount", "1", "--merchant", "E9999999", "--json")

    assert json.loads(result.stdout)["status"] == "10"


def test_without_a_sandbox_it_says_how_to_start_one(run: Run) -> None:
    result = run("order", "create", "--amount", "30.00")

    assert result.exit_code == 1
    assert "tkkpg sandbox" in result.stderr


def test_a_gateway_that_does_not_answer_is_no_traceback(run_at: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    result = run_at(
        "order", "status", 1, "A" * 32, "--exec-url", f"https://localhost:{port}/Exec", "--json"
    )

    assert result.exit_code == 1
    assert json.loads(result.stdout)["status"] is None


@pytest.mark.parametrize(
    "words",
    [
        ["create"],
        ["create", "--amount", "1.234"],
        ["create", "--amount", "1", "--language", "de"],
        ["status", "one", "A"],
        ["refund", "1", "A"],
    ],
)
def test_a_mistyped_command_is_a_usage_error(run: Run, words: list[str]) -> None:
    assert run("order", *words).exit_code == 2


def test_a_local_home_is_found_by_itself(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".tkkpg").symlink_to(sandbox.home)

    assert created(run)[0] > 0
