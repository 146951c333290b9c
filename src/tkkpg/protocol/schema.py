"""The field tables: which XML path holds which attribute, how it is converted, what is nothing.

The bank's messages are irregular on purpose of nobody: the session is a sibling of the order in
requests and its child in one reply, names change case between messages, and "nothing" is written
in four ways. So every message has its table, exact in names and order, and nothing is guessed.
The golden files hold the tables against the bank's own examples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import (
    CreateOrderRequest,
    CreateOrderResponse,
    Failure,
    GetOrderInformationRequest,
    GetOrderStatusRequest,
    GetOrderStatusResponse,
    OrderInformation,
    OrderStatusFailure,
    Position,
    RefundRequest,
    RefundResponse,
    UnpaidOrderInformation,
    XMLOut,
)
from tkkpg.protocol.values import Operation, OrderType

REQUIRED: Final = object()
"""Marks a field without which the message is refused."""


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a table.

    Attributes:
        attribute: Name in the Python message.
        path: Tags below the message's root.
        converter: How the text is read and written.
        default: Value of an absent or empty element, or `REQUIRED`.
        nothing: What is written for `None`: a text, or `None` to leave the element out.
        written_only: The element repeats another attribute and is not read.
    """

    attribute: str
    path: tuple[str, ...]
    converter: as_.Converter
    default: Any = REQUIRED
    nothing: str | None = None
    written_only: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A row that repeats: every element at `path` is a message of its own."""

    attribute: str
    path: tuple[str, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Table:
    """How one message stands on the wire.

    Attributes:
        message: The Python class.
        root: Tags from the document's root down to the message.
        operation: Written as the first element, where the message has one.
        rows: The fields in the order in which they are written.
        attributes: XML attributes of the last tag of `root`: name to (attribute, converter).
    """

    message: type
    root: tuple[str, ...]
    rows: tuple[Field | Group, ...]
    operation: Operation | None = None
    attributes: tuple[tuple[str, str, as_.Converter], ...] = ()


def field(
    attribute: str,
    path: str,
    converter: as_.Converter,
    *,
    default: Any = REQUIRED,  # noqa: ANN401 - whatever the attribute's type is
    nothing: str | None = None,
    written_only: bool = False,
) -> Field:
    """Make a row; the path is written with slashes."""
    default = None if written_only else default
    return Field(attribute, tuple(path.split("/")), converter, default, nothing, written_only)


def _request(message: type, operation: Operation, *rows: Field | Group) -> Table:
    return Table(message, ("TKKPG", "Request"), rows, operation)


def _response(message: type, operation: Operation | None, *rows: Field) -> Table:
    return Table(message, ("TKKPG", "Response"), rows, operation)


_LANGUAGE = field("language", "Language", as_.language)
_MERCHANT = field("merchant_id", "Order/Merchant", as_.text(as_.MERCHANT_ID_MAX))
_ORDER_ID = field("order_id", "Order/OrderID", as_.number)
_SESSION = field("session_id", "SessionID", as_.text(as_.SHORT_TEXT_MAX))
_STATUS = field("status", "Status", as_.operation_status)
_ABOUT_ORDER = (_LANGUAGE, _MERCHANT, _ORDER_ID, _SESSION)
_DESCRIPTION = as_.text(as_.DESCRIPTION_MAX)
_SHORT = as_.text(as_.SHORT_TEXT_MAX)

POSITION = Table(
    Position,
    ("Position",),
    (
        field("payment_subject_type", "PaymentSubjectType", _SHORT, default=""),
        field("quantity", "Quantity", _SHORT, default=""),
        field("price", "Price", _SHORT, default=""),
        field("tax", "Tax", _SHORT, default=""),
        field("text", "Text", _SHORT, default=""),
        field("payment_type", "PaymentType", _SHORT, default=""),
        field("payment_method_type", "PaymentMethodType", _SHORT, default=""),
    ),
)

REQUESTS: Final[dict[Operation | None, Table]] = {
    table.operation: table
    for table in (
        _request(
            CreateOrderRequest,
            Operation.CREATE_ORDER,
            _LANGUAGE,
            field("order_type", "Order/OrderType", as_.order_type, default=OrderType.PURCHASE),
            _MERCHANT,
            field("amount_minor", "Order/Amount", as_.minor_units),
            field("currency", "Order/Currency", as_.currency),
            field("description", "Order/Description", _DESCRIPTION, default=""),
            field("approve_url", "Order/ApproveURL", as_.url, default=""),
            field("cancel_url", "Order/CancelURL", as_.url, default=""),
            field("decline_url", "Order/DeclineURL", as_.url, default=""),
        ),
        _request(GetOrderStatusRequest, Operation.GET_ORDER_STATUS, *_ABOUT_ORDER),
        _request(GetOrderInformationRequest, Operation.GET_ORDER_INFORMATION, *_ABOUT_ORDER),
        _request(
            RefundRequest,
            Operation.REFUND,
            _LANGUAGE,
            _MERCHANT,
            _ORDER_ID,
            Group("positions", ("Order", "Positions", "Position"), POSITION),
            field("description", "Description", _DESCRIPTION, default=""),
            _SESSION,
            field("amount_minor", "Refund/Amount", as_.minor_units),
            field("currency", "Refund/Currency", as_.currency, default=None),
            field("with_fee", "Refund/WithFee", as_.flag, default=False),
            field("two_id", "TranId", as_.number, default=None, nothing=""),
            field("source", "Source", _SHORT, default=""),
        ),
    )
}
"""Table of each request, by operation."""

_INFORMATION_ROWS = (
    field("order_id", "id", as_.number),
    field("session_id", "SessionID", as_.text(as_.SHORT_TEXT_MAX)),
    field("created", "createDate", as_.legacy_datetime),
    field("updated", "lastUpdateDate", as_.legacy_datetime, default=None, nothing=""),
    field("paid", "payDate", as_.legacy_datetime, default=None, nothing=""),
    field("merchant_id", "MerchantID", as_.text(as_.MERCHANT_ID_MAX)),
    field("amount_minor", "Amount", as_.minor_units),
    field("currency", "Currency", as_.currency),
    field("language", "OrderLanguage", as_.language),
    field("description", "Description", _DESCRIPTION, default=""),
    field("approve_url", "ApproveURL", as_.url, default=""),
    field("cancel_url", "CancelURL", as_.url, default=""),
    field("decline_url", "DeclineURL", as_.url, default=""),
    field("order_status", "Orderstatus", as_.order_status),
    field("receipt", "Receipt", as_.base64_text, default=None, nothing=""),
    field("two_id", "twoId", as_.nullable_number, default=None, nothing=""),
    field("refund_amount_minor", "RefundAmount", as_.nullable_number, default=None, nothing=""),
    field("refund_currency", "RefundCurrency", as_.nullable_currency, default=None, nothing="null"),
    field("ext_system_process", "ExtSystemProcess", as_.number, default=0),
    field("order_type", "OrderType", as_.order_type),
    field("order_sub_type", "OrderSubType", _SHORT, default=""),
    field("fee_minor", "Fee", as_.number, default=0),
    field("email", "Email", _SHORT, default=""),
    field(
        "refunded", "RefundDate", as_.legacy_datetime, default=None, nothing="0000-00-00 00:00:00"
    ),
    field("two_date", "TWODate", as_.short_date, default=None, nothing=""),
    field("two_time", "TWOTime", as_.short_time, default=None, nothing=""),
)

INFORMATION: Final = Table(OrderInformation, ("Order", "row"), _INFORMATION_ROWS)
"""The row of a paid order; it has no envelope (protocol description, 2.4)."""

UNPAID_INFORMATION: Final = Table(
    UnpaidOrderInformation,
    ("Order", "row"),
    tuple(
        field("refund_currency", "RefundCurrency", as_.nullable_currency, default=None, nothing="")
        if row.attribute == "refund_currency"
        else row
        for row in _INFORMATION_ROWS
    ),
)
"""The row of an unpaid order: nothing is an empty element (protocol description, 7.21)."""

RESPONSES: Final = {
    Operation.CREATE_ORDER: _response(
        CreateOrderResponse,
        Operation.CREATE_ORDER,
        _STATUS,
        _ORDER_ID,
        field("session_id", "Order/SessionID", as_.text(as_.SHORT_TEXT_MAX)),
        field("url", "Order/URL", as_.url),
    ),
    Operation.GET_ORDER_STATUS: _response(
        GetOrderStatusResponse,
        Operation.GET_ORDER_STATUS,
        _STATUS,
        field("order_id", "Order/OrderID", as_.number),
        field("order_status", "Order/OrderStatus", as_.order_status),
        field("receipt", "AdditionalInfo/Receipt", as_.base64_text, default=None),
    ),
    Operation.GET_ORDER_INFORMATION: INFORMATION,
    Operation.REFUND: _response(RefundResponse, Operation.REFUND, _STATUS),
}
"""Table of each successful reply, by operation."""

FAILURE: Final = _response(
    Failure,
    None,
    field("operation", "Operation", as_.text(as_.SHORT_TEXT_MAX), default=""),
    field("status", "Status", as_.text(as_.SHORT_TEXT_MAX)),
    field("details", "Details", as_.text(as_.DESCRIPTION_MAX), default=None),
)
"""Any refusal."""

STATUS_FAILURE: Final = _response(
    OrderStatusFailure,
    Operation.GET_ORDER_STATUS,
    _STATUS,
    field("order_id", "Order/OrderID", as_.number, default=None, nothing=""),
    field("order_status", "Order/OrderStatus", as_.order_status, default=None, nothing=""),
)
"""A refused GetOrderStatus, as the bank's document prints it beside Status 30."""

