"""What applying a plan to an open transaction refuses, and as what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.conformance.plans import enrolment, entry, notification, order, plan, tran

from tkkpg.gateway.model.errors import GuardFailed, StoreConflict
from tkkpg.gateway.model.ledger import Posting
from tkkpg.gateway.model.plan import OrderChange, Plan
from tkkpg.gateway.store.apply import apply
from tkkpg.gateway.store.sqlite import connect


@pytest.fixture
def db(database: Path) -> Iterator[apsw.Connection]:
    """A writing connection to a database with one merchant and 100 on its account."""
    with closing(connect(database, writing=True)) as connection:
        apply(connection, enrolment(balance_minor=100))
        yield connection


def one(db: apsw.Connection, query: str) -> object:
    """The single value or row of a query."""
    return db.execute(query).get


def test_every_line_of_a_plan_carries_its_id(db: apsw.Connection) -> None:
    apply(db, plan("p1", new_orders=(order(),), entries=(entry(Posting.CHARGE, 5),)))

    assert one(db, "SELECT plan_id FROM entry ORDER BY entry_id DESC LIMIT 1") == "p1"
    assert one(db, "SELECT actor, action FROM audit WHERE plan_id = 'p1'") == (
        "merchant E1000010",
        "tried",
    )


def test_a_merchant_gets_its_accounts_and_keeps_what_is_on_them(db: apsw.Connection) -> None:
    apply(db, enrolment())

    assert one(db, "SELECT posted_minor, reserved_minor, settled_through FROM balance") == (
        100,
        0,
        0,
    )


@pytest.mark.parametrize(
    ("postings", "balance"),
    [
        ((), (100, 0)),
        ((Posting.RESERVE_REFUND,), (100, 60)),
        ((Posting.RESERVE_REFUND, Posting.REFUND), (40, 0)),
        ((Posting.RESERVE_REFUND, Posting.CANCEL_REFUND), (100, 0)),
        ((Posting.SETTLE,), (160, 0)),
        ((Posting.CHARGE, Posting.HOLD, Posting.COMPLETE, Posting.UNCHARGE), (100, 0)),
    ],
)
def test_the_stored_balance_follows_the_ledger(
    db: apsw.Connection, postings: tuple[Posting, ...], balance: tuple[int, int]
) -> None:
    for posting in postings:
        apply(db, plan(entries=(entry(posting, 60),)))

    assert one(db, "SELECT posted_minor, reserved_minor FROM balance") == balance


def test_entries_of_one_plan_guard_the_account_together(db: apsw.Connection) -> None:
    halves = (entry(Posting.RESERVE_REFUND, 60), entry(Posting.RESERVE_REFUND, 41))

    with pytest.raises(GuardFailed, match="does not hold enough"):
        apply(db, plan(entries=halves))


@pytest.mark.parametrize(
    "wrong",
    [
        plan(new_orders=(order(amount_minor=0),)),
        plan(new_orders=(order(refunded_minor=30_01),)),
        plan(new_orders=(order(merchant_id="E404"),)),
        plan(new_transactions=(tran(order_id=404),)),
        plan(new_transactions=(tran(amount_minor=-1),)),
        plan(entries=(entry(Posting.CHARGE, 0),)),
    ],
    ids=["amount", "refunded", "merchant", "order", "negative", "entry"],
)
def test_what_may_never_be_stored_is_a_defect_and_no_conflict(
    db: apsw.Connection, wrong: Plan
) -> None:
    # A conflict would be decided again, and again in vain.
    with pytest.raises(apsw.ConstraintError) as raised:
        apply(db, wrong)

    assert not isinstance(raised.value, StoreConflict)


@pytest.mark.parametrize(
    "repeated",
    [
        plan(new_orders=(order(1),)),
        plan(new_transactions=(tran(1),)),
        plan(notifications=(notification("n1"),)),
        plan("p1"),
    ],
    ids=["order", "transaction", "notification", "plan"],
)
def test_what_is_there_already_is_a_conflict(db: apsw.Connection, repeated: Plan) -> None:
    apply(
        db,
        plan(
            "p1",
            new_orders=(order(1),),
            new_transactions=(tran(1),),
            notifications=(notification("n1"),),
        ),
    )

    with pytest.raises(StoreConflict, match="Another plan already stored"):
        apply(db, repeated)


def test_a_stale_order_is_a_conflict_that_says_so(db: apsw.Connection) -> None:
    apply(db, plan(new_orders=(order(1),)))

    with pytest.raises(StoreConflict, match="changed after it was read") as raised:
        apply(db, plan(orders=(OrderChange(order(1, version=3), 2),)))

    assert not isinstance(raised.value, GuardFailed)
