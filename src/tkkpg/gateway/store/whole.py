"""Whether SQLite can read a database as one, looked at before anything is believed or written."""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.gateway.store.sqlite import BUSY_MS
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_S: Final = 10.0
"""How long a start may look. 100,000 orders (315 MB) take 0.5 s out of memory, and 6 s from a disk
that reads 50 MB a second; what was not reached is left to `tkkpg check`."""
STEPS: Final = 10_000
"""Of SQLite's machine, between two looks at the clock."""


def must_be_whole(path: Path, limit_s: float = LIMIT_S) -> bool:
    """Run SQLite's quick check over a database, if there is one.

    It finds pages that are damaged, missing or used twice, and values that the tables do not
    allow; not what somebody has changed by a statement.

    Args:
        path: The database.
        limit_s: For how long.

    Returns:
        Whether all of it was looked at.

    Raises:
        ConfigurationError: It is damaged, or no database.
    """
    if not path.exists() or not path.stat().st_size:
        return True
    until = monotonic() + limit_s
    try:
        with closing(apsw.Connection(str(path), apsw.SQLITE_OPEN_READWRITE)) as db:
            db.set_busy_timeout(BUSY_MS)
            # What is damaged is not made worse by what stands in the write-ahead log.
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            db.set_progress_handler(lambda: monotonic() > until, STEPS)
            ((row,), *_) = db.execute("PRAGMA quick_check(1)").fetchall()
            found = str(row)
    except apsw.InterruptError:
        return False
    except (apsw.CorruptError, apsw.NotADBError) as error:
        found = str(error)
    if found != "ok":
        raise ConfigurationError(
            f"{path} is damaged: {' '.join(found.split())}. Nothing was changed. Keep the file, "
            "and restore the newest backup; a sandbox can also begin anew with --fresh."
        )
    return True
