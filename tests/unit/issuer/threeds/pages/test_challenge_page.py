"""A challenge from the CReq to the way back, in a browser without JavaScript."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.issuer.threeds.stage import OTHER_ID, PASSABLE, SERVER_ID, SESSION_DATA, Stage

from tkkpg.gateway.threeds.codec import to_form
from tkkpg.gateway.threeds.messages import ChallengeCancel, CReq, CRes, TransStatus
from tkkpg.issuer.threeds.challenges import LIFE

pytestmark = pytest.mark.anyio


async def test_the_page_says_what_is_confirmed_and_nothing_more_of_the_card(stage: Stage) -> None:
    page = await stage.challenge()

    for text in ("Nar & friends", "30.00\u00a0AZN", "400000••••••0002", "until 12:10 (Baku)"):
        assert page.says(text)
    assert PASSABLE not in page.text


async def test_the_right_code_is_told_by_an_rreq_before_the_browser_is_back(stage: Stage) -> None:
    ended = await (await stage.challenge()).confirm()
    cres = await stage.back(ended)

    (result,) = stage.server.results
    assert result.trans_status is TransStatus.PROVED
    assert (result.eci, result.interaction_counter) == ("05", "01")
    assert result.authentication_value is not None
    assert cres.trans_status is TransStatus.PROVED
    assert (cres.three_ds_server_trans_id, cres.acs_trans_id) == (SERVER_ID, result.acs_trans_id)
    assert stage.server.session_data == [SESSION_DATA]
    assert stage.server.results_then == [1]


async def test_three_wrong_codes_are_too_many(stage: Stage) -> None:
    page = await stage.challenge()
    for left in ("2", "1"):
        page = await page.confirm(page.wrong_code)
        assert page.says(f"attempts left: {left}")
    cres = await stage.back(await page.confirm(page.wrong_code))

    (result,) = stage.server.results
    assert (result.trans_status, result.trans_status_reason) == (TransStatus.REFUSED, "19")
    assert (result.challenge_cancel, result.authentication_value) == (None, None)
    assert cres.trans_status is TransStatus.REFUSED


async def test_a_reload_after_a_wrong_code_does_not_count_again(stage: Stage) -> None:
    page = await stage.challenge()
    again = [await page.confirm(page.wrong_code) for _ in range(5)]

    assert again[0].says("not the right code")
    assert (await again[-1].confirm()).says("Thank you, it is confirmed")


async def test_a_new_code_takes_the_place_of_the_last(stage: Stage) -> None:
    first = await stage.challenge()
    second = await first.press("resend")

    assert second.says("A new code has been sent")
    assert second.code != first.code
    assert (await second.confirm(first.code)).says("not the right code")


async def test_no_more_than_three_new_codes(stage: Stage) -> None:
    page = await stage.challenge()
    for _ in range(3):
        page = await page.press("resend")

    assert not page.says("Send a new code")
    page = await page.press("confirm", {"action": "resend"})
    assert page.says("No more codes can be sent")


async def test_cancelling_is_told(stage: Stage) -> None:
    cres = await stage.back(await (await stage.challenge()).press("cancel"))

    (result,) = stage.server.results
    assert result.trans_status is TransStatus.REFUSED
    assert (result.trans_status_reason, result.challenge_cancel) == (
        "01",
        ChallengeCancel.CARDHOLDER,
    )
    assert cres.trans_status is TransStatus.REFUSED


async def test_the_sandboxs_own_button_stands_outside_the_banks_sheet(stage: Stage) -> None:
    html = (await stage.challenge()).text

    assert 'class="timeout"' not in html[: html.index('<section class="tool"')]


async def test_the_time_runs_out_at_a_button_as_it_does_by_itself(stage: Stage) -> None:
    page = await stage.challenge()
    ended = await page.press("timeout")
    cres = await stage.back(ended)

    assert page.says("Sandbox: let the time run out")
    assert ended.says("The time to confirm is over")
    (result,) = stage.server.results
    assert (result.trans_status, result.trans_status_reason) == (TransStatus.REFUSED, "14")
    assert result.challenge_cancel is ChallengeCancel.TIMED_OUT_ACS
    assert cres.trans_status is TransStatus.REFUSED


async def test_a_code_after_the_time_is_over_is_too_late(stage: Stage) -> None:
    page = await stage.challenge()
    stage.clock.advance(LIFE)
    ended = await page.confirm()

    assert ended.says("The time to confirm is over")
    (result,) = stage.server.results
    assert (result.trans_status_reason, result.challenge_cancel) == (
        "14",
        ChallengeCancel.TIMED_OUT_ACS,
    )


async def test_a_code_just_in_time_counts(stage: Stage) -> None:
    page = await stage.challenge()
    stage.clock.advance(LIFE - timedelta(seconds=1))

    assert (await page.confirm()).says("Thank you")


async def test_opened_twice_it_is_the_same_challenge(stage: Stage) -> None:
    ares = await stage.authenticate()
    first, second = await stage.open(ares), await stage.open(ares)

    assert first.code == second.code
    await first.confirm(first.wrong_code)
    assert (await stage.open(ares)).fields("confirm")["step"] == "1"


async def test_a_replay_after_the_end_goes_back_alike_and_sends_nothing(stage: Stage) -> None:
    ares = await stage.authenticate()
    page = await stage.open(ares)
    ended = await page.confirm()
    replays = [await stage.open(ares), await page.confirm(), await page.press("cancel")]

    assert [one.fields("return") for one in replays] == [ended.fields("return")] * 3
    assert len(stage.server.results) == 1


async def test_an_end_stands_when_the_time_is_over_later(stage: Stage) -> None:
    ares = await stage.authenticate()
    ended = await (await stage.open(ares)).confirm()
    stage.clock.advance(LIFE)
    replay = await stage.open(ares)

    assert replay.fields("return") == ended.fields("return")
    assert len(stage.server.results) == 1


async def test_the_language_is_the_browsers_until_it_is_changed(stage: Stage) -> None:
    page = await stage.challenge(browser_language="ru-RU")
    assert page.says("Подтвердите оплату")

    page = await page.press("languages", {"language": "AZ"})
    assert page.says("Ödənişi təsdiqləyin")
    assert (await page.confirm("1")).says("Kod altı rəqəmdən ibarətdir.")


async def test_a_language_that_is_not_spoken_is_english(stage: Stage) -> None:
    assert (await stage.challenge(browser_language="de")).says("Confirm your payment")


async def test_without_session_data_none_goes_back(stage: Stage) -> None:
    ares = await stage.authenticate()
    creq = {"creq": stage.carried(ares)["creq"]}
    reply = await stage.http.post(f"{stage.acs_url}/challenge", data=creq)

    assert "threeDSSessionData" not in reply.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"creq": "***"}, 400),
        ({"creq": "e30"}, 400),
        (
            {
                "creq": to_form(
                    CRes(
                        three_ds_server_trans_id=SERVER_ID,
                        acs_trans_id=OTHER_ID,
                        trans_status=TransStatus.PROVED,
                    )
                )
            },
            400,
        ),
        ({"creq": to_form(CReq(three_ds_server_trans_id=SERVER_ID, acs_trans_id=OTHER_ID))}, 404),
        ({"creq": "e" * 20_000}, 413),
    ],
    ids=["empty", "no base64url", "no message", "a CRes", "of nobody", "too long"],
)
async def test_what_is_no_creq_is_said_in_three_languages(
    stage: Stage, fields: dict[str, str], status: int
) -> None:
    reply = await stage.http.post(f"{stage.acs_url}/challenge", data=fields)

    assert reply.status_code == status
    for heading in ("Ödənişin təsdiqi", "Confirm your payment", "Подтверждение платежа"):
        assert heading in reply.text


async def test_a_challenge_is_not_shown_to_another_transaction(stage: Stage) -> None:
    ares = await stage.authenticate()
    creq = CReq(three_ds_server_trans_id=OTHER_ID, acs_trans_id=ares.acs_trans_id)
    reply = await stage.http.post(f"{stage.acs_url}/challenge", data={"creq": to_form(creq)})

    assert reply.status_code == 404


async def test_session_data_that_could_be_markup_are_refused(stage: Stage) -> None:
    ares = await stage.authenticate()
    fields = stage.carried(ares) | {"threeDSSessionData": '"><script>'}

    assert (await stage.http.post(f"{stage.acs_url}/challenge", data=fields)).status_code == 400


async def test_a_form_of_another_site_does_nothing(stage: Stage) -> None:
    page = await stage.challenge()
    reply = await stage.http.post(
        stage.acs_url + page.action("cancel"),
        data=page.fields("cancel"),
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert reply.status_code == 403
    assert stage.server.results == []


async def test_pages_allow_nothing_but_their_own_and_set_no_cookie(stage: Stage) -> None:
    ares = await stage.authenticate()
    reply = await stage.http.post(f"{stage.acs_url}/challenge", data=stage.carried(ares))

    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "set-cookie" not in reply.headers
    assert reply.headers["cache-control"] == "no-store"


async def test_the_page_cannot_be_got(stage: Stage) -> None:
    assert (await stage.http.get(f"{stage.acs_url}/challenge")).status_code == 405
