"""What the gateway asks of 3-D Secure.

Neither verb ever raises for a silent, broken or hostile directory: unavailable is a result. What a
result means for the payment is decided in `model/authentication.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.threeds.messages import (
    ARes,
    ChallengeCancel,
    MethodCompleted,
    RReq,
    TransStatus,
)
from tkkpg.gateway.threeds.wire import to_base64url

if TYPE_CHECKING:
    from datetime import datetime

    from tkkpg.gateway.model.card import Card
    from tkkpg.protocol.values import Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class JavaScript:
    """What only a script can tell of a browser; each as its text in the form.

    Attributes:
        tz: Minutes that UTC is ahead, `-240` in Baku.
    """

    java_enabled: bool
    color_depth: str
    screen_height: str
    screen_width: str
    tz: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """The payer's browser, by its request; `script` is `None` without JavaScript."""

    accept_header: str
    user_agent: str
    language: str
    ip: str | None = None
    script: JavaScript | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One authentication of one card for one order.

    Attributes:
        three_ds_server_trans_id: Its number, a UUID, drawn for this attempt.
        order_id: The order; nothing of it is told.
        merchant_id: The acquirer's number of the merchant.
        amount_minor: Minor units.
        at: Business time, UTC.
        notification_url: Where the browser brings the CRes.
        method_notification_url: Where the method page reports.
        method_completed: Whether the method page was called, and did report.
    """

    three_ds_server_trans_id: str
    card: Card = field(repr=False)
    order_id: int
    merchant_id: str
    merchant_name: str
    amount_minor: int
    currency: Currency
    at: datetime
    browser: Browser
    notification_url: str
    method_notification_url: str
    method_completed: MethodCompleted = MethodCompleted.NO


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The authentication has ended without the payer's help."""

    result: AuthenticationResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """The payer is to be sent to the access control server; the result comes as an RReq.

    Attributes:
        acs_url: Where the form is posted.
        creq: Value of the form field `creq`; `threeDSSessionData` goes beside it.
        three_ds_server_trans_id: Of the attempt, also in the RReq and the CRes.
        acs_trans_id: The access control server's number.
    """

    acs_url: str
    creq: str = field(repr=False)
    three_ds_server_trans_id: str
    acs_trans_id: str


@dataclass(frozen=True, slots=True)
class MethodCall:
    """The issuer's method page, to be called in a hidden frame before the authentication.

    Attributes:
        url: Where the form is posted.
        data: Value of the form field `threeDSMethodData`.
    """

    url: str
    data: str


class Authenticator(Protocol):
    """Our 3-D Secure server."""

    async def method(self, attempt: Attempt) -> MethodCall | None:
        """Give the method page of the card's range, if it has one."""
        ...

    async def authenticate(self, attempt: Attempt) -> Authenticated | Challenge:
        """Ask for the authentication of a cardholder."""
        ...

    async def aclose(self) -> None:
        """Let go of the connections."""
        ...


def method_data(attempt: Attempt) -> str:
    """Write `threeDSMethodData`: base64url of JSON (EMV 3DS 2.2, 5.8.1)."""
    content = {
        "threeDSServerTransID": attempt.three_ds_server_trans_id,
        "threeDSMethodNotificationURL": attempt.method_notification_url,
    }
    return to_base64url(json.dumps(content, separators=(",", ":")).encode())


TIMED_OUT: Final = frozenset(
    {
        ChallengeCancel.TIMED_OUT_DECOUPLED,
        ChallengeCancel.TIMED_OUT_ACS,
        ChallengeCancel.TIMED_OUT_ACS_FIRST,
        ChallengeCancel.TIMED_OUT_SDK,
    }
)
"""`challengeCancel` of a payer who did not answer in time."""


def result_of(message: ARes | RReq) -> AuthenticationResult:
    """Read the result of an authentication.

    A cancelled challenge proves nothing, whatever its `transStatus` says; a challenge that asks
    for another one is unavailable.
    """
    verdict = (
        Verdict.UNAVAILABLE
        if message.trans_status is TransStatus.CHALLENGE
        else Verdict(message.trans_status.value)
    )
    cancel = message.challenge_cancel if isinstance(message, RReq) else None
    if cancel is ChallengeCancel.CARDHOLDER:
        verdict = Verdict.CANCELLED
    elif cancel in TIMED_OUT:
        verdict = Verdict.TIMED_OUT
    elif cancel is not None and verdict in {Verdict.PROVED, Verdict.ATTEMPTED}:
        verdict = Verdict.UNAVAILABLE
    return AuthenticationResult(
        verdict=verdict,
        eci=message.eci,
        cavv=message.authentication_value,
        ds_trans_id=message.ds_trans_id,
        reason=message.trans_status_reason,
    )
