"""A network that leads to addresses chosen beforehand, whatever name is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import httpcore2

CONNECT_TIMEOUT_S: Final = 3.0
"""For one address, so that a dead first one leaves time for the second."""


class PinnedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to the first of the given addresses that answers; for one connection.

    Everything above it (Host header, SNI, verification of the certificate) keeps the name, since
    only the connection itself is told where to go.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses
        self._network = httpcore2.AnyIOBackend()
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Try the addresses in turn; the host is not looked at.

        Raises:
            httpcore2.ConnectError: No address answered, `ConnectTimeout` if the last was silent.
        """
        del host, timeout
        failure: Exception = httpcore2.ConnectError("There is no address to connect to.")
        for address in self._addresses:
            try:
                self._stream = await self._network.connect_tcp(
                    address, port, CONNECT_TIMEOUT_S, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return self._stream
        raise failure

    async def aclose(self) -> None:
        """Close the socket: httpcore2 leaves it open when a TLS handshake is cancelled."""
        if self._stream is not None:
            await self._stream.aclose()
