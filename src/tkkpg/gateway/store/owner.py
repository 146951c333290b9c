"""One process owns the file: a lock that ends with its process, and says whose it is."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tkkpg.gateway.modes import must_be_private
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def ownership(lock: Path) -> Iterator[None]:
    """Hold a home for this process.

    Args:
        lock: The lock file; it holds the owner's process id.

    Raises:
        ConfigurationError: Another process holds it, or others can read its secrets.
    """
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(file, 32).decode("ascii", "replace").strip()
            message = (
                f"The gateway with process id {owner} already uses {lock.parent}. "
                "Stop it first, or give this one another home with --home."
            )
            raise ConfigurationError(message) from None
        must_be_private(lock.parent)
        os.truncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)
