"""What operators read of a SQLite file, beside the gateway that owns it: queries, never a write.

The connection refuses to write, so a view can be looked at while payments go on.
"""

from tkkpg.gateway.store.views.merchants import (
    MERCHANTS_MAX,
    MerchantView,
    find_merchants,
    merchant_view,
)
from tkkpg.gateway.store.views.orders import (
    ORDERS_MAX,
    Delivery,
    Happening,
    LedgerEntry,
    OrderView,
    find_orders,
    order_view,
)
from tkkpg.gateway.store.views.snapshot import reading
from tkkpg.gateway.store.views.statements import (
    ACCOUNTS,
    RowKind,
    StatementRow,
    statement,
)
from tkkpg.gateway.store.views.transactions import (
    TRANSACTIONS_MAX,
    ApprovedDay,
    ApprovedTransaction,
    approved_transactions,
    find_transactions,
)

__all__ = [
    "ACCOUNTS",
    "MERCHANTS_MAX",
    "ORDERS_MAX",
    "TRANSACTIONS_MAX",
    "ApprovedDay",
    "ApprovedTransaction",
    "Delivery",
    "Happening",
    "LedgerEntry",
    "MerchantView",
    "OrderView",
    "RowKind",
    "StatementRow",
    "approved_transactions",
    "find_merchants",
    "find_orders",
    "find_transactions",
    "merchant_view",
    "order_view",
    "reading",
    "statement",
]
