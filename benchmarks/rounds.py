"""Interleaved rounds: every case is called in every round, in an order drawn at random."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median

Case = Callable[[], Awaitable[float]]
"""Does one thing and gives the seconds of the part that counts."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: Of every measurement; at least five, or a median says nothing.
        calls: Of each case in a round.
        seconds: Of load in a round, end to end.
    """

    rounds: int
    calls: int
    seconds: float


async def interleaved(cases: Mapping[str, Case], effort: Effort) -> dict[str, list[float]]:
    """Measure cases side by side.

    Returns:
        For each case, one median a round, in seconds. A first round that warms up is not there.
    """
    series: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(effort.rounds + 1):
        calls = [name for name in cases for _ in range(effort.calls)]
        random.shuffle(calls)
        seconds: dict[str, list[float]] = {name: [] for name in cases}
        for name in calls:
            seconds[name].append(await cases[name]())
        if number:
            for name, taken in seconds.items():
                series[name].append(median(taken))
    return series
