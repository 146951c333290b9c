"""Faults on the line to the issuer: what the gateway receives, mangled reply by reply.

A protocol that stands between the socket's transport and the gateway's own. Only replies about
money are subject to faults: sign-on and echo always come through. Bytes that are no frames are
handed on for the gateway to refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, cast

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.framing import LENGTH_BYTES, Frames, MalformedFrame, frame
from tkkpg.gateway.host.link import Connect
from tkkpg.sandbox.faults.catalogue import Place
from tkkpg.sandbox.faults.dice import Dice
from tkkpg.sandbox.faults.sockets import reset

LATENCY_S: Final = 2.0
AFTER_TIMEOUT_S: Final = 1.0
GARBAGE_BYTES: Final = 64
STAN_COUNT: Final = 999_999
AMOUNT_COUNT: Final = 10**12
FAR: Final = 500_000
"""From one trace number to another that is not in flight beside it."""

_NETWORK_CLASS: Final = fields.NETWORK_REQUEST[1].encode()


def faulty_line(
    connect: Connect, dice: Dice, *, host_timeout_s: float, latency_s: float = LATENCY_S
) -> Connect:
    """Put faults into the connections that a link makes; give what the link connects by instead.

    Args:
        connect: How it would connect without faults.
        dice: Decides which reply meets which fault.
        host_timeout_s: How long the gateway waits; a late reply comes a second after that.
        latency_s: The delay of a reply that is only slow.
    """
    late_s = host_timeout_s + AFTER_TIMEOUT_S

    def connected(make: Callable[[], asyncio.Protocol]) -> Awaitable[object]:
        return connect(lambda: FaultyLine(make(), dice, latency_s=latency_s, late_s=late_s))

    return connected


class FaultyLine(asyncio.Protocol):
    """One link with faults."""

    def __init__(
        self, inner: asyncio.Protocol, dice: Dice, *, latency_s: float, late_s: float
    ) -> None:
        """Stand before the gateway's end of a link."""
        self._inner = inner
        self._dice = dice
        self._frames = Frames()
        self._held = b""  # what has come and was not handed on: at most one unfinished frame
        self._ended = False
        self._faults: dict[str, Callable[[bytes], None]] = {
            "latency": lambda message: self._later(latency_s, message),
            "silence": lambda _: None,
            "reset": lambda _: self._reset(),
            "half-close": lambda _: self._half_close(),
            "garbage": lambda _: self._hand_on(dice.garbage(Place.HOST, GARBAGE_BYTES)),
            "truncated-frame": self._truncate,
            "duplicate-reply": lambda message: self._hand_on(frame(message) * 2),
            "late-reply": lambda message: self._later(late_s, message),
            "wrong-amount": lambda message: self._change(message, _other_amount),
            "wrong-stan": lambda message: self._change(message, _other_stan),
            "no-approval-code": lambda message: self._change(message, _without_approval),
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand on; the gateway writes to the socket itself."""
        self._transport = cast("asyncio.Transport", transport)
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Hand on what the dice leave of it."""
        self._held += data
        try:
            messages = self._frames.feed(data)
        except MalformedFrame:
            self._hand_on_held()
            return
        self._held = self._held[sum(LENGTH_BYTES + len(message) for message in messages) :]
        for message in messages:
            self._pass(message)

    def eof_received(self) -> bool | None:
        """Hand on, after the beginning of a frame that has no end."""
        if self._ended:
            return None
        self._hand_on_held()
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Hand on; replies that are still on their way are lost with the link."""
        self._hand_on_held()
        self._ended = True
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand on."""
        self._inner.resume_writing()

    def _pass(self, message: bytes) -> None:
        """Hand a message on, or do to it what the dice say."""
        about_money = message[1:2] != _NETWORK_CLASS
        fault = self._dice.next_fault(Place.HOST) if about_money and not self._ended else None
        if fault is None:
            self._hand_on(frame(message))
        else:
            self._faults[fault.name](message)

    def _hand_on(self, data: bytes) -> None:
        if data and not self._ended:
            self._inner.data_received(data)

    def _hand_on_held(self) -> None:
        held, self._held = self._held, b""
        self._hand_on(held)

    def _later(self, delay_s: float, message: bytes) -> None:
        asyncio.get_running_loop().call_later(delay_s, self._hand_on, frame(message))

    def _reset(self) -> None:
        self._ended = True
        reset(self._transport)

    def _half_close(self) -> None:
        """End the issuer's side; the gateway's end says whether it keeps its own open."""
        self._ended = True
        if not self._inner.eof_received():
            self._transport.close()

    def _truncate(self, message: bytes) -> None:
        whole = frame(message)
        self._hand_on(whole[: len(whole) // 2])
        self._half_close()
        self._transport.close()

    def _change(self, message: bytes, change: Callable[[fields.Message], None]) -> None:
        """Hand a changed message on; one that cannot be read is changed enough."""
        try:
            decoded = fields.decode(message)
        except fields.MalformedMessage:
            self._hand_on(frame(message))
            return
        change(decoded)
        self._hand_on(frame(fields.encode(decoded)))


def _other_amount(message: fields.Message) -> None:
    amount = int(message.get(fields.AMOUNT, "0"))
    message[fields.AMOUNT] = f"{(amount + 1) % AMOUNT_COUNT:012d}"


def _other_stan(message: fields.Message) -> None:
    stan = int(message.get(fields.STAN, "0"))
    message[fields.STAN] = f"{(stan + FAR) % STAN_COUNT + 1:06d}"


def _without_approval(message: fields.Message) -> None:
    message.pop(fields.APPROVAL, None)
