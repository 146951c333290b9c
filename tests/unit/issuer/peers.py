"""The gateway's end of the link, as small as a test can do with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Final

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.app import IssuerInfo, IssuerSettings, issuer
from tkkpg.protocol.masking import Secret

DEADLINE_S: Final = 30.0
"""Far more than anything here takes; a test that waits so long has failed."""

PAN: Final = "4169730000005869"
POOR: Final = "4000000000000762"
SILENT: Final = "5200000000008109"
SLOW: Final = "5200000000005006"
FORCED: Final = "5200000000000510"
LIMITED: Final = "4000000000002115"
UNKNOWN: Final = "4111111111111111"
CAVV: Final = "AAECAwQFBgcICQoLDA0ODxAREhM="
ACCOUNTS: Final = (
    Account(name="rich", pan=Secret(PAN), balance_minor=100_000),
    Account(name="poor", pan=Secret(POOR), balance_minor=0),
    Account(name="silent", pan=Secret(SILENT), silent=True),
    Account(name="slow", pan=Secret(SLOW), delay_s=0.3),
    Account(name="forced", pan=Secret(FORCED), response_code="051"),
    Account(name="limited", pan=Secret(LIMITED), limit_minor=5_000),
)

_stans = count(1)


def written(message: Mapping[str, str]) -> bytes:
    """A message as it travels."""
    return frame(fields.encode(message))


def authorisation(message_type: str, amount_minor: int = 1_000, pan: str = PAN) -> Message:
    """A hold (0100) or a charge (0200) with a trace number of its own."""
    return {fields.PAN: pan, **_financial(message_type, amount_minor)}


def registering(message: Message) -> Message:
    """The same authorisation, which asks the issuer to keep the card."""
    return {**message, fields.ADDITIONAL: message.get(fields.ADDITIONAL, "") + "71011"}


def claiming(message: Message, eci: str | None, cavv: str | None = None) -> Message:
    """The same authorisation, with what it says of 3-D Secure."""
    said = {fields.ECI_TAG: eci, fields.CAVV_TAG: cavv}
    elements = {tag: text for tag, text in said.items() if text is not None}
    before = message.get(fields.ADDITIONAL, "")
    return {**message, fields.ADDITIONAL: before + fields.additional(elements)}


def by_token(token: str, message_type: str = fields.CHARGE, amount_minor: int = 1_000) -> Message:
    """An authorisation of a card that the issuer keeps."""
    return {
        **_financial(message_type, amount_minor),
        fields.ADDITIONAL: f"72{len(token):02d}{token}",
    }


def of_merchant(message: Message, merchant: str) -> Message:
    """The same request from another merchant."""
    return {**message, fields.MERCHANT: f"{merchant:<15}"}


def token_in(reply: Message) -> str:
    """The token that a reply holds, empty for none."""
    return fields.elements_of(reply).get(fields.KEPT_CARD_TAG, "")


def about(original: Message, message_type: str, amount_minor: int = 1_000) -> Message:
    """A request that names an earlier one: completion, reversal or advice."""
    named = original[fields.TYPE] + original[fields.STAN] + original[fields.TRANSMITTED]
    return {**_financial(message_type, amount_minor), fields.ORIGINAL: f"{named}{0:022d}"}


def refund(original: Message, amount_minor: int = 1_000) -> Message:
    """A request to give money back."""
    message = about(original, fields.CHARGE, amount_minor)
    return {**message, fields.PROCESSING: fields.REFUND_CODE}


def repeated(message: Message) -> Message:
    """The same request, sent again as a repeat."""
    return {**message, fields.TYPE: fields.repeat_of(message[fields.TYPE])}


def network(code: str) -> Message:
    """Sign-on, sign-off or echo."""
    return {
        fields.TYPE: fields.NETWORK_REQUEST,
        fields.TRANSMITTED: "1124080000",
        fields.STAN: f"{next(_stans):06d}",
        fields.NETWORK: code,
    }


def _financial(message_type: str, amount_minor: int) -> Message:
    stan = next(_stans)
    return {
        fields.TYPE: message_type,
        fields.PROCESSING: fields.PURCHASE_CODE,
        fields.AMOUNT: f"{amount_minor:012d}",
        fields.TRANSMITTED: "1124080000",
        fields.STAN: f"{stan:06d}",
        fields.RRN: f"{stan:012d}",
        fields.TERMINAL: "E1000010",
        fields.MERCHANT: f"{'E1000010':<15}",
        fields.CURRENCY: "944",
    }


class Link:
    """A connection to the issuer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Frames()
        self._arrived: list[bytes] = []

    def send(self, *messages: Message) -> None:
        """Send messages, in one write."""
        self.send_raw(b"".join(written(message) for message in messages))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)

    async def receive(self) -> Message:
        """Give the next reply."""
        async with asyncio.timeout(DEADLINE_S):
            while not self._arrived:
                data = await self._reader.read(65_536)
                if not data:
                    raise EOFError
                self._arrived += self._frames.feed(data)
        return fields.decode(self._arrived.pop(0))

    async def ask(self, message: Message) -> Message:
        """Send a request and give the reply to it, which is the next one."""
        self.send(message)
        reply = await self.receive()
        assert fields.trace_of(reply) == fields.trace_of(message)
        return reply

    async def code(self, message: Message) -> str:
        """Send a request and give the response code."""
        return (await self.ask(message))[fields.RESPONSE]

    async def ended(self) -> bool:
        """Whether the issuer ends the link without another reply."""
        try:
            await self.receive()
        except (EOFError, ConnectionError):
            return True
        return False

    async def aclose(self) -> None:
        """End the link from this side."""
        self._writer.close()
        with suppress(ConnectionError):  # the issuer may be quicker
            await self._writer.wait_closed()


@asynccontextmanager
async def connected(port: int, *, signed_on: bool = True) -> AsyncIterator[Link]:
    """Connect, and sign on unless told not to."""
    link = Link(*await asyncio.open_connection("127.0.0.1", port))
    try:
        if signed_on:
            assert await link.code(network(fields.SIGN_ON)) == "001"
        yield link
    finally:
        await link.aclose()


@asynccontextmanager
async def bank(home: Path) -> AsyncIterator[tuple[IssuerInfo, Link]]:
    """Run an issuer, with one link to it."""
    settings = IssuerSettings(home=home, accounts=ACCOUNTS)
    async with issuer(settings) as info, connected(info.port) as link:
        yield info, link
