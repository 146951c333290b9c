"""A whole gateway against a model in dictionaries: any sequence of what can be done to orders.

The gateway is real: its store is a file, its requests are XML, its host answers as it is told. The
model knows of each order what the merchant should see, and of the merchant what its current
account should hold. After every sequence the books are checked as `tkkpg check` does.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from tests.conversation.test_saved_cards import REGISTER, purchase
from tests.conversation.test_two_steps import clean, completion, reverse_request
from tests.faults.test_two_refunds import books
from tests.gateway_fixtures import ManualClock
from tests.paying import (
    DECLINED,
    AnsweringHost,
    Desk,
    card,
    give_up,
    ordered,
    post,
    refund_request,
    request,
    submit_card,
)
from tests.paying import unsettled as open_desk

from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.flows.upkeep.reconcile import reconcile
from tkkpg.gateway.flows.upkeep.settle import settle
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.transaction import HostReply, TranKind
from tkkpg.gateway.store.base import EVER
from tkkpg.protocol import codec
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import GetOrdersResponse, GetOrderStatusResponse, OrderInformation
from tkkpg.protocol.values import Operation, OrderRef, OrderStatus

AMOUNT: Final = 3000
OPENING: Final = 2000
APPROVED: Final = HostReply.of("001", "123456", Secret("TOKEN"))
REPLIES: Final = {
    "approved": APPROVED,
    "declined": DECLINED,
    "not sent": HostReply.not_sent(),
    "silent": HostReply.silent(),
}
OFTEN_APPROVED: Final = st.sampled_from(
    ["approved"] * 4 + ["silent"] * 2 + ["declined", "not sent"]
)
"""An approval leads to most of what can happen next."""
S = OrderStatus
Done = TypeVar("Done")
REFUSED: Final = b"30"
SHORT: Final = b"205"

AFTER_PAYMENT: Final = {"declined": S.DECLINED, "not sent": S.ERROR, "silent": S.DECLINED}
STATUS_OF: Final = {"approved": b"00", "declined": b"96", "not sent": b"97", "silent": b"96"}


@dataclass
class Known:
    """What the model knows of an order."""

    ref: OrderRef
    kind: str
    expires: datetime
    status: OrderStatus = S.CREATED
    captured: int = 0
    refunded: int = 0
    settled: bool = False
    pending: TranKind | None = None
    amount: int = 0
    before: OrderStatus = S.CREATED
    clawback: bool = False

    @property
    def refundable(self) -> int:
        """What may still be refunded."""
        return self.captured - self.refunded if self.status in {S.APPROVED, S.REFUNDED} else 0


@dataclass
class Books:
    """What the model knows of the merchant's current account."""

    posted: int = OPENING
    reserved: int = 0
    waiting: list[Known] = field(default_factory=list)

    @property
    def free(self) -> int:
        """What may be taken from it now."""
        return self.posted - self.reserved


