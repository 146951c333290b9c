"""Conversations of several messages, written once for both clients; pure.

A conversation is a generator. It yields an `Exchange` and is sent its result or thrown its error,
or yields a `Pause` and goes on when that is over; what it returns is the method's result. The
clients carry the steps out, so nothing here waits, sends or looks at a clock of its own.

A refund is the only thing here that moves money. It is sent once at most, and what happened is
never concluded from silence: only the gateway's `RefundAmount` says it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from tkkpg.client._exchange import Exchange
from tkkpg.client._requests import Requests
from tkkpg.client.options import money
from tkkpg.client.results import OrderState, PendingOrders, RefundOutcome, SafeRefund
from tkkpg.protocol.errors import (
    LocalProtocolError,
    OperationRefused,
    OutcomeUnknown,
    PeerFailure,
    TKKPGError,
    TransportError,
)
from tkkpg.protocol.messages import OrderInformation
from tkkpg.protocol.values import (
    AMOUNT_MINOR_MAX,
    Amount,
    Language,
    Operation,
    OrderRef,
    OrderStatus,
)

POLL_FIRST_S: Final = 3.0
POLL_MAX_S: Final = 5.0
"""Seconds between two questions about one order; the manual asks for 3 to 5 (description, 2.3)."""

POLL_GROWTH: Final = 1.2
"""By which pauses grow: a payer who is quick is seen soon, one who is slow costs less."""

UNANSWERED_MAX_S: Final = 30.0
"""Longest pause, in seconds, while the gateway does not answer: pauses double up to it, so that
shops that wait do not all press on a gateway that is just coming back."""

Answer = TypeVar("Answer")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pause:
    """Go on after so many seconds."""

    seconds: float


Step: TypeAlias = Exchange[Any] | Pause
Conversation: TypeAlias = Generator[Step, Any, Result]


class _TimeOver(Exception):
    """No answer settled the question in time; its cause is the last error, where there is one."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Starts the conversations of one merchant with one gateway.

    Attributes:
        requests: Starts their exchanges.
        now_s: The clock: seconds from any moment on, never going back.
    """

    requests: Requests
    now_s: Callable[[], float]

    def wait_until_final(self, ref: OrderRef, *, timeout_s: float) -> Conversation[OrderState]:
        """Ask for the status until only the merchant can change it."""
        asking = self.requests.get_order_status(ref, language=Language.EN)
        last: list[OrderStatus] = []

        def final(state: OrderState) -> OrderState | None:
            last[:] = [state.order_status]
            return state if state.is_final else None

        try:
            return (yield from self._ask_until(asking, final, self.now_s() + timeout_s))
        except _TimeOver as over:
            told = f"its last known status is {last[0]}" if last else "nobody answered"
            raise OutcomeUnknown(
                f"Order {ref.order_id} was not final within {timeout_s:g} s: {told}. It goes on "
                "without you: deliver nothing and do not let it be paid in another way; keep its "
                "ref and ask again later, for example with resolve_pending.",
                operation=Operation.GET_ORDER_STATUS,
                order_id=ref.order_id,
            ) from over.__cause__

    def resolve_pending(self, refs: Iterable[OrderRef]) -> Conversation[PendingOrders]:
        """Ask once for the status of each order."""
        final: dict[OrderRef, OrderState] = {}
        still_open: dict[OrderRef, OrderState] = {}
        unanswered: dict[OrderRef, TKKPGError] = {}
        silence: TransportError | None = None
        for ref in dict.fromkeys(refs):
            if silence is not None:
                unanswered[ref] = silence
                continue
            try:
                state = yield from _ask(self.requests.get_order_status(ref, language=Language.EN))
            except TKKPGError as error:
                unanswered[ref] = error
                silence = error if isinstance(error, TransportError) else None
            else:
                (final if state.is_final else still_open)[ref] = state
        return PendingOrders(final=final, still_open=still_open, unanswered=unanswered)

    def refund_safely(
        self,
        ref: OrderRef,
        *,
        amount: Amount,
        refunded_before: Amount,
        description: str,
        two_id: int | None,
        with_fee: bool,
        timeout_s: float,
    ) -> Conversation[SafeRefund]:
        """Look, refund once, and look until the gateway's books say what happened."""
        refund = self.requests.refund(
            ref,
            amount=amount,
            description=description,
            two_id=two_id,
            with_fee=with_fee,
            language=Language.EN,
        )
        _ = refund.body  # what cannot be written is refused before the first question
        books = _Books(ref.order_id, refunded_before, amount)
        looking = self.requests.get_order_information(ref, language=Language.EN)
        deadline_s = self.now_s() + timeout_s
        information = yield from _ask(looking)
        if information.order_status in _BUSY:
            try:
                information = yield from self._ask_until(looking, _at_rest, deadline_s)
            except _TimeOver as over:
                raise books.unknown(_STILL_BUSY) from over.__cause__
        if books.show_it_done(information):
            return SafeRefund(outcome=RefundOutcome.DONE_BEFORE, refunded=books.after)
        verdict = _Verdict(books)
        try:
            yield from _ask(refund)
        except (OutcomeUnknown, OperationRefused) as reply:
            verdict.reply = reply
        try:
            return (yield from self._ask_until(looking, verdict, deadline_s))
        except _TimeOver as over:
            raise books.unknown(verdict.why) from verdict.reply or over.__cause__
        except TKKPGError as error:
            raise books.unknown(f"afterwards {error.message}") from error

    def _ask_until(
        self,
        exchange: Exchange[Answer],
        settles: Callable[[Answer], Result | None],
        deadline_s: float,
    ) -> Conversation[Result]:
        """Ask the same, at least once, until an answer settles it.

        Silence and failures inside the gateway pass, so they are waited over.

        Raises:
            _TimeOver: None has by the deadline.
        """
        pause_s = POLL_FIRST_S
        while True:
            unanswered: TKKPGError | None = None
            try:
                settled = settles((yield from _ask(exchange)))
            except (TransportError, PeerFailure) as error:
                unanswered = error
            else:
                if settled is not None:
                    return settled
            left_s = deadline_s - self.now_s()
            if left_s <= 0:
                raise _TimeOver from unanswered
            yield Pause(min(pause_s, left_s))
            if unanswered is None:
                pause_s = min(pause_s * POLL_GROWTH, POLL_MAX_S)
            else:
                pause_s = min(pause_s * 2, UNANSWERED_MAX_S)


