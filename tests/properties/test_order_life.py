"""Random lives of orders against a second, simpler model that is kept in dictionaries.

The world below commits plans as the store promises to: whole or not at all, guarded by what was
read. The rules say in the simplest words what has to become of every order and every account; the
invariants hold after every step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from tests.model_factories import CARD, MERCHANT, NOW, SILENT_MERCHANT, refund_of

from tkkpg.gateway.model.decisions.payment import (
    Numbers,
    plan_authorisation,
    plan_expiry,
    plan_leaving,
    plan_order,
    plan_outcome,
    plan_reversed,
)
from tkkpg.gateway.model.decisions.refund import plan_refund, plan_refund_outcome
from tkkpg.gateway.model.decisions.settlement import Unsettled, plan_settlement
from tkkpg.gateway.model.errors import (
    GuardFailed,
    IllegalTransition,
    PolicyRefusal,
    StoreConflict,
)
from tkkpg.gateway.model.ledger import SETTLED, Entry, Posting
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import ORDER_LIFE, Order
from tkkpg.gateway.model.plan import Context, Facts, Notification, Plan
from tkkpg.gateway.model.transaction import (
    OPEN,
    UNRESOLVED,
    HostReply,
    Outcome,
    TranKind,
    Transaction,
    TranState,
)
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import AZN, Language, OrderRef
from tkkpg.protocol.values import OrderStatus as S

MERCHANTS = {merchant.merchant_id: merchant for merchant in (MERCHANT, SILENT_MERCHANT)}
OPENING_MINOR = 1000
ORDERS_AT_MOST = 5
"""Few orders, so that steps meet on the same one."""
REPLIES = {
    Outcome.APPROVED: HostReply.of("001", "123456"),
    Outcome.DECLINED: HostReply.of("076"),
    Outcome.NOT_SENT: HostReply.not_sent(),
    Outcome.UNKNOWN: HostReply.silent(),
}
PAYMENT_ENDS = {
    Outcome.APPROVED: (S.APPROVED, "done"),
    Outcome.DECLINED: (S.DECLINED, "done"),
    Outcome.NOT_SENT: (S.ERROR, "done"),
    Outcome.UNKNOWN: (S.DECLINED, "reversing"),
}
"""What the simpler model makes of the answer to an authorisation."""


@dataclass
class World:
    """What is committed; a plan changes all of it or nothing."""

    orders: dict[int, Order] = field(default_factory=dict)
    trans: dict[int, Transaction] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    balances: dict[str, tuple[int, int]] = field(
        default_factory=lambda: dict.fromkeys(MERCHANTS, (0, 0))
    )
    cursors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MERCHANTS, 0))

    def facts(self, order_id: int) -> Facts:
        """Read an order with all that belongs to it."""
        order = self.orders[order_id]
        trans = tuple(tran for tran in self.trans.values() if tran.order_id == order_id)
        return Facts(order=order, merchant=MERCHANTS[order.merchant_id], transactions=trans)

    def after(self, plan: Plan) -> World:
        """Give the world with a plan committed.

        Raises:
            StoreConflict: An order or transaction is not what the plan read.
            GuardFailed: An account or cursor does not allow it.
        """
        if any(self.orders[c.order.order_id].version != c.expected_version for c in plan.orders):
            raise StoreConflict
        if any(
            self.trans[c.transaction.tran_id].state is not c.expected_state
            for c in plan.transactions
        ):
            raise StoreConflict
        orders = [*plan.new_orders, *(change.order for change in plan.orders)]
        trans = [*plan.new_transactions, *(change.transaction for change in plan.transactions)]
        return World(
            orders=self.orders | {order.order_id: order for order in orders},
            trans=self.trans | {tran.tran_id: tran for tran in trans},
            entries=[*self.entries, *plan.entries],
            notifications=[*self.notifications, *plan.notifications],
            balances=self._balances_after(plan),
            cursors=self._cursors_after(plan),
        )

    def _balances_after(self, plan: Plan) -> dict[str, tuple[int, int]]:
        balances = dict(self.balances)
        for change in plan.balances:
            posted, reserved = balances[change.merchant_id]
            posted, reserved = posted + change.posted_minor, reserved + change.reserved_minor
            if reserved < 0 or posted - reserved < 0:
                raise GuardFailed
            balances[change.merchant_id] = (posted, reserved)
        return balances

    def _cursors_after(self, plan: Plan) -> dict[str, int]:
        cursors = dict(self.cursors)
        for cursor in plan.cursors:
            if cursors[cursor.merchant_id] != cursor.expected_entry_id:
                raise GuardFailed
            cursors[cursor.merchant_id] = cursor.entry_id
        return cursors


@dataclass
class Simple:
    """The second model of one order: words and numbers, no rules."""

    merchant_id: str
    amount: int
    deadline: datetime
    status: S = S.CREATED
    refunded: int = 0
    told: int = 0


class BothModels(RuleBasedStateMachine):
    """Both models side by side, and the steps that several rules take in both."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.now = NOW
        self.numbers = 0
        self.simple: dict[int, Simple] = {}
        self.phases: dict[int, str] = {}
        self.account = dict.fromkeys(MERCHANTS, OPENING_MINOR)
        self.held = dict.fromkeys(MERCHANTS, 0)
        self.payable = dict.fromkeys(MERCHANTS, 0)

    def number(self) -> int:
        """Draw a number that was never drawn."""
        self.numbers += 1
        return self.numbers

    def context(self) -> Context:
        """Give a decision its identity and time."""
        return Context(
            plan_id=f"plan-{self.number()}", now=self.now, request_id="request-1", actor="test"
        )

    def commit(self, plan: Plan | None) -> None:
        """Commit what has to be a plan; whoever commits it again is told of the conflict."""
        assert plan is not None
        self.world = self.world.after(plan)
        if plan.orders or plan.transactions:
            with pytest.raises(StoreConflict):
                self.world.after(plan)

    def tell(self, order_id: int) -> None:
        """Count a notification in the simpler model."""
        simple = self.simple[order_id]
        simple.told += bool(MERCHANTS[simple.merchant_id].notification_url)

    def new_order(self, merchant: Merchant, amount: int) -> int:
        """Create an order in both models."""
        order_id = self.number()
        request = CreateOrderRequest(
            language=Language.EN,
            merchant_id=merchant.merchant_id,
            amount_minor=amount,
            currency=AZN,
        )
        ref = OrderRef(order_id, f"{order_id:032X}")
        self.commit(plan_order(self.context(), merchant, request, ref))
        self.simple[order_id] = Simple(merchant.merchant_id, amount, self.now + ORDER_LIFE)
        return order_id

    def pay(self, order_id: int) -> int:
        """Reserve an authorisation in both models."""
        tran_id = self.number()
        numbers = Numbers(tran_id=tran_id, two_id=tran_id + 10**6, stan=tran_id)
        facts = self.world.facts(order_id)
        self.commit(plan_authorisation(self.context(), facts, CARD, numbers, "ab" * 32))
        self.simple[order_id].status, self.phases[tran_id] = S.ON_LOCK, "sent"
        return tran_id

    def end_payment(self, tran_id: int, outcome: Outcome) -> None:
        """Record the first answer to an authorisation in both models."""
        order_id = self.world.trans[tran_id].order_id
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        self.commit(plan_outcome(self.context(), facts, tran_id, REPLIES[outcome], self.number()))
        simple.status, self.phases[tran_id] = PAYMENT_ENDS[outcome]
        self.payable[simple.merchant_id] += simple.amount * (outcome is Outcome.APPROVED)
        self.tell(order_id)

    def end_refund(self, tran: Transaction, *, confirmed: bool) -> None:
        """Say in the simpler model how a refund ends."""
        simple = self.simple[tran.order_id]
        returned = tran.amount_minor * confirmed
        simple.refunded += returned
        simple.status = S.REFUNDED if simple.refunded else S.APPROVED
        self.account[simple.merchant_id] -= returned
        self.held[simple.merchant_id] -= tran.amount_minor
        self.phases[tran.tran_id] = "done"
        self.tell(tran.order_id)

    def booked(self, order_id: int, posting: Posting) -> list[int]:
        """Amounts that were booked of one kind for an order."""
        return [
            entry.amount_minor
            for entry in self.world.entries
            if (entry.order_id, entry.posting) == (order_id, posting)
        ]


