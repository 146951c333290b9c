"""A challenged payment as all four see it: payer's browser, issuer, directory and shop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import httpx2
import pytest
from tests.challenged import (
    ACS,
    METHOD,
    N,
    Scene,
    Y,
    at_the_issuer,
    cres_of,
    result_of,
)
from tests.conversation.test_two_steps import clean
from tests.unit.gateway.web.payer import GOOD, read_forms, said

from tkkpg.client.callbacks import read_xmlout
from tkkpg.gateway.flows.authenticate import ChallengeStep
from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.threeds.base import Challenge
from tkkpg.gateway.threeds.codec import from_form
from tkkpg.gateway.threeds.messages import CReq, RRes
from tkkpg.gateway.threeds.scripted import Script
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import Language, OrderStatus

pytestmark = pytest.mark.anyio

EN: Final = Language.EN
CARD: Final = {"pan": GOOD, "expiry": "12/40", "cvv2": "123"}
SCRIPT: Final = {
    "browserJavaEnabled": "false",
    "browserColorDepth": "24",
    "browserScreenHeight": "740",
    "browserScreenWidth": "360",
    "browserTZ": "-240",
}
FROM_THE_ISSUER: Final = {"Sec-Fetch-Site": "cross-site", "Origin": "https://acs.bank.example"}
AWAITED: Final = "form.awaits_bank"
SHORT_S: Final = 0.2


def step_of(page: httpx2.Response) -> ChallengeStep:
    """Read from a page where it sends the payer, as the browser would."""
    form = read_forms(page.text)[ACS]
    creq = from_form(form["creq"], CReq)
    assert isinstance(creq, CReq)
    challenge = Challenge(
        acs_url=ACS,
        creq=form["creq"],
        three_ds_server_trans_id=creq.three_ds_server_trans_id,
        acs_trans_id=creq.acs_trans_id,
    )
    return ChallengeStep(challenge, form["threeDSSessionData"])


async def goes_to_the_issuer(scene: Scene) -> ChallengeStep:
    """Order, type a card, and be sent to the challenge."""
    await scene.order()
    return step_of(await scene.payer.send("/pay", await scene.payer.form() | CARD))


async def comes_back(scene: Scene, step: ChallengeStep) -> httpx2.Response:
    """Post what the issuer's page makes the browser post."""
    fields = {"cres": cres_of(step), "threeDSSessionData": step.sealed}
    return await scene.payer.send("/3ds/return", fields, FROM_THE_ISSUER)


async def followed(scene: Scene, reply: httpx2.Response) -> httpx2.Response:
    """Follow redirects to the page that stays."""
    while reply.has_redirect_location:
        reply = await scene.payer.browser.get(reply.headers["location"])
    return reply


def is_card_form(page: httpx2.Response) -> bool:
    """Whether a page takes a card and says that the one before waits for its bank."""
    return "/pay" in read_forms(page.text) and said(page, EN, AWAITED)


async def test_a_challenged_payment_from_the_card_to_the_shop(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        ref = await scene.order()
        page = await scene.payer.send("/pay", await scene.payer.form() | CARD)
        assert said(page, EN, "challenge.heading")
        assert GOOD not in page.text
        assert read_forms(page.text).keys() == {ACS}
        step = step_of(page)
        assert (await scene.at.client.get_order_status(ref)).order_status is OrderStatus.ON_PAYMENT
        assert isinstance(await scene.tell(step), RRes)
        reply = await comes_back(scene, step)
        assert (reply.status_code, reply.headers["location"].split("?")[0]) == (303, "/outcome")
        assert "set-cookie" not in reply.headers
        page = await followed(scene, reply)
        assert said(page, EN, "final.APPROVED.heading")
        told = read_xmlout(read_forms(page.text)["https://shop.example/ok"])
        assert (told.three_ds_verification, told.three_ds_status) == ("Y", "Approved")
        assert (await scene.at.client.get_order_status(ref)).order_status is OrderStatus.APPROVED
        async with asyncio.timeout(5):
            while not scene.at.courier.deliveries:  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.005)
        (notified,) = (read_xmlout(one.form) for one in scene.at.courier.deliveries if one.form)
        assert notified.three_ds_verification == "Y"
        assert clean(tmp_path, scene.gateway)


