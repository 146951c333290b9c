"""Rows and tables of parts that several messages share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import OperationRow, Param, POSField, Position
from tkkpg.protocol.schema.table import Group, Table, field

if TYPE_CHECKING:
    from tkkpg.protocol.converters import Converter

SHORT: Final = as_.text(as_.SHORT_TEXT_MAX)
DESCRIPTION: Final = as_.text(as_.DESCRIPTION_MAX)
FREE_SHORT: Final = as_.free_text(as_.SHORT_TEXT_MAX)
FREE_DESCRIPTION: Final = as_.free_text(as_.DESCRIPTION_MAX)
"""What a merchant writes: every text of a request that is no address and names nothing of ours."""

LANGUAGE: Final = field("language", "Language", as_.language)
MERCHANT: Final = field("merchant_id", "Order/Merchant", as_.text(as_.MERCHANT_ID_MAX))
ORDER_ID: Final = field("order_id", "Order/OrderID", as_.number)
SESSION: Final = field("session_id", "SessionID", SHORT)
STATUS: Final = field("status", "Status", as_.operation_status)
ABOUT_ORDER: Final = (LANGUAGE, MERCHANT, ORDER_ID, SESSION)


def _position(written: Converter) -> Table:
    rows = {
        "payment_subject_type": "PaymentSubjectType",
        "quantity": "Quantity",
        "price": "Price",
        "tax": "Tax",
        "text": "Text",
        "payment_type": "PaymentType",
        "payment_method_type": "PaymentMethodType",
    }
    fields = (field(name, path, written, default="") for name, path in rows.items())
    return Table(Position, ("Position",), tuple(fields))


POSITION: Final = _position(SHORT)
POSITIONS: Final = Group("positions", ("Order", "Positions", "Position"), _position(FREE_SHORT))


def _param_row(short: Converter, description: Converter) -> Table:
    rows = (field("name", "PARAMNAME", short), field("value", "VAL", description, default=""))
    return Table(Param, ("row",), rows)


PARAM_ROW: Final = _param_row(SHORT, DESCRIPTION)
"""A row of OrderParams (protocol description, 2.4)."""
PARAM_ASKED: Final = _param_row(FREE_SHORT, FREE_DESCRIPTION)
"""The same in a filter, which finds masked what is kept masked."""

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
