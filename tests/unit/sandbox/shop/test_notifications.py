"""A notification is kept once and settled once."""

from __future__ import annotations

from tkkpg.client import OrderStatus
from tkkpg.sandbox.shop.database import Database
from tkkpg.sandbox.shop.notifications import Notifications


def test_a_notification_waits_until_it_is_confirmed(database: Database) -> None:
    notifications = Notifications(database)
    assert notifications.keep("d-1", 7, OrderStatus.APPROVED)
    assert notifications.keep("d-1", 7, OrderStatus.APPROVED)

    notifications.confirm("d-1")

    assert not notifications.keep("d-1", 7, OrderStatus.APPROVED)
    assert notifications.keep("d-2", 7, OrderStatus.REFUNDED)


def test_the_first_word_of_a_delivery_stands(database: Database) -> None:
    notifications = Notifications(database)
    notifications.keep("d-1", 7, OrderStatus.APPROVED)
    notifications.keep("d-1", 8, OrderStatus.DECLINED)

    with database.transaction() as tx:
        rows = tx.execute("SELECT order_id, claimed FROM notifications").fetchall()
    assert [tuple(row) for row in rows] == [(7, "APPROVED")]
