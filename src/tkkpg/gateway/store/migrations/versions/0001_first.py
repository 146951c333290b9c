"""First tables: merchants, orders, transactions, ledger, notifications, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create_merchant()
    _create_certificate()
    _create_orders()
    _create_tran()
    _create_entry()
    _create_balance()
    _create_notification()
    _create_audit()
    _create_seal()
    _create_sequence()


def _create_merchant() -> None:
    op.create_table(
        "merchant",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("base_url", sa.Text(), nullable=False),
        sa.Column("notification_url", sa.Text(), nullable=False),
        sa.Column("xmlout_wrapped", sa.BigInteger(), nullable=False),
        sa.Column("xmlout_base64", sa.BigInteger(), nullable=False),
        sa.Column("frame_ancestors", sa.Text(), nullable=False),
        sa.Column("operations", sa.Text(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_merchant")),
    )


def _create_certificate() -> None:
    op.create_table(
        "certificate",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.merchant_id"], name=op.f("fk_certificate_merchant_id")
        ),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_certificate")),
    )


def _create_orders() -> None:
    op.create_table(
        "orders",
        sa.Column(
            "order_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("approve_url", sa.Text(), nullable=False),
        sa.Column("cancel_url", sa.Text(), nullable=False),
        sa.Column("decline_url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("refunded_at", sa.BigInteger(), nullable=True),
        sa.Column("refunded_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "order_type IN ('PreAuth', 'Purchase')", name=op.f("ck_orders_order_type")
        ),
        sa.CheckConstraint(
            "status IN ('APPROVED', 'CANCELED', 'CREATED', 'DECLINED', 'ERROR', 'EXPIRED', "
            "'ON-LOCK', 'ON-PAYMENT', 'ON-REFUND', 'PREAUTH-APPROVED', 'REFUNDED', 'REVERSED')",
            name=op.f("ck_orders_status"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_orders_amount")),
        sa.CheckConstraint(
            "refunded_minor >= 0 AND refunded_minor <= amount_minor",
            name=op.f("ck_orders_refunded_minor"),
        ),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.merchant_id"], name=op.f("fk_orders_merchant_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_created_at", "orders", ["created_at"], unique=False)
    op.create_index("ix_orders_session_id", "orders", ["session_id"], unique=False)
    op.create_index(
        "ix_orders_waiting",
        "orders",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('CREATED', 'ON-PAYMENT')"),
        postgresql_where=sa.text("status IN ('CREATED', 'ON-PAYMENT')"),
    )


def _create_tran() -> None:
    op.create_table(
        "tran",
        sa.Column(
            "tran_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("terminal_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("two_id", sa.BigInteger(), nullable=False),
        sa.Column("stan", sa.BigInteger(), nullable=False),
        sa.Column("rrn", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("response_code", sa.Text(), nullable=True),
        sa.Column("approval_code", sa.Text(), nullable=True),
        sa.Column("original_id", sa.BigInteger(), nullable=True),
        sa.Column("reversal_stan", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("pan_masked", sa.Text(), nullable=True),
        sa.Column("pan_hash", sa.Text(), nullable=True),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('AUTHORISATION', 'COMPLETION', 'REFUND', 'REVERSAL')",
            name=op.f("ck_tran_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('ABANDONED', 'APPROVED', 'DECLINED', 'NOT_SENT', 'RESERVED', 'REVERSED', "
            "'REVERSING', 'SENT', 'UNKNOWN')",
            name=op.f("ck_tran_state"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_tran_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.order_id"], name=op.f("fk_tran_order_id")),
        sa.PrimaryKeyConstraint("tran_id", name=op.f("pk_tran")),
    )
    op.create_index("ix_tran_order_id", "tran", ["order_id"], unique=False)
    op.create_index(
        "ix_tran_unresolved",
        "tran",
        ["sent_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('SENT', 'UNKNOWN', 'REVERSING')"),
        postgresql_where=sa.text("state IN ('SENT', 'UNKNOWN', 'REVERSING')"),
    )
    op.create_index(
        "ux_tran_one_open",
        "tran",
        ["order_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('SENT', 'UNKNOWN')"),
        postgresql_where=sa.text("state IN ('SENT', 'UNKNOWN')"),
    )


def _create_entry() -> None:
    op.create_table(
        "entry",
        sa.Column(
            "entry_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("posting", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("tran_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "posting IN ('CANCEL_REFUND', 'CHARGE', 'COMPLETE', 'DEPOSIT', 'HOLD', 'REFUND', "
            "'RELEASE', 'RESERVE_REFUND', 'SETTLE', 'UNCHARGE')",
            name=op.f("ck_entry_posting"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_entry_amount")),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry")),
    )
    op.create_index("ix_entry_order_id", "entry", ["order_id"], unique=False)
    op.create_index(
        "ix_entry_payable",
        "entry",
        ["merchant_id", "currency", "entry_id"],
        unique=False,
        sqlite_where=sa.text("posting IN ('CHARGE', 'COMPLETE', 'UNCHARGE')"),
        postgresql_where=sa.text("posting IN ('CHARGE', 'COMPLETE', 'UNCHARGE')"),
    )


def _create_balance() -> None:
    op.create_table(
        "balance",
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("posted_minor", sa.BigInteger(), nullable=False),
        sa.Column("reserved_minor", sa.BigInteger(), nullable=False),
        sa.Column("settled_through", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "reserved_minor >= 0 AND posted_minor >= reserved_minor",
            name=op.f("ck_balance_reserved_minor"),
        ),
        sa.PrimaryKeyConstraint("merchant_id", "currency", name=op.f("pk_balance")),
    )


def _create_notification() -> None:
    op.create_table(
        "notification",
        sa.Column("notification_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("xmlmsg", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("last_result", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('DELIVERED', 'PARKED', 'QUEUED')", name=op.f("ck_notification_state")
        ),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notification")),
    )
    op.create_index(
        "ix_notification_due",
        "notification",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'QUEUED'"),
        postgresql_where=sa.text("state = 'QUEUED'"),
    )
    op.create_index("ix_notification_order_id", "notification", ["order_id"], unique=False)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column(
            "audit_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit")),
        sa.UniqueConstraint("plan_id", name=op.f("uq_audit_plan_id")),
    )
    op.create_index("ix_audit_order_id", "audit", ["order_id"], unique=False)


def _create_seal() -> None:
    op.create_table(
        "seal",
        sa.Column(
            "seal_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("first_audit_id", sa.BigInteger(), nullable=False),
        sa.Column("last_audit_id", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("mac", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seal_id", name=op.f("pk_seal")),
    )


def _create_sequence() -> None:
    op.create_table(
        "sequence",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sequence")),
    )
