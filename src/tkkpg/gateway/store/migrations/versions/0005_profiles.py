"""What differs between banks: a merchant's profile, its order types, the apps it returns to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = {
    "bank_profile": "kapital",
    "order_types": "PreAuth Purchase",
    "return_schemes": "",
}


def upgrade() -> None:
    """Add the columns."""
    for name, default in _COLUMNS.items():
        op.add_column(
            "merchant", sa.Column(name, sa.Text(), nullable=False, server_default=default)
        )
