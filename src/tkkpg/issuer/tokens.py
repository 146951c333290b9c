"""The names under which an issuer keeps cards for merchants."""

from __future__ import annotations

import secrets
import string
from typing import Final

from tkkpg.gateway.host.fields import TOKEN_MAX
from tkkpg.protocol.masking import Secret

_CHARACTERS: Final = string.ascii_uppercase + string.digits


def random_token() -> Secret:
    """Make a token that nobody can guess; it begins with a letter, as no card number does."""
    rest = (secrets.choice(_CHARACTERS) for _ in range(TOKEN_MAX - 1))
    return Secret(secrets.choice(string.ascii_uppercase) + "".join(rest))
