"""One listening socket: takes connections, does their TLS handshakes, hands them to HTTP.

The event loops' own `create_server` closes a connection whose handshake fails without a word.
Here every handshake is a task of our own, whose exception says why: OpenSSL's reason goes to the
log together with the peer's address, once.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp
from structlog.typing import FilteringBoundLogger
from uvicorn import Config
from uvicorn.server import ServerState

from tkkpg.gateway.control import bind_unix
from tkkpg.gateway.server.connection import Connection
from tkkpg.gateway.server.tls import refusal_reason
from tkkpg.protocol.errors import ConfigurationError

BACKLOG: Final = 2048  # connections that the kernel keeps while we are busy
MAX_HANDSHAKES: Final = 256  # under way at once; the rest wait in the backlog
MAX_CONNECTIONS: Final = 4096  # beyond this a request is answered 503
HANDSHAKE_S: Final = 5.0
CLOSE_S: Final = 10.0  # for a peer to take the last answer and to return TLS's goodbye
ACCEPT_PAUSE_S: Final = 0.5  # after the process has run out of file descriptors


@dataclass(frozen=True, slots=True)
class Listener:
    """What listens where: its port is set by the option `--<name>-port`, and 0 is a free one.

    A host that is an absolute path is a UNIX socket, which its owner alone may use.
    """

    name: str
    app: ASGIApp
    host: str
    port: int
    tls: ssl.SSLContext | None = None
    keep_alive_s: int = 65
    option: str = ""  # where it has another name


class Listening:
    """A bound socket with its connections; taking them begins with `start`.

    Raises:
        ConfigurationError: the address cannot be bound.
    """

    def __init__(self, listener: Listener, log: FilteringBoundLogger) -> None:
        self.state = ServerState()
        self._listener = listener
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._config = _http_config(listener)
        self._handshakes: set[asyncio.Task[None]] = set()
        self._short_of_files = False
        self._socket = _bind(listener)

    @property
    def port(self) -> int:
        """The port that was bound; 0 of a UNIX socket."""
        name = self._socket.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def start(self) -> None:
        """Take connections from now on, until `close`."""
        if self._socket.fileno() != -1:
            self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Take no more connections and give up unfinished handshakes; those made live on."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._listener.host.startswith("/"):
            Path(self._listener.host).unlink(missing_ok=True)
        for handshake in self._handshakes:
            handshake.cancel()

    def connections(self) -> Iterator[Connection]:
        """Yield the connections that are open now."""
        for connection in list(self.state.connections):
            if isinstance(connection, Connection):
                yield connection

    def tasks(self) -> set[asyncio.Task[None]]:
        """Return the handshakes and requests that are under way now."""
        return self._handshakes | self.state.tasks

    def _accept(self) -> None:
        """Take what has come, while there is room for its handshakes."""
        while len(self._handshakes) < MAX_HANDSHAKES:
            try:
                connection, address = self._socket.accept()
                address = address or ("unix", 0)  # a UNIX socket's peer has none
            except BlockingIOError:
                return
            except OSError as error:
                self._pause(error)
                return
            self._short_of_files = False
            handshake = self._loop.create_task(self._shake_hands(connection, address))
            self._handshakes.add(handshake)
            handshake.add_done_callback(self._handshake_ended)
        self._loop.remove_reader(self._socket)

    def _pause(self, error: OSError) -> None:
        """Leave connections in the backlog for a moment; say so once, not twice a second."""
        if not self._short_of_files:
            self._log.warning("accept_failed", listener=self._listener.name, reason=error.strerror)
        self._short_of_files = True
        self._loop.remove_reader(self._socket)
        self._loop.call_later(ACCEPT_PAUSE_S, self.start)

    def _handshake_ended(self, handshake: asyncio.Task[None]) -> None:
        full = len(self._handshakes) >= MAX_HANDSHAKES
        self._handshakes.discard(handshake)
        if full:
            self.start()

    async def _shake_hands(self, connection: socket.socket, address: tuple[str, int]) -> None:
        tls = self._listener.tls
        try:
            await self._loop.connect_accepted_socket(
                self._http,
                connection,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_S if tls else None,
                ssl_shutdown_timeout=CLOSE_S if tls else None,
            )
        except Exception as error:  # noqa: BLE001 - whatever ends one connection ends only that one
            self._log.warning(
                "handshake_failed",
                listener=self._listener.name,
                address=address[0],
                peer_port=address[1],
                reason=refusal_reason(error),
            )

    def _http(self) -> Connection:
        return Connection(self._config, self.state, app_state={}, _loop=self._loop)


def _http_config(listener: Listener) -> Config:
    """HTTP by uvicorn without what we do ourselves: logs, signals, sockets, start and stop."""
    config = Config(
        listener.app,
        interface="asgi3",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=listener.keep_alive_s,
    )
    config.load()
    return config


def _bind(listener: Listener) -> socket.socket:
    if listener.host.startswith("/"):
        bound = bind_unix(Path(listener.host), f"socket ({listener.option})")
        bound.settimeout(0)
        bound.listen(BACKLOG)
        return bound
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    try:
        bound = socket.create_server((listener.host, listener.port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno in {errno.EMFILE, errno.ENFILE}:  # no fault of the address
            raise
        raise ConfigurationError(_cannot_bind(listener, error)) from error
    bound.settimeout(0)  # a readiness that has passed must not block the loop
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it
    return bound


def _cannot_bind(listener: Listener, error: OSError) -> str:
    """Say why there is no listener, and what to do."""
    port, option = listener.port, listener.option or f"--{listener.name}-port"
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} ({option}) is in use by another program, perhaps by another gateway. "
            f"Stop that program, or choose another port with {option}; 0 picks a free one."
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} ({option}) needs rights that this process does not have, as ports below "
            f"1024 do. Choose a port from 1024 up with {option}, or let everybody use this one: "
            f"sysctl -w net.ipv4.ip_unprivileged_port_start={port}"
        )
    return (
        f"{listener.host!r} port {port} ({option}) cannot be listened on: {error.strerror}. The "
        f"host must be an address of this machine, such as 127.0.0.1."
    )
