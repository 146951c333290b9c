"""What the operating system must allow a process before it can serve."""

from __future__ import annotations

import resource
from typing import Final

from tkkpg.protocol.errors import ConfigurationError

FILES_MIN: Final = 128
"""Files and connections that may be open: forty are a sandbox's own, the rest its peers'."""


def must_have_files() -> None:
    """Go on only where enough files and connections may be open.

    Raises:
        ConfigurationError: So few that the start or the first peers would be cut off.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < FILES_MIN:
        raise ConfigurationError(
            f"A process may have {soft} files and connections open here, and a gateway needs "
            f"{FILES_MIN} to begin with. Raise that before the start: ulimit -n 4096"
        )
