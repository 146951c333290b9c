"""Reads what the shim wrote down, and finds replies that left before they were true on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

SESSION_DIGITS: Final = 32


class Sync(NamedTuple):
    """A sync of a file that returned; both ends are lines of the log."""

    path: str
    begun: int
    ended: int


@dataclass(frozen=True, slots=True)
class Order:
    """When things happened, as lines of the log.

    Attributes:
        written: First write of a session to a write-ahead log, and to which one.
        syncs: Every sync of a write-ahead log.
        replied: First time that a session left by a socket.
    """

    written: Mapping[str, tuple[int, str]]
    syncs: tuple[Sync, ...]
    replied: Mapping[str, int]


def read_order(log: Path, sessions: set[str]) -> Order:
    """Read a log with the sessions that are of interest."""
    written: dict[str, tuple[int, str]] = {}
    replied: dict[str, int] = {}
    begun: dict[str, int] = {}
    syncs: list[Sync] = []
    with log.open(encoding="ascii") as lines:
        for number, line in enumerate(lines):
            what, where, *rest = line.split()
            match what:
                case "written":
                    for session in _sessions(rest, sessions):
                        written.setdefault(session, (number, where))
                case "replied":
                    for session in _sessions(rest, sessions):
                        replied.setdefault(session, number)
                case "syncing":
                    begun[where] = number
                case "synced":
                    syncs.append(Sync(rest[0], begun.pop(where), number))
                case _:
                    raise ValueError(f"Line {number + 1} of {log} is none of the shim's.")
    return Order(written, tuple(syncs), replied)


def _sessions(tokens: Iterable[str], sessions: set[str]) -> Iterator[str]:
    """Find sessions in runs of digits, which may go on to the left and to the right of one."""
    for token in tokens:
        for start in range(len(token) - SESSION_DIGITS + 1):
            if (session := token[start : start + SESSION_DIGITS]) in sessions:
                yield session


def violations(order: Order) -> list[str]:
    """Name each reply that left before the sync of its batch, with the line of the log."""
    found = []
    for session, reply in order.replied.items():
        if session not in order.written:
            found.append(f"line {reply + 1}: {session} was told and never written")
            continue
        write, path = order.written[session]
        if not any(
            sync.path == path and write < sync.begun and sync.ended < reply for sync in order.syncs
        ):
            found.append(f"line {reply + 1}: {session} was told before its write was synced")
    return found
