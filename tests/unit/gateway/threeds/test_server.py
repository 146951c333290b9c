"""Our 3-D Secure server against a directory over real HTTPS, friendly and hostile."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog
import trustme
from structlog.testing import LogCapture
from tests.model_factories import CARD, NOW
from tests.unit.gateway.threeds.directory import Answer, Stub, client_tls, directory, reply
from tests.unit.gateway.threeds.examples import ARES, CAVV, DIRECTORYS, ISSUERS, OURS, PAN, PRES

from tkkpg.gateway.model.authentication import AuthenticationResult, Verdict
from tkkpg.gateway.model.card import Expiry
from tkkpg.gateway.threeds.base import (
    Attempt,
    Authenticated,
    Browser,
    Challenge,
    JavaScript,
)
from tkkpg.gateway.threeds.codec import from_form, read, write
from tkkpg.gateway.threeds.messages import (
    AReq,
    CReq,
    MethodCompleted,
    PReq,
    TransStatus,
)
from tkkpg.gateway.threeds.server import Acquirer, DirectoryAuthenticator
from tkkpg.gateway.threeds.wire import from_base64url
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN

pytestmark = pytest.mark.anyio

ATTEMPT = Attempt(
    three_ds_server_trans_id=OURS,
    card=CARD,
    order_id=1000001,
    merchant_id="E1000010",
    merchant_name="Nar",
    amount_minor=3000,
    currency=AZN,
    at=NOW,
    browser=Browser(accept_header="text/html", user_agent="Mozilla/5.0", language="az"),
    notification_url="https://pay.example/threeds",
    method_notification_url="https://pay.example/method",
)
SCRIPT = JavaScript(
    java_enabled=False, color_depth="24", screen_height="800", screen_width="1200", tz="-240"
)
NO_ANSWER = Authenticated(AuthenticationResult(verdict=Verdict.NO_ANSWER))
NOT_ENROLLED = Authenticated(AuthenticationResult(verdict=Verdict.NOT_ENROLLED))


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def capture() -> LogCapture:
    return LogCapture()


def ranges_to(asked: bytes) -> bytes | None:
    """Answer a PReq; `None` for anything else."""
    if json.loads(asked)["messageType"] != "PReq":
        return None
    trans_id = json.loads(asked)["threeDSServerTransID"]
    return reply(write(replace(PRES, three_ds_server_trans_id=trans_id)))


def saying(answer: bytes) -> Answer:
    """Answer every AReq with these bytes."""

    async def say(asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ranges_to(asked) or answer)
        await writer.drain()

    return say


@asynccontextmanager
async def server(
    it: Stub, ca: trustme.CA, capture: LogCapture, timeout_s: float = 5.0
) -> AsyncIterator[DirectoryAuthenticator]:
    ours = DirectoryAuthenticator(
        Acquirer(
            directory_url=it.url,
            results_url="https://localhost:9443/results",
            reference_number="TKKPG_3DSS",
            acquirer_bin="416973",
            requestor_id="TKKPG",
            requestor_name="tkkpg",
            requestor_url="https://pay.example",
        ),
        tls=client_tls(ca, ca),
        new_id=lambda: str(uuid4()),
        log=structlog.wrap_logger(None, processors=[capture]),
        timeout_s=timeout_s,
    )
    try:
        yield ours
    finally:
        await ours.aclose()


async def outcome(
    answer: Answer, ca: trustme.CA, capture: LogCapture, timeout_s: float = 5.0
) -> Authenticated | Challenge:
    async with directory(answer, ca) as it, server(it, ca, capture, timeout_s) as ours:
        return await ours.authenticate(ATTEMPT)


async def test_a_proved_cardholder_comes_with_the_proof(
    ca: trustme.CA, capture: LogCapture
) -> None:
    found = await outcome(saying(reply(write(ARES))), ca, capture)
    assert found == Authenticated(
        AuthenticationResult(
            verdict=Verdict.PROVED, eci="05", cavv=Secret(CAVV), ds_trans_id=DIRECTORYS
        )
    )
    assert CAVV not in repr(found)


@pytest.mark.parametrize("status", ["N", "U", "A", "R", "D", "I"])
async def test_each_status_is_a_verdict(ca: trustme.CA, capture: LogCapture, status: str) -> None:
    ares = replace(
        ARES,
        trans_status=TransStatus(status),
        authentication_value=None,
        eci=None,
        trans_status_reason="19",
    )
    found = await outcome(saying(reply(write(ares))), ca, capture)
    assert isinstance(found, Authenticated)
    assert (found.result.verdict.value, found.result.reason) == (status, "19")


async def test_a_challenge_says_where_the_payer_goes(ca: trustme.CA, capture: LogCapture) -> None:
    ares = replace(
        ARES,
        trans_status=TransStatus.CHALLENGE,
        authentication_value=None,
        acs_url="https://acs.example/challenge",
        acs_challenge_mandated="Y",
    )
    found = await outcome(saying(reply(write(ares))), ca, capture)
    assert isinstance(found, Challenge)
    assert found.acs_url == "https://acs.example/challenge"
    assert from_form(found.creq, CReq) == CReq(three_ds_server_trans_id=OURS, acs_trans_id=ISSUERS)


async def test_what_is_asked_is_the_payment(ca: trustme.CA, capture: LogCapture) -> None:
    async with directory(saying(reply(write(ARES))), ca) as it, server(it, ca, capture) as ours:
        await ours.authenticate(
            replace(
                ATTEMPT,
                browser=replace(ATTEMPT.browser, script=SCRIPT, ip="127.0.0.1"),
                method_completed=MethodCompleted.YES,
            )
        )
        preq, areq = read(it.bodies[0], PReq), read(it.bodies[1], AReq)
    assert isinstance(preq, PReq)
    assert isinstance(areq, AReq)
    assert areq.acct_number.reveal() == PAN
    assert areq.card_expiry_date.reveal() == "3005"
    assert (areq.purchase_amount, areq.purchase_currency, areq.purchase_exponent) == (
        "3000",
        "944",
        "2",
    )
    assert areq.purchase_date == "20261124080000"
    assert areq.three_ds_comp_ind is MethodCompleted.YES
    assert (areq.browser_javascript_enabled, areq.browser_tz) == (True, "-240")
    assert "447" not in it.bodies[1].decode()  # the CVV2 is for the host alone


async def test_nonsense_of_a_script_is_left_out(ca: trustme.CA, capture: LogCapture) -> None:
    browser = replace(
        ATTEMPT.browser,
        script=replace(SCRIPT, tz="<script>"),
        user_agent="x" * 9000,
        accept_header="",
        language="",
    )
    async with directory(saying(reply(write(ARES))), ca) as it, server(it, ca, capture) as ours:
        found = await ours.authenticate(replace(ATTEMPT, browser=browser))
        areq = read(it.bodies[1], AReq)
    assert isinstance(found, Authenticated)
    assert isinstance(areq, AReq)
    assert areq.browser_javascript_enabled is False
    assert len(areq.browser_user_agent) == 2048


async def test_what_cannot_be_asked_is_no_answer(ca: trustme.CA, capture: LogCapture) -> None:
    attempt = replace(ATTEMPT, notification_url="http://pay.example/" + "x" * 300)
    async with directory(saying(reply(write(ARES))), ca) as it, server(it, ca, capture) as ours:
        assert await ours.authenticate(attempt) == NO_ANSWER
        assert len(it.bodies) == 1  # the card was not sent


async def test_a_card_of_no_range_is_not_enrolled_and_not_sent(
    ca: trustme.CA, capture: LogCapture
) -> None:
    card = replace(CARD, pan=Secret("5555555555554444"), expiry=Expiry(2030, 1))
    async with directory(saying(reply(write(ARES))), ca) as it, server(it, ca, capture) as ours:
        assert await ours.authenticate(replace(ATTEMPT, card=card)) == NOT_ENROLLED
        assert await ours.method(replace(ATTEMPT, card=card)) is None
        assert len(it.bodies) == 1


async def test_the_ranges_are_asked_for_once(ca: trustme.CA, capture: LogCapture) -> None:
    async with directory(saying(reply(write(ARES))), ca) as it, server(it, ca, capture) as ours:
        await asyncio.gather(*(ours.authenticate(ATTEMPT) for _ in range(3)))
        assert [json.loads(body)["messageType"] for body in it.bodies].count("PReq") == 1


async def test_the_method_page_is_that_of_the_range(ca: trustme.CA, capture: LogCapture) -> None:
    async with directory(saying(b""), ca) as it, server(it, ca, capture) as ours:
        call = await ours.method(ATTEMPT)
    assert call is not None
    assert call.url == "https://acs.example/method"
    assert json.loads(from_base64url(call.data)) == {
        "threeDSServerTransID": OURS,
        "threeDSMethodNotificationURL": "https://pay.example/method",
    }


def tampered(**elements: object) -> bytes:
    return json.dumps(json.loads(write(ARES)) | elements).encode()


ERRO = {
    "messageType": "Erro",
    "messageVersion": "2.2.0",
    "errorCode": "203",
    "errorComponent": "D",
    "errorDescription": PAN,
    "errorDetail": PAN,
}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"SSH-2.0-hello\r\n", "exchange"),
        (b"", "exchange"),
        (reply(b"<html>"), "not JSON"),
        (reply(b""), "not JSON"),
        (reply(write(ARES))[:-20], "exchange"),
        (reply(tampered(threeDSServerTransID=ISSUERS)), "another transaction"),
        (reply(tampered(messageVersion="2.3.1")), "version"),
        (reply(tampered(transStatus="X")), "transStatus"),
        (reply(tampered(transStatus="C")), "acsURL"),
        (reply(tampered(authenticationValue=PAN)), "authenticationValue"),
        (reply(json.dumps(ERRO).encode()), "error 203"),
        (reply(b" " * 5_000_000 + write(ARES)), "longer"),
        (reply(gzip.compress(write(ARES)), "200 OK", "Content-Encoding: gzip"), "UTF-8"),
        (reply(write(ARES), "500 Internal Server Error"), "HTTP 500"),
        (reply(write(ARES), "302 Found", "Location: https://localhost/"), "HTTP 302"),
        (reply(b"", "307 Temporary Redirect", "Location: http://[::1"), "HTTP 307"),
        (reply(b"", "302 Found", "Location: https://x:99999999/ \xff"), "HTTP 302"),
        (reply(write(ARES), "200 OK", "Set-Cookie: \xff;;=;expires=x", "A\x00: b"), "exchange"),
        (reply(write(ARES), "200 OK", "X: " + "x" * 2_000_000), "exchange"),
        (reply(write(ARES), "999999 OK"), "exchange"),
        (reply(b"[" * 60_000), "deep"),
    ],
    ids=[
        "no-http",
        "nothing",
        "html",
        "empty",
        "cut",
        "other",
        "version",
        "status",
        "challenge",
        "proof",
        "erro",
        "5-MB",
        "gzip",
        "500",
        "redirect",
        "bad-redirect",
        "odd-redirect",
        "bad-header",
        "long-header",
        "bad-status",
        "deep",
    ],
)
async def test_an_answer_that_cannot_be_believed_is_none(
    ca: trustme.CA, capture: LogCapture, answer: bytes, why: str
) -> None:
    assert await outcome(saying(answer), ca, capture) == NO_ANSWER
    (entry,) = capture.entries
    assert why in entry["reason"]
    assert PAN not in repr(entry)


async def test_silence_is_no_answer(ca: trustme.CA, capture: LogCapture) -> None:
    async def say(asked: bytes, writer: asyncio.StreamWriter) -> None:
        found = ranges_to(asked)
        if found:
            writer.write(found)
        else:
            await asyncio.Event().wait()

    assert await outcome(say, ca, capture, timeout_s=0.3) == NO_ANSWER
    assert "within 0.3 s" in capture.entries[0]["reason"]


async def test_a_drip_does_not_outlast_the_time(ca: trustme.CA, capture: LogCapture) -> None:
    async def say(asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ranges_to(asked) or b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not writer.is_closing() and ranges_to(asked) is None:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with asyncio.timeout(4):
        assert await outcome(say, ca, capture, timeout_s=0.4) == NO_ANSWER


async def test_an_endless_answer_is_given_up_at_its_limit(
    ca: trustme.CA, capture: LogCapture
) -> None:
    async def say(asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ranges_to(asked) or b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing() and ranges_to(asked) is None:
            writer.write(b" " * 10_000)
            await writer.drain()

    assert await outcome(say, ca, capture, timeout_s=3) == NO_ANSWER
    assert "longer" in capture.entries[0]["reason"]


async def test_without_ranges_nothing_is_known_and_the_card_is_not_sent(
    ca: trustme.CA, capture: LogCapture
) -> None:
    async def say(_asked: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"no"))

    async with directory(say, ca) as it, server(it, ca, capture) as ours:
        assert await ours.authenticate(ATTEMPT) == NO_ANSWER
        assert await ours.method(ATTEMPT) is None
        assert all(PAN.encode() not in body for body in it.bodies)


async def test_a_directory_of_a_strange_authority_hears_nothing(
    ca: trustme.CA, capture: LogCapture
) -> None:
    async with (
        directory(saying(b""), trustme.CA()) as it,
        server(it, ca, capture) as ours,
    ):
        assert await ours.authenticate(ATTEMPT) == NO_ANSWER
        assert it.bodies == []


async def test_our_certificate_is_shown(ca: trustme.CA, capture: LogCapture) -> None:
    async with directory(saying(reply(write(ARES))), ca) as it:
        ours = DirectoryAuthenticator(
            Acquirer(
                directory_url=it.url,
                results_url="https://localhost:9443/results",
                reference_number="TKKPG_3DSS",
                acquirer_bin="416973",
                requestor_id="TKKPG",
                requestor_name="tkkpg",
                requestor_url="https://pay.example",
            ),
            tls=client_tls(ca, None),
            new_id=lambda: str(uuid4()),
            log=structlog.wrap_logger(None, processors=[capture]),
        )
        assert await ours.authenticate(ATTEMPT) == NO_ANSWER  # refused without one
        await ours.aclose()


async def test_a_directory_that_is_away_is_no_answer(ca: trustme.CA, capture: LogCapture) -> None:
    async with directory(saying(b""), ca) as it:
        pass
    async with server(it, ca, capture) as ours:
        assert await ours.authenticate(ATTEMPT) == NO_ANSWER
