"""One gateway's certificates, made once a process: RSA keys cost more than most tests."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from tkkpg.gateway.authority import Authority, Issued


@cache
def authority() -> Authority:
    """The CAs of a home that lasts as long as the process; a test may add merchants to it."""
    home = tempfile.mkdtemp(prefix="tkkpg-tests-")
    atexit.register(shutil.rmtree, home)
    return Authority(Path(home), datetime.now(UTC))


@cache
def served() -> tuple[Issued, ...]:
    """Its servers' certificates."""
    return authority().server_certificates([], datetime.now(UTC))
