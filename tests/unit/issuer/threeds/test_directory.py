"""The directory: card ranges, answers by card, and messages that are none."""

from __future__ import annotations

import httpx2
import pytest
from tests.unit.issuer.threeds.stage import OTHER_ID, PASSABLE, SCENARIOS, SERVER_ID, Stage, card

from tkkpg.gateway.threeds.codec import read, write
from tkkpg.gateway.threeds.messages import ARes, Erro, PReq, PRes, TransStatus
from tkkpg.gateway.threeds.wire import LIMIT_BYTES, MessageError
from tkkpg.issuer.threeds.directory import SERIAL_CHARACTERS
from tkkpg.issuer.threeds.scenario import Answer, Scenario
from tkkpg.protocol.masking import Secret

pytestmark = pytest.mark.anyio


def preq(serial: str | None = None) -> bytes:
    return write(
        PReq(
            three_ds_server_trans_id=SERVER_ID,
            three_ds_server_ref_number="TKKPG_SANDBOX",
            serial_num=serial,
        )
    )


async def test_every_card_has_its_range_and_some_a_method_url(stage: Stage) -> None:
    pres = await stage.post(preq(), PRes)

    ranges = {one.start: one for one in pres.card_ranges or ()}
    assert ranges.keys() == SCENARIOS.keys()
    assert all(one.start == one.end for one in ranges.values())
    assert [pan for pan, one in ranges.items() if one.method_url] == [PASSABLE]
    assert ranges[PASSABLE].method_url == f"{stage.acs_url}/method"


async def test_ranges_that_are_known_are_not_sent_again_until_they_change(stage: Stage) -> None:
    first = await stage.post(preq(), PRes)
    assert len(first.serial_num or "") == SERIAL_CHARACTERS

    assert (await stage.post(preq(first.serial_num), PRes)).card_ranges is None
    stage.scenarios[Secret("4999999999999996")] = Scenario(answer=Answer.FRICTIONLESS)
    assert (await stage.post(preq(first.serial_num), PRes)).card_ranges is not None


@pytest.mark.parametrize(
    ("answer", "status", "reason", "eci"),
    [
        (Answer.FRICTIONLESS, TransStatus.PROVED, None, "05"),
        (Answer.ATTEMPTED, TransStatus.ATTEMPTED, None, "06"),
        (Answer.NOT_AUTHENTICATED, TransStatus.REFUSED, "01", None),
        (Answer.TOO_OFTEN, TransStatus.REFUSED, "04", None),
        (Answer.REJECTED, TransStatus.REJECTED, "11", None),
        (Answer.UNAVAILABLE, TransStatus.UNAVAILABLE, "22", None),
        (Answer.INFORMATION, TransStatus.INFORMATION, None, None),
        (Answer.DECOUPLED, TransStatus.DECOUPLED, None, None),
        (Answer.CHALLENGE, TransStatus.CHALLENGE, None, None),
    ],
)
async def test_a_card_is_answered_by_its_scenario(
    stage: Stage, answer: Answer, status: TransStatus, reason: str | None, eci: str | None
) -> None:
    ares = await stage.authenticate(card(answer))

    assert (ares.trans_status, ares.trans_status_reason, ares.eci) == (status, reason, eci)
    assert (ares.authentication_value is not None) == (eci is not None)
    assert ares.three_ds_server_trans_id == SERVER_ID
    assert ares.acs_url == (f"{stage.acs_url}/challenge" if answer is Answer.CHALLENGE else None)


async def test_mastercard_counts_otherwise(stage: Stage) -> None:
    assert (await stage.authenticate("5200000000000007")).eci == "02"


async def test_a_card_of_nobody_is_unavailable(stage: Stage) -> None:
    ares = await stage.authenticate("4999999999999996")

    assert (ares.trans_status, ares.trans_status_reason) == (TransStatus.UNAVAILABLE, "08")


async def test_an_answer_for_another_transaction(stage: Stage) -> None:
    ares = await stage.authenticate(card(Answer.OTHER_TRANSACTION))

    assert ares.three_ds_server_trans_id not in {SERVER_ID, OTHER_ID}


async def test_an_answer_that_is_no_message(stage: Stage) -> None:
    reply = await stage.http.post(stage.ds_url, content=write(stage.areq(card(Answer.MALFORMED))))

    with pytest.raises(MessageError):
        read(reply.content, ARes)


async def test_an_answer_that_leads_elsewhere(stage: Stage) -> None:
    reply = await stage.http.post(stage.ds_url, content=write(stage.areq(card(Answer.REDIRECT))))

    assert reply.is_redirect


async def test_silence_lasts_longer_than_whoever_waits(stage: Stage) -> None:
    body = write(stage.areq(card(Answer.SILENT)))

    with pytest.raises(httpx2.ReadTimeout):
        await stage.http.post(stage.ds_url, content=body, timeout=0.3)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>", "101"),
        (b'{"messageType":"CRes"}', "101"),
        (b'{"messageType":"AReq","messageVersion":"2.1.0"}', "102"),
        (b'{"messageType":"AReq","messageVersion":"2.2.0"}', "201"),
        (b" " * (LIMIT_BYTES + 1), "203"),
    ],
    ids=["no JSON", "another message", "another version", "incomplete", "too long"],
)
async def test_what_is_no_message_is_answered_by_an_erro(
    stage: Stage, body: bytes, code: str
) -> None:
    erro = await stage.post(body, ARes)

    assert isinstance(erro, Erro)
    assert (erro.error_code, erro.error_component) == (code, "D")


async def test_an_amount_that_cannot_be_shown_is_not_challenged(stage: Stage) -> None:
    assert (await stage.authenticate(purchase_exponent="0")).trans_status is TransStatus.UNAVAILABLE


async def test_nobody_without_a_certificate_is_answered(stage: Stage) -> None:
    with pytest.raises(httpx2.TransportError):
        await stage.stranger.post(stage.ds_url, content=preq())