_BUSY: Final = frozenset({OrderStatus.ON_LOCK, OrderStatus.ON_REFUND})
"""Statuses in which an operation is under way, so that the books are about to change."""

_STILL_BUSY: Final = "another operation on the order is under way, and this call sent nothing"


@dataclass(frozen=True, slots=True)
class _Books:
    """What the shop's books say of one refund, to hold against the gateway's.

    Attributes:
        before: What was refunded before this refund.
        amount: Of this refund.
    """

    order_id: int
    before: Amount
    amount: Amount

    def __post_init__(self) -> None:
        if money(self.before).currency != self.amount.currency:
            raise LocalProtocolError(
                f"refunded_before is in {self.before.currency.alpha} and the amount in "
                f"{self.amount.currency.alpha}: an order has one currency. Nothing was sent."
            )
        if self.before.minor + self.amount.minor > AMOUNT_MINOR_MAX:
            raise LocalProtocolError(
                f"{self.before} and {self.amount} together are more than any order has. Nothing "
                "was sent."
            )

    @property
    def after(self) -> Amount:
        """What is refunded once this refund is done."""
        return Amount(self.before.minor + self.amount.minor, self.amount.currency)

    def show_it_done(self, information: OrderInformation) -> bool:
        """Whether the refund was done already; `False` when it may be sent.

        Raises:
            LocalProtocolError: The gateway's books fit neither.
        """
        if information.currency != self.amount.currency:
            raise LocalProtocolError(
                f"Order {self.order_id} is in {information.currency.alpha}, and the refund in "
                f"{self.amount.currency.alpha}. Nothing was sent; refund in the order's currency."
            )
        total = _refunded_of(information)
        if total not in {self.before, self.after}:
            raise LocalProtocolError(
                f"{total} of order {self.order_id} has been refunded. That is neither the "
                f"{self.before} of refunded_before, nor the {self.after} after this refund: "
                "another refund is missing in your books. Nothing was sent. Ask "
                "get_order_information with show_operations, put your books right, and call "
                "again with the total before this refund."
            )
        return total == self.after

    def unknown(self, why: str) -> OutcomeUnknown:
        """Make the error that says what to do when the time is over."""
        return OutcomeUnknown(
            f"Whether {self.amount} of order {self.order_id} were refunded is not known yet: "
            f"{why}. Do not send a Refund by yourself. Call refund_safely again in some minutes "
            "with the same arguments: with the same refunded_before it finds out, and does not "
            "refund again what has been.",
            operation=Operation.REFUND,
            order_id=self.order_id,
        )


@dataclass(slots=True)
class _Verdict:
    """Judges by the gateway's books what became of the refund that was sent.

    Attributes:
        reply: The refusal, or the reason why there was no reply; `None` for Status 00.
        seen_under_way: ON-REFUND was seen since.
        why: Why there is no verdict yet.
    """

    books: _Books
    reply: OutcomeUnknown | OperationRefused | None = None
    seen_under_way: bool = False
    why: str = "nobody answered afterwards"

    def __call__(self, information: OrderInformation) -> SafeRefund | None:
        """Judge; `None` while the books do not say."""
        if information.order_status in _BUSY:
            self.seen_under_way |= information.order_status is OrderStatus.ON_REFUND
            self.why = f"the order is still {information.order_status}"
            return None
        total = _refunded_of(information)
        if total == self.books.after:
            outcome = RefundOutcome.DONE_BEFORE if self._was_refused else RefundOutcome.DONE_NOW
            return SafeRefund(outcome=outcome, refunded=total)
        self.why = self._contradiction(total)
        # Without a reply, books that have not changed may mean that the request is still on its
        # way. Only after it was seen to arrive do they mean that it has ended for nothing.
        if total == self.books.before and (self._refusal or self.seen_under_way):
            return SafeRefund(outcome=RefundOutcome.DECLINED, refunded=total, refusal=self._refusal)
        return None

    @property
    def _refusal(self) -> OperationRefused | None:
        return self.reply if isinstance(self.reply, OperationRefused) else None

    @property
    def _was_refused(self) -> bool:
        """Whether this request certainly did nothing: a failure inside says no such thing."""
        return self._refusal is not None and not isinstance(self._refusal, PeerFailure)

    def _contradiction(self, total: Amount) -> str:
        if total != self.books.before:
            return f"the gateway's books have {total} as refunded, which does not fit"
        if self.reply is None:
            return (
                "the gateway answered with success, but its books have not changed; it may have "
                "repeated its answer to an earlier refund with the same amount and description"
            )
        return "its answer was lost, and so far the gateway's books have not changed"


def _refunded_of(information: OrderInformation) -> Amount:
    """Give all that has been refunded of an order, zero before the first refund."""
    return Amount(information.refund_amount_minor or 0, information.currency)


def _at_rest(information: OrderInformation) -> OrderInformation | None:
    return None if information.order_status in _BUSY else information


def _ask(exchange: Exchange[Answer]) -> Conversation[Answer]:
    """Take one step with a typed answer."""
    answer: Answer = yield exchange
    return answer
