"""One look at the file of a gateway that may be running: one snapshot, and never a write."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, time
from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.gateway.store import rows
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

DAY_MICROS: Final = 24 * 60 * 60 * 1_000_000
"""A day in Baku, which keeps one time all year."""


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """Open the file for one look, with one snapshot for all its queries.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"There is no database {path}. Check the home: the gateway makes it at its first start."
        )
    try:
        db = connect(path, writing=False)
        try:
            db.execute("BEGIN")
            yield db
        finally:
            db.close()
    except apsw.Error as error:
        raise ConfigurationError(
            f"{path} cannot be read as a database of this version of tkkpg: {error}."
        ) from error


def merchant_must_be_there(db: apsw.Connection, merchant_id: str, path: Path) -> None:
    """Go on only with a merchant that the file knows.

    Raises:
        ConfigurationError: It does not.
    """
    if not select(db, "SELECT 1 FROM merchant WHERE merchant_id = ?", (merchant_id,)):
        raise ConfigurationError(
            f"There is no merchant {merchant_id} in {path}. `tkkpg merchant show` lists those that "
            "are there."
        )


def day_limits(day: date) -> tuple[int, int]:
    """Give the first moment of a day in Baku, and of the next, in microseconds since 1970."""
    midnight = rows.micros(datetime.combine(day, time(), BAKU))
    return midnight, midnight + DAY_MICROS
