"""Random lives of orders against a second, simpler model that is kept in dictionaries.

The world below commits plans as the store promises to: whole or not at all, guarded by what was
read. The rules say in the simplest words what has to become of every order and every account; the
invariants hold after every step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

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
from tests.model_factories import (
    ATTEMPT,
    CARD,
    CARD_UID,
    CAVV,
    KEY,
    NOW,
    STORED_CARD,
    completion_of,
    refund_of,
    reversal_of,
)
from tests.properties.order_world import MERCHANTS, World
from tests.properties.simple_order import ONLY_IF_WANTED, PAYMENT_ENDS, REPLIES, Simple

from tkkpg.gateway.model.authentication import AuthenticationResult, Unauthenticated, Verdict
from tkkpg.gateway.model.decisions.authentication import (
    ATTEMPTS_MAX,
    plan_attempt,
    plan_authenticated,
    plan_result,
)
from tkkpg.gateway.model.decisions.new_order import plan_order
from tkkpg.gateway.model.decisions.operation import (
    plan_completion,
    plan_operation_outcome,
    plan_refund,
    plan_reversal,
)
from tkkpg.gateway.model.decisions.payment import (
    plan_authorisation,
    plan_expiry,
    plan_leaving,
    plan_outcome,
    plan_reversed,
)
from tkkpg.gateway.model.decisions.reservation import Numbers
from tkkpg.gateway.model.decisions.settlement import Unsettled, plan_settlement
from tkkpg.gateway.model.errors import (
    GuardFailed,
    IllegalTransition,
    PolicyRefusal,
    StoreConflict,
)
from tkkpg.gateway.model.ledger import CAPTURES, Entry, Posting
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.plan import Context, Notification, Plan
from tkkpg.gateway.model.transaction import (
    OPEN,
    UNRESOLVED,
    Outcome,
    TranKind,
    Transaction,
    TranState,
)
from tkkpg.protocol.codec import decode_callback
from tkkpg.protocol.messages import CreateOrderRequest
from tkkpg.protocol.values import AZN, Language, OrderRef, OrderType
from tkkpg.protocol.values import OrderStatus as S

OPENING_MINOR = 1000
ORDERS_AT_MOST = 5
"""Few orders, so that steps meet on the same one."""
RESULTS = st.sampled_from(Verdict).map(lambda one: AuthenticationResult(verdict=one, cavv=CAVV))


class BothModels(RuleBasedStateMachine):
    """Both models side by side, and the steps that several rules take in both."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.now = NOW
        self.numbers = 0
        self.simple: dict[int, Simple] = {}
        self.waiting: dict[int, int] = {}
        self.phases: dict[int, str] = {}
        self.account = dict.fromkeys(MERCHANTS, OPENING_MINOR)
        self.held = dict.fromkeys(MERCHANTS, 0)
        self.payable = dict.fromkeys(MERCHANTS, 0)
        self.settled_through = dict.fromkeys(MERCHANTS, 0)
        self.fees: dict[int, int] = {}
        self.clawbacks: set[int] = set()

    def number(self) -> int:
        """Draw a number that was never drawn."""
        self.numbers += 1
        return self.numbers

    def drawn(self) -> Numbers:
        """Draw the numbers of a message."""
        tran_id = self.number()
        return Numbers(tran_id=tran_id, two_id=tran_id + 10**6, stan=tran_id)

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

    def new_order(self, merchant: Merchant, amount: int, order_type: OrderType) -> int:
        """Create an order in both models."""
        order_id = self.number()
        request = CreateOrderRequest(
            language=Language.EN,
            merchant_id=merchant.merchant_id,
            amount_minor=amount,
            currency=AZN,
            order_type=order_type,
        )
        ref = OrderRef(order_id, f"{order_id:032X}")
        self.commit(plan_order(self.context(), merchant, request, ref))
        fee, deadline = (amount * merchant.fee_bp + 5000) // 10000, self.now + ORDER_LIFE
        self.simple[order_id] = Simple(merchant.merchant_id, order_type, amount, fee, deadline)
        return order_id

    def end_payment(self, tran_id: int, outcome: Outcome) -> None:
        """Record the first answer to an authorisation in both models."""
        order_id = self.world.trans[tran_id].order_id
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        plan = plan_outcome(
            self.context(), facts, tran_id, REPLIES[outcome], reversal_stan=self.number()
        )
        self.commit(plan)
        simple.status, self.phases[tran_id] = PAYMENT_ENDS[outcome]
        if outcome is Outcome.APPROVED and simple.order_type is OrderType.PRE_AUTH:
            simple.status = S.PREAUTH_APPROVED
        elif outcome is Outcome.APPROVED:
            self.charge(simple, simple.amount, simple.fee)
        self.tell(order_id)

    def charge(self, simple: Simple, amount: int, fee: int) -> None:
        """Say in the simpler model that money was taken."""
        simple.captured, simple.fee, simple.status = amount, fee, S.APPROVED
        simple.charged_at = len(self.world.entries)
        self.payable[simple.merchant_id] += amount - fee

    def booked(self, order_id: int, *postings: Posting) -> list[int]:
        """Amounts that were booked of some kinds for an order."""
        return [
            entry.amount_minor
            for entry in self.world.entries
            if entry.order_id == order_id and entry.posting in postings
        ]


