"""The store on one SQLite file: WAL, `synchronous=FULL` always, one owner, group commit."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import apsw

from tkkpg.gateway.model.decisions.settlement import Unsettled
from tkkpg.gateway.model.ledger import BECOMES_PAYABLE, PAYABLE
from tkkpg.gateway.model.plan import Capture, Facts
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.store import rows, seals
from tkkpg.gateway.store.apply import apply
from tkkpg.gateway.store.base import EVER, Backlog, Unresolved
from tkkpg.gateway.store.file import connect
from tkkpg.gateway.store.group_commit import GroupCommit
from tkkpg.gateway.store.order_search import OrderSearch
from tkkpg.protocol.values import CURRENCIES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from tkkpg.gateway.model.card import SavedCard
    from tkkpg.gateway.model.decisions.order_query import OrderQuery
    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.plan import Notification, Plan
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.store.base import FoundOrders
    from tkkpg.gateway.store.head import HeadKeeper
    from tkkpg.gateway.store.rows import Value

__all__ = ["SIGNED", "SQLiteStore", "connect", "select"]

_PAYABLE: Final = ", ".join(f"'{posting}'" for posting in sorted(PAYABLE))
_TAKEN_OFF: Final = ", ".join(f"'{one}'" for one, sign in PAYABLE.items() if sign < 0)
SIGNED: Final = f"CASE WHEN e.posting IN ({_TAKEN_OFF}) THEN -1 ELSE 1 END * e.amount_minor"
"""What an entry `e` adds to what is payable to its merchant, in minor units."""
_BECOMES_PAYABLE: Final = ", ".join(f"'{posting}'" for posting in BECOMES_PAYABLE)

_DUE: Final = (
    "SELECT n.notification_id FROM merchant m JOIN notification n ON n.notification_id IN"
    " (SELECT one.notification_id FROM notification one WHERE one.state = 'QUEUED'"
    " AND one.merchant_id = m.merchant_id AND one.due_at <= ?1 AND one.leased_until <= ?1"
    # A status is told after those before it, so that the last one told is the newest.
    " AND NOT (one.xmlmsg = '' AND EXISTS (SELECT 1 FROM notification older"
    " WHERE older.order_id = one.order_id AND older.state = 'QUEUED' AND older.xmlmsg = ''"
    " AND (older.created_at, older.rowid) < (one.created_at, one.rowid)))"
    " ORDER BY one.due_at LIMIT 4) ORDER BY n.due_at LIMIT ?2"
)
"""Due notifications, a few of each merchant: one with a slow server keeps no other waiting."""


def select(db: apsw.Connection, statement: str, values: Sequence[Value] = ()) -> list[Any]:
    """Run a query whose columns the caller knows."""
    return db.execute(statement, values).fetchall()


class SQLiteStore:
    """Keeps the promises of `store.base.Store` in one file, owned by this process."""

    def __init__(
        self,
        path: Path,
        *,
        sign: Callable[[str], str],
        observe: Callable[[int, float], None] = lambda _size, _seconds: None,
        head: HeadKeeper | None = None,
    ) -> None:
        """Open a migrated file.

        Args:
            path: The database.
            sign: HMAC of a text under the audit key, for seals.
            observe: Told after every commit: plans in the batch, seconds it took.
            head: Keeps the head of the history, where there is one.
        """
        self._head = head
        self._commits = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._reader = connect(path, writing=False)
        self._chain = seals.Chain(seals.end_of(self._reader), sign)
        self._search = OrderSearch(lambda: connect(path, writing=False))
        self._writer = GroupCommit(
            lambda: connect(path, writing=True),
            after_begin=self._chain.must_be_ours,
            before_commit=self._chain.seal,
            run_commit=self._run_commit,
            observe=observe,
        )

    async def _run_commit(self, commit: Callable[[], object]) -> object:
        sealed = self._chain.committing()
        done = await asyncio.get_running_loop().run_in_executor(self._commits, commit)
        if sealed is not None:
            self._chain.committed(sealed)
            if self._head is not None:
                self._head.sealed(*sealed)
        return done

    async def commit(self, plan: Plan) -> None:
        """Commit a plan; see `Store.commit`."""
        await self._writer.submit(lambda db: apply(db, plan), plan_id=plan.context.plan_id)

    async def reserve_numbers(self, name: str, first: int, size: int) -> int:
        """Reserve a block of a sequence; see `Store.reserve_numbers`."""

        def work(db: apsw.Connection) -> int:
            statement = (
                "INSERT INTO sequence (name, next) VALUES (?1, ?2 + ?3)"
                " ON CONFLICT (name) DO UPDATE SET next = next + ?3 RETURNING next - ?3"
            )
            return int(select(db, statement, (name, first, size))[0][0])

        reserved = await self._writer.submit(work)
        if self._head is not None:
            await self._head.cover(name, reserved + size)
        return reserved

    async def merchant(self, merchant_id: str) -> Merchant | None:
        """Find a merchant; see `Store.merchant`."""
        return self._merchant(merchant_id)

    def _merchant(self, merchant_id: str) -> Merchant | None:
        found = select(
            self._reader,
            f"SELECT {rows.MERCHANT} FROM merchant WHERE merchant_id = ?",  # noqa: S608 - constant columns
            (merchant_id,),
        )
        return rows.merchant_of(found[0]) if found else None

    async def merchant_of(self, fingerprint: str, now: datetime) -> Merchant | None:
        """Find the merchant of a certificate; see `Store.merchant_of`."""
        found = select(
            self._reader,
            f"SELECT {rows.MERCHANT} FROM merchant WHERE merchant_id ="  # noqa: S608 - constant columns
            " (SELECT merchant_id FROM certificate"
            " WHERE fingerprint = ? AND revoked = 0 AND not_after > ?)",
            (fingerprint, rows.micros(now)),
        )
        return rows.merchant_of(found[0]) if found else None

    async def order(self, order_id: int) -> Order | None:
        """Find an order; see `Store.order`."""
        return self._order(order_id)

    def _order(self, order_id: int) -> Order | None:
        found = select(
            self._reader,
            f"SELECT {rows.ORDER} FROM orders WHERE order_id = ?",  # noqa: S608 - constant columns
            (order_id,),
        )
        order = rows.order_of(found[0] if found else rows.NOBODYS_ORDER_ROW)
        return order if found else None

    async def facts(self, order_id: int) -> Facts | None:
        """Load what a decision reads; see `Store.facts`."""
        self._reader.execute("BEGIN")  # one snapshot for all queries
        try:
            order = self._order(order_id)
            merchant = self._merchant(order.merchant_id) if order else None
            transactions = select(
                self._reader,
                f"SELECT {rows.TRAN} FROM tran WHERE order_id = ? ORDER BY tran_id",  # noqa: S608 - constant columns
                (order_id,),
            )
            captures = select(
                self._reader,
                "SELECT e.entry_id, e.entry_id <= b.settled_through FROM entry e JOIN balance b"  # noqa: S608 - constant columns
                " ON b.merchant_id = e.merchant_id AND b.currency = e.currency"
                f" WHERE e.order_id = ? AND e.posting IN ({_BECOMES_PAYABLE})"
                " ORDER BY e.entry_id DESC LIMIT 1",
                (order_id,),
            )
        finally:
            self._reader.execute("COMMIT")
        if order is None or merchant is None:
            return None
        return Facts(
            order=order,
            merchant=merchant,
            transactions=tuple(map(rows.tran_of, transactions)),
            capture=Capture(captures[0][0], bool(captures[0][1])) if captures else None,
        )

    async def orders(self, query: OrderQuery) -> FoundOrders:
        """Find orders of a merchant; see `Store.orders`."""
        return await self._search.find(query)

    async def saved_card(self, card_uid: str) -> SavedCard | None:
        """Find a saved card; see `Store.saved_card`."""
        found = select(
            self._reader,
            f"SELECT {rows.SAVED_CARD} FROM saved_card WHERE card_uid = ?",  # noqa: S608 - constant columns
            (card_uid,),
        )
        return rows.saved_card_of(found[0]) if found else None

    async def overdue(self, now: datetime, limit: int) -> Sequence[int]:
        """List orders whose time is over; see `Store.overdue`."""
        found = select(
            self._reader,
            "SELECT order_id FROM orders WHERE status IN ('CREATED', 'ON-PAYMENT')"
            " AND expires_at <= ? ORDER BY expires_at LIMIT ?",
            (rows.micros(now), limit),
        )
        return [order_id for (order_id,) in found]

    async def unresolved(self, sent_before: datetime, limit: int) -> Sequence[Unresolved]:
        """List transactions without a final state; see `Store.unresolved`."""
        found = select(
            self._reader,
            "SELECT tran_id, order_id, state FROM tran"
            " WHERE state IN ('SENT', 'UNKNOWN', 'REVERSING')"
            " AND sent_at < ?1 AND coalesce(reversal_at, sent_at) < ?1 AND parked_at IS NULL"
            " ORDER BY sent_at LIMIT ?2",
            (rows.micros(sent_before), limit),
        )
        return [
            Unresolved(tran_id, order_id, TranState(state)) for tran_id, order_id, state in found
        ]

    async def transaction(self, tran_id: int) -> Transaction | None:
        """Find a transaction; see `Store.transaction`."""
        found = select(
            self._reader,
            f"SELECT {rows.TRAN} FROM tran WHERE tran_id = ?",  # noqa: S608 - constant columns
            (tran_id,),
        )
        return rows.tran_of(found[0]) if found else None

    async def transaction_authenticated(self, server_trans_id: str) -> Transaction | None:
        """Find the transaction of an authentication; see `Store.transaction_authenticated`."""
        found = select(
            self._reader,
            f"SELECT {rows.TRAN} FROM tran WHERE threeds_server_trans_id = ?",  # noqa: S608 - constant columns
            (server_trans_id,),
        )
        return rows.tran_of(found[0]) if found else None

    async def transactions_traced(self, stan: int) -> Sequence[Transaction]:
        """List transactions with a trace number; see `Store.transactions_traced`."""
        found = select(
            self._reader,
            f"SELECT {rows.TRAN} FROM tran WHERE stan = ?1 OR reversal_stan = ?1",  # noqa: S608 - constant columns
            (stan,),
        )
        return [rows.tran_of(row) for row in found]

    async def unsettled(self, before: datetime = EVER) -> Sequence[Unsettled]:
        """List what settlement would move; see `Store.unsettled`."""
        # Lines are in the order of commits, which is nearly that of their times: it ends before
        # the first that is too late, so that none is passed over.
        found = select(
            self._reader,
            "SELECT b.merchant_id, b.currency, b.settled_through, max(e.entry_id),"  # noqa: S608 - constant columns
            f" sum({SIGNED}) FROM balance b JOIN entry e ON e.merchant_id = b.merchant_id"
            " AND e.currency = b.currency AND e.entry_id > b.settled_through"
            f" AND e.posting IN ({_PAYABLE}) AND e.entry_id < coalesce("
            " (SELECT min(late.entry_id) FROM entry late WHERE late.merchant_id = b.merchant_id"
            " AND late.currency = b.currency AND late.entry_id > b.settled_through"
            f" AND late.posting IN ({_PAYABLE}) AND late.at >= ?), {seals.LAST_POSSIBLE})"
            f" GROUP BY b.merchant_id, b.currency, b.settled_through HAVING sum({SIGNED}) >= 0",
            (rows.micros(before),),
        )
        return [
            Unsettled(merchant_id, CURRENCIES[currency], amount, through, newest)
            for merchant_id, currency, through, newest, amount in found
        ]

    async def take_notifications(
        self, now: datetime, leased_until: datetime, limit: int
    ) -> Sequence[Notification]:
        """Take notifications that are due; see `Store.take_notifications`."""
        due = (rows.micros(now), limit)
        peek = "SELECT 1 FROM notification WHERE state = 'QUEUED' AND due_at <= ? LIMIT ?"
        if self._reader.execute(peek, due).fetchone() is None:
            return []

        def work(db: apsw.Connection) -> list[Notification]:
            taken = db.execute(
                f"UPDATE notification SET leased_until = ?3 WHERE notification_id IN"  # noqa: S608 - constant columns
                f" ({_DUE})"
                f" RETURNING {rows.NOTIFICATION}",
                (*due, rows.micros(leased_until)),
            ).fetchall()
            return [rows.notification_of(row) for row in taken]

        return await self._writer.submit(work)

    async def release_notifications(self) -> None:
        """Give back what was taken; see `Store.release_notifications`."""
        await self._writer.submit(
            lambda db: db.execute(
                "UPDATE notification SET leased_until = 0 WHERE state = 'QUEUED'"
            ).fetchall()
        )

    async def finish_notification(
        self, notification_id: str, now: datetime, result: str, *, delivered: bool
    ) -> None:
        """Record a delivery or park it; see `Store.finish_notification`."""
        state = "DELIVERED" if delivered else "PARKED"
        await self._writer.submit(
            lambda db: db.execute(
                "UPDATE notification SET state = ?, attempts = attempts + 1, finished_at = ?,"
                " last_result = ? WHERE notification_id = ? AND state = 'QUEUED'",
                (state, rows.micros(now), result, notification_id),
            ).fetchall()
        )

    async def postpone_notification(
        self, notification_id: str, due_at: datetime, result: str
    ) -> None:
        """Record a failed attempt; see `Store.postpone_notification`."""
        await self._writer.submit(
            lambda db: db.execute(
                "UPDATE notification SET attempts = attempts + 1, due_at = ?, leased_until = 0,"
                " last_result = ? WHERE notification_id = ? AND state = 'QUEUED'",
                (rows.micros(due_at), result, notification_id),
            ).fetchall()
        )

    async def backlog(self) -> Backlog:
        """Count the work that waits; see `Store.backlog`."""
        ((trans, oldest_tran),) = select(
            self._reader,
            "SELECT count(*), min(sent_at) FROM tran"
            " WHERE state IN ('SENT', 'UNKNOWN', 'REVERSING')",
        )
        ((queued, oldest_queued),) = select(
            self._reader,
            "SELECT count(*), min(created_at) FROM notification WHERE state = 'QUEUED'",
        )
        return Backlog(
            trans, rows.moment_or_none(oldest_tran), queued, rows.moment_or_none(oldest_queued)
        )

    async def prove_commits(self) -> None:
        """Return if commits succeed; see `Store.prove_commits`."""
        await self._writer.prove()

    async def aclose(self) -> None:
        """Finish what was begun and let go of the file."""
        await self._writer.aclose()
        if self._head is not None:
            await self._head.aclose()
        self._search.close()
        self._reader.close()
        self._commits.shutdown()
