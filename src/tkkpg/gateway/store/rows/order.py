"""Orders to rows and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.order import NOBODYS_ORDER, Order, Registration
from tkkpg.gateway.store.rows.values import (
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    parts_of,
    parts_text,
)
from tkkpg.protocol.messages import Param, Position
from tkkpg.protocol.values import CURRENCIES, Language, OrderStatus, OrderType

if TYPE_CHECKING:
    from tkkpg.gateway.store.rows.values import Row, Value

ORDER: Final = (
    "order_id, session_id, merchant_id, order_type, status, version, amount_minor, currency, "
    "language, description, approve_url, cancel_url, decline_url, created_at, updated_at, "
    "expires_at, paid_at, refunded_at, refunded_minor, fee_minor, "
    "captured_minor, instalments, registration, change_status_url, email, params, positions"
)
ORDER_MOVES: Final = (
    "status, version, updated_at, paid_at, refunded_at, refunded_minor, description, fee_minor, "
    "captured_minor"
)
"""Columns of an order that change after it was made."""


def order_row(order: Order) -> tuple[Value, ...]:
    """An order as a row of `ORDER`."""
    return (
        order.order_id,
        order.session_id,
        order.merchant_id,
        order.order_type,
        order.status,
        order.version,
        order.amount_minor,
        order.currency.code,
        order.language,
        order.description,
        order.approve_url,
        order.cancel_url,
        order.decline_url,
        micros(order.created_at),
        micros_or_none(order.updated_at),
        micros(order.expires_at),
        micros_or_none(order.paid_at),
        micros_or_none(order.refunded_at),
        order.refunded_minor,
        order.fee_minor,
        order.captured_minor,
        order.instalments,
        order.registration,
        order.change_status_url,
        order.email,
        parts_text(order.params),
        parts_text(order.positions),
    )


NOBODYS_ORDER_ROW: Final = order_row(NOBODYS_ORDER)
"""Read where no row is found, so that both take the same time."""


def order_moves(order: Order) -> tuple[Value, ...]:
    """An order's changing values, in the order of `ORDER_MOVES`."""
    return (
        order.status,
        order.version,
        micros_or_none(order.updated_at),
        micros_or_none(order.paid_at),
        micros_or_none(order.refunded_at),
        order.refunded_minor,
        order.description,
        order.fee_minor,
        order.captured_minor,
    )


def order_of(row: Row) -> Order:
    """Read a row of `ORDER`."""
    return Order(
        order_id=row[0],
        session_id=row[1],
        merchant_id=row[2],
        order_type=OrderType(row[3]),
        status=OrderStatus(row[4]),
        version=row[5],
        amount_minor=row[6],
        currency=CURRENCIES[row[7]],
        language=Language(row[8]),
        description=row[9],
        approve_url=row[10],
        cancel_url=row[11],
        decline_url=row[12],
        created_at=moment(row[13]),
        updated_at=moment_or_none(row[14]),
        expires_at=moment(row[15]),
        paid_at=moment_or_none(row[16]),
        refunded_at=moment_or_none(row[17]),
        refunded_minor=row[18],
        fee_minor=row[19],
        captured_minor=row[20],
        instalments=row[21],
        registration=Registration(row[22]),
        change_status_url=row[23],
        email=row[24],
        params=parts_of(Param, row[25]),
        positions=parts_of(Position, row[26]),
    )
