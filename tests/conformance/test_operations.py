"""What every store promises about completions, reversals and saved cards; see `store.base`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.conformance.plans import (
    MERCHANT,
    NOW,
    SECOND,
    enrolment,
    entry,
    order,
    plan,
    tran,
)

from tkkpg.gateway.model.card import SavedCard
from tkkpg.gateway.model.decisions.operation import plan_operation_outcome, plan_reversal
from tkkpg.gateway.model.decisions.reservation import Numbers
from tkkpg.gateway.model.decisions.settlement import plan_settlement
from tkkpg.gateway.model.errors import GuardFailed, StoreConflict
from tkkpg.gateway.model.ledger import CAPTURES, Entry, Posting
from tkkpg.gateway.model.plan import Capture, Facts, StillUnsettled
from tkkpg.gateway.model.transaction import HostReply, TranState
from tkkpg.gateway.store.base import Store
from tkkpg.protocol.messages import ReverseRequest
from tkkpg.protocol.values import AZN, CURRENCIES, Language, OrderStatus

pytestmark = pytest.mark.anyio

USD = CURRENCIES["840"]
CARD = SavedCard(
    card_uid="AB" * 16,
    merchant_id="E1000010",
    order_id=1,
    token="k1.c2VhbGVk",
    pan_masked="416973••••••5869",
    brand="VISA",
    expiry="05/30",
    created_at=NOW,
)


async def settled(store: Store) -> None:
    """Settle whatever there is."""
    for due in await store.unsettled():
        await store.commit(plan_settlement(plan().context, due))


async def facts_of(store: Store) -> Facts:
    """Read what a decision about order 1 reads."""
    facts = await store.facts(1)
    assert facts is not None
    return facts


def charged() -> tuple[Entry, ...]:
    """A charge of 30.00 with its fee."""
    return (entry(Posting.CHARGE, 30_00), entry(Posting.FEE, 30))


async def paid(store: Store) -> None:
    """Have order 1 charged, with a fee of 0.30."""
    payment = tran(state=TranState.APPROVED, fee_minor=30, finished_at=NOW)
    one = order(status=OrderStatus.APPROVED, captured_minor=30_00, fee_minor=30, paid_at=NOW)
    await store.commit(plan(new_orders=(one,), new_transactions=(payment,), entries=charged()))


def reversal(facts: Facts) -> ReverseRequest:
    """Ask to reverse order 1."""
    return ReverseRequest(
        language=Language.EN,
        merchant_id="E1000010",
        order_id=1,
        session_id=facts.order.session_id,
    )


NUMBERS = Numbers(tran_id=2, two_id=2_000_002, stan=124)


# ---------------------------------------------------------------- where a charge stands


@pytest.mark.parametrize("posting", sorted(CAPTURES))
async def test_facts_say_by_which_line_an_order_was_charged_and_whether_it_is_settled(
    store: Store, posting: Posting
) -> None:
    await store.commit(plan(new_orders=(order(),), entries=(entry(Posting.HOLD, 30_00),)))
    assert (await facts_of(store)).capture is None

    await store.commit(plan(entries=(entry(posting, 30_00), entry(Posting.FEE, 30))))
    before = (await facts_of(store)).capture
    await settled(store)

    assert before is not None
    assert not before.settled
    assert (await facts_of(store)).capture == Capture(before.entry_id, settled=True)


async def test_another_orders_charge_is_not_this_ones(store: Store) -> None:
    other = replace(entry(Posting.CHARGE, 30_00), order_id=2)
    await store.commit(plan(new_orders=(order(), order(2)), entries=(other,)))

    assert (await facts_of(store)).capture is None


async def test_a_charge_in_another_currency_is_settled_for_itself(store: Store) -> None:
    dollars = replace(MERCHANT, currencies=frozenset({"840", "944"}))
    charge = replace(entry(Posting.CHARGE, 30_00), currency=USD)
    await store.commit(plan(merchants=(dollars,), new_orders=(order(currency=USD),)))
    await store.commit(plan(entries=(charge,)))

    (due,) = await store.unsettled()
    await store.commit(plan_settlement(plan().context, due))

    assert (due.currency, due.amount_minor) == (USD, 30_00)
    assert (await facts_of(store)).capture == Capture(due.entry_id, settled=True)


# ---------------------------------------------------------------- reversal against settlement


async def test_what_must_be_unsettled_is_so_until_it_is_settled(store: Store) -> None:
    await store.commit(plan(new_orders=(order(),), entries=(entry(Posting.CHARGE, 30_00),)))
    capture = (await facts_of(store)).capture
    assert capture is not None
    guard = StillUnsettled("E1000010", AZN, capture.entry_id)

    await store.commit(plan(unsettled=(guard,)))
    await settled(store)

    with pytest.raises(StoreConflict):
        await store.commit(plan(unsettled=(guard,)))


async def test_a_plan_that_lost_to_a_settlement_leaves_nothing(store: Store) -> None:
    await paid(store)
    facts = await facts_of(store)
    late = plan_reversal(plan().context, facts, reversal(facts), NUMBERS)
    await settled(store)

    with pytest.raises(StoreConflict):
        await store.commit(late)

    assert await facts_of(store) == replace(
        facts, capture=replace(facts.capture or Capture(0, settled=False), settled=True)
    )
    assert await store.unsettled() == []


async def test_a_reversal_that_lost_to_a_settlement_takes_from_the_current_account(
    store: Store,
) -> None:
    await paid(store)
    facts = await facts_of(store)
    early = plan_reversal(plan().context, facts, reversal(facts), NUMBERS)
    await settled(store)
    with pytest.raises(StoreConflict):
        await store.commit(early)

    facts = await facts_of(store)
    again = plan_reversal(plan().context, facts, reversal(facts), NUMBERS)
    await store.commit(again)

    assert _booked(early.entries) == [(Posting.RESERVE_UNCHARGE, 29_70)]
    assert _booked(again.entries) == [(Posting.RESERVE_CLAWBACK, 29_70)]
    done = plan_operation_outcome(
        plan().context, await facts_of(store), NUMBERS.tran_id, HostReply.of("001", "123456")
    )
    assert done is not None
    assert _booked(done.entries) == [(Posting.CLAWBACK, 29_70), (Posting.CANCEL_FEE, 30)]
    await store.commit(done)
    with pytest.raises(GuardFailed):
        await store.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 1),)))


async def test_a_settlement_pays_nothing_of_a_charge_whose_reversal_has_begun(
    store: Store,
) -> None:
    await paid(store)
    facts = await facts_of(store)
    await store.commit(plan_reversal(plan().context, facts, reversal(facts), NUMBERS))

    await settled(store)

    with pytest.raises(GuardFailed):
        await store.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 1),)))


async def test_a_refused_reversal_gives_the_charge_back_to_settlement(store: Store) -> None:
    await paid(store)
    facts = await facts_of(store)
    await store.commit(plan_reversal(plan().context, facts, reversal(facts), NUMBERS))
    await settled(store)

    refused = plan_operation_outcome(
        plan().context, await facts_of(store), NUMBERS.tran_id, HostReply.of("076")
    )
    assert refused is not None
    await store.commit(refused)

    (due,) = await store.unsettled()
    assert due.amount_minor == 29_70
    assert (await facts_of(store)).order.status is OrderStatus.APPROVED


def _booked(entries: Iterable[Entry]) -> list[tuple[Posting, int]]:
    return [(one.posting, one.amount_minor) for one in entries]


# ---------------------------------------------------------------- currencies


async def test_a_merchant_has_an_account_in_each_of_its_currencies_and_no_other(
    store: Store,
) -> None:
    await store.commit(plan(merchants=(replace(MERCHANT, currencies=frozenset({"840", "944"})),)))
    dollars = replace(entry(Posting.DEPOSIT, 100), currency=USD)
    await store.commit(plan(entries=(dollars,)))

    with pytest.raises(GuardFailed):
        await store.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 1),)))
    await store.commit(plan(entries=(replace(entry(Posting.RESERVE_REFUND, 100), currency=USD),)))
    with pytest.raises(GuardFailed):
        await store.commit(plan(entries=(replace(dollars, currency=CURRENCIES["978"]),)))


async def test_a_merchant_that_is_enrolled_again_keeps_its_settings_and_accounts(
    store: Store,
) -> None:
    changed = replace(
        MERCHANT,
        currencies=frozenset({"840", "944"}),
        fee_bp=150,
        duplicate_window_s=60,
        change_status_url="https://shop.example/status",
        card_registration=False,
        password="k1.c2VhbGVk",
    )

    await store.commit(plan(merchants=(changed,)))

    assert await store.merchant("E1000010") == changed


# ---------------------------------------------------------------- saved cards


async def test_a_saved_card_is_found_by_its_whole_number_only(store: Store) -> None:
    await store.commit(plan(saved_cards=(CARD,)))

    assert await store.saved_card(CARD.card_uid) == CARD
    assert await store.saved_card(CARD.card_uid.lower()) is None
    assert await store.saved_card(CARD.card_uid[:-1]) is None
    assert await store.saved_card("") is None


async def test_a_card_is_saved_with_its_payment_or_not_at_all(store: Store) -> None:
    await store.commit(plan(saved_cards=(CARD,)))
    other = replace(CARD, token="k1.b3RoZXI=", created_at=NOW + SECOND)

    with pytest.raises(StoreConflict):
        await store.commit(plan(new_orders=(order(),), saved_cards=(other,)))

    assert await store.saved_card(CARD.card_uid) == CARD
    assert await store.order(1) is None


async def test_a_database_that_was_enrolled_has_no_saved_card(store: Store) -> None:
    await store.commit(enrolment())

    assert await store.saved_card("0" * 32) is None
