"""What tests of paid orders need: a host that answers as it is told, and a payer with a card."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx2
from tests.gateway_fixtures import (
    FINGERPRINT,
    MERCHANT_ID,
    PAGE_URL,
    SHOP,
    ManualClock,
    accept_everything,
    merchant,
    with_certificate,
)

from tkkpg.client import AsyncClient, Endpoint
from tkkpg.gateway.app import exec_app, open_gateway
from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.flows.pay import PageView, leave, open_page
from tkkpg.gateway.flows.submit_card import submit_card as submit
from tkkpg.gateway.model.authentication import Proceed
from tkkpg.gateway.model.card import Card, StoredCard, read_card
from tkkpg.gateway.model.merchant import Certificate
from tkkpg.gateway.model.transaction import HostReply, TranKind, Transaction
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.threeds.base import Browser
from tkkpg.gateway.threeds.scripted import everybody_proved
from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderResponse
from tkkpg.protocol.values import AZN, Amount, Language, Operation, OrderRef
from tkkpg.sandbox.cards import find_card
from tkkpg.sandbox.cards import test_cards as all_cards

if TYPE_CHECKING:
    from starlette.types import ASGIApp
    from tests.golden_files import GoldenCase

    from tkkpg.gateway.host.base import Unclaimed
    from tkkpg.gateway.model.order import Order
    from tkkpg.gateway.runtime import Gateway

EXEC: Final = "https://localhost:5443/Exec"
APPROVED: Final = HostReply.of("001", "123456")
DECLINED: Final = HostReply.of("076")
BROWSER: Final = Browser(accept_header="text/html", user_agent="test", language="en")
GOLDEN_ORDER: Final = b"14008766"
GOLDEN_SESSION: Final = b"277F3E926B1FADDA45E449B0C0E8CF76"
GOLDEN_TWO_ID: Final = b"2292054"


class HostBroken(Exception):
    """A programmer's error inside a host."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the host.

    Attributes:
        reply: What it says; `None` for an error of its own.
        when: Held back until this is set.
    """

    reply: HostReply | None = APPROVED
    when: asyncio.Event | None = None


class AnsweringHost:
    """A host whose next answers are set call by call; it approves where none is set."""

    def __init__(self) -> None:
        """Approve everything."""
        self.asked: list[tuple[TranKind, Transaction]] = []
        self._answers: defaultdict[TranKind, deque[Answer]] = defaultdict(deque)

    def answers(self, kind: TranKind, *answers: Answer | HostReply) -> None:
        """Queue answers for messages of a kind."""
        self._answers[kind].extend(
            Answer(answer) if isinstance(answer, HostReply) else answer for answer in answers
        )

    def count(self, kind: TranKind) -> int:
        """Say how often a kind was asked for."""
        return sum(asked is kind for asked, _ in self.asked)

    async def authorise(
        self, tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
    ) -> HostReply:
        """Answer an authorisation."""
        return await self._answer(TranKind.AUTHORISATION, tran)

    async def start(self, unclaimed: Callable[[Unclaimed], None]) -> None:
        """Nothing to connect to; keeps whom to tell of late replies."""
        self.unclaimed = unclaimed

    async def complete(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Answer a completion."""
        return await self._answer(TranKind.COMPLETION, tran)

    async def reverse(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Answer a reversal of an approved authorisation."""
        return await self._answer(TranKind.REVERSAL, tran)

    async def refund(
        self, tran: Transaction, original: Transaction, *, repeat: bool = False
    ) -> HostReply:
        """Answer a refund."""
        return await self._answer(TranKind.REFUND, tran)

    async def advise_reversal(self, tran: Transaction, *, repeat: bool = False) -> HostReply:
        """Answer a reversal advice."""
        return await self._answer(TranKind.REVERSAL, tran)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    async def _answer(self, kind: TranKind, tran: Transaction) -> HostReply:
        self.asked.append((kind, tran))
        answers = self._answers[kind]
        answer = answers.popleft() if answers else Answer()
        if answer.when is not None:
            await answer.when.wait()
        if answer.reply is None:
            raise HostBroken
        return answer.reply


async def create(
    client: AsyncClient, amount: str = "30.00", language: Language = Language.EN
) -> OrderRef:
    """Create an order as a shop does."""
    created = await client.create_order(
        amount=Amount.of(amount, AZN),
        description="Two shirts",
        language=language,
        approve_url=f"{SHOP}/ok",
        cancel_url=f"{SHOP}/cancel",
        decline_url=f"{SHOP}/declined",
    )
    return created.ref


async def ordered(
    app: ASGIApp, kind: str = "PreAuth", more: str = "", description: str = "12345"
) -> OrderRef:
    """Create an order of 30.00 by hand."""
    body = (
        "<TKKPG><Request><Operation>CreateOrder</Operation><Language>EN</Language><Order>"
        f"<OrderType>{kind}</OrderType><Merchant>{MERCHANT_ID}</Merchant><Amount>3000</Amount>"
        f"<Currency>944</Currency><Description>{description}</Description>{more}</Order></Request>"
        "</TKKPG>"
    ).encode()
    created = codec.decode_response((await post(app, body)).content, Operation.CREATE_ORDER)
    assert isinstance(created, CreateOrderResponse)
    return created.ref


def card(gateway: Gateway, name: str = "approve") -> Card:
    """Type a test card as its holder does."""
    typed = find_card(name)
    return read_card(
        pan=typed.pan,
        expiry=typed.expiry,
        cvv2=typed.cvv2,
        now=gateway.clock.now(),
        test_cards=gateway.config.test_cards,
    )


async def submit_card(
    gateway: Gateway, view: PageView, card: Card, *, register: bool = False
) -> None:
    """Submit a card from a browser without script, to an issuer that proves it at once."""
    await submit(gateway, view, card, browser=BROWSER, register=register)


async def pay(gateway: Gateway, ref: OrderRef, name: str = "approve") -> None:
    """Open the page and submit a test card; ends when the outcome is recorded."""
    await submit_card(gateway, await open_page(gateway, ref), card(gateway, name))
    await gateway.background.drain(5)


async def give_up(gateway: Gateway, ref: OrderRef) -> None:
    """Open the page and press cancel."""
    await leave(gateway, await open_page(gateway, ref))


async def paid(client: AsyncClient, gateway: Gateway, amount: str = "30.00") -> OrderRef:
    """Create an order and pay it."""
    ref = await create(client, amount)
    await pay(gateway, ref)
    return ref


async def stored(gateway: Gateway, ref: OrderRef) -> Order:
    """Read an order as it is stored."""
    order = await gateway.store.order(ref.order_id)
    assert order is not None
    return order


async def settled(gateway: Gateway) -> None:
    """Wait until every charge is on its merchant's account."""
    async with asyncio.timeout(5):
        while await gateway.store.unsettled():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.005)


