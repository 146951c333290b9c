"""Rows and tables of parts that several messages share."""

from __future__ import annotations

from typing import Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import OperationRow, Param, POSField, Position
from tkkpg.protocol.schema.table import Group, Table, field

SHORT: Final = as_.text(as_.SHORT_TEXT_MAX)
DESCRIPTION: Final = as_.text(as_.DESCRIPTION_MAX)

LANGUAGE: Final = field("language", "Language", as_.language)
MERCHANT: Final = field("merchant_id", "Order/Merchant", as_.text(as_.MERCHANT_ID_MAX))
ORDER_ID: Final = field("order_id", "Order/OrderID", as_.number)
SESSION: Final = field("session_id", "SessionID", SHORT)
STATUS: Final = field("status", "Status", as_.operation_status)
ABOUT_ORDER: Final = (LANGUAGE, MERCHANT, ORDER_ID, SESSION)

POSITION: Final = Table(
    Position,
    ("Position",),
    (
        field("payment_subject_type", "PaymentSubjectType", SHORT, default=""),
        field("quantity", "Quantity", SHORT, default=""),
        field("price", "Price", SHORT, default=""),
        field("tax", "Tax", SHORT, default=""),
        field("text", "Text", SHORT, default=""),
        field("payment_type", "PaymentType", SHORT, default=""),
        field("payment_method_type", "PaymentMethodType", SHORT, default=""),
    ),
)

POSITIONS: Final = Group("positions", ("Order", "Positions", "Position"), POSITION)

PARAM_ROW: Final = Table(
    Param,
    ("row",),
    (
        field("name", "PARAMNAME", SHORT),
        field("value", "VAL", DESCRIPTION, default=""),
    ),
)
"""A row of OrderParams (protocol description, 2.4)."""

OPERATION_ROW: Final = Table(
    OperationRow,
    ("row",),
    (
        field("tran_id", "id", as_.number),
        field("package_id", "PackageId", SHORT, default="", nothing=""),
        field("created", "createDate", as_.legacy_datetime),
        field("merchant_id", "MerchantID", as_.text(as_.MERCHANT_ID_MAX)),
        field("terminal_id", "TERMINALID", SHORT),
        field("kind", "OperType", SHORT),
        field("name", "OperName", SHORT),
        field("order_id", "OrderId", as_.number),
        field("amount_minor", "Amount", as_.minor_units),
        field("currency", "Currency", as_.currency),
        field("approval_code", "Approval", SHORT, default=""),
        field("two_id", "twoId", as_.nullable_number, default=None, nothing=""),
    ),
)
"""A row of OrderOperations (protocol description, 2.4)."""


def pos_fields(attribute: str, *path: str) -> Group:
    """Make the row of the `l` or `f` elements of a POS reply."""
    attributes = (
        field("name", "name", SHORT, default=""),
        field("value", "value", DESCRIPTION, default=""),
    )
    return Group(attribute, path, Table(POSField, (path[-1],), (), attributes=attributes))
