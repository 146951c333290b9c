"""Comparing two records of the same transactions: pure, both sides in the order of their RRN."""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from tkkpg.protocol.values import Currency


class Kind(StrEnum):
    """What a transaction did with the money, as the host sees it."""

    PURCHASE = "PURCHASE"
    HOLD = "HOLD"
    COMPLETION = "COMPLETION"
    REVERSAL = "REVERSAL"
    REFUND = "REFUND"


class Record(NamedTuple):
    """An approved transaction as one side has it.

    Attributes:
        rrn: Reference number, the same on both sides.
        at: When it was, UTC.
        number: Where it stands: our transaction's number, or the line of the host's file.
    """

    rrn: str
    kind: Kind
    amount_minor: int
    currency: Currency
    stan: int
    terminal_id: str
    at: datetime
    number: int

    @property
    def money(self) -> tuple[int, Currency]:
        """Amount and currency."""
        return (self.amount_minor, self.currency)

    @property
    def meant(self) -> tuple[Kind, int, Currency]:
        """What both sides have to agree on."""
        return (self.kind, self.amount_minor, self.currency)


class Outcome(StrEnum):
    """What the comparison says of a transaction.

    `UNDONE` is no difference: the host approved an authorisation and its reversal after silence,
    and we never took it for approved.
    """

    MATCHED = "MATCHED"
    UNDONE = "UNDONE"
    AMOUNT_DIFFERS = "AMOUNT_DIFFERS"
    KIND_DIFFERS = "KIND_DIFFERS"
    ONLY_OURS = "ONLY_OURS"
    ONLY_THEIRS = "ONLY_THEIRS"
    DUPLICATE = "DUPLICATE"


AGREEING: Final = frozenset({Outcome.MATCHED, Outcome.UNDONE})
"""Outcomes that leave nothing to explain."""

_AUTHORISATIONS: Final = frozenset({Kind.PURCHASE, Kind.HOLD})


class Pair(NamedTuple):
    """A transaction on one side or on both, and what the comparison says of it."""

    outcome: Outcome
    ours: Record | None
    theirs: Record | None


def compare(
    ours: Iterable[Record], theirs: Iterable[Record], is_of_day: Callable[[datetime], bool]
) -> Iterator[Pair]:
    """Compare two records, each in the order of its RRN; one RRN at a time is held in memory.

    A pair belongs to the day of our side, and what has no partner to its own day: what belongs to
    another day is left out.
    """
    for one, other in _groups(ours, theirs):
        for pair in _pairs(one, other):
            deciding = pair.ours or pair.theirs
            if deciding is not None and is_of_day(deciding.at):
                yield pair


def _groups(
    ours: Iterable[Record], theirs: Iterable[Record]
) -> Iterator[tuple[list[Record], list[Record]]]:
    left, right = (groupby(side, key=lambda record: record.rrn) for side in (ours, theirs))
    one, other = _next(left), _next(right)
    while one is not None or other is not None:
        if other is None or (one is not None and one[0].rrn < other[0].rrn):
            yield one or [], []
            one = _next(left)
        elif one is None or other[0].rrn < one[0].rrn:
            yield [], other
            other = _next(right)
        else:
            yield one, other
            one, other = _next(left), _next(right)


def _next(side: Iterator[tuple[str, Iterator[Record]]]) -> list[Record] | None:
    _, group = next(side, (None, None))
    return None if group is None else list(group)


def _pairs(ours: list[Record], theirs: list[Record]) -> Iterator[Pair]:
    """Pair what has one RRN: first what agrees, then what differs in as little as possible."""
    ours, our_repeats = _once(ours)
    theirs, their_repeats = _once(theirs)
    for one, other in _taken(ours, theirs, lambda one, other: one.meant == other.meant):
        yield Pair(Outcome.MATCHED, one, other)
    yield from _undone(theirs)
    for one, other in _taken(ours, theirs, lambda one, other: one.kind is other.kind):
        yield Pair(Outcome.AMOUNT_DIFFERS, one, other)
    for one, other in _taken(ours, theirs, lambda _one, _other: True):
        yield Pair(Outcome.KIND_DIFFERS, one, other)
    yield from (Pair(Outcome.ONLY_OURS, record, None) for record in ours)
    yield from (Pair(Outcome.ONLY_THEIRS, None, record) for record in theirs)
    yield from (Pair(Outcome.DUPLICATE, record, None) for record in our_repeats)
    yield from (Pair(Outcome.DUPLICATE, None, record) for record in their_repeats)


def _once(records: list[Record]) -> tuple[list[Record], list[Record]]:
    """Part what a side says first from what it says again."""
    first: dict[tuple[Kind, int, Currency], Record] = {}
    again = []
    for one in records:
        if one.meant in first:
            again.append(one)
        else:
            first[one.meant] = one
    return list(first.values()), again


def _undone(theirs: list[Record]) -> Iterator[Pair]:
    """Take out an authorisation and the reversal under its own RRN, which is one after silence."""
    authorised = [record for record in theirs if record.kind in _AUTHORISATIONS]
    reversals = [record for record in theirs if record.kind is Kind.REVERSAL]
    for one, other in _taken(authorised, reversals, lambda one, other: one.money == other.money):
        theirs.remove(one)
        theirs.remove(other)
        yield Pair(Outcome.UNDONE, None, one)


def _taken(
    ours: list[Record], theirs: list[Record], agree: Callable[[Record, Record], bool]
) -> Iterator[tuple[Record, Record]]:
    """Take pairs that agree out of both lists."""
    for one in tuple(ours):
        other = next((found for found in theirs if agree(one, found)), None)
        if other is not None:
            ours.remove(one)
            theirs.remove(other)
            yield one, other