@pytest.mark.parametrize("language", Language)
async def test_a_refused_challenge_is_told_in_words(tmp_path: Path, language: Language) -> None:
    async with at_the_issuer(tmp_path) as scene:
        await scene.payer.order(language)
        step = step_of(await scene.payer.send("/pay", await scene.payer.form() | CARD))
        await scene.tell(step, result_of(N, None))
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, language, "final.DECLINED.heading")
        assert said(page, language, "advice.authentication")


async def test_the_payer_waits_for_a_result_that_is_late(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, page_patience_s=0.02) as scene:
        step = await goes_to_the_issuer(scene)
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "checking.heading")
        assert page.headers["refresh"].startswith("2; url=/outcome?")
        assert said(await scene.payer.get(), EN, "checking.heading")
        await scene.tell(step)
        assert said(await scene.payer.ended(), EN, "final.APPROVED.heading")


async def test_a_result_that_never_comes_declines(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, result_timeout_s=SHORT_S, page_patience_s=0.02) as scene:
        step = await goes_to_the_issuer(scene)
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "checking.heading")
        page = await scene.payer.ended()
        assert said(page, EN, "final.DECLINED.heading")
        assert said(page, EN, "advice.authentication")
        assert (await scene.told()).response_code == "05"


# ---- a browser that does not go straight on


async def test_reloading_the_page_that_leads_to_the_issuer_asks_for_the_card_again(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        await scene.order()
        fields = await scene.payer.form() | CARD
        step = step_of(await scene.payer.send("/pay", fields))
        for _ in range(2):
            assert is_card_form(await followed(scene, await scene.payer.send("/pay", fields)))
        assert len(await scene.attempts()) == 1
        await scene.tell(step)
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "final.APPROVED.heading")


