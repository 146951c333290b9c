"""Which files of a home are secrets, and that nobody but their owner can read them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

PRIVATE: Final = 0o600
OTHERS: Final = 0o077
"""Rights of everybody but the owner."""

SECRETS: Final = {
    "keys.toml": "keys of seals, forms, card hashes and saved cards",
    "head.json": "the newest seal and the highest numbers",
    "*.db*": "the gateway's database and the shop's: sessions, addresses, what was paid",
    "clock.json": "how far business time is ahead",
    "*-key.pem": "keys of the servers' CA and of the servers",
    "merchants/*-key.pem": "key of the merchants' CA",
    "merchants/*/*key.pem": "keys of merchants that were made here",
    "issuer/*.db*": "the issuer's journal in a sandbox",
}
"""Files of a home that have mode 0600, by their pattern. The rest may be read by everybody who can
enter the folder: certificates, where the sandbox listens, locks; nobody else can write them."""


def must_be_private(home: Path) -> None:
    """Go on only where every secret of a home is its owner's alone.

    Raises:
        ConfigurationError: Others may read, write or run one of them; it names each of them.
    """
    refuse_open(path for pattern in SECRETS for path in home.glob(pattern))


def refuse_open(paths: Iterable[Path]) -> None:
    """Go on only where these files are their owner's alone.

    Raises:
        ConfigurationError: One is not.
    """
    found = sorted(path for path in paths if path.is_file() and path.stat().st_mode & OTHERS)
    if found:
        names = " ".join(shlex.quote(str(path)) for path in found)
        raise ConfigurationError(
            f"Other users of this machine can read secrets of the gateway: {names}. Somebody who "
            f"has read a key can use it; where that is possible, replace it. Then run: chmod "
            f"{PRIVATE:o} {names}"
        )
