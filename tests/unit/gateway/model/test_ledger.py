"""The ledger: what each posting moves, and what that does to the merchant's current account."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import NOW

from tkkpg.gateway.model.ledger import (
    POSTINGS,
    SETTLED,
    Account,
    BalanceChange,
    Entry,
    Phase,
    Posting,
    balance_changes,
)
from tkkpg.protocol.values import AZN, Currency

USD = Currency("840", "USD", 2)

EFFECTS = {
    Posting.CHARGE: (0, 0),
    Posting.HOLD: (0, 0),
    Posting.COMPLETE: (0, 0),
    Posting.RELEASE: (0, 0),
    Posting.UNCHARGE: (0, 0),
    Posting.RESERVE_REFUND: (0, 100),
    Posting.REFUND: (-100, -100),
    Posting.CANCEL_REFUND: (0, -100),
    Posting.SETTLE: (100, 0),
    Posting.DEPOSIT: (100, 0),
}
"""What 100 minor units of each posting do to (posted, reserved)."""


def entry(posting: Posting, amount_minor: int = 100, merchant_id: str = "E1000010") -> Entry:
    return Entry(
        posting=posting, merchant_id=merchant_id, amount_minor=amount_minor, currency=AZN, at=NOW
    )


@pytest.mark.parametrize("posting", Posting)
def test_every_posting_moves_between_two_different_accounts(posting: Posting) -> None:
    booked = entry(posting)

    assert (booked.debit, booked.credit, booked.phase) == POSTINGS[posting]
    assert booked.debit is not booked.credit


@pytest.mark.parametrize("posting", Posting)
def test_every_posting_has_its_effect_on_the_current_account(posting: Posting) -> None:
    posted, reserved = EFFECTS[posting]
    change = BalanceChange("E1000010", AZN, posted, reserved)

    assert balance_changes([entry(posting)]) == ((change,) if posted or reserved else ())


@pytest.mark.parametrize(
    ("pending", "ends"),
    [
        (Posting.HOLD, {Posting.COMPLETE, Posting.RELEASE}),
        (Posting.RESERVE_REFUND, {Posting.REFUND, Posting.CANCEL_REFUND}),
    ],
)
def test_what_is_pending_is_posted_or_voided_on_the_same_accounts(
    pending: Posting, ends: set[Posting]
) -> None:
    debit, credit, phase = POSTINGS[pending]
    found = {
        posting: row[2]
        for posting, row in POSTINGS.items()
        if row[:2] == (debit, credit) and row[2] in {Phase.POSTS, Phase.VOIDS}
    }

    assert phase is Phase.PENDING
    assert found.keys() == ends
    assert set(found.values()) == {Phase.POSTS, Phase.VOIDS}


def test_settlement_adds_up_exactly_what_moves_money_payable_to_the_merchant() -> None:
    moving = {
        posting
        for posting, (debit, credit, phase) in POSTINGS.items()
        if Account.MERCHANT_PAYABLE in {debit, credit} and phase in {Phase.POSTED, Phase.POSTS}
    }

    assert moving - {Posting.SETTLE} == SETTLED


@pytest.mark.parametrize("end", [Posting.REFUND, Posting.CANCEL_REFUND])
def test_a_reservation_that_ends_leaves_nothing_reserved(end: Posting) -> None:
    changes = balance_changes([entry(Posting.RESERVE_REFUND), entry(end)])

    assert sum(change.reserved_minor for change in changes) == 0


def test_no_entries_change_no_balance() -> None:
    assert balance_changes([]) == ()


def test_merchants_and_currencies_are_kept_apart() -> None:
    entries = [
        entry(Posting.SETTLE, 10),
        entry(Posting.SETTLE, 20, "E1000011"),
        replace(entry(Posting.SETTLE, 40), currency=USD),
    ]

    assert set(balance_changes(entries)) == {
        BalanceChange("E1000010", AZN, 10, 0),
        BalanceChange("E1000011", AZN, 20, 0),
        BalanceChange("E1000010", USD, 40, 0),
    }


@given(st.lists(st.tuples(st.sampled_from(Posting), st.integers(1, 10**12 - 1))))
def test_changes_of_many_entries_are_the_sum_of_their_single_effects(
    booked: list[tuple[Posting, int]],
) -> None:
    posted = sum(EFFECTS[posting][0] * amount for posting, amount in booked) // 100
    reserved = sum(EFFECTS[posting][1] * amount for posting, amount in booked) // 100

    changes = balance_changes(entry(posting, amount) for posting, amount in booked)

    assert sum(change.posted_minor for change in changes) == posted
    assert sum(change.reserved_minor for change in changes) == reserved
