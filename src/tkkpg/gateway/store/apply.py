"""Applying a plan to a SQLite connection, inside whatever transaction is open.

Order and transaction changes name what was read, balances and cursors are conditional updates:
each must hit exactly one row, or the whole plan is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.gateway.model.errors import GuardFailed, StoreConflict
from tkkpg.gateway.model.ledger import PAYABLE
from tkkpg.gateway.store import digests, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tkkpg.gateway.model.ledger import BalanceChange
    from tkkpg.gateway.model.plan import Plan, SettlementCursor
    from tkkpg.gateway.store.rows import Value


def insert(table: str, columns: str) -> str:
    """Return the statement that adds a row of some columns."""
    marks = ", ".join("?" * (columns.count(",") + 1))
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - constant columns


def _upsert(table: str, columns: str, key: str) -> str:
    sets = ", ".join(f"{name} = excluded.{name}" for name in columns.split(", ") if name != key)
    return f"{insert(table, columns)} ON CONFLICT ({key}) DO UPDATE SET {sets}"


def _update(table: str, columns: str, condition: str) -> str:
    sets = ", ".join(f"{name} = ?" for name in columns.split(", "))
    return f"UPDATE {table} SET {sets} WHERE {condition}"  # noqa: S608 - constant columns


_ORDER: Final = insert("orders", rows.ORDER)
_TRAN: Final = insert("tran", rows.TRAN)
_ENTRY: Final = insert("entry", rows.ENTRY)
_NOTIFICATION: Final = insert("notification", rows.NOTIFICATION)
_AUDIT: Final = insert("audit", rows.AUDIT)
_MERCHANT: Final = _upsert("merchant", rows.MERCHANT, "merchant_id")
_CERTIFICATE: Final = _upsert("certificate", rows.CERTIFICATE, "fingerprint")
_SAVED_CARD: Final = insert("saved_card", rows.SAVED_CARD)
_CHANGE_ORDER: Final = _update("orders", rows.ORDER_MOVES, "order_id = ? AND version = ?")
_CHANGE_TRAN: Final = _update("tran", rows.TRAN_MOVES, "tran_id = ? AND state = ?")
_OPEN_BALANCE: Final = (
    "INSERT OR IGNORE INTO balance"
    " (merchant_id, currency, posted_minor, reserved_minor, settled_through)"
    " VALUES (?, ?, 0, 0, 0)"
)
_CHANGE_BALANCE: Final = (
    "UPDATE balance SET posted_minor = posted_minor + ?3, reserved_minor = reserved_minor + ?4"
    " WHERE merchant_id = ?1 AND currency = ?2 AND reserved_minor + ?4 >= 0"
    " AND posted_minor + ?3 >= reserved_minor + ?4"
)
_PAYABLE: Final = ", ".join(f"'{posting}'" for posting in sorted(PAYABLE))
# A charge that was counted is not paid out once its reversal has begun: it is counted again.
_MOVE_CURSOR: Final = (
    "UPDATE balance SET settled_through = ?4"  # noqa: S608 - constant words
    " WHERE merchant_id = ?1 AND currency = ?2 AND settled_through = ?3 AND NOT EXISTS"
    # A charge that is counted, while its reversal, reserved since, is not. The first list of
    # postings is that of the partial index.
    " (SELECT 1 FROM entry later WHERE later.merchant_id = ?1 AND later.currency = ?2"
    f" AND later.entry_id > ?4 AND later.posting IN ({_PAYABLE})"
    " AND later.posting = 'RESERVE_UNCHARGE' AND EXISTS"
    " (SELECT 1 FROM entry counted WHERE counted.order_id = later.order_id"
    " AND counted.posting IN ('CHARGE', 'COMPLETE', 'CANCEL_UNCHARGE') AND counted.entry_id > ?3"
    " AND counted.entry_id <= ?4))"
)
_STILL_UNSETTLED: Final = (
    "UPDATE balance SET settled_through = settled_through"
    " WHERE merchant_id = ? AND currency = ? AND settled_through < ?"
)
_TAKEN: Final = frozenset({apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY})


def apply(db: apsw.Connection, plan: Plan) -> None:
    """Write a plan.

    Raises:
        StoreConflict: An order or transaction is no longer as it was read.
        GuardFailed: A balance or cursor does not allow it.
    """
    try:
        _apply(db, plan)
    except apsw.ConstraintError as error:
        if getattr(error, "extendedresult", 0) not in _TAKEN:
            raise
        message = "Another plan already stored what this one would store."
        raise StoreConflict(message) from error


def _apply(db: apsw.Connection, plan: Plan) -> None:
    written = [
        *_apply_merchants(db, plan),
        *_apply_orders(db, plan),
        *_apply_money(db, plan),
        *_apply_promises(db, plan),
    ]
    db.execute(_AUDIT, rows.audit_row(plan, "\n".join(written)))


def _apply_merchants(db: apsw.Connection, plan: Plan) -> Iterator[str]:
    for merchant in plan.merchants:
        row = rows.merchant_row(merchant)
        yield digests.MERCHANT.changed(db, row)
        db.execute(_MERCHANT, row)
        for currency in sorted(merchant.currencies):
            db.execute(_OPEN_BALANCE, (merchant.merchant_id, currency))
    for certificate in plan.certificates:
        row = rows.certificate_row(certificate)
        yield digests.CERTIFICATE.changed(db, row)
        db.execute(_CERTIFICATE, row)


def _apply_orders(db: apsw.Connection, plan: Plan) -> Iterator[str]:
    for order in plan.new_orders:
        row = rows.order_row(order)
        db.execute(_ORDER, row)
        yield digests.ORDERS.added(row, order.order_id)
    for change in plan.orders:
        key = (change.order.order_id, change.expected_version)
        yield digests.ORDERS.changed(db, rows.order_row(change.order))
        _change(db, _CHANGE_ORDER, (*rows.order_moves(change.order), *key))
    # Changes come before insertions: only one transaction of an order may be open.
    for moved in plan.transactions:
        key_and_state = (moved.transaction.tran_id, moved.expected_state)
        yield digests.TRAN.changed(db, rows.tran_row(moved.transaction))
        _change(db, _CHANGE_TRAN, (*rows.tran_moves(moved.transaction), *key_and_state))
    for tran in plan.new_transactions:
        row = rows.tran_row(tran)
        db.execute(_TRAN, row)
        yield digests.TRAN.added(row, tran.tran_id)


def _apply_money(db: apsw.Connection, plan: Plan) -> Iterator[str]:
    for entry in plan.entries:
        row = rows.entry_row(plan.context.plan_id, entry)
        db.execute(_ENTRY, row)
        yield digests.ENTRY.added(row, db.last_insert_rowid())
    for balance in plan.balances:
        _change_balance(db, balance)
    for cursor in plan.cursors:
        _move_cursor(db, cursor)
    for guard in plan.unsettled:
        key = (guard.merchant_id, guard.currency.code, guard.entry_id)
        _change(db, _STILL_UNSETTLED, key)


def _apply_promises(db: apsw.Connection, plan: Plan) -> Iterator[str]:
    for card in plan.saved_cards:
        row = rows.saved_card_row(card)
        db.execute(_SAVED_CARD, row)
        yield digests.SAVED_CARD.added(row, card.card_uid)
    for notification in plan.notifications:
        db.execute(_NOTIFICATION, rows.notification_row(notification, plan.context.now))
        kept = rows.notification_kept(notification, plan.context.now)
        yield digests.NOTIFICATION.added(kept, notification.notification_id)


def _change(db: apsw.Connection, statement: str, values: Sequence[Value]) -> None:
    db.execute(statement, values)
    if db.changes() != 1:
        message = "The order changed after it was read."
        raise StoreConflict(message)


def _change_balance(db: apsw.Connection, change: BalanceChange) -> None:
    account = (change.merchant_id, change.currency.code)
    db.execute(_CHANGE_BALANCE, (*account, change.posted_minor, change.reserved_minor))
    if db.changes() != 1:
        message = "The merchant's current account does not hold enough for this."
        raise GuardFailed(message)


def _move_cursor(db: apsw.Connection, cursor: SettlementCursor) -> None:
    account = (cursor.merchant_id, cursor.currency.code)
    db.execute(_MOVE_CURSOR, (*account, cursor.expected_entry_id, cursor.entry_id))
    if db.changes() != 1:
        message = "Somebody else has settled this merchant meanwhile, or reverses a charge."
        raise GuardFailed(message)
