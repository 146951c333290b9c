"""Named secret keys with ids, in `keys.toml` beside the database and never inside it.

The newest key of a purpose writes; all of them read.
"""

from __future__ import annotations

import base64
import hmac
import os
import tomllib
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tkkpg.gateway.modes import PRIVATE, refuse_open
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

PURPOSES: Final = ("page", "pan", "audit", "seal", "head")
"""Form tokens of the hosted page, keyed hash of card numbers, seals of the audit rows, what is
sealed at rest (host tokens of saved cards, equivalents of passwords), and the head of the seals."""
ADDED: Final = frozenset({"seal"})
"""Purposes that older files lack; they are given a key on the next start."""
ADOPTED: Final = frozenset({"head"})
"""Purposes that older files lack, and whose key says that their file was once written: it is added
by `gateway.home` alone, after that."""
NONCE_BYTES: Final = 12
"""Of AES-GCM: 96 bits, drawn anew for each sealed text."""
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys in memory; `repr` shows their ids alone.

    Attributes:
        by_purpose: For each purpose, key id to key, newest last.
        random_bytes: Secure random bytes of a given length.
    """

    by_purpose: Mapping[str, Mapping[str, bytes]]
    random_bytes: Callable[[int], bytes] = os.urandom

    def has(self, purpose: str) -> bool:
        """Return whether there is a key for a purpose."""
        return purpose in self.by_purpose

    def __repr__(self) -> str:
        """Show purposes and ids."""
        shown = {purpose: list(keys) for purpose, keys in self.by_purpose.items()}
        return f"Keys({shown})"

    def with_new(self, *purposes: str) -> Keys:
        """Return these keys and a first one for each of some purposes."""
        added = {purpose: {"k1": self.random_bytes(KEY_BYTES)} for purpose in purposes}
        return Keys({**self.by_purpose, **added}, self.random_bytes)

    def digest(self, purpose: str, text: str) -> str:
        """Give the HMAC-SHA-256 of a text under the newest key, in hexadecimal."""
        *_, newest = self.by_purpose[purpose].values()
        return hmac.new(newest, text.encode(), sha256).hexdigest()

    def sign(self, purpose: str, text: str) -> str:
        """Make a token for a text: key id, a point, HMAC in hexadecimal."""
        *_, newest = self.by_purpose[purpose]
        return f"{newest}.{self.digest(purpose, text)}"

    def verify(self, purpose: str, text: str, token: str) -> bool:
        """Check a token in constant time, under the key that it names."""
        key_id, _, claimed = token.partition(".")
        key = self.by_purpose.get(purpose, {}).get(key_id)
        if key is None or not claimed.isascii():
            return False
        return hmac.compare_digest(hmac.new(key, text.encode(), sha256).hexdigest(), claimed)

    def seal(self, text: str, bound_to: str) -> str:
        """Encrypt a text with AES-256-GCM, so that it opens only for what it is bound to.

        Args:
            text: The secret.
            bound_to: What it belongs to, such as a card's number at the merchant.

        Returns:
            Key id, a point, and nonce and ciphertext in base64.
        """
        *_, (key_id, key) = self.by_purpose["seal"].items()
        nonce = self.random_bytes(NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), bound_to.encode())
        return f"{key_id}.{base64.b64encode(nonce + sealed).decode('ascii')}"

    def unseal(self, sealed: str, bound_to: str) -> str:
        """Give the text that was sealed.

        Raises:
            ConfigurationError: Its key is gone, or it was changed or is bound to something else.
        """
        key_id, _, content = sealed.partition(".")
        key = self.by_purpose["seal"].get(key_id)
        try:
            raw = base64.b64decode(content, validate=True)
            text = AESGCM(key or b"").decrypt(
                raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()
            )
        except (ValueError, InvalidTag):
            message = (
                "A sealed value cannot be opened: its key is not in the key file, or it was "
                "changed in the database. Restore both from backups of the same time."
            )
            raise ConfigurationError(message) from None
        return text.decode()


def load_keys(path: Path, random_bytes: Callable[[int], bytes]) -> Keys:
    """Read the key file, or make it (mode 0600) where there is none.

    Raises:
        ConfigurationError: It can be read by others, or is not what it must be.
    """
    if not path.exists():
        write_keys(path, new_keys(random_bytes))
    refuse_open([path])
    keys = Keys(_read(path), random_bytes)
    if missing := [one for one in PURPOSES if not keys.has(one) and one not in ADOPTED]:
        keys = keys.with_new(*missing)
        write_keys(path, keys)
    return keys


def new_keys(random_bytes: Callable[[int], bytes]) -> Keys:
    """Return a key for every purpose, in memory alone."""
    return Keys({}, random_bytes).with_new(*PURPOSES)


def write_keys(path: Path, keys: Keys) -> None:
    """Write the key file whole, mode 0600, and on disk when this returns."""
    lines = ["# Secret keys of this gateway. Back them up apart from the database."]
    for purpose, named in keys.by_purpose.items():
        lines += ["", f"[{purpose}]", *(f'{name} = "{key.hex()}"' for name, key in named.items())]
    _write(path, "\n".join(lines) + "\n")


def _read(path: Path) -> dict[str, dict[str, bytes]]:
    """Read the keys of every purpose; of those that came later, only if they are there."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        keys = {
            purpose: {name: bytes.fromhex(value) for name, value in table[purpose].items()}
            for purpose in PURPOSES
            if purpose in table or purpose not in ADDED | ADOPTED
        }
    except (tomllib.TOMLDecodeError, KeyError, ValueError, TypeError, AttributeError):
        message = (
            f"{path} is damaged: it must hold the tables {', '.join(PURPOSES)} of hexadecimal "
            "keys. Restore it from a backup; without it old seals and tokens cannot be checked."
        )
        raise ConfigurationError(message) from None
    if not all(keys.values()):
        message = f"{path} has a purpose without a key. Restore it from a backup."
        raise ConfigurationError(message)
    if any(len(key) != KEY_BYTES for named in keys.values() for key in named.values()):
        message = f"{path} has a key that is not {KEY_BYTES} bytes. Restore it from a backup."
        raise ConfigurationError(message)
    return keys


def _write(path: Path, content: str) -> None:
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, before anything is sealed with these keys
    finally:
        os.close(folder)
