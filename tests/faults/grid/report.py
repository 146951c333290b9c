"""The rows of the grid, and everything that is said about them: computed from the rows alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from tests.faults.grid.ledgers import Comparison
from tests.faults.grid.told import Told

from tkkpg.gateway.crash import POINTS

RANDOM: Final = "random"
"""Stands for the point of a round that ended at no point in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One crash and what became of it.

    Attributes:
        point: Crash point, or `RANDOM`.
        flow: What was under way.
        round: Number of the random round, 0 for a crash point.
        seed: What the round's chances were drawn from, 0 for a crash point.
        ours_minor: Of all orders of the home, as the other two.
        answered: What merchant and payer had been told before the crash, by kind.
        lost: Orders that are not as told, or that not every ledger has.
        double: Orders charged or given back twice.
        unresolved: What still had no outcome after the recovery's time.
        passed_by: It did not reach the point this time: some are only reached by a slow machine.
        findings: Sentences about all of it.
    """

    point: str
    flow: str
    round: int = 0
    seed: int = 0
    ours_minor: int = 0
    issuer_minor: int = 0
    merchant_minor: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    double: int = 0
    unresolved: int = 0
    passed_by: bool = False
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.double or self.unresolved or self.findings)


def row_of(about: Row, found: Comparison, told: Told, unresolved: Mapping[str, int]) -> Row:
    """Fill in the row of a crash whose ledgers were compared."""
    left = (f"{count} {what}" for what, count in unresolved.items())
    return replace(
        about,
        ours_minor=found.ours_minor,
        issuer_minor=found.issuer_minor,
        merchant_minor=found.merchant_minor,
        answered=told.summary(),
        lost=len(found.lost),
        double=len(found.double),
        unresolved=sum(unresolved.values()),
        findings=[*about.findings, *found.findings, *left],
    )


def summary(rows: Sequence[Row]) -> str:
    """Say it in one line."""
    points = {row.point for row in rows if not row.passed_by} - {RANDOM}
    rounds = sum(row.point == RANDOM for row in rows)
    lost, double, unresolved = (
        sum(getattr(row, name) for row in rows) for name in ("lost", "double", "unresolved")
    )
    return (
        f"crash grid: {len(points)} points, {rounds} rounds, "
        f"{lost} lost, {double} double, {unresolved} unresolved"
    )


def page(rows: Sequence[Row]) -> str:
    """Write the page of the docs."""
    return "\n".join(
        [
            "# The crash grid",
            "",
            "Written by `make crash`; what the columns mean is in `tests/faults/grid/report.py`.",
            "At each crash the gateway was ended by `SIGKILL`, started again, and left alone until",
            "nothing was unresolved. Then three ledgers were compared for every order: ours, the",
            "issuer's journal, and what the merchant is told. Amounts are AZN, added up over the",
            "crashes of a flow, and over the homes of the random rounds at their ends.",
            "",
            f"> {summary(rows)}",
            "",
            "| flow | crashes | ours | issuer | merchant | lost | double | unresolved | findings |",
            "| --- | --: | --: | --: | --: | --: | --: | --: | --: |",
            *(_flow_line(flow, rows) for flow in dict.fromkeys(row.flow for row in rows)),
            "",
            "| crash point | at that moment | crashes | lost | double | unresolved |",
            "| --- | --- | --: | --: | --: | --: |",
            *(_point_line(point, rows) for point in POINTS),
            "",
        ]
    )


def _flow_line(flow: str, rows: Sequence[Row]) -> str:
    mine = [row for row in rows if row.flow == flow]
    ends = [row for row in mine if row.point != RANDOM] or mine[-1:]
    amounts = [
        f"{sum(getattr(row, name) for row in ends) / 100:.2f}"
        for name in ("ours_minor", "issuer_minor", "merchant_minor")
    ]
    return _line(
        flow, _crashes(mine), *amounts, *_wrong(mine), sum(len(row.findings) for row in mine)
    )


def _point_line(point: str, rows: Sequence[Row]) -> str:
    mine = [row for row in rows if row.point == point]
    return _line(f"`{point}`", POINTS[point], _crashes(mine), *_wrong(mine))


def _crashes(rows: Sequence[Row]) -> int:
    return sum(not row.passed_by for row in rows)


def _wrong(rows: Sequence[Row]) -> tuple[int, int, int]:
    return (
        sum(row.lost for row in rows),
        sum(row.double for row in rows),
        sum(row.unresolved for row in rows),
    )


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"
