"""The access control server's decisions: an AReq and the card's scenario make an ARes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.threeds.messages import AReq, ARes, TransStatus
from tkkpg.issuer.threeds.challenges import Asked, Challenge, Challenges
from tkkpg.issuer.threeds.identity import (
    ACS_REFERENCE,
    ATTEMPTED_ECI,
    DS_REFERENCE,
    PROVED_ECI,
    eci,
    new_cavv,
    new_id,
)
from tkkpg.issuer.threeds.scenario import Answer, Scenario
from tkkpg.protocol.masking import mask_pan
from tkkpg.protocol.values import AMOUNT_MINOR_MAX, CURRENCIES, Amount, Language

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tkkpg.protocol.masking import Secret

STATUSES: Final = {
    Answer.FRICTIONLESS: (TransStatus.PROVED, None),
    Answer.OTHER_TRANSACTION: (TransStatus.PROVED, None),
    Answer.ATTEMPTED: (TransStatus.ATTEMPTED, None),
    Answer.NOT_AUTHENTICATED: (TransStatus.REFUSED, "01"),
    Answer.TOO_OFTEN: (TransStatus.REFUSED, "04"),
    Answer.REJECTED: (TransStatus.REJECTED, "11"),
    Answer.UNAVAILABLE: (TransStatus.UNAVAILABLE, "22"),
    Answer.INFORMATION: (TransStatus.INFORMATION, None),
    Answer.DECOUPLED: (TransStatus.DECOUPLED, None),
    Answer.CHALLENGE: (TransStatus.CHALLENGE, None),
}
"""Status and reason of each answer that is one (EMV 3DS 2.2, table A.1): 01 failed, 04 too often,
11 suspected fraud, 22 our fault."""

NO_CARD: Final = "08"
NO_ROOM: Final = "22"
"""`transStatusReason` of a U: no card record; technical issue."""

_DYNAMIC: Final = "02"
_DECOUPLED: Final = "03"
_ECI: Final = {TransStatus.PROVED: PROVED_ECI, TransStatus.ATTEMPTED: ATTEMPTED_ECI}


class AccessControl:
    """Answers AReq, and begins challenges."""

    def __init__(
        self,
        challenges: Challenges,
        challenge_url: str,
        *,
        now: Callable[[], datetime],
        random_bytes: Callable[[int], bytes],
        new_code: Callable[[], Secret],
    ) -> None:
        """Take where challenges are kept and met, and the sources."""
        self._challenges = challenges
        self._challenge_url = challenge_url
        self._now = now
        self._random = random_bytes
        self._new_code = new_code

    def answer(self, areq: AReq, scenario: Scenario | None, ds_trans_id: str) -> ARes:
        """Answer for a card; `None` is a card that this issuer does not know."""
        base = ARes(
            three_ds_server_trans_id=areq.three_ds_server_trans_id,
            ds_trans_id=ds_trans_id,
            acs_trans_id=new_id(self._random),
            trans_status=TransStatus.UNAVAILABLE,
            trans_status_reason=NO_CARD,
            acs_reference_number=ACS_REFERENCE,
            ds_reference_number=DS_REFERENCE,
        )
        if scenario is None:
            return base
        status, reason = STATUSES[scenario.answer]
        ares = replace(base, trans_status=status, trans_status_reason=reason)
        if scenario.answer is Answer.OTHER_TRANSACTION:
            ares = replace(ares, three_ds_server_trans_id=new_id(self._random))
        if status in _ECI:
            proof = new_cavv(self._random)
            return replace(
                ares, eci=eci(areq.acct_number, _ECI[status]), authentication_value=proof
            )
        if status is TransStatus.DECOUPLED:
            return replace(ares, acs_challenge_mandated="Y", authentication_type=_DECOUPLED)
        return self._challenged(areq, scenario, ares) if status is TransStatus.CHALLENGE else ares

    def _challenged(self, areq: AReq, scenario: Scenario, ares: ARes) -> ARes:
        amount = _amount(areq)
        if amount is None or not self._challenges.add(
            Challenge(
                asked=Asked(
                    three_ds_server_trans_id=areq.three_ds_server_trans_id,
                    ds_trans_id=ares.ds_trans_id,
                    acs_trans_id=ares.acs_trans_id,
                    notification_url=areq.notification_url,
                    merchant_name=areq.merchant_name,
                    amount=amount,
                    card=mask_pan(areq.acct_number.reveal()),
                    eci=eci(areq.acct_number, PROVED_ECI),
                    language=_language(areq.browser_language),
                    fault=scenario.fault,
                ),
                made_at=self._now(),
                code=self._new_code(),
            )
        ):
            return replace(ares, trans_status=TransStatus.UNAVAILABLE, trans_status_reason=NO_ROOM)
        return replace(
            ares,
            acs_url=self._challenge_url,
            acs_challenge_mandated="Y",
            authentication_type=_DYNAMIC,
        )


def _amount(areq: AReq) -> Amount | None:
    """Read the amount, if it can be shown in its currency."""
    currency = CURRENCIES.get(areq.purchase_currency)
    minor = int(areq.purchase_amount)
    if currency is None or areq.purchase_exponent != str(currency.exponent):
        return None
    return Amount(minor, currency) if minor <= AMOUNT_MINOR_MAX else None


def _language(browser_language: str) -> Language:
    """Read `az`, `ru-RU` and the like; English for all that the page does not speak."""
    try:
        return Language(browser_language.partition("-")[0].upper())
    except ValueError:
        return Language.EN
