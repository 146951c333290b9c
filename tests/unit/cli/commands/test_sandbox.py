"""`tkkpg sandbox`, as a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run, Sandbox, start, stop

from tkkpg.cli.banner import curl
from tkkpg.sandbox.app import SandboxInfo

PATHS = ["ca", "certificate", "key", "database", "journal"]
KEYS = ["exec_url", "page_url", "shop_url", "metrics_url", "acs_url", "merchant_id", *PATHS]
KEYS += ["pid", "issuer_pid"]


def test_a_program_gets_one_line_with_absolute_paths(sandbox: Sandbox) -> None:
    assert list(sandbox.told) == KEYS
    assert all(Path(sandbox.told[name]).is_absolute() for name in PATHS)
    assert all(Path(sandbox.told[name]).is_file() for name in PATHS)


def test_the_curl_line_creates_an_order(sandbox: Sandbox) -> None:
    paths = {name: Path(sandbox.told[name]) for name in PATHS}
    line = curl(SandboxInfo(**(sandbox.told | paths)))

    answer = subprocess.run(["sh", "-c", line], check=True, capture_output=True, text=True).stdout

    assert answer.startswith("<TKKPG><Response><Operation>CreateOrder</Operation><Status>00<")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_greets_people_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = start(tmp_path / "home")
    assert process.stdout is not None
    first = process.stdout.readline()
    while "Ctrl-C" not in process.stdout.readline():
        pass

    assert stop(process, number) == 0
    assert first == "The sandbox accepts connections.\n"
    assert not (tmp_path / "home" / "sandbox.json").exists()


def test_a_home_in_use_is_refused(run: Run, sandbox: Sandbox) -> None:
    result = run("sandbox", "--home", sandbox.home, "--exec-port", 0, "--json")

    assert result.exit_code == 1
    assert str(sandbox.told["pid"]) in json.loads(result.stdout)["error"]


@pytest.mark.parametrize("words", [["--exec-port", 65536], ["--opening-balance", "1.234"]])
def test_a_value_out_of_range_is_a_usage_error(run: Run, words: list[object]) -> None:
    assert run("sandbox", *words).exit_code == 2


def test_a_restart_keeps_the_business_time_and_a_fresh_start_does_not(
    run: Run, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    ahead_s: list[float] = []
    for words in (["advance", "2h"], ["show"], ["show"]):
        process = start(home, "--json", *(["--fresh"] if len(ahead_s) == 2 else []))
        assert process.stdout is not None
        process.stdout.readline()
        told = json.loads(run("clock", *words, "--home", home, "--json").stdout)
        ahead_s.append(told["ahead_s"])
        assert stop(process, signal.SIGTERM) == 0

    assert ahead_s == [7200, 7200, 0]
