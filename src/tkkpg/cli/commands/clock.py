"""`tkkpg clock`: the business time of the running sandbox, which can be moved forward."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_facts, print_json
from tkkpg.cli.records import local
from tkkpg.cli.values import DURATION, MOMENT
from tkkpg.gateway.config import CONTROL
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.verbs import CLOCK_ADVANCE, CLOCK_REAL, CLOCK_SET, CLOCK_SHOW, CLOCK_WAIT

KINDS: Final = {
    "expired": "Orders expired",
    "reconciled": "Unresolved transactions asked about",
    "settled": "Merchants settled",
    "notified": "Notifications attempted",
}
"""What falls due, as people read it."""


@click.group("clock")
def clock() -> None:
    """Show and move the business time of the running sandbox.

    Orders expire, merchants are settled and what failed is tried again by business time. It can be
    moved forward only, and stays ahead over a restart; certificates and logs go by the machine's
    clock.
    """


@clock.command("show", cls=Command)
@home_option
def show(*, home: Path, as_json: bool) -> None:
    """Say what time it is."""
    _print(ask_owner(home / CONTROL, CLOCK_SHOW), as_json=as_json)


@clock.command("advance", cls=Command)
@click.argument("duration", type=DURATION)
@home_option
def advance(*, duration: timedelta, home: Path, as_json: bool) -> None:
    """Let DURATION pass, such as 120s, 15m, 2h or 3d.

    Ends when all that fell due has run.
    """
    step_s = int(duration.total_seconds())
    _wait(home, ask_owner(home / CONTROL, CLOCK_ADVANCE, step_s=step_s), as_json=as_json)


@clock.command("set", cls=Command)
@click.argument("time", type=MOMENT)
@home_option
def set_(*, time: datetime, home: Path, as_json: bool) -> None:
    """Let time pass until TIME, such as 2026-12-31T23:59:00; in Baku, unless it has a zone.

    Ends when all that fell due has run.
    """
    _wait(home, ask_owner(home / CONTROL, CLOCK_SET, to=time.isoformat()), as_json=as_json)


@clock.command("real", cls=Command)
@home_option
def real(*, home: Path, as_json: bool) -> None:
    """Make sure that business time is the machine's; an error where it is ahead.

    It cannot be brought back, since what has happened is stored with its time: to begin again,
    stop the sandbox and start it with --fresh.
    """
    _print(ask_owner(home / CONTROL, CLOCK_REAL), as_json=as_json)


def _wait(home: Path, told: dict[str, Any], *, as_json: bool) -> None:
    """Wait until all that fell due has run, and print what it was."""
    while not told["finished"]:
        click.echo(f"Still running what fell due: {_counted(told['ran'])}.", err=True)
        told = ask_owner(home / CONTROL, CLOCK_WAIT)
    _print(told, as_json=as_json)


def _print(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
        return
    facts: dict[str, object] = {
        "Business time in Baku": local(datetime.fromisoformat(told["now"])),
        "Machine's time in Baku": local(datetime.fromisoformat(told["wall"])),
        "Ahead of it by": timedelta(seconds=told["ahead_s"]),
    }
    print_facts(facts | {KINDS[kind]: done for kind, done in told.get("ran", {}).items()})


def _counted(ran: dict[str, int]) -> str:
    return ", ".join(f"{KINDS[kind].lower()}: {done}" for kind, done in ran.items())
