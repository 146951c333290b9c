"""What becomes of a payment whose cardholder is asked for, whatever comes back and when."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.challenged import (
    CAVV,
    ISSUERS,
    N,
    Scene,
    Y,
    at_the_issuer,
    result_of,
)
from tests.conversation.test_two_steps import clean
from tests.gateway_fixtures import merchant
from tests.paying import BROWSER, card, give_up, stored

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.authenticate import (
    ChallengeStep,
    binding_of,
    keep_result,
    key_bound,
    return_from_challenge,
)
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.flows.submit_card import submit_card
from tkkpg.gateway.flows.upkeep.catch_up import advance, caught_up
from tkkpg.gateway.flows.upkeep.expire import expire
from tkkpg.gateway.model.authentication import (
    AuthenticationResult,
    Proceed,
    Unauthenticated,
    Verdict,
)
from tkkpg.gateway.model.order import ORDER_LIFE
from tkkpg.gateway.model.transaction import HostReply, TranKind, TranState
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.gateway.threeds.codec import to_form, write
from tkkpg.gateway.threeds.messages import (
    ChallengeCancel,
    Component,
    CRes,
    Erro,
    RRes,
    TransStatus,
)
from tkkpg.gateway.threeds.scripted import Script
from tkkpg.gateway.threeds.wire import to_base64url
from tkkpg.gateway.vault import SEALED_CHARS, CannotOpen, open_card
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import OrderStatus

pytestmark = pytest.mark.anyio

AUTHORISATION: Final = TranKind.AUTHORISATION
DECLINE, PROCEED = Unauthenticated
SHORT_S: Final = 0.1
"""For a result that never comes."""


class Case(NamedTuple):
    """One row of the table of docs/threeds.md.

    Attributes:
        code: Where the card is not sent with `decline`.
        eci: Where it is sent with `proceed`, or with both; else empty.
        cavv: Whether the proof goes along.
        word: `ThreeDSVerificaion`.
    """

    code: str
    eci: str
    cavv: bool
    word: str


PROVED: Final = Case("", "05", cavv=True, word="Y")
ATTEMPTED: Final = Case("05", "06", cavv=True, word="A")
NOBODY_KNOWS: Final = Case("05", "07", cavv=False, word="U")
NOT_ENROLLED: Final = Case("00", "07", cavv=False, word="U")
REFUSED: Final = Case("05", "", cavv=False, word="N")
TOO_MANY: Final = Case("18", "", cavv=False, word="N")

AT_ONCE: Final = {
    Verdict.PROVED: PROVED,
    Verdict.ATTEMPTED: ATTEMPTED,
    Verdict.UNAVAILABLE: NOBODY_KNOWS,
    Verdict.INFORMATION: NOBODY_KNOWS,
    Verdict.DECOUPLED: NOBODY_KNOWS,
    Verdict.NO_ANSWER: NOBODY_KNOWS,
    Verdict.NOT_ENROLLED: NOT_ENROLLED,
    Verdict.REFUSED: REFUSED,
    Verdict.REJECTED: REFUSED,
    Verdict.CANCELLED: REFUSED,
    Verdict.TIMED_OUT: REFUSED,
}
BY_RESULT: Final = {
    "Y": (result_of(Y), PROVED),
    "A": (result_of(TransStatus.ATTEMPTED), ATTEMPTED),
    "U": (result_of(TransStatus.UNAVAILABLE, None), NOBODY_KNOWS),
    "I": (result_of(TransStatus.INFORMATION, None), NOBODY_KNOWS),
    "D": (result_of(TransStatus.DECOUPLED, None), NOBODY_KNOWS),
    "another challenge": (result_of(TransStatus.CHALLENGE, None), NOBODY_KNOWS),
    "the ECI of a weaker proof": (replace(result_of(Y), eci="06"), NOBODY_KNOWS),
    "N": (result_of(N, None), REFUSED),
    "R": (result_of(TransStatus.REJECTED, None), REFUSED),
    "too many": (replace(result_of(N, None), trans_status_reason="19"), TOO_MANY),
    "cancelled": (
        replace(result_of(N, None), challenge_cancel=ChallengeCancel.CARDHOLDER),
        REFUSED,
    ),
    "cancelled, and claims a proof": (
        replace(result_of(Y), challenge_cancel=ChallengeCancel.CARDHOLDER),
        REFUSED,
    ),
    "timed out": (
        replace(result_of(N, None), challenge_cancel=ChallengeCancel.TIMED_OUT_ACS),
        REFUSED,
    ),
}


async def is_decided(scene: Scene, setting: Unauthenticated, case: Case) -> None:
    """Check everything that follows from a result: order, message, transaction, host, books."""
    order = await scene.ended()
    (tran,) = await scene.attempts()
    told = await scene.told()
    sent = not case.code or (setting is PROCEED and case.eci)
    if sent:
        cavv = Secret(CAVV) if case.cavv else None
        assert scene.host.proofs == [Proceed(case.eci, cavv)]
        assert (order.status, tran.state) == (OrderStatus.APPROVED, TranState.APPROVED)
        assert (told.three_ds_status, told.response_code) == ("Approved", "001")
    else:
        assert scene.host.proofs == []
        assert (order.status, tran.state) == (OrderStatus.DECLINED, TranState.ABANDONED)
        assert (told.three_ds_status, told.response_code) == ("Declined", case.code)
        assert tran.response_code == case.code
        assert told.authorization_response_code is None
    assert told.order_status is order.status
    assert told.three_ds_verification == case.word
    assert tran.authentication is not None
    assert (tran.authentication.key, tran.authentication.cavv) == (None, None)
    assert clean(scene.home, scene.gateway)


@pytest.mark.parametrize("setting", Unauthenticated)
@pytest.mark.parametrize("verdict", Verdict)
async def test_a_result_without_a_challenge_decides(
    tmp_path: Path, verdict: Verdict, setting: Unauthenticated
) -> None:
    result = AuthenticationResult(verdict=verdict, cavv=Secret(CAVV))
    trader = merchant(unauthenticated=setting)
    async with at_the_issuer(tmp_path, Script(result=result), trader=trader) as scene:
        view = await open_page(scene.gateway, await scene.order())
        step = await submit_card(scene.gateway, view, card(scene.gateway), browser=BROWSER)
        assert step is None
        await is_decided(scene, setting, AT_ONCE[verdict])


@pytest.mark.parametrize("setting", Unauthenticated)
@pytest.mark.parametrize("name", BY_RESULT)
async def test_the_result_of_a_challenge_decides_whatever_the_cres_says(
    tmp_path: Path, name: str, setting: Unauthenticated
) -> None:
    result, case = BY_RESULT[name]
    async with at_the_issuer(tmp_path, trader=merchant(unauthenticated=setting)) as scene:
        step = await scene.challenge()
        assert isinstance(await scene.tell(step, result), RRes)
        lie = N if result.trans_status is Y else Y
        assert await scene.back(step, lie) == scene.payer.ref
        await is_decided(scene, setting, case)


@pytest.mark.parametrize("setting", Unauthenticated)
async def test_a_challenge_without_a_result_is_declined(
    tmp_path: Path, setting: Unauthenticated
) -> None:
    trader = merchant(unauthenticated=setting)
    async with at_the_issuer(tmp_path, trader=trader, result_timeout_s=SHORT_S) as scene:
        step = await scene.challenge()
        assert await scene.back(step) == scene.payer.ref
        await is_decided(scene, setting, REFUSED)
        (tran,) = await scene.attempts()
        assert tran.authentication is not None
        assert tran.authentication.verdict is Verdict.TIMED_OUT
        # The result comes at last: it is acknowledged, and nothing follows.
        assert isinstance(await scene.tell(step), RRes)
        assert await scene.back(step) == scene.payer.ref
        await is_decided(scene, setting, REFUSED)


async def test_mastercards_indicators_are_its_own(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge(name="slow")
        (tran,) = await scene.attempts()
        assert tran.brand == "MC"
        await scene.tell(step)
        await scene.back(step)
        assert scene.host.proofs == [Proceed("02", Secret(CAVV))]


async def test_a_silent_host_after_a_challenge_is_reversed_as_ever(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        scene.host.answers(AUTHORISATION, HostReply.silent())
        step = await scene.challenge()
        await scene.tell(step)
        await scene.back(step)
        order = await scene.ended()
        assert order.status is OrderStatus.DECLINED
        assert scene.host.count(TranKind.REVERSAL) == 1
        assert clean(tmp_path, scene.gateway)


# ---- before, after, twice, at once


async def test_a_kept_proof_waits_sealed_for_its_payer(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step)
        order = await scene.ended()
        assert order.status is OrderStatus.ON_PAYMENT
        assert scene.host.proofs == []
        ((key, cavv, eci),) = kept(tmp_path, "threeds_key, cavv, eci")
        assert key
        assert cavv
        assert CAVV not in str(cavv)
        assert eci is None
        assert clean(tmp_path, scene.gateway)
        await scene.back(step)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert kept(tmp_path, "threeds_key, cavv, eci") == [(None, None, "05")]


async def test_a_refusal_declines_before_the_payer_is_back(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step, result_of(N, None))
        assert (await scene.ended()).status is OrderStatus.DECLINED
        await scene.back(step)
        await is_decided(scene, DECLINE, REFUSED)


async def test_a_payer_who_is_back_first_waits_for_the_result(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        coming_back = asyncio.create_task(scene.back(step))
        await until(scene, waits=True)
        view = await open_page(scene.gateway, scene.payer.ref)
        assert (view.status, view.takes_card) == (OrderStatus.ON_PAYMENT, False)
        await scene.tell(step)
        assert await coming_back == scene.payer.ref
        await is_decided(scene, DECLINE, PROVED)


@pytest.mark.parametrize("first", [Y, N])
@pytest.mark.parametrize("second", [Y, N])
async def test_of_two_results_the_first_counts(
    tmp_path: Path, first: TransStatus, second: TransStatus
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        for status in (first, second):
            assert isinstance(await scene.tell(step, status), RRes)
        await scene.back(step)
        await is_decided(scene, DECLINE, PROVED if first is Y else REFUSED)


async def test_of_two_results_at_once_one_counts(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        for _ in range(10):
            step = await scene.challenge()
            before = scene.host.count(AUTHORISATION)
            answers = await asyncio.gather(scene.tell(step, Y), scene.tell(step, N))
            assert all(isinstance(answer, RRes) for answer in answers)
            await scene.back(step)
            sent = scene.host.count(AUTHORISATION) - before
            expected = OrderStatus.APPROVED if sent else OrderStatus.DECLINED
            assert (await scene.ended()).status is expected
        assert clean(tmp_path, scene.gateway)


async def test_the_result_again_after_the_end_is_acknowledged_and_does_nothing(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step)
        await scene.back(step)
        before = await scene.ended()
        for status in (Y, N):
            assert isinstance(await scene.tell(step, status), RRes)
        assert await scene.ended() == before


async def test_a_result_for_nothing_is_an_erro(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        before = await scene.ended()
        answer = await scene.say(result_of(Y))
        assert b'"errorCode":"301"' in answer.content
        assert await scene.ended() == before
        assert not await keep_result(
            scene.gateway, ISSUERS, AuthenticationResult(verdict=Verdict.PROVED)
        )
        assert step.challenge.three_ds_server_trans_id != ISSUERS


async def test_somebody_else_than_the_directory_tells_nothing(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        named = replace(
            result_of(Y), three_ds_server_trans_id=step.challenge.three_ds_server_trans_id
        )
        for fingerprint in (None, "ef" * 32):
            assert (await scene.say(named, fingerprint)).status_code == 403
        assert kept(tmp_path, "threeds_verdict") == [(None,)]


async def test_a_cres_many_times_at_once_and_afterwards_pays_once(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        coming = [asyncio.create_task(scene.back(step)) for _ in range(5)]
        await until(scene, waits=True)
        await scene.tell(step)
        assert set(await asyncio.gather(*coming)) == {scene.payer.ref}
        for status in (Y, N):
            assert await scene.back(step, status) == scene.payer.ref
        await is_decided(scene, DECLINE, PROVED)


async def test_a_cres_by_hand_is_overtaken_by_the_real_result(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        by_hand = asyncio.create_task(scene.back(step))
        await until(scene, waits=True)
        await scene.tell(step, result_of(N, None))
        await by_hand
        await is_decided(scene, DECLINE, REFUSED)


async def test_a_result_that_was_kept_counts_however_close_to_the_time_out(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path, result_timeout_s=0.01) as scene:
        for number in range(40):
            step = await scene.challenge()
            coming_back = asyncio.create_task(scene.back(step))
            await asyncio.sleep(0.008 + number * 0.0001)
            await scene.tell(step)
            await coming_back
            order = await scene.ended()
            told = [entry for entry in scene.log.entries if entry["event"] == "challenge_result"]
            kept_first = next(one["result"] for one in told if one["kept"])
            scene.log.entries.clear()
            assert (order.status is OrderStatus.APPROVED) is (kept_first is Verdict.PROVED)
        assert clean(tmp_path, scene.gateway)


# ---- the order ended, or the card was typed again


async def nobody(_scene: Scene) -> None:
    """The time is over, and nobody has written that yet."""
    _scene.at.clock.advance(ORDER_LIFE)


async def worker(scene: Scene) -> None:
    """The time is over, and the worker has written it."""
    scene.at.clock.advance(ORDER_LIFE + timedelta(seconds=1))
    await expire(scene.gateway)


async def leaver(scene: Scene) -> None:
    """The payer presses cancel in another tab."""
    await give_up(scene.gateway, scene.payer.ref)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (nobody, OrderStatus.EXPIRED),
        (worker, OrderStatus.EXPIRED),
        (leaver, OrderStatus.CANCELED),
    ],
)
@pytest.mark.parametrize("told_before", [False, True])
async def test_an_order_that_ended_is_not_paid_by_what_comes_back(
    tmp_path: Path,
    end: Callable[[Scene], Awaitable[None]],
    status: OrderStatus,
    *,
    told_before: bool,
) -> None:
    async with at_the_issuer(tmp_path, result_timeout_s=SHORT_S) as scene:
        step = await scene.challenge()
        if told_before:
            await scene.tell(step)
        await end(scene)
        assert isinstance(await scene.tell(step), RRes)
        assert await scene.back(step) == scene.payer.ref
        await expire(scene.gateway)
        assert (await scene.ended()).status is status
        (tran,) = await scene.attempts()
        assert tran.state is TranState.ABANDONED
        assert scene.host.asked == []
        assert kept(tmp_path, "threeds_key, cavv") == [(None, None)]
        assert (await scene.told()).three_ds_verification is None
        assert clean(tmp_path, scene.gateway)


@pytest.mark.parametrize("told_before", [False, True])
async def test_a_card_typed_again_is_the_one_that_pays(
    tmp_path: Path, *, told_before: bool
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        old = await scene.challenge()
        if told_before:
            await scene.tell(old)
        new = await scene.challenge(scene.payer.ref)
        for status in (Y, N):
            assert isinstance(await scene.tell(old, status), RRes)
            assert await scene.back(old, status) == scene.payer.ref
        assert (await scene.ended()).status is OrderStatus.ON_PAYMENT
        assert scene.host.asked == []
        await scene.tell(new)
        await scene.back(new)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert [tran.state for tran in await scene.attempts()] == [
            TranState.ABANDONED,
            TranState.APPROVED,
        ]
        assert scene.host.count(AUTHORISATION) == 1
        assert kept(tmp_path, "threeds_key, cavv") == [(None, None)] * 2
        assert clean(tmp_path, scene.gateway)


async def test_a_refusal_of_the_card_before_does_not_decline_the_new_one(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        old = await scene.challenge()
        new = await scene.challenge(scene.payer.ref)
        await scene.tell(old, result_of(N, None))
        assert (await open_page(scene.gateway, scene.payer.ref)).takes_card
        await scene.tell(new)
        await scene.back(new)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert (await scene.told()).three_ds_verification == "Y"


# ---- what cannot be read, or is another's


ERRO: Final = Erro(
    error_code="301",
    error_component=Component.ACS,
    error_description="There is no such challenge.",
    error_detail="acsTransID",
    error_message_type="CReq",
)


@pytest.mark.parametrize(
    "cres",
    [
        "",
        "x",
        "\0",
        "%%%",
        "A" * 100_000,
        to_base64url(b"[]"),
        to_base64url(b'{"messageType":"CRes"}'),
        to_base64url(base64.b64encode(b"CRes")),
        to_base64url(b'{"messageType":"Erro","errorCode":"301"}'),
    ],
)
async def test_a_cres_that_cannot_be_read_names_nothing(tmp_path: Path, cres: str) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        assert await return_from_challenge(scene.gateway, cres, step.sealed) is None
        await still_takes_a_card(scene)


async def test_a_cres_of_an_attempt_that_does_not_exist_names_nothing(tmp_path: Path) -> None:
    unknown = to_form(CRes(three_ds_server_trans_id=ISSUERS, acs_trans_id=ISSUERS, trans_status=Y))
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        assert await return_from_challenge(scene.gateway, unknown, step.sealed) is None
        assert "challenge_unknown" in str(scene.log.entries)
        await still_takes_a_card(scene)


async def test_an_erro_in_place_of_the_cres_wakes_us_as_well(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, result_timeout_s=SHORT_S) as scene:
        step = await scene.challenge()
        named = replace(ERRO, three_ds_server_trans_id=step.challenge.three_ds_server_trans_id)
        erro = to_base64url(write(named))
        assert await return_from_challenge(scene.gateway, erro, step.sealed) == scene.payer.ref
        await is_decided(scene, DECLINE, REFUSED)


async def test_an_erro_that_names_nothing_names_nothing(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        erro = to_base64url(write(ERRO))
        assert await return_from_challenge(scene.gateway, erro, step.sealed) is None
        await still_takes_a_card(scene)


NOT_OURS: Final[dict[str, Callable[[str], str]]] = {
    "missing": lambda _: "",
    "cut off": lambda carried: carried[:-1],
    "the sealed card alone": lambda carried: carried[:SEALED_CHARS],
    "too long": lambda carried: carried * 9,
    "no text of ours": lambda _: "\0ş" * 20,
}


async def test_who_knows_the_number_of_an_attempt_is_not_led_to_its_order(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step)
        for name, change in NOT_OURS.items():
            changed = ChallengeStep(step.challenge, change(step.sealed))
            assert await scene.back(changed) is None, name
            assert "challenge_of_another" in str(scene.log.entries[-1]), name
        await still_takes_a_card(scene)
        await scene.back(step)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert await scene.back(step) == scene.payer.ref  # its form again


async def test_a_sealed_card_that_was_changed_is_typed_again(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step)
        sealed, stamp = step.sealed[:SEALED_CHARS], step.sealed[SEALED_CHARS:]
        changed = ChallengeStep(step.challenge, sealed.swapcase() + stamp)
        assert await scene.back(changed) == scene.payer.ref
        await still_takes_a_card(scene)
        again = await scene.challenge(scene.payer.ref)
        await scene.tell(again)
        await scene.back(again)
        assert (await scene.ended()).status is OrderStatus.APPROVED
        assert scene.host.count(AUTHORISATION) == 1


async def test_two_orders_sealed_cards_cannot_be_swapped(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        steps, refs = [], []
        for _ in range(2):
            steps.append(await scene.challenge())
            refs.append(scene.payer.ref)
        for step in steps:
            await scene.tell(step)
        for mine, other, ref in zip(steps, reversed(steps), refs, strict=True):
            assert await scene.back(ChallengeStep(mine.challenge, other.sealed)) is None
            card, stamp = other.sealed[:SEALED_CHARS], mine.sealed[SEALED_CHARS:]
            assert await scene.back(ChallengeStep(mine.challenge, card + stamp)) == ref
            assert (await stored(scene.gateway, ref)).status is OrderStatus.ON_PAYMENT
        assert scene.host.asked == []
        for step, ref in zip(steps, refs, strict=True):
            await scene.back(step)
            assert (await stored(scene.gateway, ref)).status is OrderStatus.APPROVED
        assert clean(tmp_path, scene.gateway)


# ---- another life of the gateway, and what is kept


@pytest.mark.parametrize("told_before", [False, True])
async def test_a_challenge_outlives_the_gateway(tmp_path: Path, *, told_before: bool) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        ref = scene.payer.ref
        if told_before:
            await scene.tell(step)
    async with at_the_issuer(tmp_path) as scene:
        scene.payer.ref = ref
        if not told_before:
            await scene.tell(step)
        assert await scene.back(step) == ref
        await is_decided(scene, DECLINE, PROVED)


async def test_a_gateway_that_ended_while_it_waited_for_the_result_lets_type_again(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        ref = scene.payer.ref
        coming_back = asyncio.create_task(scene.back(step))
        await until(scene, waits=True)
        for task in scene.gateway.background.under_way():
            task.cancel()
        await asyncio.wait({coming_back})
    async with at_the_issuer(tmp_path) as scene:
        scene.payer.ref = ref
        await still_takes_a_card(scene)
        await scene.tell(step)
        await scene.back(step)  # the browser sends its form again
        await is_decided(scene, DECLINE, PROVED)


@pytest.mark.parametrize("status", [None, Y, N])
async def test_nothing_of_the_card_or_the_proof_is_kept_or_logged(
    tmp_path: Path, status: TransStatus | None
) -> None:
    async with at_the_issuer(tmp_path, result_timeout_s=SHORT_S) as scene:
        step = await scene.challenge()
        (attempt,) = await scene.attempts()
        assert attempt.authentication is not None
        key = attempt.authentication.key
        assert key is not None
        if status is not None:
            await scene.tell(step, result_of(status, CAVV if status is Y else None))
        await scene.back(step)
        await scene.ended()
        logged = str(scene.log.entries)
        assert kept(tmp_path, "threeds_key, cavv") == [(None, None)]
    assert ("challenge_result" if status else "challenge_without_result") in logged
    files = everything(tmp_path)
    assert b"threeds_server_trans_id" in files
    keys = step.sealed, key.reveal()
    for trace in ("4169733213495869", "4169 7332 1349 5869", *keys, CAVV):
        assert trace.encode() not in files
        assert trace not in logged
    assert step.challenge.three_ds_server_trans_id not in logged, "it leads to the order's page"


async def test_the_files_alone_do_not_open_the_card_that_is_under_way(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        sealed = (await scene.challenge()).sealed[:SEALED_CHARS]
        (attempt,) = await scene.attempts()
        assert attempt.authentication is not None
        key = attempt.authentication.key
        assert key is not None
        with pytest.raises(CannotOpen):
            open_card(sealed, key, binding_of(attempt))
        unsealed = Secret(scene.gateway.keys.unseal(key.reveal(), key_bound(attempt.tran_id)))
        assert open_card(sealed, unsealed, binding_of(attempt)) == card(scene.gateway)


async def test_a_gateway_that_closes_does_not_wait_for_a_result(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with at_the_issuer(tmp_path, page_patience_s=0.01) as scene:
        await scene.back(await scene.challenge())
        begun = loop.time()
    assert loop.time() - begun < 5
    async with at_the_issuer(tmp_path) as scene:
        assert kept(tmp_path, "state, threeds_verdict") == [("RESERVED", None)]


async def test_the_clock_moves_while_a_result_is_awaited(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path, page_patience_s=0.01) as scene:
        await scene.back(await scene.challenge())
        waits = scene.gateway.authentications.waiting()
        assert len(waits) == 1
        assert waits <= scene.gateway.background.under_way()
        advance(scene.gateway, timedelta(minutes=1))
        assert await caught_up(scene.gateway, 5)


def everything(home: Path) -> bytes:
    """Read all files of a home."""
    return b"".join(file.read_bytes() for file in home.iterdir() if file.is_file())


def kept(home: Path, columns: str) -> list[tuple[object, ...]]:
    """Read columns of all transactions, as they are in the file."""
    with closing(connect(home / DATABASE, writing=False)) as db:
        return list(select(db, f"SELECT {columns} FROM tran ORDER BY tran_id"))  # noqa: S608 - our own


async def until(scene: Scene, *, waits: bool) -> None:
    """Wait until the return of the payer waits for the result."""
    (*_, tran) = await scene.attempts()
    async with asyncio.timeout(5):
        while scene.gateway.authentications.under_way(tran.tran_id) is not waits:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.001)


async def still_takes_a_card(scene: Scene) -> None:
    """Check that nothing happened, and that the payer may type a card."""
    order = await scene.ended()
    assert order.status is OrderStatus.ON_PAYMENT
    assert (await open_page(scene.gateway, scene.payer.ref)).takes_card
    assert scene.host.asked == []
    assert clean(scene.home, scene.gateway)
