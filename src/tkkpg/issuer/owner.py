"""One issuer owns a home: a lock that ends with its process, and says whose it is."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE_S: Final = 10.0
"""How long to wait for an issuer that is about to end, as one does whose sandbox was killed."""

_LOOK_AGAIN_S: Final = 0.05


@asynccontextmanager
async def ownership(lock: Path, patience_s: float) -> AsyncIterator[None]:
    """Hold a home for this process.

    Args:
        lock: The lock file; it holds the owner's process id.
        patience_s: How long another owner is given to end.

    Raises:
        ConfigurationError: Another process holds it and does not end.
        OSError: The file cannot be made.
    """
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _taken(file, lock, patience_s)
        os.truncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(file)


async def _taken(file: int, lock: Path, patience_s: float) -> None:
    clock = asyncio.get_running_loop().time
    until = clock() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if clock() >= until:
                owner = os.pread(file, 32, 0).decode("ascii", "replace").strip()
                raise ConfigurationError(
                    f"The issuer with process id {owner} already uses {lock.parent}. "
                    "Stop it first, or give this one another home with --home."
                ) from None
            await asyncio.sleep(_LOOK_AGAIN_S)
        else:
            return
