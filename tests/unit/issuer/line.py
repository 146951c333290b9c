"""A gateway in small: messages as it writes them, and its end of a link."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import Message
from tkkpg.gateway.host.framing import Frames, frame
from tkkpg.issuer.accounts import Account
from tkkpg.issuer.app import IssuerInfo, IssuerSettings, issuer
from tkkpg.protocol.masking import Secret

PLAIN: Final = "4000000000000119"
LIMITED: Final = "4000000000000127"
FORCED: Final = "4000000000000135"
SILENT: Final = "4000000000000143"
SLOW: Final = "4000000000000150"
UNKNOWN: Final = "4000000000000168"
TRANSMITTED: Final = "1124080000"
TERMINAL: Final = "E1000010"
DEADLINE_S: Final = 30.0
"""How long anything may take on a busy machine."""
ACCOUNTS: Final = (
    Account(name="plain", pan=Secret(PLAIN), balance_minor=100_00),
    Account(name="limited", pan=Secret(LIMITED), limit_minor=10_00),
    Account(name="forced", pan=Secret(FORCED), response_code="051"),
    Account(name="silent", pan=Secret(SILENT), silent=True),
    Account(name="slow", pan=Secret(SLOW), delay_s=0.05),
)


def _request(kind: str, stan: int, amount_minor: int, **more: str) -> Message:
    return {
        fields.TYPE: kind,
        fields.PROCESSING: fields.PURCHASE_CODE,
        fields.AMOUNT: f"{amount_minor:012d}",
        fields.TRANSMITTED: TRANSMITTED,
        fields.STAN: f"{stan:06d}",
        fields.RRN: f"{stan:012d}",
        fields.TERMINAL: TERMINAL,
        fields.MERCHANT: f"{TERMINAL:15}",
        fields.CURRENCY: "944",
        **more,
    }


def hold(stan: int, amount_minor: int = 30_00, pan: str = PLAIN) -> Message:
    """Ask for a hold."""
    return _request(fields.HOLD, stan, amount_minor, **{fields.PAN: pan})


def charge(stan: int, amount_minor: int = 30_00, pan: str = PLAIN) -> Message:
    """Ask for a charge."""
    return _request(fields.CHARGE, stan, amount_minor, **{fields.PAN: pan})


def follow(kind: str, stan: int, original: Message, amount_minor: int | None = None) -> Message:
    """Ask for something about an earlier message, for its amount unless another is given."""
    amount = int(original[fields.AMOUNT]) if amount_minor is None else amount_minor
    named = original[fields.TYPE] + original[fields.STAN] + original[fields.TRANSMITTED]
    return _request(kind, stan, amount, **{fields.ORIGINAL: f"{named}{0:022d}"})


def complete(stan: int, original: Message, amount_minor: int | None = None) -> Message:
    """Charge a hold."""
    return follow(fields.COMPLETION, stan, original, amount_minor)


def refund(stan: int, original: Message, amount_minor: int | None = None) -> Message:
    """Give money back."""
    asked = follow(fields.CHARGE, stan, original, amount_minor)
    return asked | {fields.PROCESSING: fields.REFUND_CODE}


def reverse(stan: int, original: Message) -> Message:
    """Undo on request."""
    return follow(fields.REVERSAL, stan, original)


def advise(stan: int, original: Message) -> Message:
    """Undo after silence."""
    return follow(fields.REVERSAL_ADVICE, stan, original)


def again(message: Message) -> Message:
    """Repeat a message under the type that says so."""
    return message | {fields.TYPE: fields.repeat_of(message[fields.TYPE])}


def network(code: str, stan: int = 900_001) -> Message:
    """Sign on, sign off or send an echo."""
    return {
        fields.TYPE: fields.NETWORK_REQUEST,
        fields.TRANSMITTED: TRANSMITTED,
        fields.STAN: f"{stan:06d}",
        fields.NETWORK: code,
    }


class Line:
    """A link to the issuer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take both ends of a connection."""
        self._reader = reader
        self._writer = writer
        self._frames = Frames()
        self._come: list[Message] = []

    def send(self, *messages: Message) -> None:
        """Send messages in one piece."""
        self.send_bytes(b"".join(frame(fields.encode(message)) for message in messages))

    def send_bytes(self, data: bytes) -> None:
        """Send what may be no message."""
        self._writer.write(data)

    def abort(self) -> None:
        """Let go of the connection."""
        self._writer.transport.abort()

    async def reply(self) -> Message:
        """Wait for the next message.

        Raises:
            EOFError: The issuer has closed the link.
        """
        async with asyncio.timeout(DEADLINE_S):
            while not self._come:
                data = await self._reader.read(65_536)
                if not data:
                    raise EOFError
                self._come += [fields.decode(raw) for raw in self._frames.feed(data)]
        return self._come.pop(0)

    async def ask(self, message: Message) -> Message:
        """Send a message and wait for the next one."""
        self.send(message)
        return await self.reply()

    async def codes(self, *messages: Message) -> list[str]:
        """Ask one after the other; give the response codes."""
        return [(await self.ask(message))[fields.RESPONSE] for message in messages]


@asynccontextmanager
async def line(port: int, *, signed_on: bool = True) -> AsyncIterator[Line]:
    """Connect to an issuer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    link = Line(reader, writer)
    try:
        if signed_on:
            assert (await link.ask(network(fields.SIGN_ON)))[fields.RESPONSE] == "001"
        yield link
    finally:
        link.abort()


@asynccontextmanager
async def open_line(
    home: Path, accounts: Sequence[Account] = ACCOUNTS
) -> AsyncIterator[tuple[Line, IssuerInfo]]:
    """Run an issuer in this process, with a link that is signed on."""
    async with (
        issuer(IssuerSettings(home=home, accounts=tuple(accounts))) as info,
        line(info.port) as link,
    ):
        yield link, info
