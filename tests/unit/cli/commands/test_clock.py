"""`tkkpg clock`, against a gateway behind a real control socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.clock_fixtures import moved_desk
from tests.paying import create, stored
from tests.unit.cli.conftest import Run

from tkkpg.gateway import verbs
from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.config import CONTROL
from tkkpg.gateway.control import serve_control
from tkkpg.gateway.verbs import owner_verbs
from tkkpg.protocol.values import OrderStatus

MACHINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@contextmanager
def served(home: Path, *, sandbox: bool = True) -> Iterator[list[OrderStatus]]:
    """Run a gateway with one order in another thread; afterwards there is the order's status."""
    ready, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    statuses: list[OrderStatus] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        clock = BusinessClock(home / "clock.json", machine=lambda: MACHINE)
        async with (
            moved_desk(home, clock=clock, sandbox=sandbox) as at,
            serve_control(home / CONTROL, owner_verbs(at.gateway)),
        ):
            ref = await create(at.client)
            ready.set()
            await stop.wait()
            statuses.append((await stored(at.gateway, ref)).status)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    with capture_logs():  # or they stand between what the command prints
        thread.start()
        try:
            assert ready.wait(20)
            yield statuses
        finally:
            if loops:
                loops[0].call_soon_threadsafe(stop.set)
            thread.join(20)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    del run  # it clears the environment first
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("TKKPG_HOME", str(folder))
    return folder


def test_people_see_both_times_in_baku_and_the_lead(run: Run, home: Path) -> None:
    with served(home):
        assert run("clock", "advance", "90s").exit_code == 0
        shown = run("clock", "show").stdout

    assert shown.splitlines() == [
        "Business time in Baku   2026-11-24 12:01:30",
        "Machine's time in Baku  2026-11-24 12:00:00",
        "Ahead of it by          0:01:30",
    ]


def test_an_advance_ends_when_the_order_has_expired(run: Run, home: Path) -> None:
    with served(home) as statuses:
        told = json.loads(run("clock", "advance", "31m", "--json").stdout)

    assert told["ran"] == {"expired": 1, "reconciled": 0, "settled": 0, "notified": 1}
    assert told["finished"]
    assert statuses == [OrderStatus.EXPIRED]


def test_people_see_what_ran(run: Run, home: Path) -> None:
    with served(home):
        shown = run("clock", "advance", "31m").stdout

    assert "Orders expired                       1\n" in shown


@pytest.mark.parametrize(
    ("duration", "ahead_s"), [("120s", 120), ("15m", 900), ("2h", 7200), ("3d", 259_200)]
)
def test_a_duration_has_a_unit(run: Run, home: Path, duration: str, ahead_s: int) -> None:
    with served(home):
        assert json.loads(run("clock", "advance", duration, "--json").stdout)["ahead_s"] == ahead_s


@pytest.mark.parametrize("duration", ["0s", "-5m", "5", "1.5h", "5w", "1000000d", "٣d"])
def test_what_is_no_duration_forward_is_a_usage_error(run: Run, duration: str) -> None:
    result = run("clock", "advance", "--", duration)

    assert result.exit_code == 2
    assert "120s, 15m, 2h, 3d" in result.stderr


@pytest.mark.parametrize(
    "time", ["2026-12-01T00:00", "2026-12-01", "2026-11-30T20:00:00Z", "2026-12-01T01:00+05:00"]
)
def test_a_time_without_a_zone_is_baku_time(run: Run, home: Path, time: str) -> None:
    with served(home):
        told = json.loads(run("clock", "set", time, "--json").stdout)

    assert told["now"] == "2026-11-30T20:00:00+00:00"


def test_what_is_no_time_is_a_usage_error(run: Run) -> None:
    result = run("clock", "set", "tomorrow")

    assert result.exit_code == 2
    assert "2026-12-31T23:59:00" in result.stderr


def test_backwards_is_refused_with_the_reason(run: Run, home: Path) -> None:
    with served(home):
        result = run("clock", "set", "2026-11-24T11:59:59", "--json")

    assert result.exit_code == 1
    assert "only goes forward" in json.loads(result.stdout)["error"]
    assert "--fresh" in result.stderr


def test_real_is_an_error_only_where_there_is_a_lead(run: Run, home: Path) -> None:
    with served(home):
        assert run("clock", "real").exit_code == 0
        run("clock", "advance", "1s")
        assert run("clock", "real").exit_code == 1


def test_a_gateway_that_is_no_sandbox_refuses(run: Run, home: Path) -> None:
    with served(home, sandbox=False):
        result = run("clock", "advance", "1h")

    assert result.exit_code == 1
    assert "is no sandbox" in result.stderr


def test_without_a_sandbox_it_says_that_none_runs(run: Run, home: Path) -> None:
    result = run("clock", "show")

    assert result.exit_code == 1
    assert "No gateway runs" in result.stderr


def test_it_asks_again_until_all_has_run(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "WAIT_S", 0.0)
    with served(home):
        result = run("clock", "advance", "31m", "--json")

    assert "Still running what fell due: orders expired: 0" in result.stderr
    assert json.loads(result.stdout)["ran"]["expired"] == 1


def test_the_running_sandbox_has_a_clock(run_at: Run) -> None:
    assert run_at("clock", "show").exit_code == 0