class Invariants(BothModels):
    """What holds after every step."""

    @invariant()
    def orders_are_where_the_simpler_model_has_them(self) -> None:
        """Status and refunds agree, and no more goes back than was paid."""
        for order_id, simple in self.simple.items():
            order = self.world.orders[order_id]
            assert (order.status, order.refunded_minor) == (simple.status, simple.refunded)
            assert 0 <= order.refunded_minor <= sum(self.booked(order_id, Posting.CHARGE))

    @invariant()
    def balances_are_what_the_entries_say(self) -> None:
        """Stored, derived by hand and expected balances agree; nothing is below zero."""
        for merchant_id in MERCHANTS:
            sums: Counter[Posting] = Counter()
            for entry in self.world.entries:
                if entry.merchant_id == merchant_id:
                    sums[entry.posting] += entry.amount_minor
            posted = sums[Posting.DEPOSIT] + sums[Posting.SETTLE] - sums[Posting.REFUND]
            ended = sums[Posting.REFUND] + sums[Posting.CANCEL_REFUND]
            reserved = sums[Posting.RESERVE_REFUND] - ended
            payable = sums[Posting.CHARGE] - sums[Posting.SETTLE]
            assert self.world.balances[merchant_id] == (posted, reserved)
            assert (posted, reserved) == (self.account[merchant_id], self.held[merchant_id])
            assert payable == self.payable[merchant_id]
            assert 0 <= reserved <= posted
            assert payable >= 0

    @invariant()
    def an_order_is_charged_once_and_only_if_it_is_paid(self) -> None:
        """One CHARGE of the whole amount, and refunds that add up to what the order says."""
        for order_id, order in self.world.orders.items():
            paid = order.status in {S.APPROVED, S.ON_REFUND, S.REFUNDED}
            assert self.booked(order_id, Posting.CHARGE) == [order.amount_minor] * paid
            assert (order.paid_at is not None) == paid
            assert sum(self.booked(order_id, Posting.REFUND)) == order.refunded_minor
            assert (order.refunded_at is not None) == (order.refunded_minor > 0)

    @invariant()
    def no_order_has_two_open_transactions(self) -> None:
        """At most one message is on its way, and an order is busy exactly while one is."""
        for order_id, order in self.world.orders.items():
            trans = self.world.facts(order_id).transactions
            opened = [tran.kind for tran in trans if tran.state in OPEN]
            busy = {S.ON_LOCK: [TranKind.AUTHORISATION], S.ON_REFUND: [TranKind.REFUND]}
            assert opened == busy.get(order.status, [])
            assert all(tran.sent_at for tran in trans if tran.state in UNRESOLVED)

    @invariant()
    def merchants_are_told_of_every_outcome(self) -> None:
        """The last notification says where the order is, unless it is busy or still waits."""
        told: dict[int, list[Notification]] = {order_id: [] for order_id in self.simple}
        for notification in self.world.notifications:
            told[notification.order_id].append(notification)
        for order_id, simple in self.simple.items():
            assert len(told[order_id]) == simple.told
            if simple.told and simple.status is not S.ON_REFUND:
                message = decode_callback(told[order_id][-1].xmlmsg)
                assert message.order_status is simple.status
                assert message.ref == self.world.orders[order_id].ref
            hears = bool(MERCHANTS[simple.merchant_id].notification_url)
            waits = simple.status in {S.CREATED, S.ON_LOCK}
            assert (simple.told > 0) == (hears and not waits)
        ids = [notification.notification_id for notification in self.world.notifications]
        assert len(set(ids)) == len(ids)


