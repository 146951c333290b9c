"""What the operating system or a database refused: what happened, why, and what to do."""

from __future__ import annotations

import errno
import os
import resource
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

FULL: Final = "Make room on its disk and run the command again; what was committed before is kept"
READ_ONLY: Final = "Its disk can only be read: let it be written, or use another home with --home"
FOREIGN: Final = (
    "Run the command as the user to whom the home belongs, or use another home with --home"
)
NO_FILE: Final = "A folder has the name of a file: move it away, or use another home with --home"
NO_FOLDER: Final = "A file has the name of a folder: move it away, or use another home with --home"
SICK: Final = "Look at the disk's health in the system's log, and restore the newest backup"
NOT_LOCAL: Final = "Use a home on a local disk with --home"

ADVICE: Final = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EFBIG: "A limit for the size of files is set; raise it: ulimit -f unlimited",
    errno.EROFS: READ_ONLY,
    errno.EACCES: FOREIGN,
    errno.EPERM: FOREIGN,
    errno.EISDIR: NO_FILE,
    errno.ENOTDIR: NO_FOLDER,
    errno.EEXIST: NO_FOLDER,
    errno.ENOENT: "Check the home named with --home, and whether something removes its files",
    errno.ELOOP: "A symbolic link leads back to itself: remove it",
    errno.ENAMETOOLONG: "Use a home with a shorter name with --home",
    errno.EIO: SICK,
    errno.ENOLCK: NOT_LOCAL,
    errno.ENOTSUP: NOT_LOCAL,
    errno.ENOMEM: "Free some memory and run the command again",
    errno.EAGAIN: "Let fewer processes run at once, or raise their number (ulimit -u)",
}
"""By the number of the error."""
DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})
ENOUGH: Final = 4096
"""Descriptors with which a gateway serves a thousand connections."""


DATABASES: Final = frozenset({"apsw", "sqlite3"})
"""Modules of the errors that a database raises."""


def sentence_of(error: Exception, home: Path | None = None) -> str | None:
    """Return what happened, where, and what to do about it.

    Args:
        error: What the operating system or a database refused.
        home: Where the command works, for an error that names no file.

    Returns:
        `None` for an error of another kind, and where whoever reads our output has gone, which
        ends a command quietly.
    """
    place = f" in {home}" if home else ""
    if type(error).__module__ in DATABASES:
        return f"A database{place} cannot be used: {error}. Look at it with `tkkpg check`."
    if not isinstance(error, OSError) or error.errno == errno.EPIPE:
        return None
    if error.filename is not None and not isinstance(error.filename, int):
        place = f" at {os.fsdecode(error.filename)}"
    return f"{error.strerror or error}{place}. {_advice(error.errno)}."


def _advice(number: int | None) -> str:
    if number in DESCRIPTORS:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return (
            f"A process may have {soft} files and connections open here. Raise that before the "
            f"start: ulimit -n {ENOUGH}"
        )
    return ADVICE.get(
        number or 0, "The operating system refused it; look at the home and its disk, and try again"
    )
