"""One look at the file of a gateway that may be running: one snapshot, and never a write."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime, time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import apsw

from tkkpg.gateway.store import rows
from tkkpg.gateway.store.file import RESTORE, unusable
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

    A file in a folder that can only be read can be looked at too.

    Raises:
        ConfigurationError: The file cannot be read, or is no database of ours.
        OSError: The system does not let it be opened.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"There is no database {path}. Check the home: the gateway makes it at its first start."
        )
    try:
        db = _looked_into(path)
        try:
            db.execute("BEGIN")
            yield db
        finally:
            db.close()
    except apsw.Error as error:
        raise unusable(path, error) from error
    except ValueError as error:  # letters, numbers and names that cannot be read as what they are
        raise ConfigurationError(
            f"{path} holds a value that no gateway writes ({type(error).__name__}): the file is "
            f"damaged, or somebody has changed it. {RESTORE}"
        ) from error


def _looked_into(path: Path) -> apsw.Connection:
    """Open a file that cannot be written as well as it can be read.

    With a write-ahead log SQLite reads it by the index that the log's owner has left beside it.
    Without a log the file is all there is, and nobody changes it where nobody can make a log.

    Raises:
        ConfigurationError: There is a log without its index, and so no way to read it here.
    """
    log, index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
    if os.access(path.parent, os.W_OK) or index.exists():
        return connect(path, writing=False)
    if log.exists() and log.stat().st_size:
        raise ConfigurationError(
            f"{path} has a write-ahead log, and in a folder that can only be read there is no "
            "place for its index. Copy the home to where this user can write, and name the copy "
            "with --home."
        )
    only_read = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(str(path.resolve()))}?immutable=1", only_read)


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
