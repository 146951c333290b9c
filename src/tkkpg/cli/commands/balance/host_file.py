"""The host's record of its transactions as a CSV file: reading it strictly, and writing one.

The columns are those of `docs/statements.md`. Nobody vouches for the file, so a line that is not
exactly as it should be is refused with its number, and the value itself is not repeated: in a wrong
file it may be anything, a card number too.
"""

from __future__ import annotations

import csv
import re
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.cli.commands.balance.compare import Kind, Record
from tkkpg.gateway.store import rows
from tkkpg.protocol.codes import Outcome, response_code
from tkkpg.protocol.values import CURRENCIES
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO, TextIO

COLUMNS: Final = (
    "at",
    "rrn",
    "stan",
    "terminal",
    "kind",
    "amount_minor",
    "currency",
    "response_code",
)
"""The header, and the order of the columns."""

LINE_BYTES_MAX: Final = 1_000
"""A line of the file has about a hundred; a longer one is no line of it."""

LINES_MAX: Final = 5_000_000
"""Fifty busy days of one bank; they are sorted on the disk."""

SAME_RRN_MAX: Final = 1_000
"""Lines of one RRN, which are held in memory together; a sound record has two at most."""

_YEARS: Final = range(1970, 9999)
_PATTERNS: Final = (
    ("rrn", re.compile(r"[0-9A-Za-z]{1,12}"), "1 to 12 letters and digits"),
    ("stan", re.compile(r"[0-9]{6}"), "6 digits"),
    ("terminal", re.compile(r"[!-~][ -~]{0,7}"), "1 to 8 printable characters"),
    ("kind", re.compile("|".join(Kind)), ", ".join(Kind)),
    ("amount_minor", re.compile(r"[0-9]{1,12}"), "minor units, 1 to 12 digits"),
    ("currency", re.compile(r"[0-9]{3}"), "3 digits"),
    ("response_code", re.compile(r"[0-9A-Za-z-]{1,3}"), "up to 3 characters"),
)
"""Columns with their form, as pattern and in words."""


class HostFileError(Exception):
    """A host's file that cannot be believed; the text says which line, why and what to do."""


def read_sorted(path: Path, terminals: frozenset[str] | None) -> Iterator[Record]:
    """Read the approved transactions of a file, in the order of their RRN.

    The whole file is read, and sorted on the disk, before the first is given.

    Args:
        path: The file.
        terminals: Only of these terminals; `None` for all.

    Raises:
        HostFileError: A line is not as it should be, or the file cannot be read.
    """
    with closing(apsw.Connection("")) as db:  # a file of its own, which ends with the connection
        db.execute("CREATE TABLE line (rrn, kind, minor, currency, stan, terminal, at, number)")
        try:
            with path.open("rb") as source, db:
                db.executemany(
                    "INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        (*one[:3], one.currency.code, *one[4:6], rows.micros(one.at), one.number)
                        for one in _approved(source)
                        if terminals is None or one.terminal_id in terminals
                    ),
                )
        except OSError as error:
            raise HostFileError(f"{path} cannot be read: {error.strerror}.") from error
        _check_repeats(db)
        for row in db.execute("SELECT * FROM line ORDER BY rrn, number"):
            yield _record_of(row)


def _record_of(row: rows.Row) -> Record:
    rrn, kind, minor, currency, stan, terminal, at, number = row
    return Record(
        rrn, Kind(kind), minor, CURRENCIES[currency], stan, terminal, rows.moment(at), number
    )


def _check_repeats(db: apsw.Connection) -> None:
    found = db.execute(
        "SELECT count(*), max(number) FROM line GROUP BY rrn HAVING count(*) > ? LIMIT 1",
        (SAME_RRN_MAX,),
    ).fetchone()
    if found is not None:
        raise HostFileError(
            f"Line {found[1]}: its RRN stands in {found[0]} lines. A transaction has one RRN, so "
            "this is not a record of transactions: ask for another file."
        )


def _approved(source: BinaryIO) -> Iterator[Record]:
    lines = _lines(source)
    if next(lines, (1, []))[1] != list(COLUMNS):
        raise HostFileError(f"Line 1: the header must be `{','.join(COLUMNS)}`, in UTF-8.")
    for number, cells in lines:
        if len(cells) != len(COLUMNS):
            raise HostFileError(
                f"Line {number}: there are {len(cells)} columns where {len(COLUMNS)} are needed."
            )
        record, code = _read(number, dict(zip(COLUMNS, cells, strict=True)))
        if response_code(code).outcome is not Outcome.DECLINE:
            yield record


def _lines(source: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    """Cut the file into lines and these into cells, with limits on both."""
    number = 0
    while raw := source.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(raw) > LINE_BYTES_MAX or number > LINES_MAX:
            raise HostFileError(
                f"Line {number}: more than {LINE_BYTES_MAX:,} bytes in a line, or {LINES_MAX:,} "
                "lines. Split the file, or ask for another one."
            )
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            (cells,) = csv.reader([text.rstrip("\r\n")], strict=True)
        except (UnicodeDecodeError, csv.Error, ValueError) as error:
            raise HostFileError(
                f"Line {number}: it is no line of CSV in UTF-8. Save the file as “CSV UTF-8”, "
                "with a comma between the columns."
            ) from error
        yield number, cells


def _read(number: int, cells: dict[str, str]) -> tuple[Record, str]:
    for column, pattern, words in _PATTERNS:
        if not pattern.fullmatch(cells[column]):
            raise HostFileError(f"Line {number}: {column} must be {words}.")
    if cells["currency"] not in CURRENCIES:
        raise HostFileError(f"Line {number}: currency must be a number of ISO 4217, such as 944.")
    return (
        Record(
            rrn=cells["rrn"],
            kind=Kind(cells["kind"]),
            amount_minor=int(cells["amount_minor"]),
            currency=CURRENCIES[cells["currency"]],
            stan=int(cells["stan"]),
            terminal_id=cells["terminal"].rstrip(" "),
            at=_moment(number, cells["at"]),
            number=number,
        ),
        cells["response_code"],
    )


def _moment(number: int, text: str) -> datetime:
    """Read a time; one without a zone is Baku's."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.year not in _YEARS:
        raise HostFileError(
            f"Line {number}: at must be a time as in 2026-11-24T08:00:00Z, or in Baku without a "
            "zone: 2026-11-24 12:00:00."
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=BAKU)


def write(lines: Iterable[tuple[Record, str]], out: TextIO) -> None:
    """Write transactions with their response codes as such a file; times as UTC."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one, code in lines:
        writer.writerow(
            (
                f"{one.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                one.rrn,
                f"{one.stan:06d}",
                one.terminal_id,
                one.kind,
                one.amount_minor,
                one.currency.code,
                code,
            )
        )
