"""Replies: what the gateway answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.protocol.values import (
    Currency,
    Language,
    OperationStatus,
    OrderRef,
    OrderStatus,
    OrderType,
)

if TYPE_CHECKING:
    from datetime import date, datetime, time

    from tkkpg.protocol.messages.callback import XMLOut
    from tkkpg.protocol.messages.parts import OperationRow, Param, POSField, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrderResponse:
    """The new order and the address of the hosted page (protocol description, 2.2)."""

    status: OperationStatus = OperationStatus.OK
    order_id: int
    session_id: str = field(repr=False)
    url: str

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderStatusResponse:
    """Where the order is in its life (protocol description, 2.3).

    Attributes:
        receipt: Readable receipt of a paid order (base64 on the wire), `None` without one.
    """

    status: OperationStatus = OperationStatus.OK
    order_id: int
    order_status: OrderStatus
    receipt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderInformation:
    """The row of GetOrderInformation, in the document's order (protocol description, 2.4).

    Times are local times of the gateway (Asia/Baku) without a zone, as the wire has them.

    Attributes:
        fee_minor: The merchant's fee in minor units.
        refund_amount_minor: What was refunded so far; `None` for an unpaid order.
        refund_currency: Currency of the refunds, `None` before the first one.
        two_id: The operation's number in the bank's back system.
        two_date: Day of that operation.
        two_time: Its time of day.
        params: Parameters of the order, where they were asked for.
        operations: Its operations, likewise.
        positions: Its lines of goods, likewise.
    """

    order_id: int
    session_id: str = field(repr=False)
    created: datetime
    updated: datetime | None
    paid: datetime | None
    merchant_id: str
    amount_minor: int
    currency: Currency
    language: Language
    description: str
    approve_url: str
    cancel_url: str
    decline_url: str
    order_status: OrderStatus
    receipt: str | None
    two_id: int | None
    refund_amount_minor: int | None
    refund_currency: Currency | None
    ext_system_process: int = 0
    order_type: OrderType
    order_sub_type: str = ""
    fee_minor: int = 0
    email: str = ""
    refunded: datetime | None
    two_date: date | None
    two_time: time | None
    params: tuple[Param, ...] = ()
    operations: tuple[OperationRow, ...] = ()
    positions: tuple[Position, ...] = ()


class UnpaidOrderInformation(OrderInformation):
    """The row of an order that was not paid: `RefundCurrency` is empty instead of `null`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicOrderInformation:
    """GetOrderInformation in the usual envelope (protocol description, 2.4, ClassicView).

    Attributes:
        orders: The one row.
    """

    status: OperationStatus = OperationStatus.OK
    orders: tuple[OrderInformation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrdersResponse:
    """Rows of orders (protocol description, 2.11)."""

    orders: tuple[OrderInformation, ...]


def _pos_value(fields: tuple[POSField, ...], name: str) -> str:
    return next((one.value for one in fields if one.name == name), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionResponse:
    """What became of a completion (protocol description, 2.7)."""

    status: OperationStatus = OperationStatus.OK
    codes: tuple[POSField, ...] = ()
    fields: tuple[POSField, ...] = ()

    @property
    def response_code(self) -> str:
        """The host's code, three digits."""
        return _pos_value(self.codes, "ResponseCode")

    @property
    def approval_code(self) -> str:
        """The issuer's code for a success, else empty."""
        return _pos_value(self.fields, "F")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReverseResponse:
    """What became of a reversal (protocol description, 2.6).

    Attributes:
        response_code: The host's code, three digits.
        response_message: Its text in the order's language.
    """

    status: OperationStatus = OperationStatus.OK
    order_id: int
    response_code: str = ""
    response_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResponse:
    """The refund was carried out (protocol description, 2.5)."""

    status: OperationStatus = OperationStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseResponse:
    """What became of a payment with a saved card (protocol description, 2.8 and 2.11).

    The root is `out`: of the recorded clients one reads `XMLOut/Message` and `ResponseCode` right
    below it, others `l` and `f`.

    Attributes:
        response_code: The host's code, three digits.
        messages: The one XMLOut.
    """

    codes: tuple[POSField, ...] = ()
    fields: tuple[POSField, ...] = ()
    response_code: str = ""
    messages: tuple[XMLOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvelopedPurchaseResponse(PurchaseResponse):
    """The same in the usual envelope, for `ResponseFormat` TKKPG."""

    status: OperationStatus = OperationStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A reply that consists of operation and status alone (protocol description, 2.1)."""

    operation: str
    status: str
    details: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatusFailure:
    """A refused GetOrderStatus, with the empty order that the document prints beside 30."""

    status: OperationStatus
    order_id: None = None
    order_status: None = None


Response = (
    CreateOrderResponse
    | GetOrderStatusResponse
    | OrderInformation
    | ClassicOrderInformation
    | GetOrdersResponse
    | CompletionResponse
    | ReverseResponse
    | RefundResponse
    | PurchaseResponse
    | OrderStatusFailure
    | Failure
)
"""Every reply that the gateway gives."""
