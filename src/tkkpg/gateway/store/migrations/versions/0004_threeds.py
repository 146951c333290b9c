"""3-D Secure: what is kept of an authentication, and a merchant's word about unproved cards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = (
    "threeds_server_trans_id",
    "threeds_key",
    "threeds_verdict",
    "threeds_reason",
    "eci",
    "ds_trans_id",
    "cavv",
)
_AUTHENTICATED = sa.text("threeds_server_trans_id IS NOT NULL")


def upgrade() -> None:
    """Add the columns."""
    for name in _COLUMNS:
        op.add_column("tran", sa.Column(name, sa.Text()))
    op.create_index(
        "ux_tran_threeds_server_trans_id",
        "tran",
        ["threeds_server_trans_id"],
        unique=True,
        sqlite_where=_AUTHENTICATED,
        postgresql_where=_AUTHENTICATED,
    )
    op.add_column(
        "merchant",
        sa.Column("unauthenticated", sa.Text(), nullable=False, server_default="decline"),
    )