class WholeGateway(RuleBasedStateMachine):
    """Merchants, payers, the host and time, in any order."""

    orders = Bundle("orders")
    cards = Bundle("cards")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.home = Path(tempfile.mkdtemp(prefix="tkkpg-whole-"))
        self.known: list[Known] = []
        self.books = Books()
        self.desk: Desk = self._run(self._open())
        host, clock = self.desk.gateway.host, self.desk.gateway.clock
        assert isinstance(host, AnsweringHost)
        assert isinstance(clock, ManualClock)
        self.host, self.clock = host, clock

    async def _open(self) -> Desk:
        return await self.stack.enter_async_context(
            open_desk(self.home, opening=f"{OPENING // 100}.00")
        )

    def _run(self, work: Coroutine[Any, Any, Done]) -> Done:
        """Run something to its end, and what it left in the background."""
        return self.runner.run(work)

    def teardown(self) -> None:
        """Check the books, and close."""
        try:
            assert clean(self.home, self.desk.gateway)
        finally:
            self._run(self.stack.aclose())
            self.runner.close()
            shutil.rmtree(self.home)

    def _ask(self, body: bytes) -> bytes:
        """Send a request and give the `Status` of its answer."""

        async def asking() -> bytes:
            answer = await post(self.desk.exec, body)
            await self.desk.gateway.background.drain(5)
            return answer.content

        return bytes(self._run(asking()).split(b"<Status>")[1].split(b"<")[0])

    # ------------------------------------------------------------------------------- the payer

    @rule(target=orders, kind=st.sampled_from(["Purchase", "PreAuth"]))
    def create(self, kind: str) -> Known:
        """A merchant makes an order."""
        return self._created(kind)

    def _created(self, kind: str) -> Known:
        ref = self._run(ordered(self.desk.exec, kind))
        one = Known(ref, kind, self.clock.now() + ORDER_LIFE)
        self.known.append(one)
        return one

    @rule(one=orders, reply=OFTEN_APPROVED)
    def pay(self, one: Known, reply: str) -> None:
        """The payer submits a card, perhaps too late or again."""
        waiting = one.status is S.CREATED
        if waiting:
            self.host.answers(TranKind.AUTHORISATION, REPLIES[reply])
        self._run(self._submit(one))
        if waiting:
            self._paid(one, reply)

    async def _submit(self, one: Known) -> None:
        gateway = self.desk.gateway
        await submit_card(gateway, await open_page(gateway, one.ref), card(gateway))
        await gateway.background.drain(5)

    def _paid(self, one: Known, reply: str) -> None:
        if reply == "approved":
            charged = one.kind == "Purchase"
            one.status = S.APPROVED if charged else S.PREAUTH_APPROVED
            if charged:
                self._captured(one, AMOUNT)
        else:
            one.status = AFTER_PAYMENT[reply]

    def _captured(self, one: Known, amount: int) -> None:
        one.captured, one.settled = amount, False
        self.books.waiting.append(one)

    @rule(target=orders, kind=st.sampled_from(["Purchase", "PreAuth"]))
    def sell(self, kind: str) -> Known:
        """A merchant makes an order and its payer pays it."""
        one = self._created(kind)
        self.host.answers(TranKind.AUTHORISATION, APPROVED)
        self._run(self._submit(one))
        self._paid(one, "approved")
        return one

    @rule(target=cards)
    def save_a_card(self) -> str:
        """A payer pays and has the card saved."""
        ref = self._run(ordered(self.desk.exec, "Purchase", REGISTER))
        one = Known(ref, "Purchase", self.clock.now() + ORDER_LIFE, status=S.APPROVED)
        self.known.append(one)
        self.host.answers(TranKind.AUTHORISATION, APPROVED)

        async def paying() -> str:
            gateway = self.desk.gateway
            view = await open_page(gateway, ref)
            await submit_card(gateway, view, card(gateway), register=True)
            facts = await gateway.store.facts(ref.order_id)
            return (facts.transactions[0].saved_card_uid or "") if facts else ""

        self._captured(one, AMOUNT)
        return self._run(paying())

    @rule(one=orders, card_uid=cards, amount=st.sampled_from([1, AMOUNT]), reply=OFTEN_APPROVED)
    def pay_without_a_payer(self, one: Known, card_uid: str, amount: int, reply: str) -> None:
        """The merchant charges a saved card."""
        body = purchase(one.ref, card_uid, amount, "<ResponseFormat>TKKPG</ResponseFormat>")
        if one.status is not S.CREATED or amount != AMOUNT:
            assert self._ask(body) == REFUSED
            return
        self.host.answers(TranKind.AUTHORISATION, REPLIES[reply])
        assert self._ask(body) == STATUS_OF[reply]
        self._paid(one, reply)

    @rule(one=orders)
    def leave(self, one: Known) -> None:
        """The payer presses cancel, perhaps too late."""
        self._run(give_up(self.desk.gateway, one.ref))
        if one.status is S.CREATED:
            one.status = S.CANCELED

    # ---------------------------------------------------------------------------- the merchant

    @rule(
        one=orders,
        amount=st.sampled_from([1, 1000, AMOUNT, AMOUNT + 1]),
        reply=OFTEN_APPROVED,
    )
    def complete(self, one: Known, amount: int, reply: str) -> None:
        """The merchant charges a hold."""
        allowed = one.status is S.PREAUTH_APPROVED and amount <= AMOUNT
        self._operate(one, TranKind.COMPLETION, amount, reply, b"" if allowed else REFUSED)

    @rule(one=orders, reply=OFTEN_APPROVED)
    def reverse(self, one: Known, reply: str) -> None:
        """The merchant undoes a hold or a charge."""
        amount = one.captured or AMOUNT
        one.clawback = one.status is S.APPROVED and one.settled
        refused = b"" if one.status in {S.APPROVED, S.PREAUTH_APPROVED} else REFUSED
        if one.clawback and amount > self.books.free:
            refused = SHORT
        self._operate(one, TranKind.REVERSAL, amount, reply, refused)

    @rule(
        one=orders,
        amount=st.sampled_from([1, 500, 1000, AMOUNT]),
        reply=OFTEN_APPROVED,
    )
    def refund(self, one: Known, amount: int, reply: str) -> None:
        """The merchant gives money back."""
        refused = b"" if amount <= one.refundable else REFUSED
        if not refused and amount > self.books.free:
            refused = SHORT
        self._operate(one, TranKind.REFUND, amount, reply, refused)

    def _operate(self, one: Known, kind: TranKind, amount: int, reply: str, refused: bytes) -> None:
        body = {
            TranKind.COMPLETION: lambda: completion(one.ref, amount),
            TranKind.REVERSAL: lambda: reverse_request(one.ref),
            TranKind.REFUND: lambda: refund_request(one.ref, amount),
        }[kind]()
        if refused:
            assert self._ask(body) == refused
            return
        self.host.answers(kind, REPLIES[reply])
        one.pending, one.amount, one.before = kind, amount, one.status
        one.status = S.ON_REFUND if kind is TranKind.REFUND else S.ON_LOCK
        self.books.reserved += self._taken(one)
        assert self._ask(body) == STATUS_OF[reply]
        if reply != "silent":
            self._ended(one, approved=reply == "approved")

    def _taken(self, one: Known) -> int:
        """What a pending operation takes from the current account."""
        takes = one.pending is TranKind.REFUND or (
            one.pending is TranKind.REVERSAL and one.before is S.APPROVED and one.clawback
        )
        return one.amount if takes else 0

    def _ended(self, one: Known, *, approved: bool) -> None:
        taken = self._taken(one)
        self.books.reserved -= taken
        kind, one.pending = one.pending, None
        if not approved:
            one.status = one.before
            return
        self.books.posted -= taken
        if kind is TranKind.COMPLETION:
            one.status = S.APPROVED
            self._captured(one, one.amount)
        elif kind is TranKind.REVERSAL:
            one.status, one.captured = S.REVERSED, 0
            if one in self.books.waiting:
                self.books.waiting.remove(one)
        else:
            one.status = S.REFUNDED
            one.refunded += one.amount

    # ------------------------------------------------------------------------- time and the host

    @rule(minutes=st.integers(1, 40))
    def advance(self, minutes: int) -> None:
        """Time passes."""
        self.clock.advance(timedelta(minutes=minutes))
        self._run(expire(self.desk.gateway))
        for one in self.known:
            if one.status is S.CREATED and self.clock.now() >= one.expires:
                one.status = S.EXPIRED

    @rule()
    def settlement(self) -> None:
        """What was charged is paid out."""
        self._run(settle(self.desk.gateway))
        kept: list[Known] = []
        for one in self.books.waiting:
            if one.pending is TranKind.REVERSAL:
                # It is reserved to be undone, so that it is not paid out.
                kept.append(one)
                continue
            one.settled = True
            self.books.posted += one.captured
        self.books.waiting = kept

    @precondition(lambda self: any(one.pending for one in self.known))
    @rule(reply=st.sampled_from(["approved", "declined"]))
    def resolve(self, reply: str) -> None:
        """The host answers what it was asked before."""
        pending = [one for one in self.known if one.pending]
        for one in pending:
            assert one.pending is not None
            self.host.answers(one.pending, REPLIES[reply])
        self._run(reconcile(self.desk.gateway, EVER))
        for one in pending:
            self._ended(one, approved=reply == "approved")

    # ------------------------------------------------------------------------------ what is seen

    @rule(one=orders)
    def status(self, one: Known) -> None:
        """The merchant asks for the status."""
        body = request("GetOrderStatus", one.ref)
        content = self._run(post(self.desk.exec, body)).content
        reply = codec.decode_response(content, Operation.GET_ORDER_STATUS)
        assert isinstance(reply, GetOrderStatusResponse)
        assert reply.order_status is one.status

    @rule(one=orders)
    def information(self, one: Known) -> None:
        """The merchant asks for everything."""
        content = self._run(post(self.desk.exec, request("GetOrderInformation", one.ref))).content
        row = codec.decode_response(content, Operation.GET_ORDER_INFORMATION)
        assert isinstance(row, OrderInformation)
        assert (row.order_status, row.refund_amount_minor or 0) == (one.status, one.refunded)

    @rule(status=st.sampled_from(OrderStatus))
    def listing(self, status: OrderStatus) -> None:
        """The merchant asks for all orders in a status."""
        body = (
            "<TKKPG><Request><Operation>GetOrders</Operation><Merchant>E1000010</Merchant>"
            f"<OrdersFilter><LastCount>200</LastCount><Status>{status}</Status></OrdersFilter>"
            "</Request></TKKPG>"
        ).encode()
        content = self._run(post(self.desk.exec, body)).content
        reply = codec.decode_response(content, Operation.GET_ORDERS)
        assert isinstance(reply, GetOrdersResponse)
        assert {row.order_id for row in reply.orders} == {
            one.ref.order_id for one in self.known if one.status is status
        }

    @invariant()
    def the_account_holds_what_it_should(self) -> None:
        """The stored balance is the model's."""
        assert self._run(self._balance()) == (self.books.posted, self.books.reserved)

    async def _balance(self) -> tuple[int, int]:
        posted, reserved, _ = books(self.home)
        return posted, reserved


TestWholeGateway = WholeGateway.TestCase
TestWholeGateway.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
