"""The faults that can be asked for, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from tkkpg.protocol.errors import ConfigurationError


class Place(StrEnum):
    """Where a fault strikes."""

    HOST = "host"
    """A reply of the issuer, on its way to the gateway."""
    NOTIFICATION = "notification"
    """The merchant's server, while it is notified."""
    EXEC = "exec"
    """The Exec listener, while it is asked."""


class Fault(NamedTuple):
    """Something that goes wrong with one message.

    Attributes:
        name: What it is asked for by.
        place: Where it strikes.
        does: One sentence for people.
    """

    name: str
    place: Place
    does: str


_H, _N, _E = Place.HOST, Place.NOTIFICATION, Place.EXEC

FAULTS: Final = (
    Fault("latency", _H, "The issuer's reply comes two seconds late, still within the time-out."),
    Fault("silence", _H, "The issuer's reply never comes."),
    Fault("reset", _H, "The link is reset instead of a reply."),
    Fault("half-close", _H, "The issuer ends its side of the link instead of a reply."),
    Fault("garbage", _H, "Random bytes come instead of a reply."),
    Fault("truncated-frame", _H, "Half of the reply comes, then the link ends."),
    Fault("duplicate-reply", _H, "The reply comes twice."),
    Fault("late-reply", _H, "The reply comes a second after the gateway has given up."),
    Fault("wrong-amount", _H, "The reply repeats another amount than was asked for."),
    Fault("wrong-stan", _H, "The reply carries a trace number that nobody waits for."),
    Fault("no-approval-code", _H, "The reply comes without its approval code."),
    Fault("notification-latency", _N, "The merchant's server answers two seconds late."),
    Fault("notification-silence", _N, "The merchant's server takes it and never answers."),
    Fault("notification-reset", _N, "The merchant's server takes it and resets the connection."),
    Fault("notification-refusal", _N, "The merchant's server takes nothing and answers 500."),
    Fault("notification-garbage", _N, "The merchant's server takes it and answers no HTTP."),
    Fault("exec-latency", _E, "The answer to the merchant comes two seconds late."),
    Fault("exec-silence", _E, "The request is carried out and never answered."),
    Fault("exec-lost-request", _E, "The request is lost before anything is done, unanswered."),
    Fault("exec-reset", _E, "The request is carried out and the connection reset."),
    Fault("exec-garbage", _E, "The request is carried out and answered with random bytes."),
    Fault("exec-truncated", _E, "The request is carried out and half of the answer comes."),
)
"""All of them. The order is that in which a draw is read, so new ones belong at a place's end."""

_BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def find_fault(name: str) -> Fault:
    """Find a fault by its name.

    Raises:
        ConfigurationError: There is none; it lists those that there are.
    """
    fault = _BY_NAME.get(name)
    if fault is None:
        raise ConfigurationError(
            f"There is no fault named {name!r}. Use one of these: {', '.join(_BY_NAME)}."
        )
    return fault