class Attempts(BothModels):
    """The steps of a card on its way through 3-D Secure, in both models."""

    def takes_card(self, order_id: int, *statuses: S) -> bool:
        """Say whether an order is in one of some statuses, and its time is not over."""
        simple = self.simple[order_id]
        return simple.status in statuses and self.now < simple.deadline

    def begin(self, order_id: int) -> int:
        """Take a card in both models, in place of the one that waits."""
        new = replace(ATTEMPT, numbers=self.drawn(), server_trans_id=f"{self.number()}")
        self.commit(plan_attempt(self.context(), self.world.facts(order_id), CARD, new))
        tran_id = self.waiting[order_id] = new.numbers.tran_id
        self.simple[order_id].status, self.phases[tran_id] = S.ON_PAYMENT, "waits"
        return tran_id

    def waits(self, tran_id: int) -> bool:
        """Say whether an attempt is the one that waits, in time."""
        order_id = self.world.trans[tran_id].order_id
        return self.waiting.get(order_id) == tran_id and self.takes_card(order_id, S.ON_PAYMENT)

    def is_sent(self, order_id: int, verdict: Verdict) -> bool:
        """Say whether the simpler model sends a card with a result."""
        merchant = MERCHANTS[self.simple[order_id].merchant_id]
        wanted = merchant.unauthenticated is Unauthenticated.PROCEED
        return verdict is Verdict.PROVED or (wanted and verdict in ONLY_IF_WANTED)

    def go_on(self, tran_id: int, result: AuthenticationResult) -> None:
        """Send the card of an attempt that waits, or decline its order, in both models."""
        order_id = self.world.trans[tran_id].order_id
        facts = self.world.facts(order_id)
        self.commit(plan_authenticated(self.context(), facts, tran_id, result))
        self.went_on(order_id, sent=self.is_sent(order_id, result.verdict))

    def went_on(self, order_id: int, *, sent: bool) -> None:
        """Say in the simpler model that an attempt waits no more."""
        simple, tran_id = self.simple[order_id], self.waiting.pop(order_id)
        simple.status, self.phases[tran_id] = (S.ON_LOCK, "sent") if sent else (S.DECLINED, "done")
        if not sent:
            self.tell(order_id)

    def give_up(self, order_id: int, status: S) -> None:
        """Say in the simpler model that an order has ended before a card was sent."""
        self.simple[order_id].status = status
        self.waiting.pop(order_id, None)
        self.tell(order_id)


