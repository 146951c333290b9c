"""What a transaction needs for a real link to the host: its reversal's time, late replies, parking.

Both trace numbers are indexed, so that a reply without a waiter finds its transaction.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ADVISED = sa.text("reversal_stan IS NOT NULL")


def upgrade() -> None:
    """Add the columns and the indexes."""
    op.add_column("tran", sa.Column("hold", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("tran", sa.Column("reversal_at", sa.BigInteger()))
    op.add_column("tran", sa.Column("late_reply", sa.Text()))
    op.add_column("tran", sa.Column("parked_at", sa.BigInteger()))
    op.create_index("ix_tran_stan", "tran", ["stan"])
    op.create_index(
        "ix_tran_reversal_stan",
        "tran",
        ["reversal_stan"],
        sqlite_where=_ADVISED,
        postgresql_where=_ADVISED,
    )
