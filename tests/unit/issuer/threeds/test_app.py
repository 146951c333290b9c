"""Both servers together: challenges that nobody answers, and an end in the middle."""

from __future__ import annotations

import pytest
from tests.unit.issuer.threeds.stage import Stage, staged

from tkkpg.gateway.threeds.messages import ChallengeCancel
from tkkpg.issuer.threeds.challenges import KEPT, LIFE
from tkkpg.issuer.threeds.identity import random_code

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("opened", "cancel"),
    [(True, ChallengeCancel.TIMED_OUT_ACS), (False, ChallengeCancel.TIMED_OUT_ACS_FIRST)],
)
async def test_a_challenge_that_nobody_answers_ends_by_itself(
    stage: Stage, opened: bool, cancel: ChallengeCancel
) -> None:
    ares = await stage.authenticate()
    if opened:
        await stage.open(ares)
    stage.clock.advance(LIFE)
    stage.threeds.end_overdue()
    stage.threeds.end_overdue()

    result = await stage.server.result()
    assert (result.trans_status_reason, result.challenge_cancel) == ("14", cancel)


async def test_an_old_challenge_is_forgotten(stage: Stage) -> None:
    ares = await stage.authenticate()
    await (await stage.open(ares)).confirm()
    stage.clock.advance(KEPT)
    stage.threeds.end_overdue()

    reply = await stage.http.post(f"{stage.acs_url}/challenge", data=stage.carried(ares))
    assert reply.status_code == 404


async def test_two_stages_share_nothing(stage: Stage) -> None:
    ares = await stage.authenticate()
    async with staged() as other:
        reply = await other.http.post(f"{other.acs_url}/challenge", data=stage.carried(ares))

    assert reply.status_code == 404


def test_codes_have_six_digits_and_differ() -> None:
    codes = {random_code().reveal() for _ in range(100)}

    assert all(code.isdigit() and len(code) == 6 for code in codes)
    assert len(codes) > 90
