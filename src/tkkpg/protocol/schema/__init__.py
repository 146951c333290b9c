"""The field tables: which XML path holds which attribute, how it is converted, what is nothing.

The bank's messages are irregular on purpose of nobody: the session is a sibling of the order in
requests and its child in one reply, names change case between messages, and "nothing" is written
in four ways. So every message has its table, exact in names and order, and nothing is guessed.
The golden files hold the tables against the bank's own examples.
"""

from __future__ import annotations

from typing import Final

from tkkpg.protocol.messages import OrderStatusFailure
from tkkpg.protocol.schema.callback import BARE_CALLBACK, WRAPPED_CALLBACK
from tkkpg.protocol.schema.replies import (
    CLASSIC_INFORMATION,
    ENVELOPED,
    ENVELOPED_PURCHASE,
    FAILURE,
    INFORMATION,
    OUTCOMES,
    RESPONSES,
    STATUS_FAILURE,
    UNPAID_INFORMATION,
)
from tkkpg.protocol.schema.requests import REQUESTS
from tkkpg.protocol.schema.table import (
    REQUIRED,
    Field,
    Group,
    Leaves,
    Part,
    Path,
    Place,
    Row,
    Table,
    field,
)

__all__ = [
    "BARE_CALLBACK",
    "CLASSIC_INFORMATION",
    "ENCODINGS",
    "ENVELOPED",
    "ENVELOPED_PURCHASE",
    "FAILURE",
    "INFORMATION",
    "OUTCOMES",
    "REQUESTS",
    "REQUIRED",
    "RESPONSES",
    "STATUS_FAILURE",
    "UNPAID_INFORMATION",
    "WRAPPED_CALLBACK",
    "Field",
    "Group",
    "Leaves",
    "Part",
    "Path",
    "Place",
    "Row",
    "Table",
    "field",
]

ENCODINGS: Final = {
    table.message: table
    for table in (
        *REQUESTS.values(),
        *RESPONSES.values(),
        *ENVELOPED.values(),
        UNPAID_INFORMATION,
        FAILURE,
    )
} | {OrderStatusFailure: STATUS_FAILURE}
"""Table that writes each message."""
