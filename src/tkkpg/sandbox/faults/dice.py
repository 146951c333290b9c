"""Which message meets which fault: asked for by name, or drawn by rate from a seed.

Every place has a generator of its own and draws once a message, so that what happens at one place
never changes what happens at another, and a run can be had again from its seed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tkkpg.gateway.logs import get_logger
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults.catalogue import FAULTS, Fault, Place, find_fault

NOT_A_BEGINNING: Final = b"\xff"
"""Begins no frame, no HTTP reply and no XML, so that garbage is never waited for as if it did."""


@dataclass(slots=True)
class _Die:
    """The draws of one place.

    Attributes:
        draws: Decides which fault.
        noise: Makes garbage; apart from the draws, which it must not disturb.
        bounds: A fault strikes when the draw is below its bound and not below the one before.
        asked_for: One-shots, the next one first.
        messages: How many have come by.
    """

    draws: Random
    noise: Random
    bounds: tuple[tuple[float, Fault], ...]
    asked_for: deque[Fault] = field(default_factory=deque)
    messages: int = 0

    def next(self) -> Fault | None:
        """Count a message and decide about it; one that was asked for still consumes its draw."""
        self.messages += 1
        drawn = self._drawn() if self.bounds else None
        return self.asked_for.popleft() if self.asked_for else drawn

    def _drawn(self) -> Fault | None:
        draw = self.draws.random()
        return next((fault for bound, fault in self.bounds if draw < bound), None)


class Dice:
    """Decides, message by message, what goes wrong."""

    def __init__(self, seed: int, rates: Mapping[str, float]) -> None:
        """Take what is drawn by chance.

        Args:
            seed: The same one gives the same faults at the same messages of each place.
            rates: Name of a fault to the share of its place's messages, 0 to 1.

        Raises:
            ConfigurationError: A fault does not exist, or the rates of a place exceed 1.
        """
        for name in rates:
            find_fault(name)
        self._log = get_logger("tkkpg.sandbox.faults")
        self._dice = {
            place: _Die(
                Random(f"{seed}:{place}"),  # noqa: S311 - has to come again, not to be secret
                Random(f"{seed}:{place}:noise"),  # noqa: S311 - the same
                _bounds(place, rates),
            )
            for place in Place
        }

    def trigger(self, name: str, times: int = 1) -> Fault:
        """Let a fault strike the next messages of its place, before any that is drawn.

        Raises:
            ConfigurationError: There is no such fault.
        """
        fault = find_fault(name)
        self._dice[fault.place].asked_for.extend([fault] * times)
        return fault

    def next_fault(self, place: Place) -> Fault | None:
        """Say what happens to the message that has just come to a place; call it once for each."""
        die = self._dice[place]
        fault = die.next()
        if fault is not None:
            self._log.warning("fault_injected", fault=fault.name, place=place, message=die.messages)
        return fault

    def garbage(self, place: Place, length: int) -> bytes:
        """Make bytes that no reader takes for the beginning of something."""
        return (NOT_A_BEGINNING + self._dice[place].noise.randbytes(length))[:length]


def _bounds(place: Place, rates: Mapping[str, float]) -> tuple[tuple[float, Fault], ...]:
    """Lay the rates of a place end to end, in the catalogue's order."""
    bounds = []
    bound = 0.0
    for fault in FAULTS:
        rate = rates.get(fault.name, 0.0) if fault.place is place else 0.0
        if not 0 <= rate <= 1 or bound + rate > 1 + 1e-9:  # ten times 0.1 is a little over 1
            raise ConfigurationError(
                f"The rate of the fault {fault.name} is {rate:g}. A rate is between 0 and 1, and "
                f"all rates of the place {place} together are at most 1; lower one of them."
            )
        bound += rate
        if rate:
            bounds.append((bound, fault))
    return tuple(bounds)
