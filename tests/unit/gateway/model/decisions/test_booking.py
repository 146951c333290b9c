"""What a step books: every posting before and after settlement, and the fee beside it."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import NOW, authorisation_in, operation_in

from tkkpg.gateway.model.decisions.booking import book, share_of_fee
from tkkpg.gateway.model.ledger import PAYABLE, Posting, balance_changes
from tkkpg.gateway.model.lifecycle import RULES
from tkkpg.gateway.model.transaction import TranKind

P = Posting
AMOUNT_MAX = 10**12 - 1
AMOUNTS = st.integers(1, AMOUNT_MAX)

BOOKED = {
    (P.CHARGE, False): [(P.CHARGE, 3000), (P.FEE, 30)],
    (P.HOLD, False): [(P.HOLD, 3000)],
    (P.COMPLETE, False): [(P.COMPLETE, 3000), (P.FEE, 30), (P.RELEASE, 1000)],
    (P.RELEASE, False): [(P.RELEASE, 3000)],
    (P.RESERVE_UNCHARGE, False): [(P.RESERVE_UNCHARGE, 2970)],
    (P.RESERVE_UNCHARGE, True): [(P.RESERVE_CLAWBACK, 2970)],
    (P.UNCHARGE, False): [(P.UNCHARGE, 2970), (P.CANCEL_FEE, 30)],
    (P.UNCHARGE, True): [(P.CLAWBACK, 2970), (P.CANCEL_FEE, 30)],
    (P.CANCEL_UNCHARGE, False): [(P.CANCEL_UNCHARGE, 2970)],
    (P.CANCEL_UNCHARGE, True): [(P.CANCEL_CLAWBACK, 2970)],
    (P.RESERVE_REFUND, False): [(P.RESERVE_REFUND, 3000)],
    (P.REFUND, False): [(P.REFUND, 3000), (P.RETURN_FEE, 30)],
    (P.CANCEL_REFUND, False): [(P.CANCEL_REFUND, 3000)],
}
"""What a step of 30.00 with a fee of 0.30 books; after settlement or not. 40.00 are held."""


@pytest.mark.parametrize(("posting", "settled"), BOOKED)
def test_a_step_books_its_posting_and_what_goes_with_it(posting: P, *, settled: bool) -> None:
    tran = replace(authorisation_in(), fee_minor=30, settled=settled)

    booked = book(posting, tran, NOW, held_minor=4000)

    assert [(entry.posting, entry.amount_minor) for entry in booked] == BOOKED[posting, settled]
    assert {(entry.order_id, entry.tran_id, entry.merchant_id) for entry in booked} == {
        (tran.order_id, tran.tran_id, tran.merchant_id)
    }
    assert {(entry.at, entry.currency) for entry in booked} == {(NOW, tran.currency)}


def test_every_posting_of_a_step_is_among_them() -> None:
    assert {posting for posting, _ in BOOKED} == {rule.posting for rule in RULES if rule.posting}


def test_a_step_without_a_posting_books_nothing() -> None:
    assert book(None, replace(authorisation_in(), fee_minor=30), NOW) == ()


@pytest.mark.parametrize("posting", sorted({posting for posting, _ in BOOKED}))
def test_no_fee_leaves_no_line_of_nothing(posting: P) -> None:
    booked = book(posting, authorisation_in(), NOW, held_minor=3000)

    assert [(entry.posting, entry.amount_minor) for entry in booked] == [(posting, 3000)]


@pytest.mark.parametrize("settled", [False, True])
def test_a_fee_as_large_as_its_charge_leaves_nothing_to_take_back(*, settled: bool) -> None:
    tran = replace(operation_in(TranKind.REVERSAL), fee_minor=3000, settled=settled)

    assert book(P.RESERVE_UNCHARGE, tran, NOW) == ()
    assert [entry.posting for entry in book(P.UNCHARGE, tran, NOW)] == [P.CANCEL_FEE]


@given(amount=AMOUNTS, rest=st.integers(0, AMOUNT_MAX), data=st.data())
def test_a_charge_that_is_undone_leaves_nothing_payable_and_no_fee(
    amount: int, rest: int, data: st.DataObject
) -> None:
    fee = data.draw(st.integers(0, amount))
    tran = replace(authorisation_in(), amount_minor=amount, fee_minor=fee)
    capture = data.draw(st.sampled_from([P.CHARGE, P.COMPLETE]))
    ends = data.draw(
        st.sampled_from([[P.RESERVE_UNCHARGE], [P.RESERVE_UNCHARGE, P.UNCHARGE]]), label="reversal"
    )
    steps = [capture, *ends]

    entries = [entry for one in steps for entry in book(one, tran, NOW, held_minor=amount + rest)]

    assert sum(PAYABLE.get(entry.posting, 0) * entry.amount_minor for entry in entries) == 0
    fees = dict.fromkeys((P.FEE, P.CANCEL_FEE), 0)
    for entry in entries:
        if entry.posting in fees:
            fees[entry.posting] += entry.amount_minor
    assert fees[P.CANCEL_FEE] == (fees[P.FEE] if P.UNCHARGE in steps else 0)


@given(amount=AMOUNTS, data=st.data(), confirmed=st.booleans())
def test_a_settled_charge_takes_from_the_account_what_it_brought_or_nothing(
    amount: int, data: st.DataObject, *, confirmed: bool
) -> None:
    fee = data.draw(st.integers(0, amount))
    tran = replace(authorisation_in(), amount_minor=amount, fee_minor=fee, settled=True)
    end = P.UNCHARGE if confirmed else P.CANCEL_UNCHARGE

    entries = [entry for one in (P.RESERVE_UNCHARGE, end) for entry in book(one, tran, NOW)]

    changes = balance_changes(entries)
    assert sum(change.posted_minor for change in changes) == -(amount - fee) * confirmed
    assert sum(change.reserved_minor for change in changes) == 0


@given(parts=st.lists(AMOUNTS, min_size=1, max_size=20), data=st.data())
def test_the_shares_of_all_parts_add_up_to_the_fee_to_the_last_minor_unit(
    parts: list[int], data: st.DataObject
) -> None:
    whole = sum(parts)
    fee = data.draw(st.integers(0, whole))

    shares = [
        share_of_fee(fee, after - before, before, whole)
        for before, after in pairwise([0, *accumulate(parts)])
    ]

    assert sum(shares) == fee
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@pytest.mark.parametrize(
    ("part", "before", "share"),
    [(3000, 0, 31), (1000, 0, 10), (1000, 1000, 10), (1000, 2000, 11), (1, 0, 0), (1, 2999, 1)],
)
def test_a_share_is_rounded_down_and_made_up_for_by_the_last(
    part: int, before: int, share: int
) -> None:
    assert share_of_fee(31, part, before, 3000) == share
