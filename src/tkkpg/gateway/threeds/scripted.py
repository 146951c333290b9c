"""An authenticator in the process that answers as a table of cards says."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.threeds.base import (
    Attempt,
    Authenticated,
    Challenge,
    MethodCall,
    method_data,
)
from tkkpg.gateway.threeds.codec import to_form
from tkkpg.gateway.threeds.messages import CReq
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What happens to a card.

    Attributes:
        result: How its authentication ends without a challenge.
        acs_url: Where it is challenged, in place of a result.
        method_url: The method page of its range.
    """

    result: AuthenticationResult | None = None
    acs_url: str | None = None
    method_url: str | None = None


class ScriptedAuthenticator:
    """Answers by card number."""

    def __init__(self, scripts: Mapping[str, Script], otherwise: Script | None = None) -> None:
        """Take the table.

        Args:
            scripts: Card number to script.
            otherwise: What happens to every other card; `None`: it is not enrolled.
        """
        self._scripts = scripts
        self._otherwise = otherwise

    async def method(self, attempt: Attempt) -> MethodCall | None:
        """Give the card's method page."""
        script = self._scripts.get(attempt.card.pan.reveal(), self._otherwise)
        if script is None or script.method_url is None:
            return None
        return MethodCall(script.method_url, method_data(attempt))

    async def authenticate(self, attempt: Attempt) -> Authenticated | Challenge:
        """Play the card's script; its challenge has the attempt's own number on both sides."""
        script = self._scripts.get(attempt.card.pan.reveal(), self._otherwise)
        if script is None:
            return Authenticated(AuthenticationResult(verdict=Verdict.NOT_ENROLLED))
        if script.acs_url is None:
            silence = AuthenticationResult(verdict=Verdict.NO_ANSWER)
            return Authenticated(script.result or silence)
        trans_id = attempt.three_ds_server_trans_id
        return Challenge(
            acs_url=script.acs_url,
            creq=to_form(CReq(three_ds_server_trans_id=trans_id, acs_trans_id=trans_id)),
            three_ds_server_trans_id=trans_id,
            acs_trans_id=trans_id,
        )

    async def aclose(self) -> None:
        """Nothing to let go of."""


def everybody_proved() -> ScriptedAuthenticator:
    """Make one that proves every cardholder at once, for tests and measurements of the rest."""
    cavv = Secret(base64.b64encode(bytes(20)).decode())
    proved = AuthenticationResult(verdict=Verdict.PROVED, cavv=cavv)
    return ScriptedAuthenticator({}, otherwise=Script(result=proved))
