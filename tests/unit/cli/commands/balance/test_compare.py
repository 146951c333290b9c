"""Two records of one day: what agrees, what differs and how; nothing is hidden or told twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.cli.commands.balance.compare import Kind, Outcome, Pair, Record, compare
from tkkpg.protocol.values import AZN, CURRENCIES, Currency

NOON = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
YESTERDAY = NOON - timedelta(days=1)
O = Outcome  # noqa: E741 - the expectations below are a table


def record(  # each may be what differs
    rrn: str = "1",
    kind: Kind = Kind.PURCHASE,
    amount_minor: int = 3000,
    currency: Currency = AZN,
    at: datetime = NOON,
) -> Record:
    return Record(rrn, kind, amount_minor, currency, 1, "T1", at, 1)


def compared(ours: Iterable[Record], theirs: Iterable[Record]) -> list[Pair]:
    return list(compare(ours, theirs, lambda moment: moment.date() == NOON.date()))


PURCHASE = record()
REFUND = record(kind=Kind.REFUND)
REVERSAL = record(kind=Kind.REVERSAL)
CHEAPER = record(amount_minor=2000)


@pytest.mark.parametrize(
    ("ours", "theirs", "outcomes"),
    [
        ([PURCHASE], [PURCHASE], [O.MATCHED]),
        ([PURCHASE], [], [O.ONLY_OURS]),
        ([], [PURCHASE], [O.ONLY_THEIRS]),
        ([PURCHASE], [CHEAPER], [O.AMOUNT_DIFFERS]),
        ([PURCHASE], [record(currency=CURRENCIES["840"])], [O.AMOUNT_DIFFERS]),
        ([PURCHASE], [REFUND], [O.KIND_DIFFERS]),
        ([PURCHASE], [record(kind=Kind.HOLD)], [O.KIND_DIFFERS]),
        ([PURCHASE], [record("2")], [O.ONLY_OURS, O.ONLY_THEIRS]),
        ([PURCHASE], [PURCHASE, PURCHASE], [O.MATCHED, O.DUPLICATE]),
        ([PURCHASE, PURCHASE], [PURCHASE], [O.MATCHED, O.DUPLICATE]),
        ([PURCHASE] * 2, [PURCHASE] * 2, [O.MATCHED, O.DUPLICATE, O.DUPLICATE]),
        ([], [PURCHASE, PURCHASE], [O.ONLY_THEIRS, O.DUPLICATE]),
        ([PURCHASE, REFUND], [REFUND, CHEAPER], [O.MATCHED, O.AMOUNT_DIFFERS]),
        ([], [PURCHASE, REVERSAL], [O.UNDONE]),
        ([], [record(kind=Kind.HOLD), REVERSAL], [O.UNDONE]),
        ([PURCHASE], [PURCHASE, REVERSAL], [O.MATCHED, O.ONLY_THEIRS]),
        ([], [CHEAPER, REVERSAL], [O.ONLY_THEIRS, O.ONLY_THEIRS]),
        ([], [REFUND, REVERSAL], [O.ONLY_THEIRS, O.ONLY_THEIRS]),
    ],
)
def test_what_has_one_rrn_is_compared_in_kind_and_amount(
    ours: list[Record], theirs: list[Record], outcomes: list[Outcome]
) -> None:
    assert [pair.outcome for pair in compared(ours, theirs)] == outcomes


@pytest.mark.parametrize(
    ("ours", "theirs", "outcomes"),
    [
        ([record(at=YESTERDAY)], [PURCHASE], []),
        ([PURCHASE], [record(at=YESTERDAY)], [O.MATCHED]),
        ([record(at=YESTERDAY)], [], []),
        ([], [record(at=YESTERDAY)], []),
    ],
)
def test_a_pair_is_of_the_day_of_our_side_and_what_is_alone_of_its_own(
    ours: list[Record], theirs: list[Record], outcomes: list[Outcome]
) -> None:
    assert [pair.outcome for pair in compared(ours, theirs)] == outcomes


records = st.lists(
    st.builds(
        record,
        st.sampled_from("123"),
        st.sampled_from(Kind),
        st.sampled_from((1, 2)),
        st.sampled_from((AZN, CURRENCIES["840"])),
    ),
    max_size=12,
).map(lambda found: sorted(found, key=lambda one: one.rrn))


@given(ours=records, theirs=records)
def test_every_record_is_told_exactly_once_but_for_undone_reversals(
    ours: list[Record], theirs: list[Record]
) -> None:
    pairs = compared(ours, theirs)

    assert Counter(pair.ours for pair in pairs if pair.ours) == Counter(ours)
    told = Counter(pair.theirs for pair in pairs if pair.theirs)
    undone = Counter(
        pair.theirs._replace(kind=Kind.REVERSAL)
        for pair in pairs
        if pair.outcome is Outcome.UNDONE and pair.theirs
    )
    assert told + undone == Counter(theirs)


@given(side=records)
def test_a_record_without_repeats_agrees_with_itself(side: list[Record]) -> None:
    once = sorted(set(side), key=lambda one: one.rrn)

    assert {pair.outcome for pair in compared(once, once)} <= {Outcome.MATCHED}
