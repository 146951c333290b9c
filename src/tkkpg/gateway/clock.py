"""The gateway's clocks: business time, wall time and network time.

Business time rules the life of orders, settlement, retries and the expiry of cards; wall time rules
certificates, TLS and logs; network time-outs are counted by the event loop and never move. Flows
are handed a clock, so that time is a value that a test moves.

Business time always runs, and is ahead of the machine's clock by a lead that only ever grows. There
is no standing still and no way back: what happened is on disk with its time, and an order that had
expired would be open again. Where the machine's clock is set back, business time goes on at half
its pace until the machine has caught up.
"""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.zone import BAKU

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AHEAD_MAX: Final = timedelta(days=3653)
"""Ten years: longer than any card or order lives, and a slip of the finger is not kept for ever."""
REACHED_MAX: Final = 2 * AHEAD_MAX
"""So far ahead of the machine's clock is no time that was ever reached: one of the two is wrong."""
LOOK_EVERY_S: Final = 1.0
"""How often a sleeper looks whether another process has moved the clock."""
LOOK_AGAIN_S: Final = 0.02
"""After how long whoever asks for the time looks: not a file for each of thousands of requests."""
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

    def not_before(self, moment: datetime) -> None:
        """Let business time be no earlier than a time that is stored."""
        ...

    def keep(self) -> timedelta:
        """Put the time that was reached on disk; return how far the machine's clock is behind."""
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
    file has the same business time. Without the file there is no lead. Beside it stands the time
    that was reached, as old as the last `keep`: a restart goes back by no more.
    """

    def __init__(self, path: Path, *, machine: Callable[[], datetime] = machine_time) -> None:
        """Read the lead.

        Args:
            path: The file; made when the clock is first moved or kept.
            machine: Wall time, UTC.

        Raises:
            ConfigurationError: The file holds something else, or what cannot be.
        """
        self._path = path
        self._machine = machine
        self._ahead = timedelta()
        self._reached = self._read_at = machine()
        self._seen: tuple[int, int] | None = None
        self._look_at = 0.0
        self._writing = Lock()
        self._moved = asyncio.Event()
        self._look()
        self.not_before(self._reached)

    def now(self) -> datetime:
        """Business time, UTC."""
        if monotonic() >= self._look_at:
            self._look()
        machine = self._machine()
        now = machine + self._ahead
        if now < self._reached:
            now = self._reached + max(machine - self._read_at, timedelta()) / 2
        self._reached, self._read_at = now, machine
        return now

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
        self._look()
        now = self.now()
        if step <= timedelta():
            raise ConfigurationError(f"Business time is {_shown(now)} already. {FORWARD_ONLY}")
        ahead = now - self._read_at + step
        if ahead > AHEAD_MAX:
            raise ConfigurationError(
                f"Business time may be {AHEAD_MAX.days} days ahead of the machine's clock at most, "
                f"which would be {_shown(self._machine() + AHEAD_MAX)}; it is {_shown(now)}. "
                "Move it less far."
            )
        with self._writing:
            _write(self._path, _Kept(ahead, now + step))
            self._look()
        self._moved.set()
        self._moved = asyncio.Event()

    def not_before(self, moment: datetime) -> None:
        """Let business time be no earlier than a time that is stored.

        Raises:
            ConfigurationError: It is decades after the machine's clock.
        """
        machine = self._machine()
        if moment - machine > REACHED_MAX:
            raise ConfigurationError(
                f"Business time has reached {_shown(moment)}, but the machine's clock says "
                f"{_shown(machine)}. Set the machine's clock and start again. If it is right, the "
                "home holds a time that is wrong: put it back from a backup."
            )
        self._reached = max(self._reached, moment)

    def keep(self) -> timedelta:
        """Put the time that was reached on disk; return how far the machine's clock is behind.

        May be called in another thread than the rest.
        """
        with self._writing:
            reached, ahead = self._reached, self._ahead
            _write(self._path, _Kept(ahead, reached))
        return max(reached - (self._machine() + ahead), timedelta())

    def _look(self) -> None:
        """Read the file if it is another one than last time."""
        self._look_at = monotonic() + LOOK_AGAIN_S
        try:
            found = os.stat(self._path)  # noqa: PTH116 - half the time of Path.stat, for every request
        except FileNotFoundError:
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            kept = _read(self._path)
            self._ahead = max(self._ahead, kept.ahead)
            self._reached = max(self._reached, kept.reached)
            self._seen = seen


class _Kept(NamedTuple):
    """What the file holds: the lead, and the business time that was reached when it was written."""

    ahead: timedelta
    reached: datetime


def _read(path: Path) -> _Kept:
    try:
        held = json.loads(path.read_text("utf-8"))
        ahead = timedelta(seconds=held["ahead_s"])
        # The file of an earlier version has the lead alone.
        reached = datetime.fromisoformat(held.get("reached", "1970-01-01T00:00:00Z"))
        return _Kept(ahead, reached.astimezone(UTC))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ConfigurationError(
            f"{path} is not what a moved clock leaves. Put it back from a backup; without the file "
            "business time is the machine's, which is earlier than what is stored."
        ) from error


def _write(path: Path, kept: _Kept) -> None:
    """Let the file appear whole and stay: a reader sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # left by a process of the same number that was killed
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        held = {"ahead_s": kept.ahead.total_seconds(), "reached": kept.reached.isoformat()}
        file.write(json.dumps(held) + "\n")
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
