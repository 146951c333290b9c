"""The issuer as a process beside the sandbox: started, watched, started again, stopped with it."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from structlog.typing import FilteringBoundLogger

STOPPED_S: Final = 10.0
"""How long it may take to stop before it is killed."""
TLS: Final = ("certificate", "key")
"""Options of the issuer's command by which its link is under TLS."""
AGAIN_S: Final = 0.2
"""Pause before a dead issuer is started again."""


class IssuerProcess:
    """The running issuer; `pid` changes when it had to be started again, the port stays.

    Attributes:
        port: Where it listens on loopback.
        journal: Its database.
        pid: Of the process that runs now.
    """

    def __init__(self, home: Path, served: tuple[Path, Path] | None = None) -> None:
        """Take the folder of its journal, and the certificate and key that it shows, if any."""
        self._home = home
        self._served = served
        self.port = 0
        self.journal = home
        self.pid = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and learn where it listens.

        Raises:
            ConfigurationError: It did not start; its own words are on standard error.
        """
        # Its standard input is a pipe that ends with this process, and so does it. In a session of
        # its own it does not hear a Ctrl-C, which would end it before the gateway has drained.
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tkkpg", "issuer", "--json", "--stop-with-stdin"),
            *(f"--home={self._home}", f"--port={self.port}"),
            *(f"--{name}={path}" for name, path in zip(TLS, self._served or (), strict=False)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self.pid = process.pid
        assert process.stdout is not None, "it is a pipe"  # noqa: S101 - says what holds
        told: dict[str, Any] = json.loads(await process.stdout.readline() or b"{}")
        if "port" not in told:  # it tells an error in JSON too
            await process.wait()
            raise ConfigurationError(
                "The issuer did not start; what it said is above. "
                "`tkkpg issuer --home DIR` starts it alone."
            )
        self.port, self.journal = told["port"], Path(told["journal"])

    async def ended(self) -> int:
        """Wait until it is no more, and give its exit status."""
        assert self._process is not None, "it was started"  # noqa: S101 - says what holds
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop, and kill it when it does not; nothing when it ended before."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOPPED_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def issuer_process(
    home: Path,
    restarted: Callable[[], None],
    log: FilteringBoundLogger,
    served: tuple[Path, Path] | None = None,
) -> AsyncIterator[IssuerProcess]:
    """Keep an issuer running.

    Args:
        home: Folder of its journal.
        restarted: Told after it died and was started again.
        log: Where its end is written.
        served: Certificate and key, with which its link is under TLS.

    Raises:
        ConfigurationError: It does not start.
    """
    running = IssuerProcess(home, served)
    watching = None
    try:
        await running.start()
        watching = asyncio.create_task(_watch(running, restarted, log))
        yield running
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait({watching})
        await running.stop()


async def _watch(
    running: IssuerProcess, restarted: Callable[[], None], log: FilteringBoundLogger
) -> None:
    """Start it again whenever it ends."""
    while True:
        status = await running.ended()
        log.warning("issuer_ended", status=status, pid=running.pid)
        await asyncio.sleep(AGAIN_S)
        try:
            await running.start()
        except ConfigurationError as error:
            log.warning("issuer_not_started", reason=str(error))
        else:
            restarted()
