"""The cardholder at the bank's own page, over real TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.unit.issuer.threeds.stage import SESSION_DATA, Stage, staged

from tkkpg.gateway.threeds.messages import ChallengeCancel, TransStatus
from tkkpg.sandbox.cardholder import CardholderStopped, Challenge, Conduct, form_with
from tkkpg.sandbox.cardholder.challenge import CREQ_FIELD, meet

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


async def met(stage: Stage, conduct: Conduct) -> tuple[httpx2.Response, Challenge]:
    """Go to the challenge from a page that leads there."""
    ares = await stage.authenticate()
    stage.server.to_challenge = {"action": str(ares.acs_url), **stage.carried(ares)}
    page = await stage.http.get(f"{stage.page_url}/go")
    form = form_with(page.text, CREQ_FIELD)
    assert form is not None
    return await meet(stage.http, page, form, conduct)


@pytest.mark.parametrize(
    ("conduct", "lived", "told"),
    [
        (Conduct.PASS, (1, "passed"), (TransStatus.PROVED, None, None)),
        (Conduct.WRONG, (3, "failed"), (TransStatus.REFUSED, "19", None)),
        (
            Conduct.CANCEL,
            (0, "cancelled"),
            (TransStatus.REFUSED, "01", ChallengeCancel.CARDHOLDER),
        ),
        (
            Conduct.TIMEOUT,
            (0, "timed-out"),
            (TransStatus.REFUSED, "14", ChallengeCancel.TIMED_OUT_ACS),
        ),
    ],
)
async def test_each_conduct_has_its_end_and_its_result(
    stage: Stage,
    conduct: Conduct,
    lived: tuple[int, str],
    told: tuple[TransStatus, str | None, ChallengeCancel | None],
) -> None:
    returned, challenge = await met(stage, conduct)

    codes_typed, end = lived
    assert challenge == Challenge(
        acs_url=stage.acs_url, conduct=conduct, codes_typed=codes_typed, end=end
    )
    (result,) = stage.server.results
    assert (result.trans_status, result.trans_status_reason, result.challenge_cancel) == told
    assert "<h1>Back</h1>" in returned.text


async def test_the_browser_comes_back_from_another_site_with_what_it_carried(stage: Stage) -> None:
    returned, _ = await met(stage, Conduct.PASS)

    assert stage.server.session_data == [SESSION_DATA]
    assert str(returned.url) == f"{stage.page_url}/back"
    assert returned.request.headers["sec-fetch-site"] == "cross-site"


async def at_bank(page: str, status: int = 200) -> None:
    """Go to a bank that shows the same page whatever is sent."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, html=page)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        here = httpx2.Response(200, request=httpx2.Request("GET", "https://pg.example/pay"))
        form = form_with('<form action="https://bank.example/c"><input name="creq">', CREQ_FIELD)
        assert form is not None
        await meet(http, here, form, Conduct.PASS)


async def test_a_bank_without_such_a_challenge_is_named() -> None:
    with pytest.raises(CardholderStopped, match=r"bank\.example answers with HTTP status 404"):
        await at_bank("nothing", 404)


@pytest.mark.parametrize(
    "page",
    [
        "<h1>Hello</h1>",
        '<form action="/a"><input name="action" value="confirm"><input name="code"></form>',
        '<b class="code">123456</b><form action="/a"><input name="action" value="confirm"></form>',
    ],
    ids=["no button", "no code", "again and again"],
)
async def test_a_challenge_that_does_not_end_stops_the_cardholder(page: str) -> None:
    with pytest.raises(CardholderStopped, match="does not end the challenge for pass"):
        await at_bank(page)
