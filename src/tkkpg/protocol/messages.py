"""One frozen value per request, response and callback, with clean Python names.

Which XML path holds which attribute is the business of `schema`. Secrets of an order stay out of
every `repr` here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tkkpg.protocol.values import (
    Amount,
    Currency,
    Language,
    OperationStatus,
    OrderRef,
    OrderStatus,
    OrderType,
)

if TYPE_CHECKING:
    from datetime import date, datetime, time


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOrderRequest:
    """Ask for a new order (protocol description, 2.2).

    Attributes:
        language: Language of the payer's pages.
        order_type: Charge at once or in two steps.
        merchant_id: The merchant, at most 15 characters.
        amount_minor: Minor units, more than zero.
        currency: Currency of the amount.
        description: Shown to the payer, at most 512 characters; may be empty.
        approve_url: Where the browser goes after an approval; may be relative or empty.
        cancel_url: Where it goes when the payer leaves.
        decline_url: Where it goes after a refusal.
    """

    language: Language
    merchant_id: str
    amount_minor: int
    currency: Currency
    description: str = ""
    approve_url: str = ""
    cancel_url: str = ""
    decline_url: str = ""
    order_type: OrderType = OrderType.PURCHASE


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
class OrderRequest:
    """What a request about an existing order always carries."""

    language: Language
    merchant_id: str
    order_id: int
    session_id: str = field(repr=False)

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class GetOrderStatusRequest(OrderRequest):
    """Ask where an order is in its life (protocol description, 2.3)."""


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
class GetOrderInformationRequest(OrderRequest):
    """Ask for everything about an order (protocol description, 2.4)."""


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


class UnpaidOrderInformation(OrderInformation):
    """The row of an order that was not paid: `RefundCurrency` is empty instead of `null`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A line of goods in a refund; kept and shown, never checked (protocol description, 2.10).

    Attributes:
        price: Major units with a point, as sent.
    """

    payment_subject_type: str = ""
    quantity: str = ""
    price: str = ""
    tax: str = ""
    text: str = ""
    payment_type: str = ""
    payment_method_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest(OrderRequest):
    """Give money of a paid order back (protocol description, 2.5).

    Attributes:
        amount_minor: Minor units, more than zero.
        currency: Currency of the amount, the order's own when absent.
        with_fee: Whether the merchant's fee is returned too.
        two_id: `TranId`: empty or the TwoId of the payment.
        source: `Source`, 1 in the document; kept only.
    """

    amount_minor: int
    currency: Currency | None = None
    with_fee: bool = False
    description: str = ""
    two_id: int | None = None
    source: str = ""
    positions: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundResponse:
    """The refund was carried out (protocol description, 2.5)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class XMLOut:
    """What the gateway tells the merchant after a payment, a refusal or a refund.

    Fields and their order are those of protocol description, 3.3. It is not signed: a merchant
    confirms it with GetOrderStatus.

    Attributes:
        date: Local time of the message (Asia/Baku).
        pan: Masked card number, `416973XXXXXX5869`.
        amount_minor: Minor units.
        two_id: Number of the operation in the bank's back system, written as TwoId and TranId.
        response_code: Outcome at the host, three digits; see `codes`.
        response_description: Its text in the order's language.
    """

    date: datetime | None
    order_id: int
    session_id: str = field(repr=False)
    transaction_type: str
    rrn: str | None = None
    pan: str | None = None
    amount_minor: int
    currency: Currency
    tran_date_time: datetime | None = None
    response_code: str | None = None
    response_description: str
    brand: str | None = None
    order_status: OrderStatus
    approval_code: str | None = None
    order_description: str = ""
    fee_minor: int = 0
    status_text: str = ""
    two_id: int | None = None
    language: Language | None = None
    shop_name: str | None = None

    @property
    def amount(self) -> Amount:
        """The order's amount with its currency."""
        return Amount(self.amount_minor, self.currency)

    @property
    def ref(self) -> OrderRef:
        """Number and session of the order as one value."""
        return OrderRef(self.order_id, self.session_id)

    @property
    def version(self) -> str:
        """`Version` of the message's layout, always 1.0."""
        return "1.0"

    @property
    def amount_text(self) -> str:
        """`PurchaseAmountScr`: major units with a point, since one shop reads it as a number."""
        return f"{self.amount.major:.{self.currency.exponent}f}"

    @property
    def currency_text(self) -> str:
        """`CurrencyScr`: letters of the currency."""
        return self.currency.alpha

    @property
    def result_text(self) -> str:
        """`RezultOperation`: a constant text, empty at most banks (protocol description, 3.3)."""
        return ""


Request = CreateOrderRequest | GetOrderStatusRequest | GetOrderInformationRequest | RefundRequest
"""Every request that the gateway answers."""

Response = (
    CreateOrderResponse
    | GetOrderStatusResponse
    | OrderInformation
    | RefundResponse
    | OrderStatusFailure
    | Failure
)
"""Every reply that the gateway gives."""
