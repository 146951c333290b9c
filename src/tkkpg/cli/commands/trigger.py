"""`tkkpg trigger`: make something go wrong in the running sandbox, now."""

from __future__ import annotations

from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json, print_table
from tkkpg.gateway.app import CONTROL
from tkkpg.gateway.control import ask_owner
from tkkpg.sandbox.faults import FAULTS
from tkkpg.sandbox.faults.verbs import TIMES_MAX, TRIGGER


@click.group("trigger")
def trigger() -> None:
    """Make something go wrong in the running sandbox, now."""


@trigger.command("fault", cls=Command)
@click.argument("name")
@click.option(
    "--times",
    type=click.IntRange(1, TIMES_MAX),
    default=1,
    show_default=True,
    help="How many messages in a row it strikes.",
)
@home_option
def fault(*, name: str, times: int, home: Path, as_json: bool) -> None:
    """Let the fault NAME strike the next message of its place.

    `tkkpg trigger list` names them all. For faults by chance, start the sandbox with --fault.
    """
    told = ask_owner(home / CONTROL, TRIGGER, name=name, times=times)
    if as_json:
        print_json(told)
        return
    messages = "message" if times == 1 else f"{times} messages"
    click.echo(f"{told['name']} strikes the next {messages} ({told['place']}). {told['does']}")


@trigger.command("list", cls=Command)
def list_(*, as_json: bool) -> None:
    """List the faults that can be asked for."""
    if as_json:
        print_json([one._asdict() for one in FAULTS])
        return
    print_table(("Name", "Where", "What happens"), FAULTS)