class Invariants(Attempts):
    """What holds after every step."""

    @invariant()
    def orders_are_where_the_simpler_model_has_them(self) -> None:
        """Status, charge and refunds agree, and no more goes back than was charged."""
        for order_id, simple in self.simple.items():
            order = self.world.orders[order_id]
            assert (order.status, order.captured_minor, order.refunded_minor) == (
                simple.status,
                simple.captured,
                simple.refunded,
            )
            assert 0 <= order.refunded_minor <= order.captured_minor <= order.amount_minor

    @invariant()
    def balances_are_what_the_entries_say(self) -> None:
        """Stored, derived by hand and expected balances agree; nothing is below zero."""
        for merchant_id in MERCHANTS:
            sums: Counter[Posting] = Counter()
            for entry in self.world.entries:
                if entry.merchant_id == merchant_id:
                    sums[entry.posting] += entry.amount_minor
            gone = sums[Posting.REFUND] + sums[Posting.CLAWBACK]
            came = sums[Posting.DEPOSIT] + sums[Posting.SETTLE] + sums[Posting.RETURN_FEE]
            asked = sums[Posting.RESERVE_REFUND] + sums[Posting.RESERVE_CLAWBACK]
            freed = sums[Posting.CANCEL_REFUND] + sums[Posting.CANCEL_CLAWBACK]
            charged = sums[Posting.CHARGE] + sums[Posting.COMPLETE] - sums[Posting.FEE]
            undone = sums[Posting.RESERVE_UNCHARGE] - sums[Posting.CANCEL_UNCHARGE]
            posted, reserved = came - gone, asked - freed - gone
            payable = charged - undone - sums[Posting.SETTLE]
            assert self.world.balances[merchant_id] == (posted, reserved)
            assert (posted, reserved) == (self.account[merchant_id], self.held[merchant_id])
            assert payable == self.payable[merchant_id]
            assert 0 <= reserved <= posted
            assert payable >= 0
            assert self.world.count(merchant_id).amount_minor == payable
            assert sums[Posting.FEE] >= sums[Posting.RETURN_FEE] + sums[Posting.CANCEL_FEE]

    @invariant()
    def an_order_is_charged_once_and_undone_whole(self) -> None:
        """One capture, refunds that add up to what the order says, or everything back."""
        for order_id, order in self.world.orders.items():
            captured = [one for posting in CAPTURES for one in self.booked(order_id, posting)]
            undone = self.booked(order_id, Posting.UNCHARGE, Posting.CLAWBACK)
            fees, cancelled = (
                sum(self.booked(order_id, posting)) for posting in (Posting.FEE, Posting.CANCEL_FEE)
            )
            assert len(captured) <= 1
            assert (order.paid_at is not None) == bool(captured)
            if order.status is S.REVERSED:
                assert sum(undone) + cancelled == sum(captured)
                assert cancelled == fees
            else:
                assert (undone, cancelled) == ([], 0)
                assert sum(captured) == order.captured_minor
            assert sum(self.booked(order_id, Posting.REFUND)) == order.refunded_minor
            assert (order.refunded_at is not None) == (order.refunded_minor > 0)

    @invariant()
    def what_is_held_is_charged_or_released_to_the_last_minor_unit(self) -> None:
        """Nothing of a hold is left once its order was completed or reversed."""
        for order_id, order in self.world.orders.items():
            held = sum(self.booked(order_id, Posting.HOLD))
            used = sum(self.booked(order_id, Posting.COMPLETE, Posting.RELEASE))
            ended = order.captured_minor or order.status is S.REVERSED
            assert used == (held if ended else 0)
            assert held in {0, order.amount_minor}

    @invariant()
    def no_order_has_two_open_transactions(self) -> None:
        """At most one message is on its way, and an order is busy exactly while one is."""
        locking = {TranKind.AUTHORISATION, TranKind.COMPLETION, TranKind.REVERSAL}
        busy = {S.ON_LOCK: locking, S.ON_REFUND: {TranKind.REFUND}}
        for order_id, order in self.world.orders.items():
            trans = self.world.facts(order_id).transactions
            opened = [tran.kind for tran in trans if tran.state in OPEN]
            assert len(opened) == (order.status in busy)
            assert set(opened) <= busy.get(order.status, set())
            assert all(tran.sent_at for tran in trans if tran.state in UNRESOLVED)

    @invariant()
    def what_opens_a_card_is_kept_as_long_as_one_attempt_waits(self) -> None:
        """An order on payment has one attempt that waits; a code without a card sent declined."""
        for order_id, order in self.world.orders.items():
            trans = self.world.facts(order_id).transactions
            waiting = [tran.tran_id for tran in trans if tran.state is TranState.RESERVED]
            assert waiting == [one for at, one in self.waiting.items() if at == order_id]
            assert len(waiting) == (order.status is S.ON_PAYMENT)
            for tran in trans:
                known = tran.authentication
                assert known is None or (known.key == KEY) == (tran.tran_id in waiting)
                assert known is None or known.cavv is None or tran.tran_id in waiting
                if tran.state is TranState.ABANDONED and tran.response_code:
                    assert order.status is S.DECLINED
            if order.status is S.DECLINED:
                assert any(tran.response_code for tran in trans)

    @invariant()
    def merchants_are_told_of_every_outcome(self) -> None:
        """The last notification says where the order is, unless it is busy or still waits."""
        told: dict[int, list[Notification]] = {order_id: [] for order_id in self.simple}
        statuses: dict[int, list[str]] = {order_id: [S.CREATED] for order_id in self.simple}
        for notification in self.world.notifications:
            if notification.xmlmsg:
                told[notification.order_id].append(notification)
            else:
                (status,) = parse_qs(urlsplit(notification.url).query)["Status"]
                statuses[notification.order_id].append(status)
        for order_id, simple in self.simple.items():
            assert len(told[order_id]) == simple.told
            if simple.told and simple.status not in {S.ON_LOCK, S.ON_REFUND}:
                message = decode_callback(told[order_id][-1].xmlmsg)
                assert message.order_status is simple.status
                assert message.ref == self.world.orders[order_id].ref
            hears = bool(MERCHANTS[simple.merchant_id].notification_url)
            if simple.status is not S.ON_LOCK:
                begun = simple.status not in {S.CREATED, S.ON_PAYMENT}
                assert (simple.told > 0) == (hears and begun)
            noticed = bool(MERCHANTS[simple.merchant_id].change_status_url)
            assert statuses[order_id][-1] == (simple.status if noticed else S.CREATED)
            assert all(one != next_ for one, next_ in pairwise(statuses[order_id]))
        ids = [notification.notification_id for notification in self.world.notifications]
        assert len(set(ids)) == len(ids)


