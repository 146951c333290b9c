"""Exec behind a tunnel on the same machine: plain HTTP, and the certificate told beside it.

Some shops speak plain HTTP to a program on their own machine that does the TLS for them (protocol
description, 1.2). Whoever reaches such a listener speaks for a merchant without proving anything,
so it stands on a loopback address or a UNIX socket and nowhere else. The certificate is the one
that is configured or, where a header is named, the one that the tunnel tells in it: never both,
and on no other listener is any header believed.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.server.listening import Listener
from tkkpg.gateway.web.peer import FINGERPRINT_KEY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UNIX: Final = "unix:"
PORT_MAX: Final = 65_535

_TCP: Final = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:]*)):(?P<port>[0-9]{1,5})")
_HEADER: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Tunnel:
    """Where a tunnel comes in, and how it says whose requests it brings.

    Attributes:
        host: Loopback address, or the absolute path of a UNIX socket.
        port: 0 picks a free one; of no meaning for a path.
        header: Header with the SHA-256 of the client's certificate in hexadecimal; empty where
            every request is the configured merchant's.
    """

    host: str
    port: int
    header: str = ""

    @classmethod
    def at(cls, address: str, header: str = "") -> Tunnel:
        """Read an address: `127.0.0.1:8081`, `[::1]:8081` or `unix:/run/tkkpg/exec.sock`.

        Raises:
            ValueError: Others could reach it, or it is no address, or the header's name is none.
        """
        if header and _HEADER.fullmatch(header) is None:
            message = f"{header!r} is no name of a header. Write one such as X-Client-Certificate."
            raise ValueError(message)
        if address.startswith(UNIX):
            path = address.removeprefix(UNIX)
            if not path.startswith("/"):
                message = f"{address!r} must have an absolute path, such as unix:/run/exec.sock."
                raise ValueError(message)
            return cls(path, 0, header)
        found = _TCP.fullmatch(address)
        if found is None or int(found["port"]) > PORT_MAX:
            message = (
                f"{address!r} is no address for a tunnel. Write 127.0.0.1:8081, [::1]:8081 or "
                "unix:/run/tkkpg/exec.sock."
            )
            raise ValueError(message)
        return cls(_loopback(found["six"] or found["four"]), int(found["port"]), header)

    def url(self, port: int) -> str:
        """Return the address that a tunnel is told, once the port is known."""
        if self.host.startswith("/"):
            return f"{UNIX}{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}/Exec"


def _loopback(host: str) -> str:
    try:
        if ipaddress.ip_address(host).is_loopback:
            return host
    except ValueError:
        pass  # a name: what it stands for may change
    message = (
        f"{host!r} is not a loopback address. Over plain HTTP whoever reaches the listener speaks "
        "for the merchant, so it stands on 127.0.0.1, ::1 or a UNIX socket only. Let the tunnel "
        "run on this machine, or send requests to the Exec port with a certificate."
    )
    raise ValueError(message)


class Tunnelled:
    """Puts the certificate on the requests of a tunnel, as the TLS server does on all others."""

    def __init__(self, app: ASGIApp, tunnel: Tunnel, fingerprint: str) -> None:
        """Wrap the Exec application.

        Args:
            app: What answers.
            tunnel: Whose requests come here.
            fingerprint: SHA-256 of the configured certificate, lower-case hexadecimal; not used
                where the tunnel has a header.
        """
        self._app = app
        self._header = tunnel.header.lower().encode()
        self._fingerprint = fingerprint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        state = scope.setdefault("state", {})
        state.pop(FINGERPRINT_KEY, None)
        fingerprint = self._told(scope) if self._header else self._fingerprint
        if fingerprint is not None:
            state[FINGERPRINT_KEY] = fingerprint
        await self._app(scope, receive, send)

    def _told(self, scope: Scope) -> str | None:
        """Read the header; one that stands twice has let something from outside through."""
        values = [value for name, value in scope.get("headers", ()) if name == self._header]
        if len(values) != 1:
            return None
        told = values[0].decode("ascii", "replace").replace(":", "").strip().lower()
        return told if _FINGERPRINT.fullmatch(told) else None


def tunnel_listener(tunnel: Tunnel, app: ASGIApp, fingerprint: str) -> Listener:
    """Return the listener of a tunnel; for the arguments see `Tunnelled`."""
    served = Tunnelled(app, tunnel, fingerprint)
    return Listener("tunnel", served, tunnel.host, tunnel.port, option="--tunnel")
