"""One HTTP/1.x connection: uvicorn's, told who the peer is and kept within bounds.

uvicorn bounds neither the size of a request's head nor the time in which a request has to arrive,
and a connection on which nothing is ever sent stays open for good. Bodies are bounded by whoever
reads them, because only they know what to answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from tkkpg.gateway.server.places import Place
from tkkpg.gateway.web.peer import FINGERPRINT_KEY

MAX_HEAD_BYTES: Final = 32_768  # request line and headers; browsers send 1 to 4 kB
MAX_REQUEST_BYTES: Final = 16_777_216  # what is read and thrown away after an early refusal
RECEIVE_S: Final = 30.0  # from the first byte of a request to the last
CODING: Final = b"transfer-encoding"
TRANSPORT_KEY: Final = "transport"  # in a request's state: for the sandbox, which breaks answers


class Connection(HttpToolsProtocol):
    """A connection that knows its peer's certificate and ends when a request takes too much."""

    _receiving = False  # bytes have come that belong to no finished request
    _in_head = False
    _received = 0  # bytes of the unfinished request; a pipelined one is counted from its next piece
    _deadline: asyncio.TimerHandle | None = None

    def __init__(
        self, config: Config, state: ServerState, place: Place, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(config, state, app_state={}, _loop=loop)
        self._place = place

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the peer's fingerprint for every request to come, and start the idle clock."""
        super().connection_made(transport)
        self._place.drop = transport.abort
        self.app_state = {**self.app_state, TRANSPORT_KEY: transport}
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls else None
        if certificate:
            fingerprint = hashlib.sha256(certificate).hexdigest()
            self.app_state = {**self.app_state, FINGERPRINT_KEY: fingerprint}
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop both clocks and give the place back."""
        self._place.leave()
        self._unset_keepalive_if_required()
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, and end the connection if what is still unfinished is too large."""
        if self.transport.is_closing():
            return  # TLS transports deliver what they had read before
        self._receiving = True
        self._received += len(data)
        super().data_received(data)
        limit = MAX_HEAD_BYTES if self._in_head else MAX_REQUEST_BYTES
        if not self._receiving:
            self._stop_deadline()
        elif self._received > limit:
            self._refuse(f"A request is larger than {limit} bytes.")
        elif self._deadline is None:
            self._deadline = self.loop.call_later(RECEIVE_S, self._too_slow)

    def on_message_begin(self) -> None:
        """Enter a request's head."""
        self._receiving = self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Leave the head; one that came in a single piece is measured here.

        Raises:
            ValueError: it is too large, or does not say for whom it is or where its body ends;
                the parser passes it on and the peer gets a 400.
        """
        self._in_head = False
        if self._received > MAX_HEAD_BYTES:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > MAX_HEAD_BYTES:
                raise ValueError(size)
        fields = dict(self.headers)
        if len(fields) < len(self.headers) or b"host" not in fields or CODING in fields:
            self._check_framing()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is here, whole."""
        self._receiving, self._received = False, 0
        if not self.cycle.response_complete:
            self._place.keep_busy()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is given; wait for the next request, unless one is here already."""
        super().on_response_complete()
        if self.cycle.response_complete:
            self._place.wait()

    def _check_framing(self) -> None:
        """Hold the head against RFC 9112, 3.2 and 6.1, which the parser does not.

        Raises:
            ValueError: a request of HTTP/1.1 without exactly one Host, or a transfer coding other
                than chunked alone.
        """
        hosts = [value for name, value in self.headers if name == b"host"]
        codings = [value.lower() for name, value in self.headers if name == CODING]
        if self.parser.get_http_version() == "1.1":
            if len(hosts) != 1 or codings not in ([], [b"chunked"]):
                raise ValueError(hosts, codings)
        elif codings:
            raise ValueError(codings)

    def _too_slow(self) -> None:
        self._refuse(f"A request was not complete after {RECEIVE_S:.0f} seconds.")

    def _refuse(self, reason: str) -> None:
        if not self.transport.is_closing():
            self.logger.warning("%s Its connection is closed.", reason)
            self.transport.close()

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
