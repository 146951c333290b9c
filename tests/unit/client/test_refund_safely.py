"""`refund_safely` against a gateway with books of its own, whatever becomes of each message."""

from __future__ import annotations

from itertools import chain, product, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.client.scripted import REF, Fate, Till, client_of

from tkkpg.client import (
    AZN,
    Amount,
    NotSent,
    OutcomeUnknown,
    RefundOutcome,
    SafeRefund,
    TransportError,
)

PART = Amount.of("10.00", AZN)
OFTEN = settings(max_examples=200)
"""There are many fates, and the rare ones are the dangerous ones."""
LOOKS_IN_TIME = 24
"""Fewer looks at an order than a call takes before its time is over."""

BOTH = (True, False)
EVERY_FATE = [
    Fate(leaves=False),
    *(
        Fate(late_by=late_by, approved=approved, takes=takes, answered=answered, early=early)
        for late_by in (0, None, 1, 5, 60)
        for takes in (0, 1, 4, 60)
        for approved, answered, early in product(BOTH, BOTH, BOTH)
    ),
]
TILLS = st.builds(
    lambda fates, unheard, refunded: Till(
        chain(fates, repeat(Fate())), chain(unheard, repeat(False)), refunded
    ),
    st.lists(st.sampled_from(EVERY_FATE), min_size=1, max_size=4),
    st.lists(st.booleans(), max_size=30),
    st.sampled_from([0, 500, 2000]),
)


def attempt(till: Till, before: Amount) -> SafeRefund | TransportError:
    """Ask once for the refund."""
    try:
        return client_of(till).refund_safely(REF, amount=PART, refunded_before=before)
    except TransportError as error:
        return error


def call_and_check(till: Till) -> None:
    """Ask once, and hold what is told against the books, now and when all has arrived."""
    before = Amount(till.refunded_minor, AZN)

    told = attempt(till, before)
    known = till.done
    till.forget_the_late()

    assert till.sent <= 1
    if isinstance(told, SafeRefund):
        assert told.done == bool(known)
        assert till.done == known
        assert told.refunded.minor == till.refunded_minor
        assert told.outcome is not RefundOutcome.DONE_BEFORE
    elif not isinstance(told, OutcomeUnknown):
        assert till.done == 0


def test_whatever_becomes_of_the_refund_the_truth_is_told() -> None:
    for fate in EVERY_FATE:
        call_and_check(Till(repeat(fate, 1), repeat(False)))  # a repeat shows what it repeats


@OFTEN
@given(till=TILLS)
def test_one_call_sends_one_refund_at_most_and_tells_the_truth(till: Till) -> None:
    call_and_check(till)


@OFTEN
@given(till=TILLS, calls=st.integers(2, 6))
def test_however_often_it_is_called_the_money_is_returned_once_at_most(
    till: Till, calls: int
) -> None:
    before = Amount(till.refunded_minor, AZN)
    told_done = False

    for _ in range(calls):
        told = attempt(till, before)
        till.forget_the_late()
        assert till.done <= 1
        if isinstance(told, SafeRefund):
            assert told.done == bool(till.done)
            if told_done:
                assert told.outcome is RefundOutcome.DONE_BEFORE
            told_done = told.done


@given(takes=st.integers(1, LOOKS_IN_TIME), approved=st.booleans())
def test_a_call_after_a_crash_waits_for_what_was_started(takes: int, approved: bool) -> None:
    till = Till(iter([Fate(takes=takes, approved=approved, answered=False)]), repeat(False))
    with pytest.raises(OutcomeUnknown):
        client_of(till).refund(REF, amount=PART)
    till.fates = iter([Fate(approved=False)])

    told = attempt(till, Amount(0, AZN))

    assert isinstance(told, SafeRefund)
    assert told.outcome is (RefundOutcome.DONE_BEFORE if approved else RefundOutcome.DECLINED)
    assert till.done == approved


def test_a_refund_that_did_not_leave_may_be_called_for_again() -> None:
    till = Till(iter([Fate(leaves=False), Fate()]), repeat(False))

    assert isinstance(attempt(till, Amount(0, AZN)), NotSent)
    again = attempt(till, Amount(0, AZN))

    assert isinstance(again, SafeRefund)
    assert again.outcome is RefundOutcome.DONE_NOW
    assert till.done == 1
