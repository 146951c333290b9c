"""The SQLite file: opened as production does, looked at before it is believed, or refused."""

from __future__ import annotations

from contextlib import closing
from time import monotonic
from typing import TYPE_CHECKING, Final

import apsw

from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

BUSY_MS: Final = 5_000
"""How long a statement waits for another process, such as one that checkpoints or reads."""
LIMIT_S: Final = 10.0
"""How long a start may look. 100,000 orders (315 MB) take 0.5 s out of memory, and 6 s from a disk
that reads 50 MB a second; what was not reached is left to `tkkpg check`."""
STEPS: Final = 10_000
"""Of SQLite's machine, between two looks at the clock."""

RESTORE: Final = (
    "Keep the file, and restore the newest backup; a sandbox can also begin anew with --fresh."
)
SENTENCES: Final = {
    apsw.SQLITE_FULL: "cannot grow. Make room on its disk; what was committed before is kept.",
    apsw.SQLITE_READONLY: "can only be read. Let this user write it and its folder.",
    apsw.SQLITE_PERM: "may not be used by this user.",
    apsw.SQLITE_CORRUPT: f"is damaged. {RESTORE}",
    apsw.SQLITE_NOTADB: f"is damaged, or no database. {RESTORE}",
    apsw.SQLITE_BUSY: "is kept busy by another process. End that one, or try again later.",
    apsw.SQLITE_LOCKED: "is kept busy by another process. End that one, or try again later.",
    apsw.SQLITE_IOERR: "cannot be read or written by the system. Look at the disk's space and "
    "health in the system's log, and try again.",
    apsw.SQLITE_CANTOPEN: "or a file beside it cannot be opened. Look at who may use the folder, "
    "and how many files a process may have open (ulimit -n).",
}
"""What follows the file's name, by SQLite's primary result code."""
PRIMARY: Final = 0xFF
"""An extended result code holds the primary one in its lowest byte."""


def connect(path: Path, *, writing: bool) -> apsw.Connection:
    """Open the file as production does; a reading connection cannot write.

    Raises:
        ConfigurationError: It cannot be used.
        OSError: The system does not let it be opened.
    """
    try:
        return _connected(path, writing=writing)
    except apsw.Error as error:
        raise unusable(path, error) from error


def _connected(path: Path, *, writing: bool) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(BUSY_MS)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA fullfsync=ON")  # macOS: a plain fsync stops short of the disk
    connection.execute("PRAGMA foreign_keys=ON")
    # A key that a commit removes is overwritten, not only unlinked.
    connection.execute("PRAGMA secure_delete=ON")
    if not writing:
        connection.execute("PRAGMA query_only=ON")
    return connection


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
        ConfigurationError: It is damaged, no database, or cannot be used.
        OSError: The system does not let it be opened.
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
    except apsw.Error as error:
        raise unusable(path, error) from error
    if found != "ok":
        raise ConfigurationError(f"{path} is damaged: {' '.join(found.split())}. {RESTORE}")
    return True


def unusable(path: Path, error: apsw.Error | sqlite3.Error) -> Exception:
    """Return the error to raise where a database cannot be used.

    Args:
        path: The database.
        error: What SQLite said.

    Returns:
        A `ConfigurationError`; or the system's own `OSError`, which names its reason, where the
        file itself cannot be opened.
    """
    code = getattr(error, "sqlite_errorcode", None) or getattr(error, "result", None) or 0
    if code & PRIMARY == apsw.SQLITE_CANTOPEN:
        try:
            path.open("rb").close()
        except OSError as reason:
            return reason
    told = SENTENCES.get(code & PRIMARY)
    if told is None:
        return ConfigurationError(
            f"{path} cannot be read as a database of this version of tkkpg: {error}."
        )
    return ConfigurationError(f"{path} {told} SQLite says: {error}.")
