"""The gateway's clocks: business time, wall time and network time.

Business time rules the life of orders, settlement, retries and the expiry of cards; wall time rules
certificates, TLS and logs; network time-outs are counted by the event loop and never move. Flows
are handed a clock, so that time is a value that a test moves.

Business time always runs, and is ahead of the machine's clock by a lead that only ever grows. There
is no standing still and no way back: what happened is on disk with its time, and an order that had
expired would be open again.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AHEAD_MAX: Final = timedelta(days=3653)
"""Ten years: longer than any card or order lives, and a slip of the finger is not kept for ever."""
LOOK_EVERY_S: Final = 1.0
"""How often a sleeper looks whether another process has moved the clock."""
FORWARD_ONLY: Final = (
    "Business time only goes forward: what has happened is stored with its time. To begin again at "
    "the machine's time, stop the sandbox and start it with --fresh, which forgets all orders."
)


class Clock(Protocol):
    """What flows may know about time."""

    def now(self) -> datetime:
        """Business time, UTC."""
        ...

    def wall(self) -> datetime:
        """Wall time, UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until business time has come; a move of the clock may bring it at once."""
        ...

    def advance(self, step: timedelta) -> None:
        """Move business time forward."""
        ...


def machine_time() -> datetime:
    """Give the machine's time, UTC."""
    return datetime.now(UTC)


class SystemClock:
    """The machine's clock for both, where nothing is open whose life it could rule."""

    def now(self) -> datetime:
        """Business time, UTC."""
        return machine_time()

    def wall(self) -> datetime:
        """Wall time, UTC."""
        return machine_time()


class BusinessClock:
    """The clock of one home: the machine's time, and business time ahead of it.

    The lead is in a file of the home, so that a restart keeps it and every process that reads the
    file has the same business time. Without the file there is no lead.
    """

    def __init__(self, path: Path, *, machine: Callable[[], datetime] = machine_time) -> None:
        """Read the lead.

        Args:
            path: The file; made when the clock is moved first.
            machine: Wall time, UTC.

        Raises:
            ConfigurationError: The file holds something else.
        """
        self._path = path
        self._machine = machine
        self._ahead = timedelta()
        self._seen: tuple[int, int] | None = None
        self._moved = asyncio.Event()
        self._look()

    def now(self) -> datetime:
        """Business time, UTC."""
        self._look()
        return self._machine() + self._ahead

    def wall(self) -> datetime:
        """Wall time, UTC."""
        return self._machine()

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until business time has come; a move of the clock may bring it at once."""
        while (left_s := (moment - self.now()).total_seconds()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, LOOK_EVERY_S)):
                    await self._moved.wait()

    def advance(self, step: timedelta) -> None:
        """Move business time forward; on disk when this returns, and whoever sleeps looks again.

        Raises:
            ConfigurationError: The step is not forward, or leads too far.
        """
        now = self.now()
        if step <= timedelta():
            raise ConfigurationError(f"Business time is {_shown(now)} already. {FORWARD_ONLY}")
        ahead = self._ahead + step
        if ahead > AHEAD_MAX:
            raise ConfigurationError(
                f"Business time may be {AHEAD_MAX.days} days ahead of the machine's clock at most, "
                f"which would be {_shown(self._machine() + AHEAD_MAX)}; it is {_shown(now)}. "
                "Move it less far."
            )
        _write(self._path, json.dumps({"ahead_s": ahead.total_seconds()}) + "\n")
        self._look()
        self._moved.set()
        self._moved = asyncio.Event()

    def _look(self) -> None:
        """Read the lead if the file is another one than last time."""
        try:
            found = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, for every request
        except FileNotFoundError:
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            self._ahead = max(self._ahead, _read(self._path))
            self._seen = seen


def _read(path: Path) -> timedelta:
    try:
        ahead = timedelta(seconds=json.loads(path.read_text("utf-8"))["ahead_s"])
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise ConfigurationError(
            f"{path} is not what a moved clock leaves. Put it back from a backup; without the file "
            "business time is the machine's, which is earlier than what is stored."
        ) from error
    return ahead


def _write(path: Path, text: str) -> None:
    """Let the file appear whole and stay: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # left by a process of the same number that was killed
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or a power cut brings the old name back, and business time with it
    finally:
        os.close(folder)


def _shown(moment: datetime) -> str:
    return moment.astimezone(BAKU).strftime("%Y-%m-%d %H:%M:%S in Baku")
