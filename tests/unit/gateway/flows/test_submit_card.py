"""A card that is typed: taken, sealed, and authenticated once, whatever the browser does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.challenged import (
    ACS,
    METHOD,
    SCRIPTED_BROWSER,
    Scene,
    at_the_issuer,
)
from tests.conversation.test_two_steps import clean
from tests.paying import BROWSER, card, give_up

from tkkpg.gateway.flows.authenticate import (
    Cardholder,
    ChallengeStep,
    MethodStep,
    after_method,
    attempt_of,
)
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.submit_card import submit_card
from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.transaction import TranKind, TranState
from tkkpg.gateway.threeds.base import Browser
from tkkpg.gateway.threeds.messages import MethodCompleted
from tkkpg.gateway.threeds.scripted import Script
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio

PROVED = AuthenticationResult(verdict=Verdict.PROVED, cavv=Secret("c" * 27 + "="))
AT_ONCE = Script(result=PROVED, method_url=METHOD)
THEN_CHALLENGED = Script(acs_url=ACS, method_url=METHOD)
YES = MethodCompleted.YES


async def typed(scene: Scene, browser: Browser = BROWSER) -> MethodStep | ChallengeStep | None:
    """Type a card for a new order."""
    view = await open_page(scene.gateway, await scene.order())
    return await submit_card(scene.gateway, view, card(scene.gateway), browser=browser)


async def goes_on(scene: Scene, step: MethodStep, sealed: str = "") -> ChallengeStep | None:
    """Send the form of the method page."""
    return await after_method(
        scene.gateway,
        await open_page(scene.gateway, scene.payer.ref),
        sealed or step.sealed,
        browser=SCRIPTED_BROWSER,
        completed=YES,
    )


async def test_a_card_is_taken_before_anybody_is_asked(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await typed(scene)
        assert isinstance(step, ChallengeStep)
        (tran,) = await scene.attempts()
        assert tran.authentication is not None
        assert step.challenge.three_ds_server_trans_id == tran.authentication.server_trans_id
        assert (tran.state, tran.sent_at) == (TranState.RESERVED, None)
        assert (await scene.ended()).status is OrderStatus.ON_PAYMENT
        assert (await scene.told()).order_status is OrderStatus.ON_PAYMENT
        assert clean(tmp_path, scene.gateway)


@pytest.mark.parametrize("language", ["az", "ru", "de-AT", ""])
async def test_the_issuer_is_told_where_the_payer_comes_back_and_in_which_language(
    tmp_path: Path, language: str
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        await scene.challenge()
        (tran,) = await scene.attempts()
        holder = Cardholder(card=card(scene.gateway), browser=replace(BROWSER, language=language))
        attempt = attempt_of(scene.gateway, scene.payer.trader, tran, holder)
    said = f"?LANGUAGE={language.upper()}"
    assert attempt.notification_url == f"https://localhost:8443/3ds/return{said}"
    assert attempt.method_notification_url == "https://localhost:8443/3ds/method"


async def test_the_browser_carries_nothing_that_can_be_read(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
    assert "4169733213495869" not in str(step)
    assert len(step.sealed) < 300


async def test_the_method_page_is_called_first_where_there_is_one(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        assert step.call.url == METHOD
        assert scene.host.asked == []
        assert await goes_on(scene, step) is None
        assert (await scene.ended()).status is OrderStatus.APPROVED


async def test_a_browser_without_script_is_not_sent_to_the_method_page(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        assert await typed(scene) is None
        assert (await scene.ended()).status is OrderStatus.APPROVED


async def test_the_method_page_may_lead_to_a_challenge(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, THEN_CHALLENGED) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        challenge = await goes_on(scene, step)
        assert challenge is not None
        assert challenge.sealed == step.sealed
        await scene.tell(challenge)
        await scene.back(challenge)
        assert (await scene.ended()).status is OrderStatus.APPROVED


async def test_the_form_of_the_method_page_sent_twice_asks_once(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        await asyncio.gather(*(goes_on(scene, step) for _ in range(3)))
        await goes_on(scene, step)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert scene.host.count(TranKind.AUTHORISATION) == 1


async def test_the_form_of_the_method_page_sent_twice_leads_to_one_challenge(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path, THEN_CHALLENGED) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        first, *others = await asyncio.gather(*(goes_on(scene, step) for _ in range(3)))
        assert isinstance(first, ChallengeStep)
        assert others == [first, first]
        assert len(await scene.attempts()) == 1


@pytest.mark.parametrize("sealed", ["x", "A" * 58])
async def test_the_method_page_cannot_bring_another_card(tmp_path: Path, sealed: str) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        assert await goes_on(scene, step, sealed) is None
        assert (await scene.ended()).status is OrderStatus.ON_PAYMENT
        assert (await open_page(scene.gateway, scene.payer.ref)).takes_card
        assert scene.host.asked == []


async def test_the_method_page_of_a_card_typed_before_does_nothing(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        old = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(old, MethodStep)
        view = await open_page(scene.gateway, scene.payer.ref)
        new = await submit_card(scene.gateway, view, card(scene.gateway), browser=SCRIPTED_BROWSER)
        assert isinstance(new, MethodStep)
        assert await goes_on(scene, old) is None
        assert scene.host.asked == []
        assert await goes_on(scene, new) is None
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert scene.host.count(TranKind.AUTHORISATION) == 1


async def test_a_payer_who_left_is_not_authenticated_by_the_method_page(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, AT_ONCE) as scene:
        step = await typed(scene, SCRIPTED_BROWSER)
        assert isinstance(step, MethodStep)
        await give_up(scene.gateway, scene.payer.ref)
        assert await goes_on(scene, step) is None
        assert (await scene.ended()).status is OrderStatus.CANCELED
        assert scene.host.asked == []


async def test_the_same_form_twice_has_one_attempt(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        view = await open_page(scene.gateway, await scene.order())
        steps = await asyncio.gather(
            *(
                submit_card(scene.gateway, view, card(scene.gateway), browser=BROWSER)
                for _ in range(4)
            )
        )
        assert sum(step is not None for step in steps) == 1
        assert len(await scene.attempts()) == 1


async def test_a_card_typed_again_and_the_return_of_the_one_before_pay_once(
    tmp_path: Path,
) -> None:
    ends: set[OrderStatus] = set()
    async with at_the_issuer(tmp_path) as scene:
        for _ in range(10):
            old = await scene.challenge()
            await scene.tell(old)
            view = await open_page(scene.gateway, scene.payer.ref)
            before = scene.host.count(TranKind.AUTHORISATION)
            await asyncio.gather(
                scene.back(old),
                submit_card(scene.gateway, view, card(scene.gateway), browser=BROWSER),
            )
            order = await scene.ended()
            ends.add(order.status)
            sent = scene.host.count(TranKind.AUTHORISATION) - before
            assert sent == (order.status is OrderStatus.APPROVED)
        assert ends <= {OrderStatus.APPROVED, OrderStatus.ON_PAYMENT}
        assert clean(tmp_path, scene.gateway)