class Payments(Invariants):
    """The steps up to a payment: what payers, shops, the host and the clock may do."""

    orders = Bundle("orders")
    payments = Bundle("payments")
    merchants = st.sampled_from(list(MERCHANTS.values()))
    amounts = st.integers(1, 3000)
    types = st.sampled_from([OrderType.PURCHASE, OrderType.PRE_AUTH])

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
    @rule(target=orders, merchant=merchants, amount=amounts, order_type=types)
    def create(self, merchant: Merchant, amount: int, order_type: OrderType) -> int:
        """A shop creates an order."""
        return self.new_order(merchant, amount, order_type)

    @precondition(lambda self: len(self.simple) < ORDERS_AT_MOST)
    @rule(target=orders, merchant=merchants, amount=amounts, order_type=types)
    def sell(self, merchant: Merchant, amount: int, order_type: OrderType) -> int:
        """A shop creates an order that is paid at once: most operations begin here."""
        order_id = self.new_order(merchant, amount, order_type)
        tran_id = self.begin(order_id)
        self.go_on(tran_id, AuthenticationResult(verdict=Verdict.PROVED, cavv=CAVV))
        self.end_payment(tran_id, Outcome.APPROVED)
        return order_id

    @rule(target=payments, order_id=orders)
    def submit_card(self, order_id: int) -> MultipleResults[int]:
        """A payer types a card, perhaps again; where the order no longer waits nothing begins."""
        facts, new = self.world.facts(order_id), replace(ATTEMPT, numbers=self.drawn())
        if not self.takes_card(order_id, S.CREATED, S.ON_PAYMENT):
            with pytest.raises(IllegalTransition):
                plan_attempt(self.context(), facts, CARD, new)
        elif len(facts.transactions) < ATTEMPTS_MAX:
            return multiple(self.begin(order_id))
        else:
            self.commit(plan_attempt(self.context(), facts, CARD, new))
            self.give_up(order_id, S.DECLINED)
        return multiple()

    @rule(target=payments, order_id=orders)
    def pay_with_saved_card(self, order_id: int) -> MultipleResults[int]:
        """A shop pays with a saved card; where a card was typed or the order ended it may not."""
        numbers = self.drawn()
        read = (self.context(), self.world.facts(order_id), STORED_CARD, numbers)
        if self.takes_card(order_id, S.CREATED):
            self.commit(plan_authorisation(*read, card_uid=CARD_UID))
            self.simple[order_id].status, self.phases[numbers.tran_id] = S.ON_LOCK, "sent"
            return multiple(numbers.tran_id)
        with pytest.raises(IllegalTransition):
            plan_authorisation(*read, card_uid=CARD_UID)
        return multiple()

    @rule(tran_id=payments, result=RESULTS)
    def keep_result(self, tran_id: int, result: AuthenticationResult) -> None:
        """The directory tells the result of a challenge: the first one in time counts."""
        order_id = self.world.trans[tran_id].order_id
        plan = plan_result(self.context(), self.world.facts(order_id), tran_id, result, "sealed")
        if not self.waits(tran_id) or self.phases[tran_id] == "kept":
            assert plan is None
            return
        self.commit(plan)
        facts = self.world.facts(order_id)
        assert plan_result(self.context(), facts, tran_id, result, "sealed") is None
        if self.is_sent(order_id, result.verdict):
            self.phases[tran_id] = "kept"
        else:
            self.went_on(order_id, sent=False)

    @precondition(lambda self: self.waiting)
    @rule(result=RESULTS, comes_back=st.booleans())
    def end_challenge(self, result: AuthenticationResult, *, comes_back: bool) -> None:
        """A challenge ends, and the payer comes back or does not."""
        tran_id = max(self.waiting.values())
        self.keep_result(tran_id, result)
        if comes_back:
            self.authenticate(tran_id, result)

    @rule(tran_id=payments, result=RESULTS)
    def authenticate(self, tran_id: int, result: AuthenticationResult) -> None:
        """A payment goes on from a result, once."""
        if self.waits(tran_id):
            self.go_on(tran_id, result)
            return
        facts = self.world.facts(self.world.trans[tran_id].order_id)
        assert plan_authenticated(self.context(), facts, tran_id, result) is None

    @rule(tran_id=payments, outcome=st.sampled_from(Outcome))
    def answer_payment(self, tran_id: int, outcome: Outcome) -> None:
        """The host answers an authorisation, perhaps long after anybody cares."""
        if self.phases[tran_id] == "sent":
            self.end_payment(tran_id, outcome)
            return
        tran = self.world.trans[tran_id]
        facts, reply = self.world.facts(tran.order_id), REPLIES[outcome]
        plan = plan_outcome(self.context(), facts, tran_id, reply, reversal_stan=1)
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
        facts = self.world.facts(order_id)
        if self.takes_card(order_id, S.CREATED, S.ON_PAYMENT):
            self.commit(plan_leaving(self.context(), facts))
            self.give_up(order_id, S.CANCELED)
        else:
            with pytest.raises(IllegalTransition):
                plan_leaving(self.context(), facts)

    @rule(order_id=orders)
    def expire(self, order_id: int) -> None:
        """The worker looks whether an order's time is over."""
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        plan = plan_expiry(self.context(), facts)
        if simple.status in {S.CREATED, S.ON_PAYMENT} and self.now >= simple.deadline:
            self.commit(plan)
            self.give_up(order_id, S.EXPIRED)
        else:
            assert plan is None


