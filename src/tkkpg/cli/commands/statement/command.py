"""The command: whose day, in which form, and where to."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from tkkpg.cli.commands.statement.forms import write_csv, write_json
from tkkpg.cli.home import home_option
from tkkpg.cli.report import Report, standard_output
from tkkpg.cli.values import CURRENCY
from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.store.views import statement as opened
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import Currency

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("statement", cls=Report)
@click.option("--merchant", "merchant_id", required=True, metavar="ID", help="Whose accounts.")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    metavar="YYYY-MM-DD",
    help="From midnight to midnight in Baku.",
)
@click.option(
    "--currency",
    type=CURRENCY,
    metavar="CURRENCY",
    help="Only this one, such as 944 or AZN; else each that the merchant has accounts in.",
)
@click.option(
    "--format",
    "as_json",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    callback=lambda _ctx, _param, value: value == "json",
    help="A table for spreadsheets, or one line of JSON a row.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; standard output without.",
)
@home_option
def statement(
    *,
    merchant_id: str,
    day: datetime,
    currency: Currency | None,
    as_json: bool,
    output: Path | None,
    home: Path,
) -> None:
    """Write what a merchant's accounts held, every entry of a day, and what they hold then.

    Reads the database in --home, whether the gateway runs or not. Each account begins with a row
    OPENING and ends with a row CLOSING; without that, the statement was cut off.
    """
    with opened(home / DATABASE, merchant_id, day.date(), currency) as rows, _out(output) as out:
        if as_json:
            write_json(rows, out)
        else:
            write_csv(rows, out)


@contextmanager
def _out(path: Path | None) -> Iterator[TextIO]:
    if path is None:
        yield standard_output()
        return
    try:
        with path.open("w", encoding="utf-8", newline="") as out:
            yield out
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written: {error.strerror}. Name another file with --output."
        ) from error
