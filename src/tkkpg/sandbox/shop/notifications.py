"""Notifications from the bank's server: each kept once, and settled once."""

from __future__ import annotations

from tkkpg.protocol.values import OrderStatus
from tkkpg.sandbox.shop.database import Database


class Notifications:
    """Everything the bank's server has told the shop about its orders, by delivery id."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, delivery_id: str, order_id: int, claimed: OrderStatus) -> bool:
        """Keep a notification; the same one again changes nothing.

        Returns:
            Whether it still has to be confirmed.
        """
        with self._database.transaction() as tx:
            tx.execute(
                "INSERT OR IGNORE INTO notifications (delivery_id, order_id, claimed)"
                " VALUES (?, ?, ?)",
                (delivery_id, order_id, claimed),
            )
            row = tx.execute(
                "SELECT confirmed FROM notifications WHERE delivery_id = ?", (delivery_id,)
            ).fetchone()
            return not row["confirmed"]

    def confirm(self, delivery_id: str) -> None:
        """Say that the bank has been asked about it."""
        with self._database.transaction() as tx:
            tx.execute(
                "UPDATE notifications SET confirmed = 1 WHERE delivery_id = ?", (delivery_id,)
            )
