"""Orders, merchants, facts and contexts for tests of the model; change what a test is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from tkkpg.gateway.model.authentication import Authentication, AuthenticationResult, Verdict
from tkkpg.gateway.model.card import Card, Expiry, StoredCard
from tkkpg.gateway.model.decisions.authentication import NewAttempt
from tkkpg.gateway.model.decisions.reservation import Numbers
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.model.order import ORDER_LIFE, PAID, Order
from tkkpg.gateway.model.plan import Context, Facts
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import CompletionRequest, RefundRequest, ReverseRequest
from tkkpg.protocol.values import AZN, Language, OrderStatus, OrderType

NOW: Final = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SESSION: Final = "277F3E926B1FADDA45E449B0C0E8CF76"
PAN: Final = "4169733213495869"
MASKED: Final = "416973••••••5869"

MERCHANT: Final = Merchant(
    merchant_id="E1000010",
    name="Nar",
    terminal_id="E1000010",
    base_url="https://shop.example",
    notification_url="https://shop.example/notify",
)
SILENT_MERCHANT: Final = replace(MERCHANT, merchant_id="E1000011", notification_url="")
"""A merchant that wants no notifications."""

CARD: Final = Card(Secret(PAN), Expiry(2030, 5), Secret("447"))
CARD_UID: Final = "AB" * 16
STORED_CARD: Final = StoredCard(Secret("CARD0001"), Expiry(2030, 5), MASKED, "VISA")
SERVER_TRANS_ID: Final = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
KEY: Final = Secret("a2V5IG9mIHRoZSBjYXJk")
CAVV: Final = Secret("MTIzNDU2Nzg5MDA5ODc2NTQzMjE=")
PROVED: Final = AuthenticationResult(verdict=Verdict.PROVED, cavv=CAVV)
NUMBERS: Final = Numbers(tran_id=7, two_id=2292054, stan=42)
REFUND_NUMBERS: Final = Numbers(tran_id=8, two_id=2292055, stan=43)
ATTEMPT: Final = NewAttempt(
    numbers=NUMBERS, server_trans_id=SERVER_TRANS_ID, key=KEY, pan_hash="ab" * 32
)

_ORDER: Final = Order(
    order_id=14008766,
    session_id=SESSION,
    merchant_id=MERCHANT.merchant_id,
    order_type=OrderType.PURCHASE,
    status=OrderStatus.CREATED,
    version=1,
    amount_minor=3000,
    currency=AZN,
    language=Language.EN,
    description="Two shirts",
    approve_url="/ok",
    cancel_url="/cancel",
    decline_url="/declined",
    created_at=NOW,
    updated_at=None,
    expires_at=NOW + ORDER_LIFE,
)
_TRANSACTION: Final = Transaction(
    tran_id=NUMBERS.tran_id,
    order_id=_ORDER.order_id,
    merchant_id=MERCHANT.merchant_id,
    terminal_id=MERCHANT.terminal_id,
    kind=TranKind.AUTHORISATION,
    state=TranState.SENT,
    amount_minor=_ORDER.amount_minor,
    currency=AZN,
    two_id=NUMBERS.two_id,
    stan=NUMBERS.stan,
    rrn="632800000007",
    created_at=NOW,
    sent_at=NOW,
    pan_masked=MASKED,
    pan_hash="ab" * 32,
    brand="VISA",
)


def order_in(status: OrderStatus = OrderStatus.CREATED, *, refunded_minor: int = 0) -> Order:
    """Give an order of 30.00 AZN in a status."""
    if status not in PAID:
        return replace(_ORDER, status=status)
    return replace(
        _ORDER,
        status=status,
        refunded_minor=refunded_minor,
        paid_at=NOW,
        captured_minor=_ORDER.amount_minor,
    )


def authorisation_in(state: TranState = TranState.SENT) -> Transaction:
    """Give the authorisation of that order; an approved one carries its codes."""
    tran = replace(_TRANSACTION, state=state)
    if state is not TranState.APPROVED:
        return tran
    return replace(tran, finished_at=NOW, response_code="001", approval_code="123456")


def refund_in(state: TranState = TranState.SENT, *, amount_minor: int = 3000) -> Transaction:
    """Give a refund of that order."""
    return replace(
        _TRANSACTION,
        tran_id=REFUND_NUMBERS.tran_id,
        two_id=REFUND_NUMBERS.two_id,
        stan=REFUND_NUMBERS.stan,
        rrn="632800000008",
        kind=TranKind.REFUND,
        state=state,
        amount_minor=amount_minor,
        original_id=NUMBERS.tran_id,
    )


def operation_in(
    kind: TranKind, state: TranState = TranState.SENT, *, amount_minor: int = 3000
) -> Transaction:
    """Give an operation of a kind on that order, with the number of a refund."""
    return replace(refund_in(state, amount_minor=amount_minor), kind=kind)


def facts_of(order: Order, *transactions: Transaction, merchant: Merchant = MERCHANT) -> Facts:
    """Put together what a decision reads."""
    return Facts(order=order, merchant=merchant, transactions=transactions)


def attempt_in(state: TranState = TranState.RESERVED, **known: object) -> Transaction:
    """Give an authorisation with its authentication; a reserved one waits and has its key."""
    waits = state is TranState.RESERVED
    tran = replace(authorisation_in(state), sent_at=NOW if state is TranState.SENT else None)
    authentication = Authentication(server_trans_id=SERVER_TRANS_ID, key=KEY if waits else None)
    return replace(tran, authentication=replace(authentication, **known))  # type: ignore[arg-type]


def authenticating(**known: object) -> Facts:
    """Facts of an order whose card waits for its authentication, of which so much is known."""
    return facts_of(order_in(OrderStatus.ON_PAYMENT), attempt_in(**known))  # type: ignore[arg-type]


def waiting() -> Facts:
    """Facts of an order whose authorisation is with the host."""
    return facts_of(order_in(OrderStatus.ON_LOCK), authorisation_in())


def held(fee_minor: int = 0) -> Facts:
    """Facts of an order whose 30.00 AZN are held."""
    order = replace(order_in(OrderStatus.PREAUTH_APPROVED), fee_minor=fee_minor)
    return facts_of(
        replace(order, order_type=OrderType.PRE_AUTH),
        replace(authorisation_in(TranState.APPROVED), hold=True),
    )


def completing(amount_minor: int, *, fee_minor: int = 0) -> Facts:
    """Facts of an order whose completion is with the host."""
    before = held()
    tran = operation_in(TranKind.COMPLETION, amount_minor=amount_minor)
    return replace(
        before,
        order=replace(before.order, status=OrderStatus.ON_LOCK),
        transactions=(*before.transactions, replace(tran, fee_minor=fee_minor)),
    )


def completed(amount_minor: int, *, fee_minor: int = 0, refunded_minor: int = 0) -> Facts:
    """Facts of an order that was completed with so much of its 30.00 AZN."""
    running = completing(amount_minor, fee_minor=fee_minor)
    done = replace(running.transactions[1], state=TranState.APPROVED)
    order = replace(
        running.order,
        status=OrderStatus.REFUNDED if refunded_minor else OrderStatus.APPROVED,
        captured_minor=amount_minor,
        refunded_minor=refunded_minor,
        fee_minor=fee_minor,
        paid_at=NOW,
    )
    return replace(running, order=order, transactions=(running.transactions[0], done))


def paid(refunded_minor: int = 0) -> Facts:
    """Facts of an order that was charged, and refunded in part where an amount is given."""
    status = OrderStatus.REFUNDED if refunded_minor else OrderStatus.APPROVED
    order = order_in(status, refunded_minor=refunded_minor)
    return facts_of(order, authorisation_in(TranState.APPROVED))


def refunding(
    state: TranState = TranState.SENT, *, amount_minor: int = 3000, refunded_minor: int = 0
) -> Facts:
    """Facts of an order with a running refund."""
    return facts_of(
        order_in(OrderStatus.ON_REFUND, refunded_minor=refunded_minor),
        authorisation_in(TranState.APPROVED),
        refund_in(state, amount_minor=amount_minor),
    )


def refund_of(amount_minor: int, *, two_id: int | None = None) -> RefundRequest:
    """Give a request to refund so much of that order."""
    return RefundRequest(
        language=Language.EN,
        merchant_id=MERCHANT.merchant_id,
        order_id=_ORDER.order_id,
        session_id=SESSION,
        amount_minor=amount_minor,
        currency=AZN,
        description="Back",
        two_id=two_id,
    )


def completion_of(amount_minor: int, **changes: object) -> CompletionRequest:
    """Give a request to complete that order with so much."""
    request = CompletionRequest(
        language=Language.EN,
        merchant_id=MERCHANT.merchant_id,
        order_id=_ORDER.order_id,
        session_id=SESSION,
        amount_minor=amount_minor,
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def reversal_of(**changes: object) -> ReverseRequest:
    """Give a request to reverse that order's payment."""
    request = ReverseRequest(
        language=Language.EN,
        merchant_id=MERCHANT.merchant_id,
        order_id=_ORDER.order_id,
        session_id=SESSION,
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def context_at(now: datetime = NOW, plan_id: str = "plan-1") -> Context:
    """Give a decision its identity and time."""
    return Context(plan_id=plan_id, now=now, request_id="request-1", actor="payer")
