"""The issuer as a process: how long it lives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.issuer.line import DEADLINE_S, line

pytestmark = pytest.mark.anyio


@contextmanager
def _started(
    home: Path, *options: str, stdin: int
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start it; give the process and its port."""
    command = [sys.executable, "-m", "tkkpg", "issuer", "--json", f"--home={home}", *options]
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["port"]
        finally:
            process.kill()


async def test_it_ends_with_the_program_that_holds_its_standard_input(tmp_path: Path) -> None:
    with _started(tmp_path, "--stop-with-stdin", stdin=subprocess.PIPE) as (process, port):
        async with line(port):
            assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(DEADLINE_S) == 0


async def test_on_its_own_it_does_not_look_at_standard_input(tmp_path: Path) -> None:
    with _started(tmp_path, stdin=subprocess.DEVNULL) as (process, port):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        async with line(port):
            pass
