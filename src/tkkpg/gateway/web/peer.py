"""Who is at the other end of this connection, as TLS has proved it.

The server puts the fingerprint of the client's certificate into the state of the connection, from
where ASGI hands a copy to every request. That is all that is kept for a connection: a resumed TLS
session is not verified again, so whether the certificate still belongs to a merchant, has expired
or was revoked has to be looked up for each request.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

FINGERPRINT_KEY: Final = "peer_fingerprint"


def peer_fingerprint(scope: Scope) -> str | None:
    """SHA-256 of the DER of the client's certificate, lower-case hexadecimal; None without one."""
    fingerprint: str | None = scope.get("state", {}).get(FINGERPRINT_KEY)
    return fingerprint
