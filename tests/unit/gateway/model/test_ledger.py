"""The ledger: what each posting moves, and what that does to the merchant's current account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import NOW

from tkkpg.gateway.model.ledger import (
    CAPTURES,
    PAYABLE,
    POSTINGS,
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
    Posting.RESERVE_UNCHARGE: (0, 0),
    Posting.UNCHARGE: (0, 0),
    Posting.CANCEL_UNCHARGE: (0, 0),
    Posting.RESERVE_CLAWBACK: (0, 100),
    Posting.CLAWBACK: (-100, -100),
    Posting.CANCEL_CLAWBACK: (0, -100),
    Posting.RESERVE_REFUND: (0, 100),
    Posting.REFUND: (-100, -100),
    Posting.CANCEL_REFUND: (0, -100),
    Posting.SETTLE: (100, 0),
    Posting.DEPOSIT: (100, 0),
    Posting.FEE: (0, 0),
    Posting.RETURN_FEE: (100, 0),
    Posting.CANCEL_FEE: (0, 0),
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
        (Posting.HOLD, (Posting.COMPLETE, Posting.RELEASE)),
        (Posting.RESERVE_UNCHARGE, (Posting.UNCHARGE, Posting.CANCEL_UNCHARGE)),
        (Posting.RESERVE_CLAWBACK, (Posting.CLAWBACK, Posting.CANCEL_CLAWBACK)),
        (Posting.RESERVE_REFUND, (Posting.REFUND, Posting.CANCEL_REFUND)),
    ],
)
def test_what_is_pending_is_posted_or_voided_on_the_same_accounts(
    pending: Posting, ends: tuple[Posting, Posting]
) -> None:
    debit, credit, phase = POSTINGS[pending]

    assert phase is Phase.PENDING
    assert [POSTINGS[end] for end in ends] == [
        (debit, credit, Phase.POSTS),
        (debit, credit, Phase.VOIDS),
    ]


def test_every_reservation_is_one_of_those_that_end() -> None:
    phases = Counter(phase for _, _, phase in POSTINGS.values())

    assert phases[Phase.PENDING] == phases[Phase.POSTS] == phases[Phase.VOIDS] == 4


@pytest.mark.parametrize("posting", sorted(set(Posting) - {Posting.SETTLE}))
def test_settlement_adds_up_what_moves_money_payable_and_leaves_out_what_is_reserved(
    posting: Posting,
) -> None:
    debit, credit, phase = POSTINGS[posting]
    if debit is Account.MERCHANT_PAYABLE:
        # What is to be undone is left out as soon as it is reserved, and comes back when it is not.
        sign = {Phase.PENDING: -1, Phase.POSTED: -1, Phase.POSTS: 0, Phase.VOIDS: 1}[phase]
    elif credit is Account.MERCHANT_PAYABLE:
        sign = {Phase.PENDING: 0, Phase.POSTED: 1, Phase.POSTS: 1, Phase.VOIDS: 0}[phase]
    else:
        sign = 0

    assert PAYABLE.get(posting, 0) == sign


def test_the_captures_are_what_gives_the_merchant_money_of_the_payer() -> None:
    assert set(CAPTURES) == {
        posting
        for posting, (debit, credit, phase) in POSTINGS.items()
        if (debit, credit) == (Account.SCHEME_RECEIVABLE, Account.MERCHANT_PAYABLE)
        and phase in {Phase.POSTED, Phase.POSTS}
    }


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
