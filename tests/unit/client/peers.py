"""A TLS server on loopback that does as it is told: what a gateway, or something in front, may do.

It speaks just enough HTTP to be answered to, and counts what really arrived, which is the point:
whether a request was repeated can only be seen from here.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import trustme

from tkkpg.client import Credentials, Endpoint

Act = Callable[[ssl.SSLSocket], bool]
"""What to do about one request; whether the connection goes on."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One HTTP request as it came in, and the merchant in the certificate that came with it."""

    line: str
    headers: dict[str, str]
    body: bytes
    common_name: str


def answer(body: bytes, status: str = "200 OK", *, goes_on: bool = True) -> Act:
    """Answer with this body; then keep the connection, or close it without saying so."""

    def act(connection: ssl.SSLSocket) -> bool:
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return goes_on

    return act


def hang_up(_: ssl.SSLSocket) -> bool:
    """Take the request and end the connection without a word."""
    return False


def say_nothing(connection: ssl.SSLSocket) -> bool:
    """Take the request and wait until the other side gives up."""
    with suppress(OSError):
        connection.recv(1)
    return False


class Peer:
    """The server; `acts` are done one after the other, one for each request that arrives."""

    def __init__(self, context: ssl.SSLContext, *acts: Act) -> None:
        self.arrived: list[Arrived] = []
        self.connections = 0
        self.hung_up = threading.Event()
        self._leaving = threading.Event()
        self._context = context
        self._acts = iter(acts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._serve)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(f"https://localhost:{self._listener.getsockname()[1]}/Exec")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leaving.set()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while not self._leaving.is_set():
            try:
                plain, _ = self._listener.accept()
            except TimeoutError:
                continue
            with plain:
                plain.settimeout(5)
                self._greet(plain)

    def _greet(self, plain: socket.socket) -> None:
        connection = self._context.wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        with connection:
            try:
                connection.do_handshake()
            except ssl.SSLError:
                _let_the_alert_be_read(connection)
                return
            self.connections += 1
            while (arrived := _read(connection)) is not None:
                self.arrived.append(arrived)
                if not next(self._acts)(connection):
                    break
        self.hung_up.set()


def _let_the_alert_be_read(connection: ssl.SSLSocket) -> None:
    """End our half only: to close with something unread would cut the alert off."""
    with socket.socket(fileno=connection.detach()) as rest, suppress(OSError):
        rest.settimeout(5)
        rest.shutdown(socket.SHUT_WR)
        while rest.recv(4096):
            pass


def _read(connection: ssl.SSLSocket) -> Arrived | None:
    with connection.makefile("rb") as stream:
        line = stream.readline().decode().strip()
        if not line:
            return None
        headers = {}
        while header := stream.readline().decode().strip():
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers["content-length"]))
    return Arrived(line, headers, body, _common_name(connection))


def _common_name(connection: ssl.SSLSocket) -> str:
    certificate: dict[str, Any] = dict(connection.getpeercert() or {})
    names = {name: value for part in certificate["subject"] for name, value in part}
    return str(names["commonName"])


@dataclass(frozen=True, slots=True)
class World:
    """Two CAs, as a gateway has them, and the files of one merchant.

    Attributes:
        server_ca: Signs the gateway.
        merchants_ca: Signs merchants.
        credentials: The merchant's, with the gateway's CA.
        folder: Where further files may be put.
    """

    server_ca: trustme.CA
    merchants_ca: trustme.CA
    credentials: Credentials
    folder: Path

    def server(self, *, merchants_ca: trustme.CA | None = None) -> ssl.SSLContext:
        """A server's side of mutual TLS; `merchants_ca` is another one to believe."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.verify_mode = ssl.CERT_REQUIRED
        self.server_ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        (merchants_ca or self.merchants_ca).configure_trust(context)
        return context


def make_world(folder: Path) -> World:
    """Make the CAs and write the merchant's files."""
    server_ca, merchants_ca = trustme.CA(), trustme.CA()
    merchant = merchants_ca.issue_cert(common_name="E1000010")
    certificate, key, ca = folder / "cert.pem", folder / "key.pem", folder / "ca.pem"
    merchant.cert_chain_pems[0].write_to_path(certificate)
    merchant.private_key_pem.write_to_path(key)
    server_ca.cert_pem.write_to_path(ca)
    return World(server_ca, merchants_ca, Credentials(certificate, key, ca), folder)
