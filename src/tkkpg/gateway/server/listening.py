"""One listening socket: takes connections, does their TLS handshakes, hands them to HTTP.

The event loops' own `create_server` closes a connection whose handshake fails without a word.
Here every handshake is a task of our own, whose exception says why: OpenSSL's reason goes to the
log together with the peer's address, once. It begins when the peer has said what it takes; those
who say nothing are kept no longer than their place is needed.
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
from tkkpg.gateway.server import hello
from tkkpg.gateway.server.connection import Connection
from tkkpg.gateway.server.places import Place, Places, places_for_one_listener
from tkkpg.gateway.server.tls import refusal_reason
from tkkpg.protocol.errors import ConfigurationError

BACKLOG: Final = 2048  # connections that the kernel keeps while we are busy
HANDSHAKE_S: Final = 5.0  # for the ClientHello to come, and for the rest
CLOSE_S: Final = 10.0  # for a peer to take the last answer and to return TLS's goodbye
ACCEPT_PAUSE_S: Final = 0.5  # after the process has run out of file descriptors
LOST_SAID_S: Final = 10.0  # between two lines about places that were needed


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
        self._places = Places(places_for_one_listener())
        self._config = _http_config(listener, self._places.limit)
        self._silent: dict[socket.socket, asyncio.TimerHandle] = {}
        self._handshakes: set[asyncio.Task[None]] = set()
        self._short_of_files = False
        self._lost_said: asyncio.TimerHandle | None = None
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
        for peer in list(self._silent):
            self._forget(peer)
            peer.close()
        for handshake in self._handshakes:
            handshake.cancel()
        if self._lost_said:
            self._lost_said.cancel()

    def connections(self) -> Iterator[Connection]:
        """Yield the connections that are open now."""
        for connection in list(self.state.connections):
            if isinstance(connection, Connection):
                yield connection

    def tasks(self) -> set[asyncio.Task[None]]:
        """Return the handshakes and requests that are under way now."""
        return self._handshakes | self.state.tasks

    def _accept(self) -> None:
        """Take all who have come; nobody waits here for others."""
        while True:
            try:
                peer, address = self._socket.accept()
                address = address or ("unix", 0)  # a UNIX socket's peer has none
            except BlockingIOError:
                return
            except OSError as error:
                if not self._places.make_room():
                    self._pause(error)
                return
            self._short_of_files = False
            peer.settimeout(0)
            place = self._places.take(peer.close)
            if self._listener.tls:
                self._listen_to(peer, address, place)
            else:
                self._begin(peer, address, place)
            if self._places.lost and self._lost_said is None:
                self._lost_said = self._loop.call_later(LOST_SAID_S, self._say_lost)

    def _listen_to(self, peer: socket.socket, address: tuple[str, int], place: Place) -> None:
        """Wait until a peer has said what a handshake takes."""

        def heard() -> None:
            if hello.is_ready(peer):
                self._forget(peer)
                self._begin(peer, address, place)

        def drop() -> None:
            self._forget(peer)
            peer.close()

        def give_up() -> None:
            place.leave()
            drop()
            self._failed(address, f"no ClientHello came within {HANDSHAKE_S} seconds")

        place.drop = drop
        hello.await_head(peer)
        self._silent[peer] = self._loop.call_later(HANDSHAKE_S, give_up)
        self._loop.add_reader(peer, heard)

    def _forget(self, peer: socket.socket) -> None:
        self._silent.pop(peer).cancel()
        self._loop.remove_reader(peer)

    def _begin(self, peer: socket.socket, address: tuple[str, int], place: Place) -> None:
        handshake = self._loop.create_task(self._shake_hands(peer, address, place))

        def drop() -> None:
            handshake.cancel()
            peer.close()  # a task that has not run yet never will

        place.drop = drop
        self._handshakes.add(handshake)
        handshake.add_done_callback(self._handshakes.discard)

    def _pause(self, error: OSError) -> None:
        """Leave connections in the backlog for a moment; say so once, not twice a second."""
        if not self._short_of_files:
            self._log.warning("accept_failed", listener=self._listener.name, reason=error.strerror)
        self._short_of_files = True
        self._loop.remove_reader(self._socket)
        self._loop.call_later(ACCEPT_PAUSE_S, self.start)

    async def _shake_hands(
        self, peer: socket.socket, address: tuple[str, int], place: Place
    ) -> None:
        tls = self._listener.tls
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - `_begin` made it
        place.drop = task.cancel  # the loop closes the socket of a handshake that it has begun
        try:
            await self._loop.connect_accepted_socket(
                lambda: Connection(self._config, self.state, place, self._loop),
                peer,
                ssl=tls,
                ssl_handshake_timeout=HANDSHAKE_S if tls else None,
                ssl_shutdown_timeout=CLOSE_S if tls else None,
            )
        except Exception as error:  # noqa: BLE001 - whatever ends one connection ends only that one
            place.leave()
            self._failed(address, refusal_reason(error))
        except asyncio.CancelledError:
            place.leave()
            raise

    def _failed(self, address: tuple[str, int], reason: str) -> None:
        self._log.warning(
            "handshake_failed",
            listener=self._listener.name,
            address=address[0],
            peer_port=address[1],
            reason=reason,
        )

    def _say_lost(self) -> None:
        """Say how many have lost their places: one line for a while, whatever comes."""
        self._lost_said = None
        self._log.warning(
            "places_needed", listener=self._listener.name, connections=self._places.lost
        )
        self._places.lost = 0


def _http_config(listener: Listener, places: int) -> Config:
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
        limit_concurrency=places + 1,  # a newcomer's: only where every place has a request
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
