"""Business time: ahead of the machine's by a lead that only grows, and never set back."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tkkpg.gateway.clock import AHEAD_MAX, LOOK_AGAIN_S, LOOK_EVERY_S, BusinessClock
from tkkpg.protocol.errors import ConfigurationError

MACHINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Machine:
    """A machine's clock that the test sets."""

    def __init__(self) -> None:
        self.time = MACHINE

    def __call__(self) -> datetime:
        """Wall time."""
        return self.time


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock.json"


def standing(path: Path) -> BusinessClock:
    """Make a clock on a machine whose time stands still."""
    return BusinessClock(path, machine=lambda: MACHINE)


def test_without_a_file_business_time_is_the_machines(path: Path) -> None:
    assert standing(path).now() == MACHINE


def test_business_time_moves_and_wall_time_stays(path: Path) -> None:
    clock = standing(path)
    clock.advance(HOUR)
    clock.advance(HOUR)

    assert clock.now() == MACHINE + 2 * HOUR
    assert clock.wall() == MACHINE


def test_the_lead_is_kept_for_whoever_opens_the_home_next(path: Path) -> None:
    standing(path).advance(timedelta(seconds=90, microseconds=1))

    assert standing(path).now() == MACHINE + timedelta(seconds=90, microseconds=1)


def test_a_clock_that_is_open_already_follows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tkkpg.gateway.clock.LOOK_AGAIN_S", 0)
    first, second = standing(path), standing(path)
    first.advance(HOUR)
    assert second.now() == MACHINE + HOUR
    second.advance(HOUR)
    assert first.now() == MACHINE + 2 * HOUR


@pytest.mark.parametrize("step", [timedelta(), -timedelta(microseconds=1)])
def test_it_does_not_go_back(path: Path, step: timedelta) -> None:
    clock = standing(path)
    with pytest.raises(ConfigurationError, match="only goes forward"):
        clock.advance(step)
    assert not path.exists()


def test_the_file_of_an_earlier_lead_moves_nobody_back(path: Path) -> None:
    clock = standing(path)
    clock.advance(2 * HOUR)
    path.unlink()
    standing(path).advance(HOUR)

    assert clock.now() == MACHINE + 2 * HOUR


def test_it_leads_by_ten_years_at_most(path: Path) -> None:
    clock = standing(path)
    clock.advance(AHEAD_MAX)
    with pytest.raises(ConfigurationError, match="2036-11-24 12:00:00 in Baku"):
        clock.advance(timedelta(microseconds=1))
    assert clock.now() == MACHINE + AHEAD_MAX


def test_the_file_is_its_owners_alone_and_no_draft_is_left(path: Path) -> None:
    standing(path).advance(HOUR)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_holds_something_else_is_an_error(path: Path) -> None:
    for text in (
        "",
        "[]",
        "{}",
        '{"ahead_s": "1"}',
        '{"ahead_s": 1e300}',
        '{"ahead_s": 0, "reached": 5}',
        '{"ahead_s": 0, "reached": "yesterday"}',
    ):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match="Put it back from a backup"):
            BusinessClock(path)


# ---------------------------------------------------------------- the machine is set back


def test_a_machine_that_is_set_back_takes_business_time_not_with_it(
    path: Path, machine: Machine
) -> None:
    clock = BusinessClock(path, machine=machine)
    before = clock.now()
    machine.time -= HOUR
    assert clock.now() == before


def test_business_time_goes_on_at_half_its_pace_until_the_machine_has_caught_up(
    path: Path, machine: Machine
) -> None:
    clock = BusinessClock(path, machine=machine)
    machine.time -= HOUR
    assert clock.now() == MACHINE
    passed = {}
    for minute in range(1, 181):
        machine.time += timedelta(minutes=1)
        passed[minute] = (clock.now() - MACHINE) / timedelta(minutes=1)
    assert [passed[minute] for minute in (2, 60, 118, 120, 121, 180)] == [1, 30, 59, 60, 61, 120]


def test_business_time_never_goes_back_whatever_the_machine_does(
    path: Path, machine: Machine
) -> None:
    clock = BusinessClock(path, machine=machine)
    seen = []
    for step_s in (5, -60, 0, 1, -3600, 7200, -1, -1, 30, 100_000, -100_000):
        machine.time += timedelta(seconds=step_s)
        seen.append(clock.now())
    assert seen == sorted(seen)


