"""What the audit knows of time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import select
from tkkpg.gateway.store.views.snapshot import reading

if TYPE_CHECKING:
    from pathlib import Path

LAST_POSSIBLE: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""A damaged row may hold a time that no calendar has."""


def newest_at(path: Path) -> datetime | None:
    """Return the latest business time of the newest thousand audit rows, `None` where none is.

    Every plan leaves a row, so nothing that was decided is later. A thousand, since rows of one
    batch are not in the order of their times; all would take as long as the file is large.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    with reading(path) as db:
        ((newest,),) = select(
            db,
            "SELECT min(max(at), ?) FROM (SELECT at FROM audit ORDER BY audit_id DESC LIMIT 1000)",
            (rows.micros(LAST_POSSIBLE),),
        )
    return rows.moment_or_none(newest)
