"""`tkkpg sandbox`, as a process of its own."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run, Sandbox, start, stop

from tkkpg.cli.banner import curl
from tkkpg.sandbox.app import SandboxInfo

PATHS = ["ca", "certificate", "key", "database", "journal"]
KEYS = ["exec_url", "page_url", "shop_url", "metrics_url", "acs_url", "merchant_id", *PATHS]
KEYS += ["pid", "issuer_pid", "tunnel"]

_ORDER = (
    b"<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
    b"<Merchant>E1000010</Merchant><Amount>3000</Amount><Currency>944</Currency></Order>"
    b"</Request></TKKPG>"
)
PLAIN_ORDER = (
    b"POST /Exec HTTP/1.1\r\nHost: bank\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    % (len(_ORDER), _ORDER)
)


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


def test_a_tunnel_that_others_could_reach_is_a_usage_error(run: Run) -> None:
    for words, sentence in (
        (["--tunnel", "0.0.0.0:8081"], "is not a loopback address"),
        (["--tunnel", "8081"], "is no address for a tunnel"),
        (["--tunnel-header", "X-Certificate"], "says nothing without --tunnel"),
    ):
        refused = run("sandbox", *words)

        assert refused.exit_code == 2
        assert sentence in " ".join(refused.output.split())


def test_an_order_is_created_over_plain_http_through_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "exec.sock"
    process = start(tmp_path / "home", "--json", "--tunnel", f"unix:{path}")
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        with socket.socket(socket.AF_UNIX) as tunnel:
            tunnel.settimeout(5)
            tunnel.connect(str(path))
            tunnel.sendall(PLAIN_ORDER)
            with tunnel.makefile("rb") as heard:
                answer = heard.read()
        mode = stat.S_IMODE(path.stat().st_mode)
    finally:
        assert stop(process, signal.SIGTERM) == 0

    assert told["tunnel"] == f"unix:{path}"
    assert b"<Operation>CreateOrder</Operation><Status>00</Status>" in answer
    assert mode == 0o600
    assert not path.exists()


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
