"""The tables, once for every database: SQLAlchemy describes, Alembic migrates, nobody else uses it.

Times are UTC as whole microseconds since 1970, money is whole minor units. Of a card there is its
masked number and a keyed hash; of one that the host keeps, its expiry and its token, sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from tkkpg.gateway.model.ledger import PAYABLE, Posting
from tkkpg.gateway.model.transaction import OPEN, TranKind, TranState
from tkkpg.protocol.values import OrderStatus, OrderType

if TYPE_CHECKING:
    from collections.abc import Iterable

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)


def _one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in sorted(values))
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null)


def _added_text(name: str, default: str = "") -> sa.Column[str]:
    """A column that came later, with what it holds in older rows."""
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _added_number(name: str, default: int = 0) -> sa.Column[int]:
    """A column that came later, with what it holds in older rows."""
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=str(default))


def _key(name: str) -> sa.Column[int]:
    """A 64-bit key; SQLite's row id must be declared INTEGER."""
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _counter(name: str) -> sa.Column[int]:
    """A 64-bit key that the database counts up in the order of commits."""
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


MERCHANT = sa.Table(
    "merchant",
    METADATA,
    sa.Column("merchant_id", sa.Text, primary_key=True),
    _text("name"),
    _text("terminal_id"),
    _text("base_url"),
    _text("notification_url"),
    _number("xmlout_wrapped"),
    _number("xmlout_base64"),
    _text("frame_ancestors"),
    _text("operations"),
    _number("active"),
    _added_text("currencies", "944"),
    _added_number("fee_bp"),
    _added_number("duplicate_window_s"),
    _added_text("change_status_url"),
    _added_number("card_registration", 1),
    _added_text("password"),
    _added_text("unauthenticated", "decline"),
    _added_text("bank_profile", "kapital"),
    _added_text("order_types", "PreAuth Purchase"),
    _added_text("return_schemes"),
)

CERTIFICATE = sa.Table(
    "certificate",
    METADATA,
    sa.Column("fingerprint", sa.Text, primary_key=True),
    sa.Column("merchant_id", sa.Text, sa.ForeignKey("merchant.merchant_id"), nullable=False),
    _number("not_after"),
    _number("revoked"),
)

ORDERS = sa.Table(
    "orders",
    METADATA,
    _key("order_id"),
    _text("session_id"),
    sa.Column("merchant_id", sa.Text, sa.ForeignKey("merchant.merchant_id"), nullable=False),
    _text("order_type"),
    _text("status"),
    _number("version"),
    _number("amount_minor"),
    _text("currency"),
    _text("language"),
    _text("description"),
    _text("approve_url"),
    _text("cancel_url"),
    _text("decline_url"),
    _number("created_at"),
    _number("updated_at", null=True),
    _number("expires_at"),
    _number("paid_at", null=True),
    _number("refunded_at", null=True),
    _number("refunded_minor"),
    _number("fee_minor"),
    _added_number("captured_minor"),
    _added_number("instalments"),
    _added_text("registration"),
    _added_text("change_status_url"),
    _added_text("email"),
    _added_text("params"),
    _added_text("positions"),
    _one_of("status", OrderStatus),
    _one_of("order_type", {kind.charged_as for kind in OrderType}),
    sa.CheckConstraint("amount_minor > 0", name="amount"),
    sa.CheckConstraint(
        "refunded_minor >= 0 AND refunded_minor <= amount_minor", name="refunded_minor"
    ),
    sa.Index(
        "ix_orders_waiting",
        "expires_at",
        sqlite_where=sa.text("status IN ('CREATED', 'ON-PAYMENT')"),
        postgresql_where=sa.text("status IN ('CREATED', 'ON-PAYMENT')"),
    ),
    sa.Index("ix_orders_created_at", "created_at"),
    sa.Index("ix_orders_merchant_id_created_at", "merchant_id", "created_at", "order_id"),
    sa.Index("ix_orders_session_id", "session_id"),
)

_OPEN = sa.text("state IN ({})".format(", ".join(f"'{state}'" for state in OPEN)))
_UNRESOLVED = sa.text("state IN ('SENT', 'UNKNOWN', 'REVERSING')")
_AUTHENTICATED = sa.text("threeds_server_trans_id IS NOT NULL")
_ADVISED = sa.text("reversal_stan IS NOT NULL")

