"""A gateway that answers as it is told, a gateway that keeps the books of refunds, and a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import httpx2

from tkkpg.client import AZN, Client, Endpoint, Language, OrderRef, OrderStatus, OrderType
from tkkpg.protocol import codec
from tkkpg.protocol.messages import (
    Failure,
    GetOrderInformationRequest,
    GetOrderStatusResponse,
    OrderInformation,
    RefundRequest,
    RefundResponse,
    Request,
    Response,
)

SESSION = "277F3E926B1FADDA45E449B0C0E8CF76"
REF = OrderRef(14008766, SESSION)
ENDPOINT = Endpoint("https://pg.example:5443/Exec")

Said = bytes | Exception
"""What comes back: a body, or what httpx2 raises."""

NO_ANSWER = httpx2.ReadTimeout("timed out")
NOT_SENT = httpx2.ConnectError("[Errno 111] Connection refused")


class ManualClock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float, /) -> None:
        self.now_s += seconds
        self.slept.append(seconds)


class AsyncManualClock:
    """The same, awaited."""

    def __init__(self) -> None:
        self.clock = ManualClock()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    async def sleep(self, seconds: float, /) -> None:
        self.clock.sleep(seconds)


class Script:
    """Answers one request after the other; keeps what was asked."""

    def __init__(self, said: Iterable[Said]) -> None:
        self.asked: list[Request] = []
        self._said = iter(said)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(codec.decode_request(request.content))
        said = next(self._said)
        if isinstance(said, Exception):
            raise said
        return httpx2.Response(200, stream=httpx2.ByteStream(said))


def client_of(
    gateway: Callable[[httpx2.Request], httpx2.Response], clock: ManualClock | None = None
) -> Client:
    """Make a client of this gateway, which waits by this clock."""
    return Client(
        ENDPOINT,
        merchant_id="E1000010",
        transport=httpx2.MockTransport(gateway),
        clock=clock or ManualClock(),
    )


def status(order_status: OrderStatus, ref: OrderRef = REF) -> bytes:
    """Answer GetOrderStatus."""
    return codec.encode(GetOrderStatusResponse(order_id=ref.order_id, order_status=order_status))


def refused(operation: str, code: str) -> bytes:
    """Answer with a refusal."""
    return codec.encode(Failure(operation=operation, status=code))


def row(order_status: OrderStatus, refunded_minor: int | None) -> OrderInformation:
    """Make the row of an order of 30.00 AZN."""
    return OrderInformation(
        order_id=REF.order_id,
        session_id=SESSION,
        created=datetime(2026, 2, 22, 10, 43, 36),  # noqa: DTZ001 - the wire has no zone
        updated=None,
        paid=None,
        merchant_id="E1000010",
        amount_minor=3000,
        currency=AZN,
        language=Language.AZ,
        description="",
        approve_url="",
        cancel_url="",
        decline_url="",
        order_status=order_status,
        receipt=None,
        two_id=2292054,
        refund_amount_minor=refunded_minor,
        refund_currency=AZN if refunded_minor else None,
        order_type=OrderType.PURCHASE,
        refunded=None,
        two_date=None,
        two_time=None,
    )


def information(order_status: OrderStatus, refunded_minor: int | None) -> bytes:
    """Answer GetOrderInformation about an order of 30.00 AZN."""
    return codec.encode(row(order_status, refunded_minor))


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one Refund that a merchant sends.

    Attributes:
        leaves: It gets out of the merchant's machine.
        late_by: Looks at the order until it arrives, its sender long gone; `None` if it is lost.
        approved: The host does it.
        takes: Looks at the order for which it is ON-REFUND.
        answered: The reply arrives.
        early: The reply is 00 while the order is still ON-REFUND, instead of 96.
    """

    leaves: bool = True
    late_by: int | None = 0
    approved: bool = True
    takes: int = 0
    answered: bool = True
    early: bool = False


@dataclass
class Till:
    """A gateway's books of the refunds of one order of 30.00 AZN.

    Attributes:
        done: Refunds that moved money.
        sent: Refunds that a merchant sent, or tried to.
    """

    fates: Iterator[Fate]
    unheard_looks: Iterator[bool]
    refunded_minor: int = 0
    done: int = 0
    sent: int = 0
    _under_way: tuple[RefundRequest, Fate] | None = None
    _looks_left: int = 0
    _late: list[tuple[int, RefundRequest, Fate]] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        message = codec.decode_request(request.content)
        if isinstance(message, GetOrderInformationRequest):
            reply = self._look()
        else:
            assert isinstance(message, RefundRequest)
            reply = self._refund(message)
        return httpx2.Response(200, stream=httpx2.ByteStream(codec.encode(reply)))

    def forget_the_late(self) -> None:
        """Let everything arrive that still will."""
        while self._late or self._under_way:
            self._pass()

    def _look(self) -> Response:
        self._pass()
        if next(self.unheard_looks):
            raise NO_ANSWER
        at_rest = OrderStatus.REFUNDED if self.refunded_minor else OrderStatus.APPROVED
        return row(OrderStatus.ON_REFUND if self._under_way else at_rest, self.refunded_minor)

    def _pass(self) -> None:
        """Let as much time pass as between two looks."""
        if self._under_way is not None:
            self._looks_left -= 1
            if self._looks_left < 0:
                self._finish(*self._under_way)
                self._under_way = None
        waiting, self._late = self._late, []
        for looks, request, fate in waiting:
            if looks > 0:
                self._late.append((looks - 1, request, fate))
            else:
                self._begin(request, fate)

    def _refund(self, request: RefundRequest) -> Response:
        self.sent += 1
        fate = next(self.fates)
        if not fate.leaves:
            raise NOT_SENT
        if fate.late_by != 0:
            if fate.late_by is not None:
                self._late.append((fate.late_by, request, fate))
            raise NO_ANSWER
        reply = self._begin(request, fate)
        if not fate.answered:
            raise NO_ANSWER
        return reply

    def _begin(self, request: RefundRequest, fate: Fate) -> Response:
        if self._under_way or self.refunded_minor + request.amount_minor > 3000:
            return Failure(operation="Refund", status="30")
        if fate.takes:
            self._under_way, self._looks_left = (request, fate), fate.takes
            return RefundResponse() if fate.early else Failure(operation="Refund", status="96")
        self._finish(request, fate)
        return RefundResponse() if fate.approved else Failure(operation="Refund", status="96")

    def _finish(self, request: RefundRequest, fate: Fate) -> None:
        if fate.approved:
            self.refunded_minor += request.amount_minor
            self.done += 1
