"""Searching a merchant's orders in a SQLite file: bounded, and away from the event loop.

Every statement walks the index over merchant and time from the newest order backwards, or finds one
order by its number. A search has a connection and a thread of its own, so that payments do not wait
for lists, and lists wait for each other.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from tkkpg.gateway.model.lifecycle import EXPIRING
from tkkpg.gateway.store import rows
from tkkpg.gateway.store.base import FoundOrders
from tkkpg.protocol.values import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    import apsw

    from tkkpg.gateway.model.decisions.order_query import OrderQuery
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.model.transaction import Transaction
    from tkkpg.gateway.store.rows import Value

TRANSACTIONS_MAX: Final = 20_000
"""Transactions read for one list: a hundred for each of its orders, most of which have one."""

_EVER: Final = 2**63 - 1
"""Larger than every number and every time in a column."""
_EXPIRING: Final = ", ".join(f"'{status}'" for status in sorted(EXPIRING))
_STATUS: Final = (
    f"CASE WHEN o.status IN ({_EXPIRING}) AND o.expires_at <= :now"
    f" THEN '{OrderStatus.EXPIRED}' ELSE o.status END"
)
"""The status as seen, as `lifecycle.status_at` says it."""
_PERIOD: Final = "merchant_id = :merchant_id AND created_at >= :since AND created_at <= :until"
_NEWEST: Final = (
    f"SELECT order_id, created_at FROM orders INDEXED BY ix_orders_merchant_id_created_at"  # noqa: S608 - constant conditions
    f" WHERE {_PERIOD} ORDER BY created_at DESC, order_id DESC LIMIT :look_at_most"
)
_NUMBERED: Final = (
    f"SELECT order_id, created_at FROM orders WHERE order_id = :order_id AND {_PERIOD}"  # noqa: S608 - constant conditions
)
_OLDER: Final = f"{_NEWEST.replace(':look_at_most', '1')} OFFSET :look_at_most"
"""Finds, in the index alone, whether the period has orders that were not looked at."""
_COLUMNS: Final = ", ".join(f"o.{name}" for name in rows.ORDER.split(", "))
_TRANSACTIONS: Final = (
    f"SELECT {rows.TRAN} FROM tran WHERE order_id IN (SELECT value FROM json_each(?))"  # noqa: S608 - constant columns
    f" ORDER BY order_id, tran_id LIMIT {TRANSACTIONS_MAX + 1}"
)


class OrderSearch:
    """Answers one list at a time."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        """Take what opens a reading connection; that happens at the first search."""
        self._connect = connect
        self._connection: apsw.Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="order-search")

    async def find(self, query: OrderQuery) -> FoundOrders:
        """Find orders and their transactions in one snapshot; see `Store.orders`."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._find, query)

    def close(self) -> None:
        """Let go of the file when the search that runs has ended."""
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()

    def _find(self, query: OrderQuery) -> FoundOrders:
        if self._connection is None:
            self._connection = self._connect()
        db = self._connection
        db.execute("BEGIN")  # one snapshot for all queries
        try:
            return find_orders(db, query)
        finally:
            db.execute("COMMIT")


def find_orders(db: apsw.Connection, query: OrderQuery) -> FoundOrders:
    """Find orders and their transactions on a connection."""
    conditions, values = _conditions(query)
    values |= _limits(query)
    numbered = query.only.order_id is not None
    # The join keeps the order of what it looks at, so that it ends with the last row it gives.
    statement = (
        f"SELECT {_COLUMNS} FROM ({_NUMBERED if numbered else _NEWEST}) looked_at"  # noqa: S608 - constant conditions
        f" CROSS JOIN orders o ON o.order_id = looked_at.order_id WHERE {conditions}"
        " ORDER BY looked_at.created_at DESC, looked_at.order_id DESC LIMIT :take OFFSET :skip"
    )
    orders = tuple(map(rows.order_of, db.execute(statement, values)))
    everything = (
        numbered or len(orders) == query.take or db.execute(_OLDER, values).fetchone() is None
    )
    transactions = _transactions(db, orders)
    return FoundOrders(
        orders=orders,
        transactions=transactions or {},
        complete=everything and transactions is not None,
    )


def _limits(query: OrderQuery) -> dict[str, Value]:
    return {
        "merchant_id": query.merchant_id,
        "since": -_EVER if query.since is None else rows.micros(query.since),
        "until": _EVER if query.until is None else rows.micros(query.until),
        "order_id": query.only.order_id,
        "look_at_most": query.look_at_most,
        "take": query.take,
        "skip": query.skip,
    }


def _conditions(query: OrderQuery) -> tuple[str, dict[str, Value]]:
    """Say what an order must fit beside merchant, number and time."""
    only = query.only
    asked: list[tuple[str, str, Value]] = [
        (f"{_STATUS} = :status", "status", only.status),
        ("o.amount_minor >= :least", "least", only.amount_min_minor),
        ("o.amount_minor <= :most", "most", only.amount_max_minor),
        ("o.currency = :currency", "currency", only.currency.code if only.currency else None),
        ("instr(o.description, :description) > 0", "description", only.description or None),
    ]
    # The text of one parameter is found in the text of all only where it is one of them: the
    # quotation marks of names and values have a backslash in front.
    asked += [
        (f"instr(o.params, :param{at}) > 0", f"param{at}", rows.parts_text((param,))[1:-1])
        for at, param in enumerate(only.params)
    ]
    given = [one for one in asked if one[2] is not None]
    values: dict[str, Value] = {name: value for _, name, value in given}
    if only.status is not None:
        values["now"] = rows.micros(query.now)
    return " AND ".join(condition for condition, _, _ in given) or "true", values


def _transactions(
    db: apsw.Connection, orders: tuple[Order, ...]
) -> dict[int, tuple[Transaction, ...]] | None:
    """Read the transactions of orders, oldest first; `None` where there are too many."""
    numbers = f"[{','.join(str(order.order_id) for order in orders)}]"
    found: list[Any] = db.execute(_TRANSACTIONS, (numbers,)).fetchall()
    if len(found) > TRANSACTIONS_MAX:
        return None
    by_order: dict[int, list[Transaction]] = {order.order_id: [] for order in orders}
    for row in found:
        tran = rows.tran_of(row)
        by_order[tran.order_id].append(tran)
    return {order_id: tuple(trans) for order_id, trans in by_order.items()}
