"""`tkkpg check`: whether a gateway's books agree with each other, beside the running gateway."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import FAILED, Command, print_json, print_table, printable
from tkkpg.cli.records import DATABASE, KEYS, business_time
from tkkpg.gateway.keys import Keys, load_keys
from tkkpg.gateway.store import check as store
from tkkpg.protocol.errors import ConfigurationError


@click.command("check", cls=Command)
@home_option
def check(*, home: Path, as_json: bool) -> None:
    """Check that the gateway's books agree with each other; exit status 1 when they do not.

    Reads the database and the keys in --home, whether the gateway runs or not, and changes
    nothing. Each finding names the rows that it is about.
    """
    keys = _keys(home / KEYS)
    found = store.check(
        home / DATABASE, lambda text, mac: keys.verify("audit", text, mac), business_time(home)
    )
    count = Counter(finding.rule for finding in found)
    if as_json:
        print_json(
            {
                "clean": not found,
                "rules": {rule: count[rule] for rule in store.RULES},
                "findings": [asdict(finding) for finding in found],
            }
        )
    else:
        print_table(
            ("What must hold", "Findings"), [(rule, _told(count[rule])) for rule in store.RULES]
        )
        for finding in found:
            click.echo(printable(f"{finding.rows}: {finding.sentence}"))
    if found:
        click.get_current_context().exit(FAILED)


def _told(count: int) -> str:
    return f"{count} or more" if count >= store.FINDINGS_MAX else str(count)


def _keys(path: Path) -> Keys:
    if not path.exists():  # reading them would make new ones, which verify nothing
        raise ConfigurationError(
            f"There is no key file {path}, and without it the audit's seals cannot be checked. "
            "Name the gateway's home with --home, or restore the file from its backup."
        )
    return load_keys(path, os.urandom)
