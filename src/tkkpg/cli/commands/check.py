"""`tkkpg check`: whether a gateway's books agree with each other, beside the running gateway."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from tkkpg.cli.home import home_option
from tkkpg.cli.output import FAILED, Command, print_json, print_table, printable
from tkkpg.cli.records import business_time
from tkkpg.gateway.home import check_home
from tkkpg.gateway.store import check as store


@click.command("check", cls=Command)
@home_option
def check(*, home: Path, as_json: bool) -> None:
    """Check that the gateway's books agree with each other; exit status 1 when they do not.

    Reads the database and the keys in --home, whether the gateway runs or not, and changes
    nothing. Each finding names the rows that it is about.
    """
    found = check_home(home, business_time(home))
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