async def post(app: ASGIApp, body: bytes, headers: dict[str, str] | None = None) -> httpx2.Response:
    """Send bytes to /Exec."""
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport) as client:
        return await client.post(EXEC, content=body, headers=headers)


def filled(case: GoldenCase, ref: OrderRef, two_id: int | None = None) -> bytes:
    """Put an order of ours into a golden request."""
    body = case.body.replace(GOLDEN_ORDER, str(ref.order_id).encode())
    body = body.replace(GOLDEN_SESSION, ref.session_id.encode())
    return body if two_id is None else body.replace(GOLDEN_TWO_ID, str(two_id).encode())


def request(operation: str, ref: OrderRef, *, merchant: str = "E1000010", more: str = "") -> bytes:
    """Write a request about an order by hand."""
    return (
        f"<TKKPG><Request><Operation>{operation}</Operation><Language>EN</Language>"
        f"<Order><Merchant>{merchant}</Merchant><OrderID>{ref.order_id}</OrderID></Order>"
        f"<SessionID>{ref.session_id}</SessionID>{more}</Request></TKKPG>"
    ).encode()


def refund_request(ref: OrderRef, amount: int, tran_id: str = "") -> bytes:
    """Write a refund of so many minor units by hand."""
    more = (
        f"<Description>Back</Description><Refund><Amount>{amount}</Amount>"
        f"<Currency>944</Currency></Refund><TranId>{tran_id}</TranId>"
    )
    return request("Refund", ref, more=more)


@dataclass(frozen=True, slots=True)
class Desk:
    """A gateway that does not settle while a test looks, and its one merchant."""

    gateway: Gateway
    exec: ASGIApp
    client: AsyncClient


@asynccontextmanager
async def unsettled(
    home: Path,
    *,
    opening: str,
    host: AnsweringHost | None = None,
    clock: ManualClock | None = None,
) -> AsyncIterator[Desk]:
    """Open a gateway whose merchant has nothing but its opening balance to refund from."""
    clock = clock or ManualClock()
    answering = host or AnsweringHost()
    config = GatewayConfig(
        page_url=PAGE_URL,
        sandbox=True,
        test_cards={one.pan: one.expiry for one in all_cards()},
        settle_every_s=3600,
    )
    courier = RecordedCourier(accept_everything)
    async with open_gateway(
        home, config, answering, everybody_proved(), clock=clock, courier=courier
    ) as gateway:
        certificate = Certificate(
            fingerprint=FINGERPRINT,
            merchant_id=MERCHANT_ID,
            not_after=clock.wall() + timedelta(days=365),
        )
        await enrol(gateway, merchant(), certificate, Amount.of(opening, AZN))
        app = with_certificate(exec_app(gateway), FINGERPRINT)
        async with AsyncClient(
            Endpoint(EXEC), merchant_id=MERCHANT_ID, transport=httpx2.ASGITransport(app=app)
        ) as client:
            yield Desk(gateway, app, client)