async def test_a_double_click_has_one_challenge(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        await scene.order()
        fields = await scene.payer.form() | CARD
        replies = await asyncio.gather(*(scene.payer.send("/pay", fields) for _ in range(5)))
        assert sorted(reply.status_code for reply in replies) == [200, 303, 303, 303, 303]
        (attempt,) = await scene.attempts()
        assert attempt.authentication is not None
        assert clean(tmp_path, scene.gateway)


async def test_a_card_typed_in_a_second_tab_takes_the_place_of_the_first(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        first = await goes_to_the_issuer(scene)
        page = await scene.payer.get()
        assert is_card_form(page)
        second = step_of(await scene.payer.send("/pay", read_forms(page.text)["/pay"] | CARD))
        await scene.tell(first)
        assert is_card_form(await followed(scene, await comes_back(scene, first)))
        assert scene.host.asked == []
        await scene.tell(second)
        page = await followed(scene, await comes_back(scene, second))
        assert said(page, EN, "final.APPROVED.heading")
        page = await followed(scene, await comes_back(scene, first))
        assert said(page, EN, "final.APPROVED.heading")
        assert scene.host.count(TranKind.AUTHORISATION) == 1
        assert clean(tmp_path, scene.gateway)


async def test_cancelling_in_a_second_tab_ends_the_challenge(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await goes_to_the_issuer(scene)
        reply = await scene.payer.send("/cancel", await scene.payer.form("/cancel"))
        assert said(await followed(scene, reply), EN, "final.CANCELED.heading")
        assert isinstance(await scene.tell(step), RRes)
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "final.CANCELED.heading")
        assert (await scene.ended()).status is OrderStatus.CANCELED
        assert scene.host.asked == []


async def test_going_back_from_the_outcome_and_reloading_the_return_do_nothing(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        await scene.order()
        fields = await scene.payer.form() | CARD
        step = step_of(await scene.payer.send("/pay", fields))
        await scene.tell(step)
        before = await followed(scene, await comes_back(scene, step))
        for reply in (await comes_back(scene, step), await scene.payer.send("/pay", fields)):
            assert (await followed(scene, reply)).text == before.text
        assert scene.host.count(TranKind.AUTHORISATION) == 1


async def test_a_form_from_before_the_return_is_not_taken_while_the_result_is_awaited(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path, page_patience_s=0.02) as scene:
        step = await goes_to_the_issuer(scene)
        fields = await scene.payer.form() | CARD
        await comes_back(scene, step)
        page = await followed(scene, await scene.payer.send("/pay", fields))
        assert said(page, EN, "checking.heading")
        assert len(await scene.attempts()) == 1
        await scene.tell(step)
        assert said(await scene.payer.ended(), EN, "final.APPROVED.heading")


async def test_a_browser_that_goes_away_while_the_result_is_awaited_has_paid(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await goes_to_the_issuer(scene)
        coming = asyncio.create_task(comes_back(scene, step))
        async with asyncio.timeout(5):
            while not scene.gateway.background.under_way():  # noqa: ASYNC110 - there is no event
                await asyncio.sleep(0.001)
        coming.cancel()
        await asyncio.wait({coming})
        await scene.tell(step)
        assert said(await scene.payer.ended(), EN, "final.APPROVED.heading")


async def test_a_payer_who_never_comes_back_is_not_charged(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await goes_to_the_issuer(scene)
        await scene.tell(step)
        assert (await scene.ended()).status is OrderStatus.ON_PAYMENT
        assert scene.host.asked == []
        assert is_card_form(await scene.payer.get())


# ---- the method page


async def test_a_payment_by_way_of_the_method_page(tmp_path: Path) -> None:
    proved = AuthenticationResult(verdict=Verdict.PROVED, cavv=Secret("c" * 27 + "="))
    async with at_the_issuer(tmp_path, Script(result=proved, method_url=METHOD)) as scene:
        await scene.order()
        page = await scene.payer.send("/pay", await scene.payer.form() | CARD | SCRIPT)
        forms = read_forms(page.text)
        assert forms.keys() == {METHOD, "/authenticate"}
        assert GOOD not in page.text
        frame = await scene.payer.send("/3ds/method", forms[METHOD], FROM_THE_ISSUER)
        assert frame.status_code == 200
        assert scene.host.asked == []
        for _ in range(2):
            reply = await scene.payer.send("/authenticate", forms["/authenticate"] | SCRIPT)
            assert said(await followed(scene, reply), EN, "final.APPROVED.heading")
        assert scene.host.count(TranKind.AUTHORISATION) == 1


async def test_the_form_of_the_method_page_sent_twice_leads_to_the_same_challenge(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path, Script(acs_url=ACS, method_url=METHOD)) as scene:
        await scene.order()
        page = await scene.payer.send("/pay", await scene.payer.form() | CARD | SCRIPT)
        form = read_forms(page.text)["/authenticate"] | SCRIPT
        replies = await asyncio.gather(*(scene.payer.send("/authenticate", form) for _ in "ab"))
        first, second = map(step_of, replies)
        assert first == second
        await scene.tell(first)
        page = await followed(scene, await comes_back(scene, first))
        assert said(page, EN, "final.APPROVED.heading")
        # Once more, from the history: it shows how the order ended.
        page = await followed(scene, await scene.payer.send("/authenticate", form))
        assert said(page, EN, "final.APPROVED.heading")
        assert scene.host.count(TranKind.AUTHORISATION) == 1


async def test_the_form_of_the_method_page_after_the_result_asks_for_the_card_again(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path, Script(acs_url=ACS, method_url=METHOD)) as scene:
        await scene.order()
        page = await scene.payer.send("/pay", await scene.payer.form() | CARD | SCRIPT)
        form = read_forms(page.text)["/authenticate"] | SCRIPT
        step = step_of(await scene.payer.send("/authenticate", form))
        await scene.tell(step)
        assert is_card_form(await followed(scene, await scene.payer.send("/authenticate", form)))
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "final.APPROVED.heading")


async def test_a_browser_without_script_goes_straight_to_the_issuer(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, Script(acs_url=ACS, method_url=METHOD)) as scene:
        step = await goes_to_the_issuer(scene)
        assert step.challenge.acs_url == ACS


async def test_a_challenge_at_the_issuer_is_answered_after_a_restart(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await goes_to_the_issuer(scene)
        ref = scene.payer.ref
    async with at_the_issuer(tmp_path) as scene:
        scene.payer.ref = ref
        assert is_card_form(await scene.payer.get())
        assert isinstance(await scene.tell(step, Y), RRes)
        page = await followed(scene, await comes_back(scene, step))
        assert said(page, EN, "final.APPROVED.heading")
        assert clean(tmp_path, scene.gateway)
