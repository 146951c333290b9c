"""`tkkpg issuer`, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.unit.cli.conftest import START_S, stop


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
