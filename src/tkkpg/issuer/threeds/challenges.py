"""The challenges under way: what is asked, how it stands, and when it is over.

Nothing here waits or sends: `acs.py` begins a challenge, the page moves it, `results.py` ends it.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.threeds.messages import ChallengeCancel, TransStatus
from tkkpg.issuer.threeds.identity import CODE_DIGITS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from tkkpg.gateway.threeds.messages import CRes
    from tkkpg.issuer.threeds.scenario import Fault
    from tkkpg.protocol.masking import Secret
    from tkkpg.protocol.values import Amount, Language

LIFE: Final = timedelta(minutes=10)
"""How long the cardholder has, from the ARes on."""
KEPT: Final = timedelta(hours=1)
"""From the ARes on; whoever comes back until then is sent on with the same CRes."""
CHALLENGES_MAX: Final = 10_000
"""A few hundred bytes each; a load test makes some thousands an hour."""
WRONG_MAX: Final = 3
RESENDS_MAX: Final = 3

_SPACES: Final = re.compile(r"[\s-]+")


class End(StrEnum):
    """How a challenge ended."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed-out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an end is called in an RReq.

    Attributes:
        reason: `transStatusReason` (EMV 3DS 2.2): 01 authentication failed, 14 timed out at the
            access control server, 19 exceeds its most challenges. 18, which looks like the
            gateway's code for the same, means "very high confidence" there.
    """

    status: TransStatus
    reason: str | None = None
    cancel: ChallengeCancel | None = None


OUTCOMES: Final = {
    End.PASSED: Outcome(TransStatus.PROVED),
    End.FAILED: Outcome(TransStatus.REFUSED, "19"),
    End.CANCELLED: Outcome(TransStatus.REFUSED, "01", ChallengeCancel.CARDHOLDER),
    End.TIMED_OUT: Outcome(TransStatus.REFUSED, "14", ChallengeCancel.TIMED_OUT_ACS),
}


class Note(StrEnum):
    """What the page says about the last step."""

    INCOMPLETE = "incomplete"
    WRONG = "wrong"
    RESENT = "resent"
    RESENT_OUT = "resent_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the cardholder is asked to confirm, and for whom.

    Attributes:
        card: Masked.
        eci: What a proof is worth, in the words of the card's scheme.
    """

    three_ds_server_trans_id: str
    ds_trans_id: str
    acs_trans_id: str
    notification_url: str
    merchant_name: str
    amount: Amount
    card: str
    eci: str
    language: Language
    fault: Fault | None


@dataclass(slots=True, kw_only=True)
class Challenge:
    """One challenge, as it stands now.

    Attributes:
        code: The one-time code that holds; a new one replaces it.
        step: Grows with every step, so that a form that is sent again does nothing again.
        opened: Whether the browser has come.
        cres: What the browser takes back, from the end on.
        delivery: The RReq on its way, from the end on.
    """

    asked: Asked
    made_at: datetime
    code: Secret = field(repr=False)
    step: int = 0
    wrong: int = 0
    resends: int = 0
    opened: bool = False
    end: End | None = None
    cres: CRes | None = None
    delivery: asyncio.Task[None] | None = None

    @property
    def ends_at(self) -> datetime:
        """When the cardholder's time is over."""
        return self.made_at + LIFE

    @property
    def may_resend(self) -> bool:
        """Whether another code may be asked for."""
        return self.resends < RESENDS_MAX

    def try_code(self, typed: str, step: int) -> End | Note | None:
        """Compare what was typed with the code; None for a form that was sent before.

        Digits that cannot be a code do not count as an attempt.
        """
        if step != self.step:
            return None
        digits = _SPACES.sub("", typed)
        if not (digits.isascii() and digits.isdigit() and len(digits) == CODE_DIGITS):
            return Note.INCOMPLETE
        if hmac.compare_digest(digits, self.code.reveal()):
            return End.PASSED
        self.step += 1
        self.wrong += 1
        return End.FAILED if self.wrong >= WRONG_MAX else Note.WRONG

    def resend(self, step: int, new_code: Callable[[], Secret]) -> Note | None:
        """Put a new code in the place of the last; None for a form that was sent before."""
        if step != self.step:
            return None
        if not self.may_resend:
            return Note.RESENT_OUT
        self.step += 1
        self.resends += 1
        self.code = new_code()
        return Note.RESENT


class Challenges:
    """All challenges, by the access control server's id."""

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[str, Challenge] = {}

    def add(self, challenge: Challenge) -> bool:
        """Keep a challenge; false when there is no room, so that memory is never filled."""
        if len(self._known) >= CHALLENGES_MAX:
            return False
        self._known[challenge.asked.acs_trans_id] = challenge
        return True

    def find(self, acs_trans_id: str) -> Challenge | None:
        """Find a challenge."""
        return self._known.get(acs_trans_id)

    def overdue(self, now: datetime) -> Iterator[Challenge]:
        """Give those whose time is over and that have no end, and forget the old ones."""
        for name, challenge in list(self._known.items()):
            if challenge.made_at + KEPT <= now and challenge.end is not None:
                del self._known[name]
            elif challenge.end is None and challenge.ends_at <= now:
                yield challenge
