"""`tkkpg order`: what all its commands have in common, against a real sandbox."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from tests.unit.cli.commands.order.conftest import created, told
from tests.unit.cli.conftest import Run, Sandbox


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
        ["create", "--amount", "1", "--type", "Sale"],
        ["create", "--amount", "1", "--param", "basket"],
        ["create", "--amount", "1", "--param", "a=1", "--param", "a=2"],
        ["create", "--amount", "1", "--expires", "soon"],
        ["refund", "1", "A"],
        ["complete", "1", "A"],
        ["reverse", "1"],
        ["charge", "1", "A", "--amount", "1"],
        ["wait", "1", "A", "--timeout", "5"],
        ["list", "--status", "PAID"],
        ["list", "--from", "yesterday"],
        ["list", "--last", "0"],
    ],
)
def test_a_mistyped_command_is_a_usage_error(run: Run, words: list[str]) -> None:
    assert run("order", *words).exit_code == 2


def test_a_local_home_is_found_by_itself(run: Run, sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / ".tkkpg").symlink_to(sandbox.home)

    assert created(run)[0] > 0
