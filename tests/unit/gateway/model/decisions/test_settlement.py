"""The decision of settlement: charged money becomes the merchant's, once."""

from __future__ import annotations

from tests.model_factories import NOW, context_at

from tkkpg.gateway.model.decisions.settlement import Unsettled, plan_settlement
from tkkpg.gateway.model.ledger import BalanceChange, Entry, Posting
from tkkpg.gateway.model.plan import SettlementCursor
from tkkpg.protocol.values import AZN

UNSETTLED = Unsettled("E1000010", AZN, 3000, 17, 25)


def test_what_was_charged_is_moved_to_the_current_account() -> None:
    plan = plan_settlement(context_at(), UNSETTLED)

    assert plan.entries == (
        Entry(
            posting=Posting.SETTLE,
            merchant_id="E1000010",
            amount_minor=3000,
            currency=AZN,
            at=NOW,
        ),
    )
    assert plan.balances == (BalanceChange("E1000010", AZN, 3000, 0),)


def test_the_cursor_moves_from_what_was_read_to_the_last_entry_counted() -> None:
    plan = plan_settlement(context_at(), UNSETTLED)

    assert plan.cursors == (SettlementCursor("E1000010", AZN, 17, 25),)


def test_the_smallest_amount_is_moved_too() -> None:
    plan = plan_settlement(context_at(), Unsettled("E1000010", AZN, 1, 17, 25))

    assert plan.balances == (BalanceChange("E1000010", AZN, 1, 0),)


def test_charges_that_were_undone_move_the_cursor_and_no_money() -> None:
    plan = plan_settlement(context_at(), Unsettled("E1000010", AZN, 0, 17, 25))

    assert (plan.entries, plan.balances) == ((), ())
    assert plan.cursors == (SettlementCursor("E1000010", AZN, 17, 25),)
