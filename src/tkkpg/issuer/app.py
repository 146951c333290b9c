"""The issuer as a process: open the journal, listen, answer until stopped."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import ssl
import sys
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
import structlog
import uvloop

from tkkpg.issuer.journal import Journal
from tkkpg.issuer.owner import PATIENCE_S, ownership
from tkkpg.issuer.server import SIGN_ON_S, Desk, LinkEnd
from tkkpg.issuer.service import Issuer
from tkkpg.issuer.tokens import random_token
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tkkpg.issuer.accounts import Account

LOOPBACK: Final = "127.0.0.1"
JOURNAL: Final = "issuer.db"
LOCK: Final = "issuer.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerSettings:
    """What the issuer is told at its start.

    Attributes:
        home: Folder of its journal; made when missing.
        port: Where it listens on loopback; 0 picks a free one.
        accounts: The cards it has issued.
        stop_with_stdin: Stop when standard input ends, as it does with the process that started
            this one.
        served: Certificate and key, with which the link is under TLS; `None`: in clear.
    """

    home: Path
    port: int = 0
    accounts: tuple[Account, ...]
    stop_with_stdin: bool = False
    served: tuple[Path, Path] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerInfo:
    """Where it is, once it accepts connections."""

    host: str
    port: int
    journal: Path
    pid: int


@asynccontextmanager
async def issuer(settings: IssuerSettings) -> AsyncIterator[IssuerInfo]:
    """Run the issuer in this event loop.

    Raises:
        ConfigurationError: The port is busy, the journal or the certificate cannot be used, or
            another issuer uses the home.
        OSError: The system does not let the home be used.
    """
    tls = None if settings.served is None else _tls(*settings.served)
    path = settings.home / JOURNAL
    log = structlog.get_logger("tkkpg.issuer").bind()
    async with AsyncExitStack() as stack:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        await stack.enter_async_context(ownership(settings.home / LOCK, PATIENCE_S))
        try:
            journal = stack.enter_context(closing(Journal(path, settings.accounts)))
        except apsw.Error as error:
            raise ConfigurationError(
                f"The issuer's journal {path} cannot be used: {error}. Look at the space on its "
                "disk, or choose another folder with --home; one that is damaged can be moved "
                "away, and the issuer begins anew."
            ) from error
        desk = Desk(Issuer(settings.accounts, journal, random_token), journal, log)
        server = await _listen(desk, settings.port, tls, log)
        port = server.sockets[0].getsockname()[1]
        try:
            yield IssuerInfo(host=LOOPBACK, port=port, journal=path, pid=os.getpid())
        finally:
            server.close()
            desk.close()
            await server.wait_closed()


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # TLS 1.2 peers could make us work for nothing
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:
        raise ConfigurationError(
            f"The certificate {certificate} and the key {key} cannot be used: {error}. "
            "Give a PEM certificate with --certificate and its key with --key."
        ) from error
    return context


async def _listen(
    desk: Desk,
    port: int,
    tls: ssl.SSLContext | None,
    log: structlog.typing.FilteringBoundLogger,
) -> asyncio.Server:
    try:
        return await asyncio.get_running_loop().create_server(
            *(lambda: LinkEnd(desk, log), LOOPBACK, port),
            ssl=tls,
            ssl_handshake_timeout=None if tls is None else SIGN_ON_S,
        )
    except OSError as error:
        raise ConfigurationError(
            f"The issuer cannot listen on port {port}: {error.strerror}. "
            "Free it, or give another one with --port."
        ) from error


def main(settings: IssuerSettings, started: Callable[[IssuerInfo], None], *, human: bool) -> int:
    """Run the issuer until SIGINT or SIGTERM.

    Args:
        settings: What to run.
        started: Told once it accepts connections.
        human: Logs for people on standard error, instead of JSON lines.
    """
    _configure_log(human=human)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold card data

    async def until_stopped() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        if settings.stop_with_stdin:
            loop.add_reader(sys.stdin.fileno(), stop.set)  # nobody writes: readable means ended
        async with issuer(settings) as info:
            started(info)
            await stop.wait()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(until_stopped())
    return 0


def _configure_log(*, human: bool) -> None:
    render = structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            render,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
