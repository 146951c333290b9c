"""The rows that each plan wrote, in its audit row: what is sealed covers all that is stored."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; it is empty in what older versions wrote."""
    op.add_column("audit", sa.Column("written", sa.Text(), nullable=False, server_default=""))
