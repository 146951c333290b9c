"""A whole gateway in this process, asked without a network: real store, real flows, real log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Scope

from tkkpg.gateway.app import exec_app, open_gateway, page_app
from tkkpg.gateway.config import GatewayConfig
from tkkpg.gateway.flows.enrol import enrol
from tkkpg.gateway.host.base import Host
from tkkpg.gateway.host.scripted import Scenario, ScriptedHost
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.model.transaction import Outcome
from tkkpg.gateway.notify.base import Delivery, DeliveryResult
from tkkpg.gateway.notify.recorded import RecordedCourier
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.threeds.scripted import everybody_proved
from tkkpg.gateway.web.peer import FINGERPRINT_KEY
from tkkpg.sandbox.cards import test_cards

MERCHANT_ID: Final = "E1000010"
STRANGER_ID: Final = "E1000011"
PIECE: Final = 65_536
"""Bodies arrive in pieces of this size."""
CREATE_ORDER: Final = (
    "<TKKPG><Request><Operation>CreateOrder</Operation><Language>AZ</Language><Order>"
    "<OrderType>Purchase</OrderType><Merchant>E1000010</Merchant><Amount>3000</Amount>"
    "<Currency>944</Currency><Description>Two shirts and a pair of shoes, order 48151</Description>"
    "<ApproveURL>https://shop.example/payment/approved?cart=48151&amp;lang=az</ApproveURL>"
    "<CancelURL>https://shop.example/payment/cancelled?cart=48151&amp;lang=az</CancelURL>"
    "<DeclineURL>https://shop.example/payment/declined?cart=48151&amp;lang=az</DeclineURL>"
    "</Order></Request></TKKPG>"
)
"""What a shop sends: about 600 bytes."""


class BenchmarkError(Exception):
    """Something was not answered as it should be, so that its time means nothing."""


class Reply(NamedTuple):
    """An HTTP reply, and the seconds from the call of the application to its return."""

    seconds: float
    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass(frozen=True, slots=True)
class Stage:
    """An open gateway with two merchants; requests carry a merchant's fingerprint."""

    gateway: Gateway
    merchant: Merchant
    exec: ASGIApp
    page: ASGIApp

    async def create_order(self, merchant_id: str = MERCHANT_ID) -> Reply:
        """Create an order as a shop does."""
        body = CREATE_ORDER.replace(MERCHANT_ID, merchant_id).encode()
        return expect(await self.ask([body], merchant_id), "00")

    async def ask(self, body: list[bytes], merchant_id: str = MERCHANT_ID) -> Reply:
        """Send the pieces of a body to /Exec."""
        return await ask(self.exec, "/Exec", body, fingerprint=_fingerprint(merchant_id))


@asynccontextmanager
async def stage(home: Path, host: Host | None = None) -> AsyncIterator[Stage]:
    """Open a gateway on an empty home; its host is in this process unless one is given."""
    config = GatewayConfig(
        page_url="https://localhost:8443/index.jsp",
        sandbox=True,
        test_cards={card.pan: card.expiry for card in test_cards()},
    )
    courier = RecordedCourier(_take)
    asked = host or scripted_host(1.0)
    async with open_gateway(home, config, asked, everybody_proved(), courier=courier) as gateway:
        merchant = await _enrol(gateway, MERCHANT_ID)
        await _enrol(gateway, STRANGER_ID)
        yield Stage(gateway, merchant, exec_app(gateway), page_app(gateway))


def scripted_host(timeout_s: float) -> ScriptedHost:
    """Make a host in this process that does what the test cards say."""
    return ScriptedHost(
        {
            card.pan: Scenario(Outcome[card.outcome.name], card.host_code, card.delay_s)
            for card in test_cards()
        },
        timeout_s,
    )


async def _enrol(gateway: Gateway, merchant_id: str) -> Merchant:
    merchant = Merchant(
        merchant_id=merchant_id,
        name="Nar",
        terminal_id=merchant_id,
        base_url="https://shop.example",
        notification_url="https://shop.example/notify",
    )
    certificate = Certificate(
        fingerprint=_fingerprint(merchant_id),
        merchant_id=merchant_id,
        not_after=gateway.clock.wall() + timedelta(days=365),
    )
    await enrol(gateway, merchant, certificate)
    return merchant


def _fingerprint(merchant_id: str) -> str:
    return merchant_id.encode().hex().rjust(64, "0")


def _take(_delivery: Delivery) -> DeliveryResult:
    return DeliveryResult(delivered=True, detail="Taken.", http_status=200)


def pieces(body: bytes) -> list[bytes]:
    """Cut a body as it arrives; an empty one is one empty piece."""
    return [body[at : at + PIECE] for at in range(0, len(body), PIECE)] or [b""]


def expect(reply: Reply, status: str) -> Reply:
    """Give the reply on when it has this `Status`.

    Raises:
        BenchmarkError: It has another one.
    """
    if f"<Status>{status}</Status>".encode() not in reply.body:
        reason = reply.headers.get(b"tkkpg-reason", b"")
        message = f"Status {status} was expected, not {reply.body!r} because of {reason!r}."
        raise BenchmarkError(message)
    return reply


async def ask(
    app: ASGIApp,
    path: str,
    body: Iterable[bytes] | None,
    *,
    query: bytes = b"",
    fingerprint: str = "",
) -> Reply:
    """Call an application once: POST with a body, GET with `None`."""
    sent: list[Message] = []
    arriving = list(body or [b""])
    arriving.reverse()

    async def receive() -> Message:
        piece = arriving.pop()
        return {"type": "http.request", "body": piece, "more_body": bool(arriving)}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "https",
        "method": "GET" if body is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query,
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 443),
        "state": {FINGERPRINT_KEY: fingerprint} if fingerprint else {},
    }
    began = perf_counter()
    await app(scope, receive, send)
    seconds = perf_counter() - began
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return Reply(seconds, sent[0]["status"], dict(sent[0]["headers"]), content)