_CALLBACK_ROWS = (
    field("version", "Version", _SHORT, written_only=True),
    field("order_id", "OrderID", as_.number),
    field("session_id", "SessionID", _SHORT, default=""),
    field("transaction_type", "TransactionType", _SHORT, default=""),
    field("rrn", "RRN", _SHORT, default=None),
    field("pan", "PAN", _SHORT, default=None),
    field("amount_minor", "PurchaseAmount", as_.minor_units),
    field("amount_text", "PurchaseAmountScr", _SHORT, written_only=True),
    field("fee_minor", "Fee", as_.number, default=0),
    field("currency", "Currency", as_.currency),
    field("currency_text", "CurrencyScr", _SHORT, written_only=True),
    field("tran_date_time", "TranDateTime", as_.screen_datetime, default=None),
    field("response_code", "ResponseCode", _SHORT, default=None),
    field("response_description", "ResponseDescription", _DESCRIPTION, default=""),
    field("brand", "Brand", _SHORT, default=None),
    field("order_status", "OrderStatus", as_.order_status),
    field("status_text", "OrderStatusScr", _SHORT, default=""),
    field("approval_code", "ApprovalCode", _SHORT, default=None),
    field("approval_code", "ApprovalCodeScr", _SHORT, written_only=True),
    field("result_text", "RezultOperation", _SHORT, written_only=True),
    field("order_description", "OrderDescription", _DESCRIPTION, default=""),
    field("language", "Language", as_.language, default=None),
    field("shop_name", "ShopName", _SHORT, default=None),
    field("two_id", "TwoId", as_.number, default=None),
    field("two_id", "TranId", as_.number, written_only=True),
)
_CALLBACK_ATTRIBUTES = (("date", "date", as_.screen_datetime),)

BARE_CALLBACK: Final = Table(XMLOut, ("Message",), _CALLBACK_ROWS, attributes=_CALLBACK_ATTRIBUTES)
"""XMLOut with the root `Message`, as in the manual (protocol description, 3.2)."""

WRAPPED_CALLBACK: Final = Table(
    XMLOut, ("XMLOut", "Message"), _CALLBACK_ROWS, attributes=_CALLBACK_ATTRIBUTES
)
"""XMLOut with `Message` inside a root, as Kapital sends since autumn 2022."""

ENCODINGS: Final = {
    table.message: table
    for table in (*REQUESTS.values(), *RESPONSES.values(), UNPAID_INFORMATION, FAILURE)
} | {OrderStatusFailure: STATUS_FAILURE}
"""Table that writes each message."""
