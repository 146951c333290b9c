"""Settings of a running gateway, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Files of a home.
DATABASE: Final = "tkkpg.db"
KEYS: Final = "keys.toml"
HEAD: Final = "head.json"
LOCK: Final = "tkkpg.lock"
CONTROL: Final = "control.sock"
CLOCK: Final = "clock.json"
RECORDS: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", HEAD, CLOCK, KEYS)
"""What a gateway knows, in the order in which it is forgotten: cut off in the middle, the next
start refuses what is left instead of believing it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayConfig:
    """What the gateway is told once, at its start.

    Attributes:
        page_url: Address of the hosted page, as CreateOrder returns it.
        sandbox: Test cards only, reasons in reply headers, hints on the page.
        test_cards: Card numbers that are accepted, each with the date printed on it, `MM/YY`;
            `None` for every valid one.
        host_timeout_s: How long the host may take to answer; the Exec answer (20 s) and the
            client's read time-out (30 s) nest around it.
        result_timeout_s: How long the directory may take to tell the result of a challenge, from
            the browser's return on.
        page_patience_s: How long a submitted card waits for its outcome before the payer is shown
            that it is being checked, from the answer of 3-D Secure on.
        settle_every_s: Pause between settlements; `None` settles when a business day begins, at
            midnight in Baku, and once at the start for a midnight that may have been missed.
        allow_loopback: Whether notifications may go to this machine.
    """

    page_url: str
    sandbox: bool
    test_cards: Mapping[str, str] | None
    host_timeout_s: float = 15.0
    result_timeout_s: float = 30.0
    page_patience_s: float = 1.5
    settle_every_s: float | None = 1.0
    allow_loopback: bool = False


PAGE_KEPT: timedelta = timedelta(hours=24)
"""How long the page of an ended order still shows its state."""

RETRY_PAUSES: tuple[timedelta, ...] = tuple(
    timedelta(seconds=pause) for pause in (5, 30, 120, 600, 3600, 3600, 21600, 21600, 43200)
)
"""Pauses between attempts of a notification; after the last one it is parked."""