class OrderLife(Invariants):
    """The steps: what payers, shops, the host, the workers and the clock may do, in any order."""

    orders = Bundle("orders")
    payments = Bundle("payments")
    refunds = Bundle("refunds")
    merchants = st.sampled_from(list(MERCHANTS.values()))
    amounts = st.integers(1, 3000)

    @initialize()
    def open_accounts(self) -> None:
        """Every merchant brings some money."""
        entries = tuple(
            Entry(
                posting=Posting.DEPOSIT,
                merchant_id=merchant_id,
                amount_minor=OPENING_MINOR,
                currency=AZN,
                at=self.now,
            )
            for merchant_id in MERCHANTS
        )
        self.commit(Plan(context=self.context(), action="opened", entries=entries))

    @precondition(lambda self: len(self.simple) < ORDERS_AT_MOST)
    @rule(target=orders, merchant=merchants, amount=amounts)
    def create(self, merchant: Merchant, amount: int) -> int:
        """A shop creates an order."""
        return self.new_order(merchant, amount)

    @precondition(lambda self: len(self.simple) < ORDERS_AT_MOST)
    @rule(target=orders, merchant=merchants, amount=amounts)
    def sell(self, merchant: Merchant, amount: int) -> int:
        """A shop creates an order that is paid at once: most refunds begin here."""
        order_id = self.new_order(merchant, amount)
        self.end_payment(self.pay(order_id), Outcome.APPROVED)
        return order_id

    @rule(target=payments, order_id=orders)
    def submit_card(self, order_id: int) -> MultipleResults[int]:
        """A payer submits a card; where the order no longer waits there is no payment."""
        simple = self.simple[order_id]
        if simple.status is S.CREATED and self.now < simple.deadline:
            return multiple(self.pay(order_id))
        numbers = Numbers(tran_id=self.number(), two_id=1, stan=1)
        with pytest.raises(IllegalTransition):
            plan_authorisation(self.context(), self.world.facts(order_id), CARD, numbers, "ab" * 32)
        return multiple()

    @rule(tran_id=payments, outcome=st.sampled_from(Outcome))
    def answer_payment(self, tran_id: int, outcome: Outcome) -> None:
        """The host answers an authorisation, perhaps long after anybody cares."""
        if self.phases[tran_id] == "sent":
            self.end_payment(tran_id, outcome)
            return
        tran = self.world.trans[tran_id]
        plan = plan_outcome(
            self.context(), self.world.facts(tran.order_id), tran_id, REPLIES[outcome], 1
        )
        reversed_or_soon = tran.state in {TranState.REVERSING, TranState.REVERSED}
        answered = outcome in {Outcome.APPROVED, Outcome.DECLINED}
        if reversed_or_soon and answered and tran.late_reply is None:
            assert plan is not None
            assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())
            self.world = self.world.after(plan)  # its state stays: kept twice is kept once
        else:
            assert plan is None

    @rule(tran_id=payments)
    def confirm_reversal(self, tran_id: int) -> None:
        """The host confirms a reversal, perhaps twice, perhaps one that nobody asked for."""
        facts = self.world.facts(self.world.trans[tran_id].order_id)
        plan = plan_reversed(self.context(), facts, tran_id)
        if self.phases[tran_id] == "reversing":
            self.commit(plan)
            self.phases[tran_id] = "done"
        else:
            assert plan is None

    @rule(order_id=orders)
    def leave(self, order_id: int) -> None:
        """A payer presses cancel."""
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        if simple.status is S.CREATED and self.now < simple.deadline:
            self.commit(plan_leaving(self.context(), facts))
            simple.status = S.CANCELED
            self.tell(order_id)
        else:
            with pytest.raises(IllegalTransition):
                plan_leaving(self.context(), facts)

    @rule(order_id=orders)
    def expire(self, order_id: int) -> None:
        """The worker looks whether an order's time is over."""
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        plan = plan_expiry(self.context(), facts)
        if simple.status is S.CREATED and self.now >= simple.deadline:
            self.commit(plan)
            simple.status = S.EXPIRED
            self.tell(order_id)
        else:
            assert plan is None

    @rule(target=refunds, order_id=orders, tenths=st.sampled_from([1, 5, 10, 10, 11]))
    def refund(self, order_id: int, tenths: int) -> MultipleResults[int]:
        """A shop refunds some of an order, all of it, or too much."""
        facts, simple, tran_id = self.world.facts(order_id), self.simple[order_id], self.number()
        amount = -(-simple.amount * tenths // 10)
        request = replace(refund_of(amount), order_id=order_id, merchant_id=simple.merchant_id)
        numbers = Numbers(tran_id=tran_id, two_id=tran_id + 10**6, stan=tran_id)
        if (
            simple.status not in {S.APPROVED, S.REFUNDED}
            or amount > simple.amount - simple.refunded
        ):
            with pytest.raises(PolicyRefusal):
                plan_refund(self.context(), facts, request, numbers)
            return multiple()
        plan = plan_refund(self.context(), facts, request, numbers)
        if amount > self.account[simple.merchant_id] - self.held[simple.merchant_id]:
            with pytest.raises(GuardFailed):
                self.world.after(plan)
            return multiple()
        self.commit(plan)
        simple.status, self.phases[tran_id] = S.ON_REFUND, "sent"
        self.held[simple.merchant_id] += amount
        return multiple(tran_id)

    @rule(tran_id=refunds, outcome=st.sampled_from(Outcome))
    def answer_refund(self, tran_id: int, outcome: Outcome) -> None:
        """The host answers a refund or a repeat of it."""
        phase = self.phases[tran_id]
        tran = self.world.trans[tran_id]
        facts, reply = self.world.facts(tran.order_id), REPLIES[outcome]
        if phase == "unknown" and outcome is Outcome.NOT_SENT:
            with pytest.raises(IllegalTransition):
                plan_refund_outcome(self.context(), facts, tran_id, reply)
            return
        plan = plan_refund_outcome(self.context(), facts, tran_id, reply)
        if phase == "done" or (phase == "unknown" and outcome is Outcome.UNKNOWN):
            assert plan is None
            return
        self.commit(plan)
        if outcome is Outcome.UNKNOWN:
            self.phases[tran_id] = "unknown"
        else:
            self.end_refund(tran, confirmed=outcome is Outcome.APPROVED)

    @precondition(lambda self: any(self.payable.values()))
    @rule(merchant_id=st.sampled_from(list(MERCHANTS)))
    def settle(self, merchant_id: str) -> None:
        """The worker moves what was charged to a merchant's current account."""
        through, newest = self.world.cursors[merchant_id], len(self.world.entries)
        charged = sum(
            entry.amount_minor
            for entry in self.world.entries[through:newest]
            if entry.merchant_id == merchant_id and entry.posting in SETTLED
        )
        plan = plan_settlement(
            self.context(), Unsettled(merchant_id, AZN, charged, through, newest)
        )
        self.commit(plan)
        if through != newest:
            with pytest.raises(GuardFailed):
                self.world.after(plan)
        self.account[merchant_id] += self.payable[merchant_id]
        self.payable[merchant_id] = 0

    @rule(minutes=st.sampled_from([1, 10, 29, 30]))
    def let_time_pass(self, minutes: int) -> None:
        """The clock moves on, forward only."""
        self.now += timedelta(minutes=minutes)


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=100, stateful_step_count=60)