TRAN = sa.Table(
    "tran",
    METADATA,
    _key("tran_id"),
    sa.Column("order_id", sa.BigInteger, sa.ForeignKey("orders.order_id"), nullable=False),
    _text("merchant_id"),
    _text("terminal_id"),
    _text("kind"),
    _text("state"),
    _number("amount_minor"),
    _text("currency"),
    _number("two_id"),
    _number("stan"),
    _text("rrn"),
    _number("created_at"),
    _number("sent_at", null=True),
    _number("finished_at", null=True),
    _text("response_code", null=True),
    _text("approval_code", null=True),
    _number("original_id", null=True),
    _number("reversal_stan", null=True),
    _text("description"),
    _text("pan_masked", null=True),
    _text("pan_hash", null=True),
    _text("brand", null=True),
    _added_number("hold"),
    _number("reversal_at", null=True),
    _text("late_reply", null=True),
    _number("parked_at", null=True),
    _added_number("register"),
    _text("card_uid", null=True),
    _text("card_expiry", null=True),
    _added_number("fee_minor"),
    _added_number("settled"),
    _added_text("request_digest"),
    _added_text("source"),
    _added_text("positions"),
    _text("threeds_server_trans_id", null=True),
    _text("threeds_key", null=True),
    _text("threeds_verdict", null=True),
    _text("threeds_reason", null=True),
    _text("eci", null=True),
    _text("ds_trans_id", null=True),
    _text("cavv", null=True),
    _one_of("kind", TranKind),
    _one_of("state", TranState),
    sa.CheckConstraint("amount_minor > 0", name="amount"),
    sa.Index("ix_tran_order_id", "order_id"),
    sa.Index(
        "ux_tran_one_open", "order_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN
    ),
    sa.Index(
        "ix_tran_unresolved", "sent_at", sqlite_where=_UNRESOLVED, postgresql_where=_UNRESOLVED
    ),
    sa.Index("ix_tran_stan", "stan"),
    sa.Index("ix_tran_finished_at", "finished_at"),
    sa.Index(
        "ux_tran_threeds_server_trans_id",
        "threeds_server_trans_id",
        unique=True,
        sqlite_where=_AUTHENTICATED,
        postgresql_where=_AUTHENTICATED,
    ),
    sa.Index(
        "ix_tran_reversal_stan",
        "reversal_stan",
        sqlite_where=_ADVISED,
        postgresql_where=_ADVISED,
    ),
)

_PAYABLE = sa.text("posting IN ({})".format(", ".join(f"'{one}'" for one in sorted(PAYABLE))))

ENTRY = sa.Table(
    "entry",
    METADATA,
    _counter("entry_id"),
    _text("plan_id"),
    _text("posting"),
    _text("phase"),
    _text("debit"),
    _text("credit"),
    _text("merchant_id"),
    _number("amount_minor"),
    _text("currency"),
    _number("at"),
    _number("order_id", null=True),
    _number("tran_id", null=True),
    _one_of("posting", Posting),
    sa.CheckConstraint("amount_minor > 0", name="amount"),
    sa.Index("ix_entry_order_id", "order_id"),
    sa.Index("ix_entry_merchant_id_currency_at", "merchant_id", "currency", "at"),
    sa.Index(
        "ix_entry_payable",
        "merchant_id",
        "currency",
        "entry_id",
        sqlite_where=_PAYABLE,
        postgresql_where=_PAYABLE,
    ),
)

BALANCE = sa.Table(
    "balance",
    METADATA,
    sa.Column("merchant_id", sa.Text, primary_key=True),
    sa.Column("currency", sa.Text, primary_key=True),
    _number("posted_minor"),
    _number("reserved_minor"),
    _number("settled_through"),
    sa.CheckConstraint(
        "reserved_minor >= 0 AND posted_minor >= reserved_minor", name="reserved_minor"
    ),
)

SAVED_CARD = sa.Table(
    "saved_card",
    METADATA,
    sa.Column("card_uid", sa.Text, primary_key=True),
    sa.Column("merchant_id", sa.Text, sa.ForeignKey("merchant.merchant_id"), nullable=False),
    _number("order_id"),
    _text("token"),
    _text("pan_masked"),
    _text("brand"),
    _text("expiry"),
    _number("created_at"),
)

NOTIFICATION = sa.Table(
    "notification",
    METADATA,
    sa.Column("notification_id", sa.Text, primary_key=True),
    _number("order_id"),
    _text("merchant_id"),
    _text("url"),
    _text("xmlmsg"),
    _text("state"),
    _number("attempts"),
    _number("due_at"),
    _number("leased_until"),
    _number("created_at"),
    _number("finished_at", null=True),
    _text("last_result", null=True),
    _one_of("state", ("QUEUED", "DELIVERED", "PARKED")),
    sa.Index(
        "ix_notification_due",
        "due_at",
        sqlite_where=sa.text("state = 'QUEUED'"),
        postgresql_where=sa.text("state = 'QUEUED'"),
    ),
    sa.Index(
        "ix_notification_merchant_id_due",
        "merchant_id",
        "due_at",
        sqlite_where=sa.text("state = 'QUEUED'"),
        postgresql_where=sa.text("state = 'QUEUED'"),
    ),
    sa.Index("ix_notification_order_id", "order_id"),
)

AUDIT = sa.Table(
    "audit",
    METADATA,
    _counter("audit_id"),
    sa.Column("plan_id", sa.Text, nullable=False, unique=True),
    _number("at"),
    _text("actor"),
    _text("action"),
    _number("order_id", null=True),
    _text("request_id"),
    _text("detail"),
    _added_text("written"),
    sa.Index("ix_audit_order_id", "order_id"),
)

SEAL = sa.Table(
    "seal",
    METADATA,
    _counter("seal_id"),
    _number("first_audit_id"),
    _number("last_audit_id"),
    _number("rows"),
    _text("root"),
    _text("mac"),
)

SEQUENCE = sa.Table(
    "sequence",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    _number("next"),
)
