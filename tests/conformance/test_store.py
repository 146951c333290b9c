"""What every store promises, whatever database is below; see `store.base`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest
from tests.conformance.plans import (
    CERTIFICATE,
    MERCHANT,
    NOW,
    SECOND,
    attempt,
    enrolment,
    entry,
    notification,
    order,
    plan,
    tran,
)

from tkkpg.gateway.ids import Ids, Sequence
from tkkpg.gateway.model.authentication import Authentication, Verdict
from tkkpg.gateway.model.decisions.settlement import Unsettled, plan_settlement
from tkkpg.gateway.model.errors import GuardFailed, StoreConflict, StoreUnavailable
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.plan import (
    Facts,
    OrderChange,
    Plan,
    SettlementCursor,
    TransactionChange,
)
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.gateway.store.base import Backlog, Store, Unresolved
from tkkpg.protocol.values import AZN, Operation, OrderStatus

pytestmark = pytest.mark.anyio

OpenStore: TypeAlias = Callable[[], Store]


async def outcomes(store: Store, *plans: Plan) -> list[BaseException | None]:
    """Commit plans side by side: what each raised, or `None`."""
    return await asyncio.gather(*map(store.commit, plans), return_exceptions=True)


# ---------------------------------------------------------------- whole or not at all


async def test_what_a_plan_holds_is_found_again(store: Store) -> None:
    paid = order(status=OrderStatus.APPROVED, paid_at=NOW, updated_at=NOW)
    second = tran(2, state=TranState.DECLINED, finished_at=NOW, response_code="116")

    await store.commit(plan(new_orders=(paid,), new_transactions=(second, tran(1))))

    assert await store.order(1) == paid
    assert await store.merchant("E1000010") == MERCHANT
    assert await store.facts(1) == Facts(
        order=paid, merchant=MERCHANT, transactions=(tran(1), second)
    )


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert await store.order(404) is None
    assert await store.facts(404) is None
    assert await store.transaction_authenticated("404") is None
    assert await store.merchant("E404") is None


async def test_a_merchant_is_changed_by_writing_it_again(store: Store) -> None:
    changed = replace(MERCHANT, active=False, operations=frozenset({Operation.REFUND}))
    await store.commit(plan(merchants=(changed,)))

    assert await store.merchant("E1000010") == changed


IMPOSSIBLE = {
    "an order that is there": plan(new_orders=(order(1),)),
    "an old version": plan(orders=(OrderChange(order(1, version=9), 8),)),
    "an order that is not there": plan(orders=(OrderChange(order(404, version=2), 1),)),
    "a transaction that is there": plan(new_transactions=(tran(1, state=TranState.RESERVED),)),
    "an old state": plan(
        transactions=(TransactionChange(tran(1, state=TranState.REVERSED), TranState.REVERSING),)
    ),
    "a second open transaction": plan(new_transactions=(tran(2),)),
    "money that is not there": plan(entries=(entry(Posting.RESERVE_REFUND, 1),)),
    "a reservation that is not there": plan(entries=(entry(Posting.CANCEL_REFUND, 1),)),
    "a merchant without an account": plan(entries=(entry(Posting.DEPOSIT, 1, "E404"),)),
    "an old cursor": plan(cursors=(SettlementCursor("E1000010", AZN, 8, 9),)),
    "a notification that is there": plan(notifications=(notification("n1"),)),
    "a plan that is there": plan("p1"),
}


@pytest.mark.parametrize("refused", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
async def test_a_plan_with_one_impossible_part_leaves_nothing(store: Store, refused: Plan) -> None:
    await store.commit(
        plan(
            "p1",
            new_orders=(order(1),),
            new_transactions=(tran(1),),
            notifications=(notification("n1"),),
        )
    )
    whole = replace(
        refused,
        new_orders=(*refused.new_orders, order(2)),
        transactions=(
            *refused.transactions,
            TransactionChange(tran(1, state=TranState.UNKNOWN), TranState.SENT),
        ),
        entries=(*refused.entries, entry(Posting.CHARGE, 5)),
        notifications=(*refused.notifications, notification("n2")),
        merchants=(replace(MERCHANT, name="Alma"),),
        certificates=(replace(CERTIFICATE, fingerprint="cd" * 32),),
    )

    with pytest.raises(StoreConflict):
        await store.commit(whole)

    assert await store.order(2) is None
    assert await store.merchant("E1000010") == MERCHANT
    assert await store.merchant_of("cd" * 32, NOW) is None
    assert await store.unsettled() == []
    assert [one.tran_id for one in await store.unresolved(NOW + SECOND, 9)] == [1]
    assert (await store.backlog()).queued == 1


@pytest.mark.parametrize(
    "guarded", ["money that is not there", "a reservation that is not there", "an old cursor"]
)
async def test_a_shared_balance_or_cursor_is_a_guard(store: Store, guarded: str) -> None:
    with pytest.raises(GuardFailed):
        await store.commit(IMPOSSIBLE[guarded])


async def test_a_plan_refused_once_may_be_committed_when_it_is_possible(store: Store) -> None:
    wanted = plan(new_orders=(order(1),), entries=(entry(Posting.RESERVE_REFUND, 5),))
    with pytest.raises(GuardFailed):
        await store.commit(wanted)
    await store.commit(plan(entries=(entry(Posting.DEPOSIT, 5),)))

    await store.commit(wanted)

    assert await store.order(1) == order(1)


# ---------------------------------------------------------------- who comes first


async def test_of_two_plans_that_read_one_version_one_is_told_to_decide_again(
    store: Store,
) -> None:
    await store.commit(plan(new_orders=(order(1),)))
    first, second = (
        plan(orders=(OrderChange(order(1, version=2, status=status), 1),))
        for status in (OrderStatus.ON_PAYMENT, OrderStatus.CANCELED)
    )

    told = await outcomes(store, first, second)

    assert [type(one) for one in told] == [type(None), StoreConflict]
    assert await store.order(1) == order(1, version=2, status=OrderStatus.ON_PAYMENT)


async def test_whoever_is_told_of_a_conflict_sees_the_winner(store: Store) -> None:
    await store.commit(plan(new_orders=(order(1),)))
    seen = []

    async def change() -> None:
        found = await store.order(1)
        assert found is not None
        moved = order(1, version=found.version + 1)
        try:
            await store.commit(plan(orders=(OrderChange(moved, found.version),)))
        except StoreConflict:
            seen.append(await store.order(1))

    await asyncio.gather(*(change() for _ in range(4)))

    assert seen == [order(1, version=2)] * 3


async def test_a_transaction_moves_once_from_a_state(store: Store) -> None:
    await store.commit(plan(new_orders=(order(1),), new_transactions=(tran(1),)))
    moves = [
        plan(transactions=(TransactionChange(tran(1, state=state), TranState.SENT),))
        for state in (TranState.APPROVED, TranState.DECLINED)
    ]

    told = await outcomes(store, *moves)

    assert [type(one) for one in told] == [type(None), StoreConflict]
    facts = await store.facts(1)
    assert facts is not None
    assert facts.transactions == (tran(1, state=TranState.APPROVED),)


async def test_two_transactions_of_an_order_are_never_open_together(store: Store) -> None:
    await store.commit(plan(new_orders=(order(1), order(2))))
    sent = [tran(1), tran(2), tran(3, order_id=2)]

    told = await outcomes(store, *(plan(new_transactions=(one,)) for one in sent))

    assert [type(one) for one in told] == [type(None), StoreConflict, type(None)]


async def test_one_plan_may_close_a_transaction_and_open_the_next(store: Store) -> None:
    await store.commit(plan(new_orders=(order(1),), new_transactions=(tran(1),)))
    closed = tran(1, state=TranState.DECLINED, finished_at=NOW, response_code="116")

    await store.commit(
        plan(
            transactions=(TransactionChange(closed, TranState.SENT),),
            new_transactions=(tran(2, kind=TranKind.REFUND, original_id=1),),
        )
    )

    facts = await store.facts(1)
    assert facts is not None
    assert [one.state for one in facts.transactions] == [TranState.DECLINED, TranState.SENT]


async def test_a_plan_id_is_taken_once_even_by_plans_side_by_side(store: Store) -> None:
    told = await outcomes(
        store,
        plan("same", new_orders=(order(1),)),
        plan("same", new_orders=(order(2),)),
        plan("other", new_orders=(order(3),)),
    )

    assert [type(one) for one in told] == [type(None), StoreConflict, type(None)]
    assert await store.order(2) is None


async def test_an_authentication_belongs_to_one_transaction(store: Store) -> None:
    twice = (attempt(1, "one"), attempt(2, "one"))

    with pytest.raises(StoreConflict):
        await store.commit(plan(new_orders=(order(1),), new_transactions=twice))

    assert await store.transaction_authenticated("one") is None


async def test_transactions_without_an_authentication_do_not_meet(store: Store) -> None:
    declined = tuple(tran(number, state=TranState.DECLINED) for number in (1, 2))

    await store.commit(plan(new_orders=(order(1),), new_transactions=declined))

    facts = await store.facts(1)
    assert facts is not None
    assert facts.transactions == declined


# ---------------------------------------------------------------- money


@pytest.mark.parametrize("together", [True, False])
async def test_of_two_refunds_that_need_the_same_money_exactly_one_gets_it(
    store: Store, together: bool
) -> None:
    await store.commit(plan(entries=(entry(Posting.DEPOSIT, 100),)))
    refunds = [plan(entries=(entry(Posting.RESERVE_REFUND, 60),)) for _ in range(2)]

    told = (
        await outcomes(store, *refunds)
        if together
        else [(await outcomes(store, refund))[0] for refund in refunds]
    )

    assert [type(one) for one in told] == [type(None), GuardFailed]


@pytest.mark.parametrize(
    ("booked", "free"),
    [
        ((Posting.RESERVE_REFUND,), 40),
        ((Posting.RESERVE_REFUND, Posting.REFUND), 40),
        ((Posting.RESERVE_REFUND, Posting.CANCEL_REFUND), 100),
    ],
)
async def test_what_is_free_on_the_account_can_be_refunded_and_not_more(
    store: Store, booked: tuple[Posting, ...], free: int
) -> None:
    await store.commit(plan(entries=(entry(Posting.DEPOSIT, 100),)))
    for posting in booked:
        await store.commit(plan(entries=(entry(posting, 60),)))

    told = [
        (await outcomes(store, plan(entries=(entry(Posting.RESERVE_REFUND, amount),))))[0]
        for amount in (free + 1, free, 1)
    ]

    assert [type(one) for one in told] == [GuardFailed, type(None), GuardFailed]


async def test_unsettled_is_what_was_charged_and_not_given_back(store: Store) -> None:
    booked = [
        (Posting.CHARGE, 1000),
        (Posting.HOLD, 400),
        (Posting.COMPLETE, 300),
        (Posting.FEE, 7),
        (Posting.RESERVE_UNCHARGE, 200),
        (Posting.UNCHARGE, 200),
        (Posting.RESERVE_UNCHARGE, 60),
        (Posting.CANCEL_UNCHARGE, 60),
        (Posting.RELEASE, 50),
        (Posting.CANCEL_FEE, 5),
        (Posting.DEPOSIT, 7000),
    ]
    await store.commit(plan(entries=tuple(entry(posting, amount) for posting, amount in booked)))

    (found,) = await store.unsettled()

    assert (found.merchant_id, found.currency, found.amount_minor) == ("E1000010", AZN, 1093)


async def test_merchants_are_settled_apart(store: Store) -> None:
    other = replace(MERCHANT, merchant_id="E2000020")
    charges = (entry(Posting.CHARGE, 10), entry(Posting.CHARGE, 20, "E2000020"))
    await store.commit(plan(merchants=(other,), entries=charges))

    found = {one.merchant_id: one.amount_minor for one in await store.unsettled()}

    assert found == {"E1000010": 10, "E2000020": 20}


async def test_a_settled_amount_is_settled_once_and_becomes_the_merchants_money(
    store: Store,
) -> None:
    await store.commit(plan(entries=(entry(Posting.CHARGE, 100),)))
    (due,) = await store.unsettled()

    told = await outcomes(store, *(plan_settlement(plan().context, due) for _ in range(2)))

    assert [type(one) for one in told] == [type(None), GuardFailed]
    assert await store.unsettled() == []
    await store.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 100),)))
    with pytest.raises(GuardFailed):
        await store.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 1),)))


async def test_what_is_charged_after_a_settlement_was_counted_waits_for_the_next(
    store: Store,
) -> None:
    await store.commit(plan(entries=(entry(Posting.CHARGE, 100),)))
    (due,) = await store.unsettled()
    await store.commit(plan(entries=(entry(Posting.CHARGE, 30),)))

    await store.commit(plan_settlement(plan().context, due))

    (rest,) = await store.unsettled()
    assert rest == Unsettled("E1000010", AZN, 30, due.entry_id, rest.entry_id)
    assert rest.entry_id > due.entry_id


async def test_a_charge_whose_reversal_began_after_it_was_counted_is_not_settled(
    store: Store,
) -> None:
    await store.commit(plan(entries=(entry(Posting.CHARGE, 100),)))
    (due,) = await store.unsettled()
    await store.commit(plan(entries=(entry(Posting.RESERVE_UNCHARGE, 70),)))

    with pytest.raises(GuardFailed):
        await store.commit(plan_settlement(plan().context, due))

    (again,) = await store.unsettled()
    await store.commit(plan_settlement(plan().context, again))
    assert (due.amount_minor, again.amount_minor) == (100, 30)


async def test_another_merchants_reversal_keeps_no_settlement_waiting(store: Store) -> None:
    other = replace(MERCHANT, merchant_id="E2000020")
    await store.commit(plan(merchants=(other,), entries=(entry(Posting.CHARGE, 100),)))
    (due,) = await store.unsettled()
    await store.commit(plan(entries=(entry(Posting.RESERVE_UNCHARGE, 70, "E2000020"),)))

    await store.commit(plan_settlement(plan().context, due))

    assert await store.unsettled() == []


async def test_a_debt_waits_for_later_charges(store: Store) -> None:
    await store.commit(plan(entries=(entry(Posting.RESERVE_UNCHARGE, 100),)))
    assert await store.unsettled() == []

    await store.commit(plan(entries=(entry(Posting.CHARGE, 130),)))

    (due,) = await store.unsettled()
    assert due.amount_minor == 30


# ---------------------------------------------------------------- looking


async def test_facts_are_of_one_moment_while_others_commit(store: Store) -> None:
    await store.commit(plan(new_orders=(order(1),)))
    done = asyncio.Event()

    async def write() -> None:
        for version in range(2, 60):
            declined = tran(version, state=TranState.DECLINED)
            change = OrderChange(order(1, version=version), version - 1)
            await store.commit(plan(orders=(change,), new_transactions=(declined,)))
        done.set()

    async def look() -> int:
        looks = 0
        while not done.is_set():
            facts = await store.facts(1)
            assert facts is not None
            assert len(facts.transactions) == facts.order.version - 1
            looks += 1
            await asyncio.sleep(0)
        return looks

    _, looks = await asyncio.gather(write(), look())

    assert looks > 1


async def test_overdue_orders_are_those_that_still_wait_at_their_deadline(store: Store) -> None:
    deadlines = [(1, 20), (2, 10), (3, 21)]
    waiting = [order(key, expires_at=NOW + key_s * SECOND) for key, key_s in deadlines]
    others = [
        order(10 + number, expires_at=NOW, status=status)
        for number, status in enumerate(OrderStatus)
        if status not in {OrderStatus.CREATED, OrderStatus.ON_PAYMENT}
    ]
    paying = order(4, expires_at=NOW + 15 * SECOND, status=OrderStatus.ON_PAYMENT)
    await store.commit(plan(new_orders=(*waiting, *others, paying)))

    assert list(await store.overdue(NOW + 20 * SECOND, 9)) == [2, 4, 1]
    assert list(await store.overdue(NOW + 20 * SECOND, 2)) == [2, 4]
    assert list(await store.overdue(NOW + 9 * SECOND, 9)) == []


async def test_unresolved_transactions_are_those_whose_outcome_is_open(store: Store) -> None:
    states = list(TranState)
    orders = tuple(order(number) for number in range(1, len(states) + 1))
    sent = tuple(
        tran(number, order_id=number, state=state, sent_at=NOW - number * SECOND)
        for number, state in enumerate(states, 1)
    )
    await store.commit(plan(new_orders=orders, new_transactions=sent))
    expected = [
        Unresolved(one.tran_id, one.order_id, one.state)
        for one in reversed(sent)
        if one.state in {TranState.SENT, TranState.UNKNOWN, TranState.REVERSING}
    ]

    assert list(await store.unresolved(NOW, 9)) == expected
    assert list(await store.unresolved(NOW, 1)) == expected[:1]
    oldest = expected[0]
    assert oldest not in await store.unresolved(NOW - oldest.tran_id * SECOND, 9)


async def test_a_transaction_is_found_by_the_number_of_its_authentication(store: Store) -> None:
    waits, other = attempt(1, "one"), attempt(2, "two", order_id=2)
    await store.commit(
        plan(new_orders=(order(1), order(2), order(3)), new_transactions=(waits, other))
    )
    await store.commit(plan(new_transactions=(tran(3, order_id=3),)))

    assert await store.transaction_authenticated("one") == waits
    assert await store.transaction_authenticated("two") == other
    assert await store.transaction_authenticated("three") is None
    assert await store.transaction_authenticated("") is None


async def test_what_becomes_of_an_authentication_is_found_with_its_transaction(
    store: Store,
) -> None:
    waits = attempt(1, "one")
    await store.commit(plan(new_orders=(order(1),), new_transactions=(waits,)))
    known = Authentication(
        server_trans_id="one",
        verdict=Verdict.ATTEMPTED,
        reason="01",
        eci="06",
        ds_trans_id="ds",
    )
    sent = replace(waits, state=TranState.SENT, sent_at=NOW + SECOND, authentication=known)

    await store.commit(plan(transactions=(TransactionChange(sent, TranState.RESERVED),)))

    assert await store.transaction_authenticated("one") == sent
    assert [one.tran_id for one in await store.unresolved(NOW + 2 * SECOND, 9)] == [1]


async def test_a_certificate_speaks_for_its_merchant_until_it_expires(store: Store) -> None:
    fingerprint, end = CERTIFICATE.fingerprint, CERTIFICATE.not_after

    assert await store.merchant_of(fingerprint, end - timedelta(microseconds=1)) == MERCHANT
    assert await store.merchant_of(fingerprint, end) is None
    assert await store.merchant_of("00" * 32, NOW) is None


async def test_a_revoked_certificate_speaks_for_nobody(store: Store) -> None:
    await store.commit(plan(certificates=(replace(CERTIFICATE, revoked=True),)))

    assert await store.merchant_of(CERTIFICATE.fingerprint, NOW) is None


async def test_a_merchant_may_have_more_than_one_certificate(store: Store) -> None:
    await store.commit(plan(certificates=(replace(CERTIFICATE, fingerprint="cd" * 32),)))

    assert await store.merchant_of("cd" * 32, NOW) == MERCHANT
    assert await store.merchant_of(CERTIFICATE.fingerprint, NOW) == MERCHANT


async def test_the_backlog_counts_what_waits_and_since_when(store: Store) -> None:
    assert await store.backlog() == Backlog(0, None, 0, None)
    sent = (tran(1), tran(2, order_id=2, sent_at=NOW - SECOND, state=TranState.REVERSING))
    await store.commit(plan(new_orders=(order(1), order(2)), new_transactions=sent))
    for number in range(3):
        promised = notification(f"n{number}", due_at=NOW + number * SECOND)
        await store.commit(plan(now=NOW + number * SECOND, notifications=(promised,)))
    await store.finish_notification("n0", NOW, "200", delivered=True)

    assert await store.backlog() == Backlog(2, NOW - SECOND, 2, NOW + SECOND)


# ---------------------------------------------------------------- sequences


async def test_a_sequence_begins_where_it_is_told_and_grows_in_blocks(store: Store) -> None:
    taken = [await store.reserve_numbers("order", 1_000_001, 10) for _ in range(3)]

    assert taken == [1_000_001, 1_000_011, 1_000_021]


async def test_sequences_grow_apart(store: Store) -> None:
    await store.reserve_numbers("order", 100, 10)

    assert await store.reserve_numbers("stan", 1, 10) == 1


async def test_blocks_taken_side_by_side_never_overlap(store: Store) -> None:
    sizes = [1, 7, 1000] * 20
    firsts = await asyncio.gather(*(store.reserve_numbers("two", 5, size) for size in sizes))

    numbers = [
        number
        for first, size in zip(firsts, sizes, strict=True)
        for number in range(first, first + size)
    ]
    assert sorted(numbers) == list(range(5, 5 + sum(sizes)))


async def test_no_number_is_given_twice_over_a_restart(open_store: OpenStore) -> None:
    given: list[int] = []
    for _ in range(3):
        store = open_store()
        ids = Ids(bytes, store.reserve_numbers)
        given += await asyncio.gather(*(ids.take(Sequence.ORDER) for _ in range(1500)))
        await store.aclose()

    assert len(given) == len(set(given))
    assert given == sorted(given)


# ---------------------------------------------------------------- notifications


async def taken(store: Store, after: int = 0, *, lease: int = 60, limit: int = 9) -> set[str]:
    """Take what is due some seconds later: the ids."""
    now = NOW + after * SECOND
    found = await store.take_notifications(now, now + lease * SECOND, limit)
    return {one.notification_id for one in found}


async def test_a_notification_is_taken_as_it_was_promised(store: Store) -> None:
    promised = notification(attempts=2)
    await store.commit(plan(notifications=(promised,)))

    assert list(await store.take_notifications(NOW, NOW + SECOND, 9)) == [promised]


async def test_a_notification_is_taken_when_it_is_due_and_not_before(store: Store) -> None:
    await store.commit(plan(notifications=(notification(due_at=NOW + 5 * SECOND),)))

    assert await taken(store, 4) == set()
    assert await taken(store, 5) == {"n1"}


async def test_a_taken_notification_is_given_to_nobody_else_until_its_lease_ends(
    store: Store,
) -> None:
    await store.commit(plan(notifications=(notification(),)))

    assert await taken(store, 0, lease=10) == {"n1"}
    assert await taken(store, 9) == set()
    assert await taken(store, 10) == {"n1"}


async def test_what_a_dead_process_had_taken_is_given_again_at_once(store: Store) -> None:
    await store.commit(plan(notifications=(notification("n1"), notification("n2"))))
    await taken(store)
    await store.finish_notification("n2", NOW, "200", delivered=True)

    await store.release_notifications()

    assert await taken(store) == {"n1"}


async def test_takers_side_by_side_share_nothing(store: Store) -> None:
    promised = tuple(notification(f"n{number}") for number in range(10))
    await store.commit(plan(notifications=promised))

    shares = await asyncio.gather(*(taken(store, limit=3) for _ in range(5)))

    assert [len(share) for share in shares] == [3, 3, 3, 1, 0]
    assert set.union(*shares) == {one.notification_id for one in promised}


async def test_what_is_due_longest_is_taken_first(store: Store) -> None:
    promised = tuple(notification(f"n{age}", due_at=NOW - age * SECOND) for age in (1, 3, 2))
    await store.commit(plan(notifications=promised))

    assert await taken(store, limit=2) == {"n3", "n2"}


async def test_a_postponed_notification_comes_back_with_one_more_attempt(store: Store) -> None:
    await store.commit(plan(notifications=(notification(),)))
    await taken(store, lease=3600)
    await store.postpone_notification("n1", NOW + 10 * SECOND, "500")

    assert await taken(store, 9) == set()
    later = NOW + 10 * SECOND
    (again,) = await store.take_notifications(later, later + SECOND, 9)
    assert again == notification(due_at=later, attempts=1)


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_finished_notification_is_not_taken_again(store: Store, delivered: bool) -> None:
    await store.commit(plan(notifications=(notification("n1"), notification("n2"))))
    await taken(store, lease=10)
    await store.finish_notification("n1", NOW, "200", delivered=delivered)
    # Whoever held the lease before may still report: it changes nothing.
    await store.postpone_notification("n1", NOW, "500")

    assert await taken(store, 10) == {"n2"}


# ---------------------------------------------------------------- keeping


async def test_what_was_answered_is_there_after_reopening(open_store: OpenStore) -> None:
    first = open_store()
    await first.commit(enrolment(balance_minor=100))
    await first.commit(plan("p1", new_orders=(order(1),), entries=(entry(Posting.CHARGE, 70),)))
    await first.aclose()

    again = open_store()
    try:
        assert await again.order(1) == order(1)
        assert [one.amount_minor for one in await again.unsettled()] == [70]
        await again.commit(plan(entries=(entry(Posting.RESERVE_REFUND, 100),)))
        with pytest.raises(StoreConflict):
            await again.commit(plan("p1"))
    finally:
        await again.aclose()


async def test_closing_finishes_what_was_begun(open_store: OpenStore) -> None:
    first = open_store()
    await first.commit(enrolment())
    begun = [asyncio.create_task(first.commit(plan(new_orders=(order(n),)))) for n in (1, 2)]
    await asyncio.sleep(0)
    await first.aclose()
    await asyncio.gather(*begun)

    again = open_store()
    try:
        assert [await again.order(1), await again.order(2)] == [order(1), order(2)]
    finally:
        await again.aclose()


async def test_a_closed_store_takes_nothing_and_says_so(open_store: OpenStore) -> None:
    store = open_store()
    await store.aclose()

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.commit(plan())
