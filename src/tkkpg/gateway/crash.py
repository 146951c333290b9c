"""Crash points: the named moments at which `make crash` ends the process, in one list.

Switched off, which is always but under test, reaching one costs a look at one variable. The
environment switches them on when the process starts: `TKKPG_CRASH_AT=host.sent:refund` ends the
process there by SIGKILL, `…:3` after the name the third time; `TKKPG_CRASH_TRACE=FILE` adds the
name of each point that is reached to a file, also of the one where the process ends.
"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.transaction import UNRESOLVED, TranKind
from tkkpg.protocol.values import Operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CRASH_AT: Final = "TKKPG_CRASH_AT"
CRASH_TRACE: Final = "TKKPG_CRASH_TRACE"


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of crash point.

    Attributes:
        name: Before the colon of the point's name, or all of it.
        moment: What has happened at that moment and what has not, in one sentence.
        of: What it exists for, each with a point of its own; empty: there is only one.
    """

    name: str
    moment: str
    of: Iterable[str] = ()


ACTIONS: Final = (
    "merchant_enrolled",
    "merchant_changed",
    "order_created",
    "authentication_begun",
    "authentication_kept",
    "authentication_failed",
    "authorisation_reserved",
    "authorisation_approved",
    "authorisation_declined",
    "authorisation_not_sent",
    "authorisation_unknown",
    "authorisation_reversed",
    "late_reply_kept",
    "payer_left",
    "order_expired",
    "completion_reserved",
    "completion_approved",
    "completion_declined",
    "completion_not_sent",
    "completion_unknown",
    "reversal_reserved",
    "reversal_approved",
    "reversal_declined",
    "reversal_not_sent",
    "reversal_unknown",
    "refund_reserved",
    "refund_approved",
    "refund_declined",
    "refund_not_sent",
    "refund_unknown",
    "request_refused",
    "settled",
    "transaction_parked",
    "transaction_resolved",
)
"""What plans do, by `Plan.action`."""
MESSAGES: Final = (*(kind.lower() for kind in TranKind), "advice")
"""What is sent to the host; an advice undoes an authorisation that nobody knows."""

STEPS: Final = (
    Step("commit.before", "It is decided, and nothing of it is stored.", ACTIONS),
    Step("commit.after", "It is stored, and nobody was told.", ACTIONS),
    Step("host.before", "The message is reserved and stored; nothing was sent.", MESSAGES),
    Step("host.sent", "The frame has gone to the socket; there is no reply.", MESSAGES),
    Step("host.answered", "The reply was read; nothing of it is stored.", MESSAGES),
    Step("exec.request", "The merchant's request was read; nothing was done.", Operation),
    Step("exec.before_reply", "The request was carried out; its reply is not sent.", Operation),
    Step("exec.after_reply", "The reply has gone to the socket.", Operation),
    Step("page.request", "The payer's card was read; nothing was done."),
    Step("page.before_reply", "The card was paid with or declined; the browser waits."),
    Step("page.after_reply", "The browser's answer has gone to the socket."),
    Step("reconcile.found", "An unresolved transaction was read; nothing was done.", UNRESOLVED),
    Step("reconcile.done", "One attempt to resolve a transaction is over.", UNRESOLVED),
    Step("deliver.taken", "Notifications are leased; none was sent."),
    Step("deliver.before_request", "One notification is about to be sent."),
    Step("deliver.after_request", "The shop has answered, or did not; nothing of it is stored."),
    Step("deliver.marked", "What became of the notification is stored."),
)
"""Every kind of crash point, in the order of a payment."""

POINTS: Final[Mapping[str, str]] = {
    name: step.moment
    for step in STEPS
    for name in ([f"{step.name}:{of}" for of in step.of] or [step.name])
}
"""Every crash point with its moment."""


class UnknownCrashPoint(Exception):
    """A crash point that `POINTS` does not list: the grid would not know of it."""

    def __init__(self, name: str) -> None:
        """Name it and say where it belongs."""
        super().__init__(
            f"There is no crash point {name!r}. A new one is listed in STEPS of gateway/crash.py, "
            "and a flow of the crash grid must reach it."
        )


def reach(step: str, of: str = "") -> None:
    """Say that a crash point is reached; does nothing unless switched on.

    Args:
        step: Name of the point, or of its step.
        of: The part after the colon, so that nothing is formatted while switched off.

    Raises:
        UnknownCrashPoint: Switched on, and there is no such point.
    """
    if _reached is not None:
        _reached(_name(step, of))


def reach_written(step: str, of: str = "") -> None:
    """Like `reach`, for what was just written to a socket.

    Event loops hand written bytes to the kernel at the end of the turn; so the point is reached
    in the next one.
    """
    if _reached is not None:
        asyncio.get_running_loop().call_soon(_reached, _name(step, of))


def _name(step: str, of: str) -> str:
    name = f"{step}:{of}" if of else step
    if name not in POINTS:
        raise UnknownCrashPoint(name)
    return name


def _switch(environment: Mapping[str, str]) -> Callable[[str], None] | None:
    """Read the environment's wish.

    Raises:
        UnknownCrashPoint: It names no crash point.
    """
    wish, path = environment.get(CRASH_AT), environment.get(CRASH_TRACE)
    kill = _killer(wish) if wish else None
    trace = _tracer(path) if path else None
    if kill is None or trace is None:
        return kill or trace

    def reached(point: str) -> None:
        trace(point)
        kill(point)

    return reached


def _killer(wish: str) -> Callable[[str], None]:
    name, _, time = wish.rpartition(":")
    if not time.isdecimal():
        name, time = wish, "1"
    wanted, times, turn = _name(name, ""), count(1), int(time)

    def reached(point: str) -> None:
        if point == wanted and next(times) == turn:
            os.kill(os.getpid(), signal.SIGKILL)

    return reached


def _tracer(path: str) -> Callable[[str], None]:
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def reached(point: str) -> None:
        os.write(file, f"{point}\n".encode())

    return reached


_reached: Final = _switch(os.environ)
