"""The two forms of a statement: CSV for spreadsheets, and JSON a row; each written row by row."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Final

from tkkpg.cli.output import printable
from tkkpg.cli.records import local
from tkkpg.cli.report import major
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from tkkpg.gateway.store.views import StatementRow

COLUMNS: Final = (
    "row",
    "time",
    "account",
    "posting",
    "entry",
    "order",
    "transaction",
    "rrn",
    "currency",
    "amount",
    "balance",
    "total",
    "description",
)
"""The header of the CSV; new columns come after these."""

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read the wide signs too
"""What a cell begins with that a spreadsheet takes for a formula."""


def write_csv(rows: Iterable[StatementRow], out: TextIO) -> None:
    """Write rows as CSV: local time, amounts in major units."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(
            (
                row.kind,
                local(row.at),
                row.account,
                row.posting,
                row.entry_id,
                row.order_id,
                row.tran_id,
                row.rrn,
                row.currency.alpha,
                major(row.amount_minor, row.currency),
                major(row.balance_minor, row.currency),
                major(row.total_minor, row.currency),
                cell(row.description),
            )
        )


def write_json(rows: Iterable[StatementRow], out: TextIO) -> None:
    """Write one JSON object a line: local time with its zone, amounts in minor units."""
    for row in rows:
        told = {
            "row": row.kind,
            "time": row.at.astimezone(BAKU).isoformat() if row.at else None,
            "account": row.account,
            "posting": row.posting,
            "entry": row.entry_id,
            "order": row.order_id,
            "transaction": row.tran_id,
            "rrn": row.rrn,
            "currency": row.currency.alpha,
            "amount_minor": row.amount_minor,
            "balance_minor": row.balance_minor,
            "total_minor": row.total_minor,
            "description": row.description,
        }
        out.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")


def cell(text: str) -> str:
    """Write a merchant's text so that it is one line, and no formula for a spreadsheet."""
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
