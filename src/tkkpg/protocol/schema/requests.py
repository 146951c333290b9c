"""The tables of requests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import (
    CompletionRequest,
    CreateOrderRequest,
    CustomField,
    GetOrderInformationRequest,
    GetOrdersRequest,
    GetOrderStatusRequest,
    OrdersFilter,
    Param,
    PurchaseRequest,
    RefundRequest,
    ReverseRequest,
)
from tkkpg.protocol.schema.parts import (
    ABOUT_ORDER,
    FREE_DESCRIPTION,
    FREE_SHORT,
    LANGUAGE,
    MERCHANT,
    ORDER_ID,
    PARAM_ASKED,
    POSITIONS,
    SESSION,
    SHORT,
)
from tkkpg.protocol.schema.table import Group, Leaves, Part, Row, Table, field
from tkkpg.protocol.values import Operation, OrderType

PARAMS_MAX: Final = 32
"""Parameters of an order: the manual knows twenty."""

if TYPE_CHECKING:
    from tkkpg.protocol.converters import Converter
    from tkkpg.protocol.schema.table import Field


def _request(message: type, operation: Operation, *rows: Row) -> Table:
    return Table(message, ("TKKPG", "Request"), rows, operation)


def _flag(attribute: str, path: str) -> Field:
    return field(attribute, path, as_.flag, default=False, brief=True)


def _text(attribute: str, path: str, converter: Converter = FREE_SHORT) -> Field:
    return field(attribute, path, converter, default="", brief=True)


def _written_text(attribute: str, path: str, converter: Converter) -> Field:
    return field(attribute, path, converter, default="")


def _amount(attribute: str, path: str) -> Field:
    return field(attribute, path, as_.minor_units, default=None)


_CURRENCY: Final = field("currency", "Currency", as_.currency, default=None)
_ANY_LANGUAGE: Final = field("language", "Language", as_.language, default=None)
_FEE: Final = field("fee_minor", "Order/Fee", as_.number, default=None)
_DESCRIPTION: Final = _written_text("description", "Description", FREE_DESCRIPTION)
_TWO_ID: Final = field("two_id", "TranId", as_.number, default=None, nothing="")
_TWO_ID_OR_TRANID: Final = replace(_TWO_ID, alias=("TranID",))
"""One bank's shops write a reversal's TranId with two capitals (protocol description, 2.6)."""
_SOURCE: Final = _written_text("source", "Source", FREE_SHORT)

_CUSTOM_FIELD: Final = Table(
    CustomField,
    ("Param",),
    (),
    attributes=(
        field("name", "name", FREE_SHORT, default=""),
        field("title", "title", FREE_DESCRIPTION, default=""),
    ),
)
_ADD_PARAMS: Final = (
    _text("user_email", "Order/AddParams/UserEmail"),
    field("expiration_min", "Order/AddParams/OrderExpirationPeriod", as_.minutes, default=None),
    _text("change_status_url", "Order/AddParams/ChangeStatusURL", as_.url),
    _text("sender_card_uid", "Order/AddParams/SenderCardUID"),
    Group("custom_fields", ("Order", "AddParams", "CustomFields", "Param"), _CUSTOM_FIELD),
)

CREATE_ORDER: Final = _request(
    CreateOrderRequest,
    Operation.CREATE_ORDER,
    LANGUAGE,
    field("order_type", "Order/OrderType", as_.order_type, default=OrderType.PURCHASE),
    MERCHANT,
    field("amount_minor", "Order/Amount", as_.minor_units),
    field("currency", "Order/Currency", as_.currency),
    _written_text("description", "Order/Description", FREE_DESCRIPTION),
    _written_text("approve_url", "Order/ApproveURL", as_.url),
    _written_text("cancel_url", "Order/CancelURL", as_.url),
    _written_text("decline_url", "Order/DeclineURL", as_.url),
    _FEE,
    _text("phone", "Order/phone"),
    _text("email", "Order/email"),
    POSITIONS,
    _flag("register_card", "Order/CardRegistration/RegisterCardOnSuccess"),
    _flag("register_checked", "Order/CardRegistration/CheckRegisterCardOn"),
    _flag("save_card_uid", "Order/CardRegistration/SaveCardUIDToOrder"),
    *_ADD_PARAMS,
    Leaves(
        "params",
        ("Order", "AddParams"),
        Param,
        frozenset(row.path[2] for row in _ADD_PARAMS),
        PARAMS_MAX,
    ),
)

_FILTER: Final = Table(
    OrdersFilter,
    ("OrdersFilter",),
    (
        field("start", "Period/Start", as_.day_or_datetime, default=None),
        field("end", "Period/End", as_.day_or_datetime, default=None),
        field("last_count", "LastCount", as_.number, default=None),
        field("start_from", "StartFrom", as_.number, default=None),
        field("status", "Status", as_.order_status, default=None),
        field("amount_min_minor", "Amount/Min", as_.number, default=None),
        field("amount_max_minor", "Amount/Max", as_.number, default=None),
        _CURRENCY,
        _text("description", "Description", FREE_DESCRIPTION),
        Group("params", ("AddParams", "Item"), PARAM_ASKED),
        _text("order_by", "OrderBy"),
        _text("direction", "OrderingDirection"),
        field("order_id", "OrderId", as_.number, default=None),
    ),
)

REQUESTS: Final = {
    table.operation: table
    for table in (
        CREATE_ORDER,
        _request(GetOrderStatusRequest, Operation.GET_ORDER_STATUS, *ABOUT_ORDER),
        _request(
            GetOrderInformationRequest,
            Operation.GET_ORDER_INFORMATION,
            *ABOUT_ORDER,
            _flag("show_params", "ShowParams"),
            _flag("show_operations", "ShowOperations"),
            _flag("show_positions", "ShowPositions"),
            _flag("classic_view", "ClassicView"),
        ),
        _request(
            CompletionRequest,
            Operation.COMPLETION,
            *ABOUT_ORDER,
            field("amount_minor", "Amount", as_.minor_units),
            _CURRENCY,
            _DESCRIPTION,
            field("fee_minor", "Fee", as_.number, default=None),
        ),
        _request(
            ReverseRequest,
            Operation.REVERSE,
            LANGUAGE,
            MERCHANT,
            ORDER_ID,
            POSITIONS,
            _amount("amount_minor", "Amount"),
            _DESCRIPTION,
            SESSION,
            _TWO_ID_OR_TRANID,
            _SOURCE,
        ),
        _request(
            RefundRequest,
            Operation.REFUND,
            LANGUAGE,
            MERCHANT,
            ORDER_ID,
            POSITIONS,
            _DESCRIPTION,
            SESSION,
            field("amount_minor", "Refund/Amount", as_.minor_units),
            field("currency", "Refund/Currency", as_.currency, default=None),
            field("with_fee", "Refund/WithFee", as_.flag, default=False),
            _TWO_ID,
            _SOURCE,
        ),
        _request(
            PurchaseRequest,
            Operation.PURCHASE,
            _ANY_LANGUAGE,
            MERCHANT,
            ORDER_ID,
            SESSION,
            field("amount_minor", "Amount", as_.minor_units),
            _CURRENCY,
            _text("card_uid", "CardUID", SHORT),
            field("pan", "PAN", as_.secret, default=None),
            _text("eci", "eci"),
            _text("response_format", "ResponseFormat"),
        ),
        _request(
            GetOrdersRequest,
            Operation.GET_ORDERS,
            _ANY_LANGUAGE,
            field("merchant_id", "Merchant", as_.text(as_.MERCHANT_ID_MAX)),
            Part("filter", ("OrdersFilter",), _FILTER),
        ),
    )
}
"""Table of each request, by operation."""
