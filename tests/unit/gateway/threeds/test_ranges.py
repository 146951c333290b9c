"""Card ranges: found by number, asked for when they are old, kept through a failure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from tests.unit.gateway.threeds.examples import PRES

from tkkpg.gateway.threeds.messages import CardRange, PRes
from tkkpg.gateway.threeds.ranges import KEPT_S, PAUSE_S, CardRanges, Directory, RangesUnknown

pytestmark = pytest.mark.anyio

ONE = CardRange(start="4169730000000000", end="4169739999999999")
TWO = CardRange(start="4200000000000000", end="4200000000000009")
LONG = CardRange(start="6200000000000000000", end="6299999999999999999")
INSIDE, OUTSIDE = "4169733213495869", "4169740000000000"


@pytest.mark.parametrize(
    ("pan", "found"),
    [
        ("4169730000000000", ONE),
        ("4169739999999999", ONE),
        ("4169729999999999", None),
        (OUTSIDE, None),
        ("4200000000000005", TWO),
        ("6212345678901234567", LONG),
        ("6212345678901234", None),
        ("41697332134958690", None),
        ("42000000000000005", None),
        ("416973321349", None),
    ],
)
async def test_a_number_is_found_in_its_range_alone(pan: str, found: CardRange | None) -> None:
    assert CardRanges([TWO, LONG, ONE]).find(pan) == found


@dataclass
class Asked:
    """A directory that gives these answers, last one again, and a clock that the test moves."""

    answers: list[PRes | None]
    serials: list[str | None] = field(default_factory=list)
    now_s: float = 100.0

    async def __call__(self, serial: str | None) -> PRes | None:
        self.serials.append(serial)
        return self.answers[min(len(self.serials), len(self.answers)) - 1]

    def directory(self) -> Directory:
        return Directory(self, lambda: self.now_s)


async def test_ranges_are_kept_for_an_hour_and_then_asked_for_by_serial_number() -> None:
    asked = Asked([PRES])
    directory = asked.directory()
    await directory.find(INSIDE)
    asked.now_s += KEPT_S - 1
    await directory.find(INSIDE)
    assert asked.serials == [None]
    asked.now_s += 1
    await directory.find(INSIDE)
    assert asked.serials == [None, "7"]


async def test_an_answer_without_ranges_leaves_those_that_are_there() -> None:
    asked = Asked([PRES, replace(PRES, card_ranges=None)])
    directory = asked.directory()
    await directory.find(INSIDE)
    asked.now_s += KEPT_S
    assert await directory.find(INSIDE) is not None


async def test_a_failure_leaves_those_that_are_there() -> None:
    asked = Asked([PRES, None])
    directory = asked.directory()
    await directory.find(INSIDE)
    asked.now_s += KEPT_S
    assert await directory.find(INSIDE) is not None
    assert len(asked.serials) == 2


async def test_new_ranges_replace_the_old() -> None:
    asked = Asked([PRES, replace(PRES, card_ranges=(TWO,))])
    directory = asked.directory()
    assert await directory.find(INSIDE) is not None
    asked.now_s += KEPT_S
    assert await directory.find(INSIDE) is None
    assert await directory.find(TWO.start) == TWO


async def test_without_any_answer_nothing_is_known_and_the_next_question_waits() -> None:
    asked = Asked([None, PRES])
    directory = asked.directory()
    for _ in range(2):
        with pytest.raises(RangesUnknown):
            await directory.find(INSIDE)
    assert len(asked.serials) == 1
    asked.now_s += PAUSE_S
    assert await directory.find(INSIDE) is not None
