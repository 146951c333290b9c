"""`tkkpg tran resolve`, and what leads to it: a refund that the issuer never answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run, start, stop

from tkkpg.gateway.config import DATABASE


def told(run: Run, *words: object) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Run a command that succeeds; give its JSON."""
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def impatient(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The program beside a sandbox that waits a third of a second for the host."""
    home = tmp_path / "impatient"
    monkeypatch.setenv("TKKPG_HOME", str(home))
    process = start(home, "--json", "--host-timeout=0.3")
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield run
    finally:
        stop(process, 15)


def test_an_operator_resolves_a_refund_that_was_never_answered(impatient: Run) -> None:
    run = impatient
    order = told(run, "order", "create", "--amount", "30.00")
    key = (order["order_id"], order["session_id"])
    told(run, "pay", *key, "--card", "approve")
    told(run, "trigger", "fault", "silence")

    refused = run("order", "refund", *key, "--amount", "10.00", "--json")

    assert json.loads(refused.stdout)["status"] == "96"
    (unresolved,) = told(run, "tran", "list", "--unresolved")
    assert (unresolved["kind"], unresolved["state"]) == ("REFUND", "UNKNOWN")
    resolved = told(
        run,
        *("tran", "resolve", unresolved["tran_id"], "--as", "approved"),
        *("--reason", "Confirmed by the host's operator"),
    )
    assert resolved["order_id"] == order["order_id"]
    assert told(run, "order", "status", *key)["order_status"] == "REFUNDED"
    shown = run("order", "show", order["order_id"]).stdout
    assert "transaction_resolved" in shown
    assert "Confirmed by the host's operator" in shown
    assert told(run, "tran", "list", "--unresolved") == []
    assert run("check").exit_code == 0


def test_without_a_gateway_the_database_is_changed_directly(run: Run, stopped: Stopped) -> None:
    stopped.plant("UPDATE tran SET state = 'REVERSING' WHERE order_id = :first")
    (left,) = told(run, "tran", "list", "--unresolved", "--home", stopped.folder)

    told(
        run,
        *("tran", "resolve", left["tran_id"], "--as", "reversed"),
        *("--reason", "The host has nothing of it", "--home", stopped.folder),
    )

    assert told(run, "tran", "list", "--unresolved", "--home", stopped.folder) == []


def test_an_outcome_that_is_known_is_not_replaced(run: Run, stopped: Stopped) -> None:
    known = told(run, "tran", "list", "--home", stopped.folder)[0]

    refused = run(
        *("tran", "resolve", known["tran_id"], "--as", "declined"),
        *("--reason", "A mistake", "--home", stopped.folder),
    )

    assert refused.exit_code == 1
    assert "its outcome is known" in refused.stderr


def test_a_folder_without_a_database_is_named_and_left_alone(run: Run, tmp_path: Path) -> None:
    refused = run(
        *("tran", "resolve", 1, "--as", "approved", "--reason", "Why", "--home", tmp_path)
    )

    assert refused.exit_code == 1
    assert "no gateway's database" in refused.stderr
    assert not (tmp_path / DATABASE).exists()
