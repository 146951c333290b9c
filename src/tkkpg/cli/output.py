"""What commands print: tables and lines for people, one line of JSON for programs, errors.

With `--json` standard output holds exactly one line of JSON, also when the command fails; the
error's paragraph goes to standard error in either case.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Final, NoReturn

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from tkkpg.cli.system_errors import sentence_of
from tkkpg.protocol.errors import OperationRefused, TKKPGError

FAILED: Final = 1
"""Exit status of a command that was understood and did not succeed."""

PIPED_COLUMNS: Final = 240
"""Width of a table that goes to a file or another program, which search it line by line."""

NOTHING: Final = "–"
"""Stands for a value that is not there."""

JSON_OPTION: Final = click.Option(
    ["--json", "as_json"], is_flag=True, help="Print one JSON value on one line."
)


class Command(click.Command):
    """A command with the option `--json`; our errors and the system's are sentences."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give the command's own parameters and `--json`."""
        return [JSON_OPTION, *super().get_params(ctx)]

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error of ours or of the system's ends it with exit status 1."""
        try:
            return super().invoke(ctx)
        except TKKPGError as error:
            status = error.status if isinstance(error, OperationRefused) else None
            _fail(ctx, error.message, status)
        except Exception as error:
            sentence = sentence_of(error, ctx.params.get("home"))
            if sentence is None:
                raise
            _fail(ctx, sentence)


def _fail(ctx: click.Context, message: str, status: str | None = None) -> NoReturn:
    if ctx.params["as_json"]:
        print_json({"error": message, "status": status})
    click.echo(f"Error: {printable(message)}", err=True)
    ctx.exit(FAILED)


def print_json(value: object) -> None:
    """Print one line of JSON; times as ISO 8601 says."""
    click.echo(json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")))


def print_facts(facts: Mapping[str, object]) -> None:
    """Print names and values, one a line, never wrapped: a value can be copied whole."""
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:<{width}}  {printable(shown(value))}")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = ""
) -> None:
    """Print a table; a title stands on a line of its own above it."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_COLUMNS
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(printable(shown(value)) for value in row))
    if title:
        console.print(title, style="bold")
    console.print(table)


def shown(value: object) -> str:
    """Write a value for people."""
    return NOTHING if value is None or value == "" else str(value)


def printable(text: str) -> str:
    """Keep what a peer wrote from moving the terminal's cursor."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def spaced(pan: str) -> str:
    """Write a card number as it stands on a card."""
    return " ".join(pan[at : at + 4] for at in range(0, len(pan), 4))


def _plain(value: object) -> str:
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
