"""`tkkpg audit`: the sealed history of a gateway, for its operator."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import Command, print_json
from tkkpg.cli.records import business_time
from tkkpg.gateway.config import LOCK
from tkkpg.gateway.home import accept_history
from tkkpg.gateway.store.owner import ownership


@click.group("audit")
def audit() -> None:
    """Go on from a history that is broken."""


@audit.command("accept", cls=Command)
@click.option("--reason", required=True, help="What happened and who decided; kept in the audit.")
@home_option
def accept_(*, reason: str, home: Path, as_json: bool) -> None:
    """Accept what the database holds as the history from now on.

    For a gateway that refuses to start since its database is an older copy, is missing, or was
    written by somebody else. First restore the newest backup and ask the host and the shops what
    is missing in it: what is accepted is no longer found by `tkkpg check`. All numbers go on above
    every one that may have been handed out, and the audit keeps the reason. The gateway must be
    stopped.
    """
    with ownership(home / LOCK):
        head, trouble = accept_history(home, reason, os.urandom, business_time(home))
    told = {"seal": head.seal_id, "audit_row": head.accepted_id, "head": trouble}
    if as_json:
        print_json({**told, "numbers": dict(head.numbers)})
        return
    if trouble:
        click.echo(f"{trouble} Numbers go on where the database ends.")
    click.echo(f"The history goes on from audit row {head.accepted_id}. Compare the books now:")
    click.echo("  tkkpg check")
