"""The RReq: tried twice, and everything that may go wrong with it on purpose."""

from __future__ import annotations

import pytest
from tests.unit.issuer.threeds.stage import Stage, card

from tkkpg.gateway.threeds.messages import TransStatus
from tkkpg.issuer.threeds.results import PAUSES_S
from tkkpg.issuer.threeds.scenario import Fault

pytestmark = pytest.mark.anyio


async def passed(stage: Stage, fault: Fault) -> TransStatus:
    """Pass a challenge and give what the CRes says."""
    ended = await (await stage.challenge(card(fault))).confirm()
    return (await stage.back(ended)).trans_status


async def test_a_result_that_was_not_taken_is_sent_once_more(stage: Stage) -> None:
    stage.server.replies.append(b"busy")
    ended = await (await stage.challenge()).confirm()

    assert ended.says("Thank you")
    first, second = stage.server.results
    assert first == second


async def test_after_two_tries_the_browser_goes_back_all_the_same(stage: Stage) -> None:
    stage.server.replies += [b"busy"] * 3
    ended = await (await stage.challenge()).confirm()

    assert (await stage.back(ended)).trans_status is TransStatus.PROVED
    assert len(stage.server.results) == 2
    assert [entry["event"] for entry in stage.log.entries] == ["threeds_result_not_taken"] * 2


async def test_no_result_at_all(stage: Stage) -> None:
    assert await passed(stage, Fault.NO_RESULT) is TransStatus.PROVED
    assert stage.server.results == []


async def test_the_same_result_twice(stage: Stage) -> None:
    assert await passed(stage, Fault.RESULT_TWICE) is TransStatus.PROVED
    first, second = stage.server.results
    assert first == second


@pytest.mark.parametrize("fault", list(PAUSES_S))
async def test_a_result_after_the_browser(stage: Stage, fault: Fault) -> None:
    assert await passed(stage, fault) is TransStatus.PROVED

    assert (await stage.server.result()).trans_status is TransStatus.PROVED
    assert stage.paused == [PAUSES_S[fault]]


async def test_a_forged_cres_says_what_the_result_does_not(stage: Stage) -> None:
    assert await passed(stage, Fault.FORGED) is TransStatus.PROVED
    (result,) = stage.server.results
    assert result.trans_status is TransStatus.REFUSED
    assert result.authentication_value is None


async def test_the_log_knows_no_card_and_no_code(stage: Stage) -> None:
    page = await stage.challenge()
    await page.confirm()

    written = repr(stage.log.entries)
    assert "threeds_result_taken" in written
    assert "4000000000000002" not in written
    assert page.code not in written
