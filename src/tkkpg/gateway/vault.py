"""Seals a card for the time of a challenge, so that the payer's browser can carry it.

The sealed text alone reveals nothing, and neither does the key, which stays in the transaction's
row until the card is sent or the attempt ends. A text opens only for what it was sealed for.
"""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.protocol.errors import TKKPGError
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_BYTES: Final = 32
"""AES-256."""
NONCE_BYTES: Final = 12
"""Of AES-GCM: 96 bits, drawn anew for each sealing."""
SEALED_LIMIT: Final = 300
"""Characters of `threeDSSessionData` that every access control server brings back."""
_PURPOSE: Final = "tkkpg card 1"
"""Keeps a card's text apart from anything else, and from a later form of itself."""
_CONTENT: Final = struct.Struct(">BQHBBH")
"""Length and value of the number, year, month, length and value of the CVV2: always 15 bytes, so
that the text's length says nothing; 19 digits are less than 2^64."""
SEALED_CHARS: Final = 58
"""Of a sealed card in base64url: nonce, content and the tag's 16 bytes."""


class CannotOpen(TKKPGError):
    """The sealed card is missing, changed or another's: ask the payer for the card again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a sealed card belongs to; with any other value it does not open.

    Attributes:
        tran_id: The attempt.
        currency: Numeric code.
        three_ds_server_trans_id: Of the authentication.
    """

    order_id: int
    tran_id: int
    amount_minor: int
    currency: str
    three_ds_server_trans_id: str

    def encoded(self) -> bytes:
        """Write it so that no two bindings look the same."""
        return json.dumps([_PURPOSE, *astuple(self)]).encode("ascii")


@dataclass(frozen=True, slots=True)
class SealedCard:
    """A card that only both halves together give back.

    Attributes:
        text: For the browser: base64url, `SEALED_CHARS` characters.
        key: For the transaction's row; base64url, 43 characters.
    """

    text: str
    key: Secret


def seal_card(
    card: Card, binding: Binding, random_bytes: Callable[[int], bytes] = os.urandom
) -> SealedCard:
    """Seal a card under a key of its own, with AES-256-GCM.

    Args:
        card: As typed.
        binding: What it belongs to.
        random_bytes: Secure random bytes of a given length.
    """
    pan, cvv2 = card.pan.reveal(), card.cvv2.reveal()
    content = _CONTENT.pack(
        len(pan), int(pan), card.expiry.year, card.expiry.month, len(cvv2), int(cvv2)
    )
    key, nonce = random_bytes(KEY_BYTES), random_bytes(NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, content, binding.encoded())
    return SealedCard(_written(sealed), Secret(_written(key)))


def open_card(text: str, key: Secret, binding: Binding) -> Card:
    """Give back the card.

    Raises:
        CannotOpen: The text is missing, changed, or of another attempt, or the key is.
    """
    if not 0 < len(text) <= SEALED_LIMIT:
        raise CannotOpen
    try:
        sealed = _bytes_of(text)
        content = AESGCM(_bytes_of(key.reveal())).decrypt(
            sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], binding.encoded()
        )
        pan_length, pan, year, month, cvv2_length, cvv2 = _CONTENT.unpack(content)
    except (InvalidTag, ValueError, struct.error):
        raise CannotOpen from None
    return Card(
        Secret(f"{pan:0{pan_length}d}"), Expiry(year, month), Secret(f"{cvv2:0{cvv2_length}d}")
    )


def _written(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _bytes_of(text: str) -> bytes:
    """Read base64url in its one canonical form, so that no changed text opens."""
    content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _written(content) != text:
        raise ValueError
    return content
