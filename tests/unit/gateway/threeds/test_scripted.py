"""The authenticator that answers by card."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.gateway.threeds.examples import OURS, PAN
from tests.unit.gateway.threeds.test_server import ATTEMPT

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.threeds.base import Authenticated, Challenge
from tkkpg.gateway.threeds.codec import from_form
from tkkpg.gateway.threeds.messages import CReq
from tkkpg.gateway.threeds.scripted import Script, ScriptedAuthenticator
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio


async def verdict_of(script: Script) -> Verdict:
    answer = await ScriptedAuthenticator({PAN: script}).authenticate(ATTEMPT)
    assert isinstance(answer, Authenticated)
    return answer.result.verdict


async def test_a_card_has_the_result_of_its_script() -> None:
    refused = AuthenticationResult(verdict=Verdict.REFUSED)
    assert await verdict_of(Script(result=refused)) is Verdict.REFUSED


async def test_an_empty_script_is_silence() -> None:
    assert await verdict_of(Script()) is Verdict.NO_ANSWER


async def test_a_card_that_is_not_in_the_table_is_not_enrolled() -> None:
    attempt = replace(ATTEMPT, card=replace(ATTEMPT.card, pan=Secret("5555555555554444")))
    authenticator = ScriptedAuthenticator({PAN: Script(method_url="https://acs.example/m")})
    answer = await authenticator.authenticate(attempt)
    assert answer == Authenticated(AuthenticationResult(verdict=Verdict.NOT_ENROLLED))
    assert await authenticator.method(attempt) is None


async def test_a_challenge_belongs_to_the_attempt() -> None:
    script = Script(acs_url="https://acs.example/c", method_url="https://acs.example/m")
    authenticator = ScriptedAuthenticator({PAN: script})
    answer = await authenticator.authenticate(ATTEMPT)
    assert isinstance(answer, Challenge)
    creq = from_form(answer.creq, CReq)
    assert creq.three_ds_server_trans_id == answer.three_ds_server_trans_id == OURS
    call = await authenticator.method(ATTEMPT)
    assert call is not None
    assert call.url == "https://acs.example/m"
    await authenticator.aclose()
