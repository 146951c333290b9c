"""The head of the seal chain, kept outside the database, beside the keys.

The chain alone cannot tell that its newest part is missing. The head names its newest seal, and
the highest numbers that may have been handed out, signed by a key of its own. It is written beside
the commits, never in their way: its seal may lag a second and never leads; its numbers are
reserved ahead, so that no number is handed out that it does not cover.
"""

from __future__ import annotations

import asyncio
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from tkkpg.gateway.model.errors import StoreUnavailable
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

VERSION: Final = 1
"""Of the file's form."""
PURPOSE: Final = "head"
"""Of the key that signs it."""
LAG_S: Final = 1.0
"""How long a new seal may wait until the file names it."""
AHEAD: Final = 20_000
"""Numbers of a sequence that are reserved at a time: twenty blocks of `gateway.ids`."""
PRIVATE: Final = 0o600
FILE_BYTES: Final = 64 * 1024
"""A head has some hundred bytes; more is another file."""


class Signer(Protocol):
    """Makes and checks the HMACs of a gateway's keys."""

    def sign(self, purpose: str, text: str) -> str:
        """Return a token for a text under the newest key of a purpose."""
        ...

    def verify(self, purpose: str, text: str, token: str) -> bool:
        """Check a token."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the history ends.

    Attributes:
        seal_id: Number of the newest seal; 0 before the first.
        audit_id: Last audit row below it.
        mac: Its MAC.
        numbers: Name of a sequence to the first number that was certainly never handed out.
        accepted_id: First audit row of the newest acceptance, from which the chain is followed;
            0 where nothing was ever accepted.
    """

    seal_id: int = 0
    audit_id: int = 0
    mac: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    accepted_id: int = 0


class HeadRefused(ConfigurationError):
    """The head file is missing or cannot be believed."""


class HeadNewer(HeadRefused):
    """The head file is a newer version's, and nothing is wrong with it."""


def read_head(path: Path, signer: Signer) -> Head:
    """Read the file.

    Raises:
        HeadNewer: It is a newer version's.
        HeadRefused: It is missing, unreadable, damaged or another home's.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES)
    except FileNotFoundError:
        raise HeadRefused(
            f"{path} is missing: it names the end of this gateway's history, and without it nobody "
            "can see whether the newest payments are still in the database."
        ) from None
    except OSError as error:
        raise HeadRefused(f"{path} cannot be read: {error.strerror}.") from error
    try:
        told = json.loads(content)
        version = told["version"]
        if version > VERSION:
            raise HeadNewer(
                f"{path} was written by a newer version of tkkpg (form {version}). Install that "
                "version; its files are never changed back."
            )
        signature = told.pop("signature")
        head = Head(
            seal_id=int(told["seal_id"]),
            audit_id=int(told["audit_id"]),
            mac=str(told["mac"]),
            numbers={str(name): int(number) for name, number in told["numbers"].items()},
            accepted_id=int(told["accepted_id"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        raise HeadRefused(f"{path} is empty, cut off or damaged.") from None
    if not signer.verify(PURPOSE, _signed(head), str(signature)):
        raise HeadRefused(
            f"{path} was not signed by the keys beside it: it was edited, or it or the keys are "
            "those of another home."
        )
    return head


def write_head(path: Path, head: Head, signer: Signer) -> None:
    """Write the file so that it is the old one or the new one at every moment, and on disk.

    Raises:
        OSError: The disk is full or read-only.
    """
    content = {"version": VERSION, **asdict(head)}
    content["signature"] = signer.sign(PURPOSE, _signed(head))
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "w") as file:
        file.write(json.dumps(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or a power cut brings the old name back
    finally:
        os.close(folder)


def _signed(head: Head) -> str:
    return json.dumps(asdict(head), sort_keys=True)


class HeadKeeper:
    """Keeps the file level with the database of a running gateway."""

    def __init__(
        self,
        path: Path,
        head: Head,
        signer: Signer,
        *,
        written: Callable[[Head], None] = lambda _head: None,
        failed: Callable[[OSError], None] = lambda _error: None,
    ) -> None:
        """Begin with what is on disk.

        Args:
            path: The file.
            head: What it holds.
            signer: Signs what is written.
            written: Told what is on disk now.
            failed: Told why it could not be written; it is tried again.
        """
        self._path = path
        self._signer = signer
        self._told_written = written
        self._told_failed = failed
        self._on_disk = head
        self._wanted = head
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="head")
        self._writing: asyncio.Task[None] | None = None
        self._due: asyncio.TimerHandle | None = None

    def sealed(self, seal_id: int, audit_id: int, mac: str) -> None:
        """Take note of the newest seal, once it is on disk; the file follows within a second."""
        self._wanted = replace(self._wanted, seal_id=seal_id, audit_id=audit_id, mac=mac)
        if self._due is None and self._writing is None:
            self._due = asyncio.get_running_loop().call_later(LAG_S, self._begin)

    async def cover(self, name: str, following: int) -> None:
        """Wait until the file covers the numbers of a sequence below one.

        Raises:
            StoreUnavailable: It cannot be written.
        """
        reserved = self._wanted.numbers.get(name, 0)
        if following + AHEAD // 2 > reserved:
            ahead = {**self._wanted.numbers, name: following + AHEAD}
            self._wanted = replace(self._wanted, numbers=ahead)
            self._begin()
        while following > self._on_disk.numbers.get(name, 0):
            writing = self._begin()
            await asyncio.wait({writing})
            if self._on_disk.numbers.get(name, 0) < following and writing.exception():
                message = (
                    "The head of the history cannot be written, so no new numbers are handed out. "
                    "Look at the space and health of the disk with the keys, then ask again."
                )
                raise StoreUnavailable(message) from writing.exception()

    async def aclose(self) -> None:
        """Write what is not written yet, and let go."""
        if self._due is not None:
            self._due.cancel()
        while self._wanted != self._on_disk:
            writing = self._begin()
            await asyncio.wait({writing})
            if writing.exception():
                break
        if self._due is not None:  # set again by the last write
            self._due.cancel()
        self._thread.shutdown()

    def _begin(self) -> asyncio.Task[None]:
        """Return the write that is under way, or begin one."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
            self._writing.add_done_callback(self._ended)
        return self._writing

    async def _write(self) -> None:
        head = self._wanted
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, write_head, self._path, head, self._signer)
        self._on_disk = head
        self._told_written(head)

    def _ended(self, writing: asyncio.Task[None]) -> None:
        self._writing = None
        if not writing.cancelled() and isinstance(error := writing.exception(), OSError):
            self._told_failed(error)
        if self._wanted != self._on_disk and self._due is None:
            self._due = asyncio.get_running_loop().call_later(LAG_S, self._begin)
