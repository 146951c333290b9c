"""`tkkpg audit accept`: an operator goes on from a history that is broken."""

from __future__ import annotations

import json

from tests.unit.cli.commands.conftest import Stopped
from tests.unit.cli.conftest import Run, Sandbox

from tkkpg.gateway.config import HEAD

REASON = "A. Aliyev restored Monday's backup, ticket 12"


def test_a_broken_history_is_accepted_and_the_books_are_clean(run: Run, stopped: Stopped) -> None:
    stopped.plant("UPDATE orders SET amount_minor = 1 WHERE order_id = :first; DELETE FROM seal")
    assert run("check", "--home", stopped.folder).exit_code == 1

    done = run("audit", "accept", "--home", stopped.folder, "--reason", REASON)

    assert done.exit_code == 0, done.output
    assert "The history goes on from audit row" in done.stdout
    assert run("check", "--home", stopped.folder).exit_code == 0


def test_a_missing_head_is_said_and_replaced(run: Run, stopped: Stopped) -> None:
    (stopped.folder / HEAD).unlink()

    done = run("audit", "accept", "--home", stopped.folder, "--reason", REASON, "--json")

    told = json.loads(done.stdout)
    assert "head.json is missing" in told["head"]
    assert told["seal"] > 0
    assert (stopped.folder / HEAD).is_file()
    assert run("check", "--home", stopped.folder).exit_code == 0


def test_nothing_is_accepted_while_the_gateway_runs(run: Run, sandbox: Sandbox) -> None:
    refused = run("audit", "accept", "--home", sandbox.home, "--reason", REASON)

    assert refused.exit_code == 1
    assert "Stop it first" in refused.stderr


def test_a_reason_must_be_given(run: Run, stopped: Stopped) -> None:
    assert run("audit", "accept", "--home", stopped.folder).exit_code == 2
    refused = run("audit", "accept", "--home", stopped.folder, "--reason", " ")
    assert refused.exit_code == 1
    assert "needs a reason" in refused.stderr
