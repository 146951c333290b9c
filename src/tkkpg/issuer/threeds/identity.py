"""What the directory and the access control server make up: ids, proofs, one-time codes."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Final
from uuid import UUID

from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

CODE_DIGITS: Final = 6
ACS_REFERENCE: Final = "TKKPG_SANDBOX_ACS"
DS_REFERENCE: Final = "TKKPG_SANDBOX_DS"

PROVED_ECI: Final = ("05", "02")
ATTEMPTED_ECI: Final = ("06", "01")
"""ECI of most schemes, and of Mastercard."""

_CAVV_BYTES: Final = 20
_ID_BYTES: Final = 16
_UUID_VERSION: Final = 4
_MASTERCARD: Final = ("2", "5")


def random_code() -> Secret:
    """Make a one-time code of six digits."""
    return Secret(f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}")


def new_id(random_bytes: Callable[[int], bytes]) -> str:
    """Make the id of a transaction: a UUID."""
    return str(UUID(bytes=random_bytes(_ID_BYTES), version=_UUID_VERSION))


def new_cavv(random_bytes: Callable[[int], bytes]) -> Secret:
    """Make an authentication value: 20 bytes in base64, proving nothing but that it arrived."""
    return Secret(base64.b64encode(random_bytes(_CAVV_BYTES)).decode("ascii"))


def eci(pan: Secret, of: tuple[str, str]) -> str:
    """Choose the ECI of the card's scheme."""
    return of[pan.reveal().startswith(_MASTERCARD)]
