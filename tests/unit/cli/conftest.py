"""A real sandbox in a process of its own, and the command line in this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tkkpg.cli.main import main

START_S = 60

Run = Callable[..., Result]
"""Runs `tkkpg` with these words."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its home, and the line it printed."""

    home: Path
    told: dict[str, Any]


def start(home: Path, *options: str) -> subprocess.Popen[str]:
    """Start `tkkpg sandbox` on free ports."""
    ports = ("--exec-port=0", "--page-port=0", "--shop-port=0", "--acs-port=0")
    command = [sys.executable, "-m", "tkkpg", "sandbox", "--home", str(home), *ports, *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=os.path.sep
    )


def stop(process: subprocess.Popen[str], number: int) -> int:
    """Send a signal, and give the exit status."""
    process.send_signal(number)
    try:
        process.communicate(timeout=START_S)
    finally:
        process.kill()
    return process.returncode


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    home = tmp_path_factory.mktemp("sandbox")
    process = start(home, "--json")
    assert process.stdout is not None
    try:
        yield Sandbox(home, json.loads(process.stdout.readline()))
    finally:
        process.terminate()
        process.communicate(timeout=START_S)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in an empty folder, with no home named outside."""
    monkeypatch.delenv("TKKPG_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    def invoke(*words: object) -> Result:
        return CliRunner().invoke(main, [str(word) for word in words], prog_name="tkkpg")

    return invoke


@pytest.fixture
def run_at(run: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the program with the sandbox's home named by the environment."""
    monkeypatch.setenv("TKKPG_HOME", str(sandbox.home))
    return run