class OrderLife(Payments):
    """The steps after it: operations, settlement and the clock, in any order with the others."""

    operations = Bundle("operations")

    def end_refund(self, tran: Transaction, *, confirmed: bool) -> None:
        """Say in the simpler model how a refund ends."""
        simple = self.simple[tran.order_id]
        returned = tran.amount_minor * confirmed
        simple.refunded += returned
        simple.status = S.REFUNDED if simple.refunded else S.APPROVED
        self.account[simple.merchant_id] -= returned - self.fees[tran.tran_id] * confirmed
        self.held[simple.merchant_id] -= tran.amount_minor

    def end_completion(self, tran: Transaction, *, confirmed: bool) -> None:
        """Say in the simpler model how a completion ends."""
        simple = self.simple[tran.order_id]
        simple.status = S.PREAUTH_APPROVED
        if confirmed:
            self.charge(simple, tran.amount_minor, self.fees[tran.tran_id])

    def end_reversal(self, tran: Transaction, *, confirmed: bool) -> None:
        """Say in the simpler model how a reversal ends: of a hold, or of a charge."""
        simple, merchant_id = self.simple[tran.order_id], tran.merchant_id
        simple.status = S.APPROVED if simple.captured else S.PREAUTH_APPROVED
        if simple.captured and tran.tran_id in self.clawbacks:
            self.held[merchant_id] -= simple.brought
            self.account[merchant_id] -= simple.brought * confirmed
        elif simple.captured:
            self.payable[merchant_id] += simple.brought * (not confirmed)
            simple.charged_at = len(self.world.entries)
        if confirmed:
            simple.status, simple.captured = S.REVERSED, 0

    def reserved(self, plan: Plan, status: S) -> int:
        """Commit a reservation; say in the simpler model that the order is busy."""
        self.commit(plan)
        (tran,) = plan.new_transactions
        self.simple[tran.order_id].status, self.phases[tran.tran_id] = status, "sent"
        return tran.tran_id

    tenths = st.sampled_from([1, 5, 10, 10, 11])

    @rule(target=operations, order_id=Payments.orders, tenths=tenths, with_fee=st.booleans())
    def refund(self, order_id: int, tenths: int, *, with_fee: bool) -> MultipleResults[int]:
        """A shop refunds some of an order, all of it, or too much."""
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        amount = -(-(simple.captured or simple.amount) * tenths // 10)
        request = replace(refund_of(amount), order_id=order_id, with_fee=with_fee)
        refundable = simple.captured - simple.refunded
        if simple.status not in {S.APPROVED, S.REFUNDED} or amount > refundable:
            with pytest.raises(PolicyRefusal):
                plan_refund(self.context(), facts, request, self.drawn())
            return multiple()
        plan = plan_refund(self.context(), facts, request, self.drawn())
        if amount > self.account[simple.merchant_id] - self.held[simple.merchant_id]:
            with pytest.raises(GuardFailed):
                self.world.after(plan)
            return multiple()
        tran_id = self.reserved(plan, S.ON_REFUND)
        parts = (simple.refunded, simple.refunded + amount)
        before, after = (simple.fee * part // simple.captured for part in parts)
        self.fees[tran_id] = (after - before) * with_fee
        self.held[simple.merchant_id] += amount
        return multiple(tran_id)

    @rule(target=operations, order_id=Payments.orders, tenths=tenths)
    def complete(self, order_id: int, tenths: int) -> MultipleResults[int]:
        """A shop charges what is held, some of it, or too much."""
        facts, simple = self.world.facts(order_id), self.simple[order_id]
        amount = -(-simple.amount * tenths // 10)
        request = replace(completion_of(amount), order_id=order_id)
        if simple.status is not S.PREAUTH_APPROVED or amount > simple.amount:
            with pytest.raises(PolicyRefusal):
                plan_completion(self.context(), facts, request, self.drawn())
            return multiple()
        plan = plan_completion(self.context(), facts, request, self.drawn())
        self.fees[tran_id := self.reserved(plan, S.ON_LOCK)] = simple.fee * amount // simple.amount
        return multiple(tran_id)

    @rule(
        target=operations,
        order_id=Payments.orders,
        worker=st.sampled_from(["is idle", "has counted", "is faster"]),
    )
    def reverse(self, order_id: int, worker: str) -> MultipleResults[int]:
        """A shop takes a payment back, perhaps while the worker settles it."""
        simple, request = self.simple[order_id], replace(reversal_of(), order_id=order_id)
        merchant_id = simple.merchant_id
        if simple.status not in {S.APPROVED, S.PREAUTH_APPROVED}:
            with pytest.raises(PolicyRefusal):
                plan_reversal(self.context(), self.world.facts(order_id), request, self.drawn())
            return multiple()
        plan = plan_reversal(self.context(), self.world.facts(order_id), request, self.drawn())
        if not simple.captured:
            return multiple(self.reserved(plan, S.ON_LOCK))
        counted = self.world.count(merchant_id)
        unsettled = self.settled_through[merchant_id] < simple.charged_at
        if unsettled and worker == "is faster":
            self.settle_counted(counted)
            with pytest.raises(StoreConflict):
                self.world.after(plan)
            plan = plan_reversal(self.context(), self.world.facts(order_id), request, self.drawn())
        elif unsettled:
            tran_id = self.reserved(plan, S.ON_LOCK)
            self.payable[merchant_id] -= simple.brought
            if worker == "has counted":
                self.settle_counted(counted)
            return multiple(tran_id)
        if simple.brought > self.account[merchant_id] - self.held[merchant_id]:
            with pytest.raises(GuardFailed):
                self.world.after(plan)
            return multiple()
        tran_id = self.reserved(plan, S.ON_LOCK)
        self.held[merchant_id] += simple.brought
        self.clawbacks.add(tran_id)
        return multiple(tran_id)

    @rule(tran_id=operations, outcome=st.sampled_from(Outcome))
    def answer_operation(self, tran_id: int, outcome: Outcome) -> None:
        """The host answers an operation or a repeat of it."""
        phase = self.phases[tran_id]
        tran = self.world.trans[tran_id]
        facts, reply = self.world.facts(tran.order_id), REPLIES[outcome]
        if phase == "unknown" and outcome is Outcome.NOT_SENT:
            with pytest.raises(IllegalTransition):
                plan_operation_outcome(self.context(), facts, tran_id, reply)
            return
        plan = plan_operation_outcome(self.context(), facts, tran_id, reply)
        if phase == "done":
            self.contradict(tran, plan, outcome)
            return
        if outcome is Outcome.UNKNOWN:
            if phase == "unknown":
                assert plan is None
            else:
                self.commit(plan)
                self.phases[tran_id] = "unknown"
            return
        self.commit(plan)
        ends = {
            TranKind.REFUND: self.end_refund,
            TranKind.COMPLETION: self.end_completion,
            TranKind.REVERSAL: self.end_reversal,
        }
        ends[tran.kind](tran, confirmed=outcome is Outcome.APPROVED)
        self.phases[tran_id] = "done"
        self.tell(tran.order_id)

    def contradict(self, tran: Transaction, plan: Plan | None, outcome: Outcome) -> None:
        """An answer after the end is kept where it says otherwise, and changes nothing."""
        definite = outcome in {Outcome.APPROVED, Outcome.DECLINED}
        agrees = (tran.state is TranState.APPROVED) is (outcome is Outcome.APPROVED)
        if not definite or agrees or tran.late_reply:
            assert plan is None
            return
        assert plan is not None
        assert (plan.orders, plan.entries, plan.notifications) == ((), (), ())
        self.world = self.world.after(plan)

    @precondition(lambda self: any(self.payable.values()))
    @rule(merchant_id=st.sampled_from(list(MERCHANTS)))
    def settle(self, merchant_id: str) -> None:
        """The worker moves what was charged to a merchant's current account."""
        self.settle_counted(self.world.count(merchant_id))
        assert self.payable[merchant_id] == 0

    def settle_counted(self, counted: Unsettled) -> None:
        """Settle in both models, unless it was done before or a charge is being undone since."""
        merchant_id = counted.merchant_id
        plan = plan_settlement(self.context(), counted)
        undone_since = self.world.undone_since(counted.settled_through, counted.entry_id)
        if undone_since or counted.settled_through != self.settled_through[merchant_id]:
            with pytest.raises(GuardFailed):
                self.world.after(plan)
            return
        self.commit(plan)
        self.account[merchant_id] += counted.amount_minor
        self.payable[merchant_id] -= counted.amount_minor
        self.settled_through[merchant_id] = counted.entry_id

    @rule(minutes=st.sampled_from([1, 10, 29, 30]))
    def let_time_pass(self, minutes: int) -> None:
        """The clock moves on, forward only."""
        self.now += timedelta(minutes=minutes)


TestOrderLife = OrderLife.TestCase
TestOrderLife.settings = settings(max_examples=100, stateful_step_count=60)
