"""What the whole protocol needs: two-step payments, reversals, fees, saved cards, parameters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_POSTINGS = (
    "posting IN ('CANCEL_CLAWBACK', 'CANCEL_FEE', 'CANCEL_REFUND', 'CANCEL_UNCHARGE', 'CHARGE', "
    "'CLAWBACK', 'COMPLETE', 'DEPOSIT', 'FEE', 'HOLD', 'REFUND', 'RELEASE', 'RESERVE_CLAWBACK', "
    "'RESERVE_REFUND', 'RESERVE_UNCHARGE', 'RETURN_FEE', 'SETTLE', 'UNCHARGE')"
)
_PAYABLE = sa.text(
    "posting IN ('CANCEL_UNCHARGE', 'CHARGE', 'COMPLETE', 'FEE', 'RESERVE_UNCHARGE')"
)
_QUEUED = sa.text("state = 'QUEUED'")


def upgrade() -> None:
    """Add columns, the saved cards, and the postings of reversals and fees."""
    _add_texts("merchant", {"currencies": "944", "change_status_url": "", "password": ""})
    _add_numbers("merchant", {"fee_bp": 0, "duplicate_window_s": 0, "card_registration": 1})
    # Who might use everything that there was may use everything that there is.
    op.execute(
        "UPDATE merchant SET operations = 'Completion CreateOrder GetOrderInformation"
        " GetOrderStatus GetOrders Purchase Refund Reverse'"
        " WHERE operations = 'CreateOrder GetOrderInformation GetOrderStatus Refund'"
    )
    _add_numbers("orders", {"captured_minor": 0, "instalments": 0})
    _add_texts(
        "orders",
        dict.fromkeys(("registration", "change_status_url", "email", "params", "positions"), ""),
    )
    op.execute(
        "UPDATE orders SET captured_minor = amount_minor"
        " WHERE status IN ('APPROVED', 'ON-REFUND', 'REFUNDED')"
    )
    op.create_index(
        "ix_orders_merchant_id_created_at", "orders", ["merchant_id", "created_at", "order_id"]
    )
    _add_numbers("tran", {"register": 0, "fee_minor": 0, "settled": 0})
    _add_texts("tran", {"request_digest": "", "source": "", "positions": ""})
    op.add_column("tran", sa.Column("card_uid", sa.Text()))
    op.add_column("tran", sa.Column("card_expiry", sa.Text()))
    op.create_index("ix_tran_finished_at", "tran", ["finished_at"])
    op.create_index(
        "ix_notification_merchant_id_due",
        "notification",
        ["merchant_id", "due_at"],
        sqlite_where=_QUEUED,
        postgresql_where=_QUEUED,
    )
    _change_entry()
    _create_saved_card()


def _add_texts(table: str, columns: dict[str, str]) -> None:
    for name, default in columns.items():
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=default))


def _add_numbers(table: str, columns: dict[str, int]) -> None:
    for name, default in columns.items():
        kind = sa.BigInteger()
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=str(default)))


def _change_entry() -> None:
    op.drop_index("ix_entry_payable", "entry")
    with op.batch_alter_table("entry", recreate="auto") as entry:
        # A table that is made anew keeps no CHECK by itself, so both are named here.
        if op.get_bind().dialect.name != "sqlite":
            entry.drop_constraint(op.f("ck_entry_posting"), type_="check")
            entry.drop_constraint(op.f("ck_entry_amount"), type_="check")
        entry.create_check_constraint(op.f("ck_entry_posting"), _POSTINGS)
        entry.create_check_constraint(op.f("ck_entry_amount"), "amount_minor > 0")
    op.create_index(
        "ix_entry_payable",
        "entry",
        ["merchant_id", "currency", "entry_id"],
        sqlite_where=_PAYABLE,
        postgresql_where=_PAYABLE,
    )
    op.create_index("ix_entry_merchant_id_currency_at", "entry", ["merchant_id", "currency", "at"])


def _create_saved_card() -> None:
    op.create_table(
        "saved_card",
        sa.Column("card_uid", sa.Text(), nullable=False),
        sa.Column("merchant_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("pan_masked", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("expiry", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchant.merchant_id"], name=op.f("fk_saved_card_merchant_id")
        ),
        sa.PrimaryKeyConstraint("card_uid", name=op.f("pk_saved_card")),
    )
