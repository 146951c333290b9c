"""`tkkpg issuer`, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import START_S, Run, Sandbox, stop

from tkkpg.protocol.zone import BAKU


@contextmanager
def started(home: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start it on a free port; give the process and what it says about itself."""
    command = [sys.executable, "-m", "tkkpg", "issuer", "--json", f"--home={home}", *options]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_it_says_where_it_listens_and_stops_when_asked(tmp_path: Path) -> None:
    with started(tmp_path) as (process, told):
        with socket.create_connection((told["host"], told["port"]), timeout=START_S):
            pass

        assert set(told) == {"host", "port", "journal", "pid"}
        assert Path(told["journal"]).is_relative_to(tmp_path)
        assert told["pid"] == process.pid
        assert stop(process, signal.SIGTERM) == 0


def test_it_may_be_told_to_stop_with_the_program_that_started_it(tmp_path: Path) -> None:
    with started(tmp_path, "--stop-with-stdin") as (process, _):
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(START_S) == 0


def test_what_the_issuer_answered_balances_with_our_books(
    run_at: Run, sandbox: Sandbox, tmp_path: Path
) -> None:
    for card in ("approve", "076"):
        order = json.loads(run_at("order", "create", "--amount", "7.00", "--json").stdout)
        assert run_at("pay", order["order_id"], order["session_id"], "--card", card).exit_code == 0
    day = f"--day={datetime.now(BAKU):%Y-%m-%d}"
    host_file = tmp_path / "host.csv"

    exported = run_at("issuer", "export", day)
    host_file.write_text(exported.stdout, "utf-8")
    told = json.loads(run_at("balance", day, "--host-file", host_file, "--json").stdout)

    assert exported.exit_code == 0
    assert told["agrees"]
    assert {one["outcome"] for one in told["summary"]} >= {"MATCHED"}
    assert run_at("issuer", "export", day, "--home", sandbox.home / "issuer").stdout.startswith(
        exported.stdout
    )


def test_without_a_journal_there_is_nothing_to_export(run: Run) -> None:
    result = run("issuer", "export", "--day=2026-11-24")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no journal" in result.stderr


def test_a_link_under_tls_takes_certificate_and_key_that_can_be_used(
    run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "host.pem"
    file.write_text("no certificate", encoding="utf-8")
    alone = run("issuer", f"--certificate={file}", f"--home={tmp_path}")
    unusable = run("issuer", f"--certificate={file}", f"--key={file}", f"--home={tmp_path}")

    assert (alone.exit_code, unusable.exit_code) == (2, 1)
    assert "takes both: --certificate and --key" in alone.stderr
    assert f"The certificate {file} and the key {file} cannot be used" in unusable.stderr
