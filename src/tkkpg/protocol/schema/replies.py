"""The tables of replies."""

from __future__ import annotations

from typing import Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import (
    ClassicOrderInformation,
    CompletionResponse,
    CreateOrderResponse,
    EnvelopedPurchaseResponse,
    Failure,
    GetOrdersResponse,
    GetOrderStatusResponse,
    OrderInformation,
    OrderStatusFailure,
    PurchaseResponse,
    RefundResponse,
    ReverseResponse,
    UnpaidOrderInformation,
)
from tkkpg.protocol.schema.callback import MESSAGE
from tkkpg.protocol.schema.parts import (
    DESCRIPTION,
    OPERATION_ROW,
    ORDER_ID,
    PARAM_ROW,
    POSITION,
    SHORT,
    STATUS,
    pos_fields,
)
from tkkpg.protocol.schema.table import Group, Row, Table, field
from tkkpg.protocol.values import Operation


def _response(message: type, operation: Operation | None, *rows: Row) -> Table:
    return Table(message, ("TKKPG", "Response"), rows, operation)


_INFORMATION_ROWS = (
    field("order_id", "id", as_.number),
    field("session_id", "SessionID", SHORT),
    field("created", "createDate", as_.legacy_datetime),
    field("updated", "lastUpdateDate", as_.legacy_datetime, default=None, nothing=""),
    field("paid", "payDate", as_.legacy_datetime, default=None, nothing=""),
    field("merchant_id", "MerchantID", as_.text(as_.MERCHANT_ID_MAX)),
    field("amount_minor", "Amount", as_.minor_units),
    field("currency", "Currency", as_.currency),
    field("language", "OrderLanguage", as_.language),
    field("description", "Description", DESCRIPTION, default=""),
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
    field("order_sub_type", "OrderSubType", SHORT, default=""),
    field("fee_minor", "Fee", as_.number, default=0),
    field("email", "Email", SHORT, default=""),
    field(
        "refunded", "RefundDate", as_.legacy_datetime, default=None, nothing="0000-00-00 00:00:00"
    ),
    field("two_date", "TWODate", as_.short_date, default=None, nothing=""),
    field("two_time", "TWOTime", as_.short_time, default=None, nothing=""),
    Group("params", ("OrderParams", "row"), PARAM_ROW),
    Group("operations", ("OrderOperations", "row"), OPERATION_ROW),
    Group("positions", ("Positions", "Position"), POSITION),
)

_UNPAID_ROWS = tuple(
    field("refund_currency", "RefundCurrency", as_.nullable_currency, default=None, nothing="")
    if row.attribute == "refund_currency"
    else row
    for row in _INFORMATION_ROWS
)

INFORMATION: Final = Table(OrderInformation, ("Order", "row"), _INFORMATION_ROWS)
"""The row of a paid order; it has no envelope (protocol description, 2.4)."""

UNPAID_INFORMATION: Final = Table(UnpaidOrderInformation, ("Order", "row"), _UNPAID_ROWS)
"""The row of an unpaid order: nothing is an empty element (protocol description, 7.21)."""


def _order_rows(*path: str, required: bool = False) -> Group:
    paid = Table(OrderInformation, ("row",), _INFORMATION_ROWS)
    unpaid = Table(UnpaidOrderInformation, ("row",), _UNPAID_ROWS)
    return Group("orders", path, paid, (unpaid,), required)


CLASSIC_INFORMATION: Final = _response(
    ClassicOrderInformation,
    Operation.GET_ORDER_INFORMATION,
    STATUS,
    _order_rows("Order", "row", required=True),
)
"""The row in the usual envelope, for ClassicView (protocol description, 2.4)."""

ENVELOPED_PURCHASE: Final = _response(
    EnvelopedPurchaseResponse,
    Operation.PURCHASE,
    STATUS,
    Group("messages", ("XMLOut", "Message"), MESSAGE),
    pos_fields("codes", "POSResponse", "out", "l"),
    pos_fields("fields", "POSResponse", "out", "f"),
    field("response_code", "ResponseCode", SHORT, default=""),
)
"""A payment with a saved card, for ResponseFormat TKKPG (protocol description, 2.11)."""

RESPONSES: Final = {
    Operation.CREATE_ORDER: _response(
        CreateOrderResponse,
        Operation.CREATE_ORDER,
        STATUS,
        ORDER_ID,
        field("session_id", "Order/SessionID", SHORT),
        field("url", "Order/URL", as_.url),
    ),
    Operation.GET_ORDER_STATUS: _response(
        GetOrderStatusResponse,
        Operation.GET_ORDER_STATUS,
        STATUS,
        ORDER_ID,
        field("order_status", "Order/OrderStatus", as_.order_status),
        field("receipt", "AdditionalInfo/Receipt", as_.base64_text, default=None),
    ),
    Operation.GET_ORDER_INFORMATION: INFORMATION,
    Operation.COMPLETION: _response(
        CompletionResponse,
        Operation.COMPLETION,
        STATUS,
        pos_fields("codes", "POSResponse", "l"),
        pos_fields("fields", "POSResponse", "f"),
    ),
    Operation.REVERSE: _response(
        ReverseResponse,
        Operation.REVERSE,
        STATUS,
        ORDER_ID,
        field("response_code", "Reversal/RespCode", SHORT, default="", nothing=""),
        field("response_message", "Reversal/RespMessage", DESCRIPTION, default="", nothing=""),
    ),
    Operation.REFUND: _response(RefundResponse, Operation.REFUND, STATUS),
    Operation.PURCHASE: Table(
        PurchaseResponse,
        ("out",),
        (
            pos_fields("codes", "l"),
            pos_fields("fields", "f"),
            field("response_code", "ResponseCode", SHORT, default=""),
            Group("messages", ("XMLOut", "Message"), MESSAGE),
        ),
    ),
    Operation.GET_ORDERS: Table(GetOrdersResponse, ("Orders",), (_order_rows("row"),)),
}
"""Table of each successful reply, by operation."""

OUTCOMES: Final = {
    Operation.COMPLETION: ("Response", "POSResponse"),
    Operation.REVERSE: ("Response", "Reversal"),
    Operation.PURCHASE: ("Response", "XMLOut"),
}
"""Path of what a reply holds beside Status 96 when the host has declined."""

ENVELOPED: Final = {
    Operation.GET_ORDER_INFORMATION: CLASSIC_INFORMATION,
    Operation.PURCHASE: ENVELOPED_PURCHASE,
}
"""Replies that may stand in the usual envelope too, where the request asked for it."""

FAILURE: Final = _response(
    Failure,
    None,
    field("operation", "Operation", SHORT, default=""),
    field("status", "Status", SHORT),
    field("details", "Details", DESCRIPTION, default=None),
)
"""Any refusal."""

STATUS_FAILURE: Final = _response(
    OrderStatusFailure,
    Operation.GET_ORDER_STATUS,
    STATUS,
    field("order_id", "Order/OrderID", as_.number, default=None, nothing=""),
    field("order_status", "Order/OrderStatus", as_.order_status, default=None, nothing=""),
)
"""A refused GetOrderStatus, as the bank's document prints it beside Status 30."""
