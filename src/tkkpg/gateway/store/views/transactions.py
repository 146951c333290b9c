"""Looking at transactions: the newest, the unresolved, and a day's as the host should have them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.transaction import PARKED_AFTER, TranKind
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views.snapshot import day_limits, merchant_must_be_there, reading
from tkkpg.protocol.values import CURRENCIES, Currency

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from pathlib import Path

    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.store.rows import Row

TRANSACTIONS_MAX: Final = 500
"""Transactions that one list gives: more is a report, not a look."""


def find_transactions(path: Path, *, unresolved: bool) -> tuple[Transaction, ...]:
    """List transactions with the host.

    Args:
        path: The database.
        unresolved: Only those whose outcome is not certain yet, oldest first; else all of them,
            newest first.

    Returns:
        At most `TRANSACTIONS_MAX` transactions.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
    """
    chosen = (
        "WHERE state IN ('SENT', 'UNKNOWN', 'REVERSING') ORDER BY sent_at, tran_id"
        if unresolved
        else "ORDER BY tran_id DESC"
    )
    with reading(path) as db:
        found = select(
            db,
            f"SELECT {rows.TRAN} FROM tran {chosen} LIMIT {TRANSACTIONS_MAX}",  # noqa: S608 - constant columns and conditions
        )
        return tuple(map(rows.tran_of, found))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedTransaction:
    """What of an approved transaction the host's own record should say too.

    Attributes:
        hold: An authorisation that only holds the amount.
        finished_at: When its outcome was recorded, business time, UTC.
    """

    tran_id: int
    kind: TranKind
    hold: bool
    amount_minor: int
    currency: Currency
    rrn: str
    stan: int
    terminal_id: str
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedDay:
    """What was approved on a day and around it.

    Attributes:
        terminals: The merchant's, when it is one merchant's day; else `None`.
        transactions: By RRN; from the day itself, and from `PARKED_AFTER` before and after it.
            That is how long an outcome is asked for, and so how far our day and the host's may lie
            apart for one transaction.
    """

    terminals: frozenset[str] | None
    transactions: Iterator[ApprovedTransaction]


@contextmanager
def approved_transactions(
    path: Path, day: date, merchant_id: str | None = None
) -> Iterator[ApprovedDay]:
    """Open a day's approved transactions; they can be read until it is left.

    Args:
        path: The database.
        day: In Baku, by the time when a transaction's outcome was recorded.
        merchant_id: Only this merchant's.

    Raises:
        ConfigurationError: The file cannot be read, or has no such merchant.
    """
    first, end = day_limits(day)
    around = rows.micros(rows.moment(0) + PARKED_AFTER)
    with reading(path) as db:
        terminals = None
        if merchant_id is not None:
            merchant_must_be_there(db, merchant_id, path)
            found = select(db, _TERMINALS, (merchant_id,))
            terminals = frozenset(terminal_id for (terminal_id,) in found)
        cursor = db.execute(_APPROVED, (first - around, end + around, merchant_id))
        yield ApprovedDay(terminals=terminals, transactions=map(_approved_of, cursor))


_APPROVED: Final = (
    "SELECT tran_id, kind, hold, amount_minor, currency, rrn, stan, terminal_id, finished_at"
    " FROM tran WHERE state = 'APPROVED' AND finished_at >= ?1 AND finished_at < ?2"
    " AND (?3 IS NULL OR merchant_id = ?3) ORDER BY rrn, tran_id"
)
_TERMINALS: Final = (
    "SELECT terminal_id FROM merchant WHERE merchant_id = ?1"
    " UNION SELECT terminal_id FROM tran WHERE merchant_id = ?1"
)


def _approved_of(row: Row) -> ApprovedTransaction:
    return ApprovedTransaction(
        tran_id=row[0],
        kind=TranKind(row[1]),
        hold=bool(row[2]),
        amount_minor=row[3],
        currency=CURRENCIES[row[4]],
        rrn=row[5],
        stan=row[6],
        terminal_id=row[7],
        finished_at=rows.moment(row[8]),
    )
