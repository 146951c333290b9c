"""Every kind of damage, planted in a copy of a real gateway's home, is found where it is."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import apsw
import pytest
from tests.gateway_fixtures import MERCHANT_ID, ManualClock, stage
from tests.paying import (
    DECLINED,
    Answer,
    AnsweringHost,
    Desk,
    card,
    create,
    give_up,
    ordered,
    paid,
    pay,
    post,
    request,
    stored,
    submit_card,
    unsettled,
)

from tkkpg.client import OutcomeUnknown, PeerFailure
from tkkpg.gateway.config import DATABASE, HEAD, KEYS
from tkkpg.gateway.flows.decide import decide, draw_numbers
from tkkpg.gateway.flows.pay import PAYER, open_page
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.home import check_home
from tkkpg.gateway.keys import Keys, load_keys, new_keys, write_keys
from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.decisions.authentication import (
    NewAttempt,
    plan_attempt,
    plan_authenticated,
    plan_result,
)
from tkkpg.gateway.model.plan import Context, Facts, Plan
from tkkpg.gateway.model.transaction import PARKED_AFTER, HostReply, TranKind
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.store import check as module
from tkkpg.gateway.store.check import DECIDED, FILE, REFERENCES, RULES, SEALS, Finding, check
from tkkpg.gateway.store.rows import micros
from tkkpg.gateway.store.rules import QUERIES
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN, Amount, OrderRef, OrderStatus

APART: Final = timedelta(seconds=1)
ACCOUNT: Final = f"SELECT 'balance {MERCHANT_ID} 944'"
(
    BOOKED,
    BELONGING,
    RESERVED,
    BOUNDED,
    AGREEING,
    CAPTURED_ONCE,
    FEES,
    SETTLED,
    STATUS,
    LOCKED,
    AUTHENTICATING,
    KEPT,
    UNSENT,
    CODED,
    BALANCE,
    TOLD,
    GIVEN_UP,
    CONTRADICTED,
    NUMBERED,
    WAITING,
) = (rule.name for rule in QUERIES)


class Home:
    """A gateway's home with an order in every way an order ends today.

    Attributes:
        now: Business time at which the gateway stopped.
    """

    def __init__(self, folder: Path, now: datetime, orders: dict[str, int]) -> None:
        self.folder = folder
        self.now = now
        self.orders = orders

    def check(self, now: datetime | None = None) -> list[Finding]:
        """Check it, but for DECIDED, a moment after it stopped unless a time is given."""
        return [one for one in check_home(self.folder, now or self.now) if one.rule != DECIDED]

    def found(self, now: datetime | None = None) -> list[tuple[str, str]]:
        """Say which rules name which rows."""
        return [(finding.rule, finding.rows) for finding in self.check(now)]

    def plant(self, script: str, **values: int) -> None:
        """Damage it as somebody with an editor does; `:name` is the order of that name."""
        with closing(apsw.Connection(str(self.folder / DATABASE))) as db:
            db.execute("PRAGMA ignore_check_constraints = ON")
            db.execute(script, {**self.orders, **values})

    def keys(self) -> Keys:
        """Read its keys."""
        return load_keys(self.folder / KEYS, os.urandom)

    def one(self, query: str) -> object:
        """Read one value."""
        with closing(apsw.Connection(str(self.folder / DATABASE))) as db:
            return db.execute(query, self.orders).get


async def traded(folder: Path) -> Home:
    """Buy, be declined, leave, and be given money back in every way; check while it runs."""
    clock, host = ManualClock(), AnsweringHost()
    async with unsettled(folder, opening="10000.00", clock=clock, host=host) as shop:
        client, gateway = shop.client, shop.gateway
        orders = {"created": (await create(client)).order_id}
        for name in ("paid", "also_paid"):
            clock.advance(APART)
            orders[name] = (await paid(client, gateway)).order_id
        clock.advance(APART)
        ref = await paid(client, gateway)
        orders["refunded"] = ref.order_id
        for amount in ("10.00", "5.00"):
            await settle(gateway)
            clock.advance(APART)
            await client.refund(ref, amount=Amount.of(amount, AZN))
        clock.advance(APART)
        ref = await create(client)
        host.answers(TranKind.AUTHORISATION, DECLINED)
        await pay(gateway, ref)
        orders["declined"] = ref.order_id
        clock.advance(APART)
        ref = await create(client)
        await give_up(gateway, ref)
        orders["left"] = ref.order_id
        orders |= await authenticated(shop, clock)
        orders |= await traded_in_two_steps(shop, clock, host)
        assert check_home(folder, clock.now()) == []
    return Home(folder, clock.now(), orders)


async def attempted(gateway: Gateway, ref: OrderRef) -> int:
    """Type a card whose holder is challenged; give the transaction that waits."""
    typed, numbers = card(gateway), await draw_numbers(gateway)
    new = NewAttempt(
        numbers=numbers, server_trans_id=gateway.ids.uuid(), key=Secret("key"), pan_hash="ab"
    )
    await decide(
        gateway,
        ref.order_id,
        PAYER,
        lambda context, facts: plan_attempt(context, facts, typed, new),
    )
    return numbers.tran_id


async def authenticated(shop: Desk, clock: ManualClock) -> dict[str, int]:
    """Type a card twice and be waited for with a proof, leave while waiting, and be refused."""
    gateway = shop.gateway
    refs = {name: await create(shop.client) for name in ("waiting", "walked_away", "refused")}
    await attempted(gateway, refs["waiting"])
    trans = {name: await attempted(gateway, ref) for name, ref in refs.items()}
    clock.advance(APART)
    proved = AuthenticationResult(verdict=Verdict.PROVED, cavv=Secret("proof"))
    refused = AuthenticationResult(verdict=Verdict.REFUSED)

    def keep(context: Context, facts: Facts) -> Plan | None:
        return plan_result(context, facts, trans["waiting"], proved, "k1.sealed")

    def refuse(context: Context, facts: Facts) -> Plan | None:
        return plan_authenticated(context, facts, trans["refused"], refused)

    await decide(gateway, refs["waiting"].order_id, PAYER, keep)
    await decide(gateway, refs["refused"].order_id, PAYER, refuse)
    await give_up(gateway, refs["walked_away"])
    return {name: ref.order_id for name, ref in refs.items()}


async def traded_in_two_steps(
    shop: Desk, clock: ManualClock, host: AnsweringHost
) -> dict[str, int]:
    """Hold, complete and reverse, before and after a settlement, with a fee on everything."""
    orders: dict[str, int] = {}

    async def buy(name: str, kind: str) -> OrderRef:
        clock.advance(APART)
        ref = await ordered(shop.exec, kind, "<Fee>30</Fee>")
        await pay(shop.gateway, ref)
        clock.advance(APART)
        orders[name] = ref.order_id
        return ref

    async def ask(operation: str, ref: OrderRef, more: str = "", status: int = 0) -> None:
        answer = await post(shop.exec, request(operation, ref, more=more))
        assert b"<Status>%02d</Status>" % status in answer.content

    await ask("Reverse", await buy("undone", "Purchase"))
    with_fee, clawed_back = await buy("with_fee", "Purchase"), await buy("clawed_back", "Purchase")
    await settle(shop.gateway)
    refund = "<Refund><Amount>1000</Amount><WithFee>true</WithFee></Refund>"
    await ask("Refund", with_fee, refund)
    await ask("Reverse", clawed_back)
    await buy("held", "PreAuth")
    kept = await buy("kept", "Purchase")
    host.answers(TranKind.REVERSAL, DECLINED)
    await ask("Reverse", kept, status=96)
    await ask("Reverse", await buy("released", "PreAuth"))
    await ask("Completion", await buy("completed", "PreAuth"), "<Amount>2000</Amount>")
    return orders


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return asyncio.run(traded(tmp_path_factory.mktemp("home")))


@pytest.fixture
def home(template: Home, tmp_path: Path) -> Home:
    folder = shutil.copytree(template.folder, tmp_path / "home")
    return Home(folder, template.now, template.orders)


def test_a_home_that_is_as_the_gateway_left_it_is_clean(home: Home) -> None:
    assert home.check() == []


@pytest.mark.anyio
async def test_what_is_under_way_is_no_damage(tmp_path: Path) -> None:
    host, answer = AnsweringHost(), asyncio.Event()
    async with stage(tmp_path, host=host) as shop:
        refunded = await paid(shop.client, shop.gateway)
        host.answers(TranKind.REFUND, HostReply.silent())
        with suppress(OutcomeUnknown, PeerFailure):
            await shop.client.refund(refunded, amount=Amount.of("10.00", AZN))
        for order_type, operation, kind in (
            ("PreAuth", "Completion", TranKind.COMPLETION),
            ("Purchase", "Reverse", TranKind.REVERSAL),
        ):
            host.answers(kind, HostReply.silent())
            ref = await ordered(shop.exec, order_type, "<Fee>30</Fee>")
            await pay(shop.gateway, ref)
            await post(shop.exec, request(operation, ref, more="<Amount>3000</Amount>"))
            assert (await stored(shop.gateway, ref)).status is OrderStatus.ON_LOCK
        await give_up(shop.gateway, await create(shop.client))
        locked = await create(shop.client)
        host.answers(TranKind.AUTHORISATION, Answer(when=answer))
        page = await open_page(shop.gateway, locked)
        paying = asyncio.create_task(submit_card(shop.gateway, page, card(shop.gateway)))
        async with asyncio.timeout(5):
            while (await stored(shop.gateway, locked)).status is not OrderStatus.ON_LOCK:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.005)
        try:
            assert (await stored(shop.gateway, refunded)).status is OrderStatus.ON_REFUND
            assert check_home(tmp_path, shop.clock.now()) == []
        finally:
            answer.set()
            await paying


def test_checking_changes_nothing(home: Home) -> None:
    before = (home.folder / DATABASE).read_bytes()

    home.check()

    assert (home.folder / DATABASE).read_bytes() == before


@dataclass(frozen=True, slots=True)
class Damage:
    """Something done to a home.

    Attributes:
        script: SQL that does it.
        rule: The one rule that is broken by it.
        rows: SQL that gives the rows which are to be named.
    """

    script: str
    rule: str
    rows: str


CHARGED: Final = "SELECT 'entry ' || entry_id FROM entry WHERE order_id = :paid"

DAMAGE: Final = {
    "a sequence set back": Damage(
        "UPDATE sequence SET next = 1 WHERE name = 'two'", NUMBERED, "SELECT 'sequence two'"
    ),
    "an answer that contradicts the operator": Damage(
        """
        UPDATE tran SET late_reply = '076' WHERE kind = 'REFUND' AND order_id = :with_fee
        """,
        CONTRADICTED,
        "SELECT 'tran ' || tran_id FROM tran WHERE kind = 'REFUND' AND order_id = :with_fee",
    ),
    "an entry to another account": Damage(
        "UPDATE entry SET credit = 'FEE_INCOME' WHERE order_id = :paid", BOOKED, CHARGED
    ),
    "an entry in another phase": Damage(
        "UPDATE entry SET phase = 'PENDING' WHERE order_id = :paid", BOOKED, CHARGED
    ),
    "an entry of no transaction": Damage(
        "UPDATE entry SET tran_id = 99 WHERE order_id = :paid", BELONGING, CHARGED
    ),
    "an entry of another order's transaction": Damage(
        """
        UPDATE entry SET tran_id = (SELECT tran_id FROM tran WHERE order_id = :also_paid)
        WHERE order_id = :paid
        """,
        BELONGING,
        CHARGED,
    ),
    "a reservation moved to another transaction": Damage(
        """
        UPDATE entry SET amount_minor = 400 WHERE posting = 'RESERVE_REFUND'
            AND amount_minor = 500;
        INSERT INTO entry (plan_id, posting, phase, debit, credit, merchant_id, amount_minor,
            currency, at, order_id, tran_id)
        SELECT 'x', 'RESERVE_REFUND', 'PENDING', 'MERCHANT_CURRENT', 'SCHEME_RECEIVABLE',
            merchant_id, 100, currency, created_at, order_id, tran_id
        FROM tran WHERE order_id = :also_paid
        """,
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE kind = 'REFUND' AND amount_minor = 500",
    ),
    "more refunded than captured": Damage(
        """
        UPDATE entry SET amount_minor = 1499 WHERE order_id = :refunded AND posting = 'CHARGE';
        UPDATE tran SET amount_minor = 1499 WHERE order_id = :refunded
            AND kind = 'AUTHORISATION';
        UPDATE orders SET captured_minor = 1499 WHERE order_id = :refunded;
        UPDATE entry SET amount_minor = amount_minor - 1501 WHERE entry_id =
            (SELECT min(entry_id) FROM entry WHERE posting = 'SETTLE');
        UPDATE balance SET posted_minor = posted_minor - 1501
        """,
        BOUNDED,
        "SELECT 'order ' || :refunded",
    ),
    "an order that says it gave back another amount": Damage(
        "UPDATE orders SET refunded_minor = 1499 WHERE order_id = :refunded",
        AGREEING,
        "SELECT 'order ' || :refunded",
    ),
    "an approved refund of another amount": Damage(
        "UPDATE tran SET amount_minor = 499 WHERE kind = 'REFUND' AND amount_minor = 500",
        AGREEING,
        "SELECT 'order ' || :refunded",
    ),
    "an approved payment of another amount": Damage(
        "UPDATE tran SET amount_minor = 3001 WHERE order_id = :paid",
        AGREEING,
        "SELECT 'order ' || :paid",
    ),
    "an order that says it charged another amount": Damage(
        "UPDATE orders SET captured_minor = 2999 WHERE order_id = :paid",
        AGREEING,
        "SELECT 'order ' || :paid",
    ),
    "a reversed order that says it still has its charge": Damage(
        "UPDATE orders SET captured_minor = 3000 WHERE order_id = :clawed_back",
        AGREEING,
        "SELECT 'order ' || :clawed_back",
    ),
    "more released than was held": Damage(
        "UPDATE entry SET amount_minor = 1001 WHERE order_id = :completed AND posting = 'RELEASE'",
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :completed"
        " AND kind = 'AUTHORISATION'",
    ),
    "more undone than was reserved": Damage(
        "UPDATE entry SET amount_minor = 2971 WHERE order_id = :undone AND posting = 'UNCHARGE'",
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :undone AND kind = 'REVERSAL'",
    ),
    "less undone than was reserved": Damage(
        "UPDATE entry SET amount_minor = 2969 WHERE order_id = :undone AND posting = 'UNCHARGE'",
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :undone AND kind = 'REVERSAL'",
    ),
    "less released than was held": Damage(
        "UPDATE entry SET amount_minor = 999 WHERE order_id = :completed AND posting = 'RELEASE'",
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :completed"
        " AND kind = 'AUTHORISATION'",
    ),
    "a charge that was not given back to settlement": Damage(
        "DELETE FROM entry WHERE order_id = :kept AND posting = 'CANCEL_UNCHARGE'",
        RESERVED,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :kept AND kind = 'REVERSAL'",
    ),
    "a fee given back twice over": Damage(
        """
        UPDATE entry SET amount_minor = 31 WHERE order_id = :with_fee AND posting = 'RETURN_FEE';
        UPDATE balance SET posted_minor = posted_minor + 21
        """,
        FEES,
        "SELECT 'order ' || :with_fee",
    ),
    "more of a fee cancelled than was taken": Damage(
        "UPDATE entry SET amount_minor = 31 WHERE order_id = :undone AND posting = 'CANCEL_FEE'",
        FEES,
        "SELECT 'order ' || :undone",
    ),
    "a fee larger than its charge": Damage(
        "UPDATE entry SET amount_minor = 2001 WHERE order_id = :completed AND posting = 'FEE'",
        FEES,
        "SELECT 'order ' || :completed",
    ),
    "a settlement of another amount": Damage(
        """
        UPDATE entry SET amount_minor = amount_minor + 1 WHERE entry_id =
            (SELECT max(entry_id) FROM entry WHERE posting = 'SETTLE');
        UPDATE balance SET posted_minor = posted_minor + 1
        """,
        SETTLED,
        ACCOUNT,
    ),
    "a charge passed over by the settlement": Damage(
        "UPDATE balance SET settled_through = (SELECT max(entry_id) FROM entry)",
        SETTLED,
        ACCOUNT,
    ),
    "a fee that was settled edited": Damage(
        "UPDATE entry SET amount_minor = 29 WHERE order_id = :with_fee AND posting = 'FEE'",
        SETTLED,
        ACCOUNT,
    ),
    "a reversed order said to be paid": Damage(
        "UPDATE orders SET status = 'APPROVED' WHERE order_id = :clawed_back",
        STATUS,
        "SELECT 'order ' || :clawed_back",
    ),
    "a held order said to be paid": Damage(
        "UPDATE orders SET status = 'APPROVED' WHERE order_id = :held",
        STATUS,
        "SELECT 'order ' || :held",
    ),
    "a payer charged twice": Damage(
        """
        CREATE TEMP TABLE again AS SELECT * FROM tran WHERE order_id = :paid;
        UPDATE again SET tran_id = 99, threeds_server_trans_id = NULL;
        INSERT INTO tran SELECT * FROM again;
        INSERT INTO entry (plan_id, posting, phase, debit, credit, merchant_id, amount_minor,
            currency, at, order_id, tran_id)
        SELECT 'x', posting, phase, debit, credit, merchant_id, amount_minor, currency, at,
            order_id, 99 FROM entry WHERE order_id = :paid;
        UPDATE orders SET captured_minor = 6000 WHERE order_id = :paid
        """,
        CAPTURED_ONCE,
        "SELECT 'order ' || :paid",
    ),
    "a declined order said to be paid": Damage(
        "UPDATE orders SET status = 'APPROVED' WHERE order_id = :declined",
        STATUS,
        "SELECT 'order ' || :declined",
    ),
    "a paid order said to be declined": Damage(
        "UPDATE orders SET status = 'DECLINED' WHERE order_id = :paid",
        STATUS,
        "SELECT 'order ' || :paid",
    ),
    "an order locked by nothing": Damage(
        "UPDATE orders SET status = 'ON-LOCK' WHERE order_id = :declined",
        LOCKED,
        "SELECT 'order ' || :declined",
    ),
    "an order ended with its transaction open": Damage(
        "UPDATE tran SET state = 'UNKNOWN' WHERE order_id = :declined",
        LOCKED,
        "SELECT 'order ' || :declined",
    ),
    "an order on payment without an attempt": Damage(
        "UPDATE orders SET status = 'ON-PAYMENT' WHERE order_id = :created",
        AUTHENTICATING,
        "SELECT 'order ' || :created",
    ),
    "an attempt that waits in an order that has ended": Damage(
        "UPDATE tran SET state = 'RESERVED' WHERE order_id = :walked_away",
        AUTHENTICATING,
        "SELECT 'order ' || :walked_away",
    ),
    "two attempts that wait at once": Damage(
        "UPDATE tran SET state = 'RESERVED' WHERE order_id = :waiting",
        AUTHENTICATING,
        "SELECT 'order ' || :waiting",
    ),
    "the key of an authorisation that was sent": Damage(
        "UPDATE tran SET threeds_key = 'key' WHERE order_id = :paid",
        KEPT,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :paid",
    ),
    "the proof of an attempt that was left": Damage(
        "UPDATE tran SET cavv = 'k1.sealed' WHERE order_id = :walked_away",
        KEPT,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :walked_away",
    ),
    "an order that was declined without a card sent, said to be left": Damage(
        "UPDATE orders SET status = 'CANCELED' WHERE order_id = :refused",
        UNSENT,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :refused",
    ),
    "the code of a declined order removed": Damage(
        "UPDATE tran SET response_code = NULL WHERE order_id = :refused",
        CODED,
        "SELECT 'order ' || :refused",
    ),
    "a balance edited": Damage(
        "UPDATE balance SET posted_minor = posted_minor + 1 WHERE currency = '944'",
        BALANCE,
        ACCOUNT,
    ),
    "a reservation on the account edited": Damage(
        "UPDATE balance SET reserved_minor = 1 WHERE currency = '944'", BALANCE, ACCOUNT
    ),
    "a balance removed": Damage("DELETE FROM balance WHERE currency = '944'", BALANCE, ACCOUNT),
    "every notification of an order removed": Damage(
        "DELETE FROM notification WHERE order_id = :left", TOLD, "SELECT 'order ' || :left"
    ),
    "the notification of the last refund removed": Damage(
        """
        DELETE FROM notification WHERE order_id = :refunded AND created_at =
            (SELECT updated_at FROM orders WHERE order_id = :refunded)
        """,
        TOLD,
        "SELECT 'order ' || :refunded",
    ),
    "a notification parked": Damage(
        "UPDATE notification SET state = 'PARKED' WHERE order_id = :declined",
        GIVEN_UP,
        "SELECT 'notification ' || notification_id FROM notification WHERE order_id = :declined",
    ),
    "a transaction forgotten": Damage(
        "UPDATE tran SET state = 'REVERSING', sent_at = sent_at - 86400000000"
        " WHERE order_id = :declined",
        WAITING,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :declined",
    ),
    "an order removed": Damage(
        "DELETE FROM orders WHERE order_id = :declined",
        REFERENCES,
        "SELECT 'tran ' || tran_id FROM tran WHERE order_id = :declined",
    ),
    "an audit row edited": Damage(
        "UPDATE audit SET actor = 'nobody' WHERE order_id = :left AND action = 'payer_left'",
        SEALS,
        "SELECT 'audit'",
    ),
    "a value that no column may hold": Damage(
        "UPDATE notification SET state = 'SEEN' WHERE order_id = :paid", FILE, "SELECT 'database'"
    ),
}
"""Each kind of damage, and what is to be said of it."""


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_by_its_rule_in_its_rows_and_nowhere_else(home: Home, name: str) -> None:
    damage = DAMAGE[name]

    home.plant(damage.script)

    assert home.found() == [(damage.rule, home.one(damage.rows))]


def test_every_rule_has_its_damage() -> None:
    elsewhere = {module.HEAD, module.DECIDED, module.SCHEMA}  # tests/unit/gateway/test_home.py
    assert {damage.rule for damage in DAMAGE.values()} == set(RULES) - elsewhere


def test_an_entry_of_nothing_is_no_entry(home: Home) -> None:
    home.plant("UPDATE entry SET amount_minor = 0 WHERE order_id = :paid")

    assert (BOOKED, home.one(CHARGED)) in home.found()


def test_a_sentence_says_what_was_found_and_what_must_be(home: Home) -> None:
    home.plant("UPDATE entry SET credit = 'FEE_INCOME' WHERE order_id = :paid")

    (finding,) = home.check()

    assert "CHARGE books 3000 from SCHEME_RECEIVABLE to FEE_INCOME" in finding.sentence
    assert "from SCHEME_RECEIVABLE to MERCHANT_PAYABLE in phase POSTED" in finding.sentence


@pytest.mark.parametrize("kept", [["threeds_key"], ["cavv"], ["threeds_key", "cavv"]])
def test_a_key_that_was_kept_is_named_and_not_shown(home: Home, kept: list[str]) -> None:
    planted = ", ".join(f"{column} = 'planted'" for column in kept)
    home.plant(f"UPDATE tran SET {planted} WHERE order_id = :paid")  # noqa: S608 - our own words

    (finding,) = home.check()

    assert f"still holds {' and '.join(kept)}:" in finding.sentence
    assert "planted" not in finding.sentence


def test_every_sentence_can_be_written(home: Home) -> None:
    for damage in DAMAGE.values():
        home.plant(damage.script)

    assert all(finding.sentence for finding in home.check())


def test_a_transaction_may_wait_for_a_day_parked_or_not(home: Home) -> None:
    home.plant(
        "UPDATE tran SET state = 'REVERSING', sent_at = :now, parked_at = :now"
        " WHERE order_id = :declined",
        now=micros(home.now),
    )

    assert home.found(home.now + PARKED_AFTER) == []
    assert [rule for rule, _ in home.found(home.now + PARKED_AFTER + APART)] == [WAITING]


def test_a_later_notification_that_arrived_makes_up_for_a_parked_one(home: Home) -> None:
    home.plant(
        "UPDATE notification SET state = 'PARKED' WHERE order_id = :refunded AND created_at ="
        " (SELECT min(created_at) FROM notification WHERE order_id = :refunded)"
    )

    assert home.found() == []


def test_a_merchant_without_an_address_is_told_nothing(home: Home) -> None:
    home.plant("DELETE FROM notification; UPDATE merchant SET notification_url = ''")

    assert home.found() == []


@pytest.mark.parametrize("state", ["QUEUED", "DELIVERED"])
def test_a_notification_on_its_way_is_as_good_as_one_that_arrived(home: Home, state: str) -> None:
    home.plant(f"UPDATE notification SET state = '{state}'")  # noqa: S608 - our own words

    assert home.found() == []


def test_another_key_than_the_one_that_sealed_is_noticed(home: Home) -> None:
    write_keys(home.folder / KEYS, new_keys(os.urandom))

    assert {rule for rule, _ in home.found()} == {module.HEAD, SEALS}


def test_of_a_rule_that_nothing_keeps_so_many_findings_are_given(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FINDINGS_MAX", 2)
    home.plant("DELETE FROM notification; UPDATE entry SET credit = 'FEE_INCOME'")

    found = Counter(rule for rule, _ in home.found())

    assert (found[TOLD], found[BOOKED]) == (2, 2)


def test_a_torn_page_is_found_and_ends_the_check(home: Home) -> None:
    path = home.folder / DATABASE
    page = home.one("SELECT rootpage FROM sqlite_schema WHERE name = 'ix_entry_order_id'")
    size = home.one("PRAGMA page_size")
    assert isinstance(page, int)
    assert isinstance(size, int)
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)

    found = home.check()

    assert {finding.rule for finding in found} == {FILE}
    assert "cannot read on" in found[-1].sentence


def test_a_missing_database_is_named_and_not_made(home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="There is no database"):
        check(tmp_path / "none.db", home.folder / HEAD, home.keys(), home.now)

    assert not (tmp_path / "none.db").exists()


def test_a_database_of_another_revision_is_refused(home: Home) -> None:
    home.plant("UPDATE alembic_version SET version_num = '0001'")

    with pytest.raises(ConfigurationError, match="has the tables of revision 0001"):
        home.check()


def test_what_is_no_database_of_ours_is_refused(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    path.touch()

    with pytest.raises(ConfigurationError, match="cannot be read as a database"):
        check(path, home.folder / HEAD, home.keys(), home.now)
