"""The tables of the callback."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tkkpg.protocol import converters as as_
from tkkpg.protocol.messages import CardRegistrationResponse, XMLOut
from tkkpg.protocol.schema.parts import DESCRIPTION, SHORT
from tkkpg.protocol.schema.table import Group, Table, field

_REGISTRATION: Final = Table(
    CardRegistrationResponse,
    ("CardRegistrationResponse",),
    (
        field("pan_masked", "MaskedPAN", SHORT),
        field("card_uid", "CardUID", SHORT),
        field("brand", "Brand", SHORT),
    ),
)

_CALLBACK_ROWS = (
    field("version", "Version", SHORT, written_only=True),
    field("order_id", "OrderID", as_.number),
    replace(field("session_id", "SessionID", SHORT, default=""), alias=("SessionId",)),
    field("transaction_type", "TransactionType", SHORT, default=""),
    field("rrn", "RRN", SHORT, default=None),
    field("pan", "PAN", SHORT, default=None),
    field("amount_minor", "PurchaseAmount", as_.minor_units),
    field("amount_text", "PurchaseAmountScr", SHORT, written_only=True),
    field("operation_minor", "TotalAmount", as_.minor_units_or_zero, default=None),
    field("operation_text", "TotalAmountScr", SHORT, written_only=True),
    field("fee_minor", "Fee", as_.number, default=0),
    field("currency", "Currency", as_.currency),
    field("currency_text", "CurrencyScr", SHORT, written_only=True),
    field("tran_date_time", "TranDateTime", as_.told_datetime, default=None),
    field("response_code", "ResponseCode", SHORT, default=None),
    field("response_description", "ResponseDescription", DESCRIPTION, default=""),
    field("brand", "Brand", SHORT, default=None),
    field("order_status", "OrderStatus", as_.order_status),
    field("status_text", "OrderStatusScr", SHORT, default=""),
    field("approval_code", "ApprovalCode", SHORT, default=None),
    field("approval_code", "ApprovalCodeScr", SHORT, written_only=True),
    field("result_text", "RezultOperation", SHORT, written_only=True),
    field("three_ds_verification", "ThreeDSVerificaion", SHORT, default=None),
    field("three_ds_status", "ThreeDSStatus", SHORT, default=None),
    field("order_description", "OrderDescription", DESCRIPTION, default=""),
    field("language", "Language", as_.told_language, default=None),
    field("authorization_response_code", "AuthorizationResponseCode", SHORT, default=None),
    field("shop_name", "ShopName", SHORT, default=None),
    field("two_id", "TwoId", as_.number, default=None),
    field("two_id", "TranId", as_.number, written_only=True),
    Group("registrations", ("CardRegistrationResponse",), _REGISTRATION),
)
_CALLBACK_ATTRIBUTES = (field("date", "date", as_.told_datetime, default=None),)


MESSAGE: Final = Table(XMLOut, ("Message",), _CALLBACK_ROWS, attributes=_CALLBACK_ATTRIBUTES)
"""XMLOut's `Message`, wherever it stands."""

BARE_CALLBACK: Final = MESSAGE
"""XMLOut with the root `Message`, as in the manual (protocol description, 3.2)."""

WRAPPED_CALLBACK: Final = Table(
    XMLOut, ("XMLOut", "Message"), _CALLBACK_ROWS, attributes=_CALLBACK_ATTRIBUTES
)
"""XMLOut with `Message` inside a root, as Kapital sends since autumn 2022."""