def test_a_move_is_exact_while_the_machine_is_behind(path: Path, machine: Machine) -> None:
    clock = BusinessClock(path, machine=machine)
    machine.time -= HOUR
    clock.advance(timedelta(minutes=10))
    assert clock.now() == MACHINE + timedelta(minutes=10)


def test_a_restart_goes_on_from_the_time_that_was_kept(path: Path, machine: Machine) -> None:
    clock = BusinessClock(path, machine=machine)
    assert clock.now() == MACHINE
    clock.keep()
    machine.time -= HOUR
    again = BusinessClock(path, machine=machine)
    assert again.now() == MACHINE
    assert again.keep() == HOUR


def test_time_that_is_stored_is_not_gone_back_behind(path: Path, machine: Machine) -> None:
    clock = BusinessClock(path, machine=machine)
    clock.not_before(MACHINE + HOUR)
    clock.not_before(MACHINE)
    assert clock.now() == MACHINE + HOUR


def test_a_time_decades_after_the_machines_is_refused_with_a_sentence(
    path: Path, machine: Machine
) -> None:
    clock = BusinessClock(path, machine=machine)
    with pytest.raises(ConfigurationError, match="Set the machine's clock"):
        clock.not_before(MACHINE.replace(year=2126))
    clock.keep()
    machine.time = datetime(1970, 1, 1, tzinfo=UTC)  # as of a machine without a battery
    with pytest.raises(ConfigurationError, match="has reached 2026-11-24 12:00:00 in Baku"):
        BusinessClock(path, machine=machine)


def test_keeping_the_time_keeps_the_lead(path: Path, machine: Machine) -> None:
    clock = BusinessClock(path, machine=machine)
    clock.advance(HOUR)
    clock.keep()
    machine.time += HOUR
    assert BusinessClock(path, machine=machine).now() == MACHINE + 2 * HOUR


def test_the_lead_of_an_earlier_version_is_read(path: Path, machine: Machine) -> None:
    path.write_text('{"ahead_s": 3600.0}')
    assert BusinessClock(path, machine=machine).now() == MACHINE + HOUR


def test_the_times_of_many_requests_take_one_look_at_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = [0.0]
    monkeypatch.setattr("tkkpg.gateway.clock.monotonic", lambda: passed[0])
    clock, other = standing(path), standing(path)
    other.advance(HOUR)
    assert clock.now() == MACHINE
    passed[0] += LOOK_AGAIN_S
    assert clock.now() == MACHINE + HOUR


# ---------------------------------------------------------------- sleeping


@pytest.mark.anyio
async def test_a_sleeper_is_woken_by_a_move_beyond_its_time(path: Path) -> None:
    clock = standing(path)
    sleeper = asyncio.create_task(clock.sleep_until(MACHINE + HOUR))
    await asyncio.sleep(0)
    clock.advance(HOUR)

    async with asyncio.timeout(LOOK_EVERY_S / 2):  # by the move, not by looking now and then
        await sleeper


@pytest.mark.anyio
async def test_a_sleeper_sleeps_on_when_the_move_is_too_short(path: Path) -> None:
    clock = standing(path)
    sleeper = asyncio.create_task(clock.sleep_until(MACHINE + 2 * HOUR))
    for _ in range(3):
        await asyncio.sleep(0)
    clock.advance(HOUR)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not sleeper.done()

    clock.advance(HOUR)
    await sleeper


@pytest.mark.anyio
async def test_a_sleeper_sees_that_another_process_moved_the_clock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tkkpg.gateway.clock.LOOK_EVERY_S", 0.01)
    sleeper = asyncio.create_task(standing(path).sleep_until(MACHINE + HOUR))
    await asyncio.sleep(0)
    standing(path).advance(HOUR)

    async with asyncio.timeout(5):
        await sleeper


@pytest.mark.anyio
async def test_a_sleeper_wakes_when_its_time_comes_by_itself(path: Path) -> None:
    clock = BusinessClock(path)
    moment = clock.now() + timedelta(milliseconds=20)
    await clock.sleep_until(moment)

    assert clock.now() >= moment
