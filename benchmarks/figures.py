"""What a measurement gives: figures with their spread and goal, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

RATIO = "×"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: the median of its rounds, between the lowest and the highest of them.

    Attributes:
        part: Which measurement it belongs to.
        name: What was measured, and against what.
        unit: `×` for a ratio inside this run; `µs`, `kB` or `/s` only say how large things are.
        rounds: One value a round.
        at_most: Goal from above, `None` without one.
        at_least: Goal from below, `None` without one.
        note: What else there is to say, such as the memory it took.
    """

    part: str
    name: str
    unit: str
    rounds: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)

    @property
    def goal(self) -> str:
        """The goal in words; empty without one."""
        if self.at_most is not None and self.at_least is not None:
            return f"{_shown(self.at_least)} to {_shown(self.at_most)}"
        if self.at_most is not None:
            return f"≤ {_shown(self.at_most)}"
        return "" if self.at_least is None else f"≥ {_shown(self.at_least)}"

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached in this run; `None` without one."""
        if not self.goal:
            return None
        above = self.at_least is None or self.value >= self.at_least
        below = self.at_most is None or self.value <= self.at_most
        return above and below

    def as_json(self) -> dict[str, object]:
        """Give everything by name, the median, the goal's words and the verdict too."""
        return asdict(self) | {"value": self.value, "goal": self.goal, "met": self.met}


def ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Divide two series round by round, so that a slow moment of the machine hits both."""
    return tuple(one / other for one, other in zip(above, below, strict=True))


def table(figures: Sequence[Figure]) -> str:
    """Write the figures as a Markdown table."""
    lines = [
        "| part | what | median | lowest to highest | goal | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for figure in figures:
        spread = f"{_shown(min(figure.rounds))} to {_shown(max(figure.rounds))}"
        if len(set(figure.rounds)) == 1:
            spread = ""
        name = f"{figure.name} ({figure.note})" if figure.note else figure.name
        verdict = {True: "met", False: "**missed**", None: ""}[figure.met]
        lines.append(
            f"| {figure.part} | {name} | {_shown(figure.value)} {figure.unit} "
            f"| {spread} | {figure.goal} | {verdict} |"
        )
    return "\n".join(lines)


def _shown(value: float) -> str:
    hundred = 100
    return f"{value:,.0f}" if abs(value) >= hundred else f"{value:.2f}"
