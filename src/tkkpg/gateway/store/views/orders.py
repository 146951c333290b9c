"""Looking at orders: one with all that is known about it, or a list of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.ledger import Account, Phase, Posting
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views.snapshot import day_limits, reading
from tkkpg.protocol.values import CURRENCIES, Amount

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime
    from pathlib import Path

    import apsw

    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.store.rows import Row

ORDERS_MAX: Final = 500
"""Orders that one search gives: more is a report, not a look."""

_ENTRY: Final = "entry_id, at, posting, phase, debit, credit, amount_minor, currency, tran_id"
_NOTIFICATION: Final = (
    "notification_id, url, xmlmsg, state, attempts, created_at, due_at, finished_at, last_result"
)
_AUDIT: Final = "at, actor, action, request_id, detail"


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """A line of the ledger as it stands there; times are UTC.

    Attributes:
        entry_id: Its number, in the order of commits.
        debit: Account that gives.
        credit: Account that takes.
        tran_id: The transaction that caused it, if any.
    """

    entry_id: int
    at: datetime
    posting: Posting
    phase: Phase
    debit: Account
    credit: Account
    amount: Amount
    tran_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A notification and what became of it; times are UTC.

    Attributes:
        xmlmsg: What is delivered; it holds the order's session.
        state: QUEUED, DELIVERED or PARKED.
        due_at: When it is tried next, while it is queued.
        last_result: What came of the last attempt, `None` before the first.
    """

    notification_id: str
    url: str
    xmlmsg: str = field(repr=False)
    state: str
    attempts: int
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    last_result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to an order, from the audit.

    Attributes:
        at: Business time, UTC.
        actor: Who asked: `merchant E1000010`, `payer`, `gateway`, `operator`.
        action: What was done, such as `order_created`.
        request_id: Finds the log lines of the request.
        detail: Facts about it.
    """

    at: datetime
    actor: str
    action: str
    request_id: str
    detail: Mapping[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """Everything that is known about an order, read in one moment; each list oldest first."""

    order: Order
    transactions: tuple[Transaction, ...]
    entries: tuple[LedgerEntry, ...]
    notifications: tuple[Delivery, ...]
    timeline: tuple[Happening, ...]


def order_view(path: Path, order_id: int) -> OrderView | None:
    """Look at one order; `None` when there is no such order.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
    """
    with reading(path) as db:
        found = _orders(db, "order_id = ?", order_id)
        if not found:
            return None
        return OrderView(
            order=found[0],
            transactions=tuple(
                map(rows.tran_of, _of_order(db, rows.TRAN, "tran", "tran_id", order_id))
            ),
            entries=tuple(map(_entry_of, _of_order(db, _ENTRY, "entry", "entry_id", order_id))),
            notifications=tuple(
                map(
                    _delivery_of,
                    _of_order(db, _NOTIFICATION, "notification", "created_at", order_id),
                )
            ),
            timeline=tuple(
                map(_happening_of, _of_order(db, _AUDIT, "audit", "audit_id", order_id))
            ),
        )


def find_orders(
    path: Path, *, session: str | None = None, day: date | None = None
) -> tuple[Order, ...]:
    """Find orders by their session or by the day they were created on, newest first.

    Args:
        path: The database.
        session: The session of an order, in full.
        day: A day in Baku, as on the wire.

    Returns:
        At most `ORDERS_MAX` orders.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
        TypeError: Not exactly one of session and day is given.
    """
    with reading(path) as db:
        if session is not None and day is None:
            return _orders(db, "session_id = ?", session)
        if day is not None and session is None:
            return _orders(db, "created_at >= ? AND created_at < ?", *day_limits(day))
    raise TypeError("Orders are found by session or by day: give exactly one of the two.")


def _orders(db: apsw.Connection, condition: str, *values: int | str) -> tuple[Order, ...]:
    found = select(
        db,
        f"SELECT {rows.ORDER} FROM orders WHERE {condition}"  # noqa: S608 - constant columns and conditions
        f" ORDER BY order_id DESC LIMIT {ORDERS_MAX}",
        values,
    )
    return tuple(map(rows.order_of, found))


def _of_order(
    db: apsw.Connection, columns: str, table: str, sorted_by: str, order_id: int
) -> list[Row]:
    return select(
        db,
        f"SELECT {columns} FROM {table} WHERE order_id = ? ORDER BY {sorted_by}",  # noqa: S608 - constant names
        (order_id,),
    )


def _entry_of(row: Row) -> LedgerEntry:
    return LedgerEntry(
        entry_id=row[0],
        at=rows.moment(row[1]),
        posting=Posting(row[2]),
        phase=Phase(row[3]),
        debit=Account(row[4]),
        credit=Account(row[5]),
        amount=Amount(row[6], CURRENCIES[row[7]]),
        tran_id=row[8],
    )


def _delivery_of(row: Row) -> Delivery:
    return Delivery(
        notification_id=row[0],
        url=row[1],
        xmlmsg=row[2],
        state=row[3],
        attempts=row[4],
        created_at=rows.moment(row[5]),
        due_at=rows.moment(row[6]),
        finished_at=rows.moment_or_none(row[7]),
        last_result=row[8],
    )


def _happening_of(row: Row) -> Happening:
    return Happening(
        at=rows.moment(row[0]),
        actor=row[1],
        action=row[2],
        request_id=row[3],
        detail=json.loads(row[4]),
    )
