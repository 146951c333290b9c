"""The cardholder's walk, past pages that behave in every way a page can."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from tkkpg.sandbox.cardholder import CardholderStopped, Challenge, Conduct, Journey, pay, walk
from tkkpg.sandbox.cards import find_card

PAGE = "https://pg.example/index.jsp?ORDERID=1&SESSIONID=A"
CARD_FORM = """<form action="/pay?a=1&amp;b=2"><input type="hidden" name="TOKEN" value="t&quot;1">
<input name="pan" required><input name="expiry"><input name="cvv2"><button name="x"></form>
<form action="/cancel"><input name="TOKEN" value="other"></form>"""
HAND_OVER = (
    '<form action="https://shop.example/back"><input name="xmlmsg" value="&lt;m/&gt;"></form>'
)

Answer = Callable[[httpx2.Request], httpx2.Response]


async def paid(
    answer: Answer, conduct: Conduct = Conduct.PASS
) -> tuple[Journey, list[httpx2.Request]]:
    """Pay where everything is answered by a function."""
    seen: list[httpx2.Request] = []

    def kept(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(kept)) as http:
        return await pay(http, PAGE, find_card("approve"), conduct=conduct), seen


def shows(page: str, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, html=page, headers=headers)


def ordinary(request: httpx2.Request) -> httpx2.Response:
    """A page that takes the card, says wait once, and hands over to a shop that redirects."""
    answers = {
        ("GET", "https://pg.example/index.jsp"): shows(CARD_FORM),
        ("POST", "https://pg.example/pay"): shows("", 303, location="/outcome"),
        ("GET", "https://pg.example/outcome"): shows("wait", refresh="0; url=/outcome/again"),
        ("GET", "https://pg.example/outcome/again"): shows(HAND_OVER),
        ("POST", "https://shop.example/back"): shows("", 303, location="/thanks"),
        ("GET", "https://shop.example/thanks"): shows("", 302, location="/further"),
    }
    return answers[request.method, str(request.url.copy_with(query=None))]


@pytest.mark.anyio
async def test_the_form_is_sent_as_the_page_made_it_with_the_card_typed_in() -> None:
    _, seen = await paid(ordinary)

    (sent,) = [request for request in seen if request.url.path == "/pay"]
    assert sent.url.query == b"a=1&b=2"
    assert dict(httpx2.QueryParams(sent.content.decode())) == {
        "TOKEN": 't"1',
        "pan": "4169733213495869",
        "expiry": "05/23",
        "cvv2": "447",
    }
    assert sent.headers["origin"] == "https://pg.example"


@pytest.mark.anyio
async def test_the_message_is_brought_to_the_shop_and_one_redirect_is_followed() -> None:
    journey, seen = await paid(ordinary)

    assert journey.card_sent
    assert (journey.return_url, journey.xmlmsg) == ("https://shop.example/back", "<m/>")
    assert journey.landing is not None
    assert (journey.landing.url, journey.landing.http_status) == (
        "https://shop.example/thanks",
        302,
    )
    assert [request.url.path for request in seen if request.url.host == "shop.example"] == [
        "/back",
        "/thanks",
    ]


@pytest.mark.anyio
async def test_an_order_that_has_ended_gets_no_card() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return shows(HAND_OVER) if request.method == "GET" else shows("")

    journey, seen = await paid(answer)

    assert not journey.card_sent
    assert [request.url.host for request in seen] == ["pg.example", "shop.example"]


@pytest.mark.anyio
async def test_a_shop_that_cannot_be_reached_is_reported_and_no_failure() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "shop.example":
            raise httpx2.ConnectError("nobody there")
        return shows(HAND_OVER)

    journey, _ = await paid(answer)

    assert journey.landing is not None
    assert journey.landing.http_status is None
    assert journey.landing.trouble == "nobody there"


@pytest.mark.anyio
async def test_an_outcome_without_a_way_back_ends_on_the_page() -> None:
    journey, _ = await paid(lambda _: shows("<h1>Paid</h1>"))

    assert (journey.return_url, journey.xmlout, journey.landing) == (None, None, None)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
async def test_a_page_that_shows_trouble_stops_the_cardholder(status: int) -> None:
    with pytest.raises(CardholderStopped, match=f"HTTP status {status}: "):
        await paid(lambda _: shows("trouble", status))


@pytest.mark.anyio
async def test_a_page_that_asks_for_a_card_again_stops_the_cardholder() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return shows(CARD_FORM, 200 if request.method == "GET" else 422)

    with pytest.raises(CardholderStopped, match="does not take the test card approve"):
        await paid(answer)


@pytest.mark.anyio
async def test_a_page_that_cannot_be_reached_is_named_without_the_session() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(CardholderStopped, match=r"https://pg\.example cannot be reached") as caught:
        await paid(answer)
    assert "SESSIONID" not in caught.value.message


@pytest.mark.anyio
async def test_a_payment_without_an_outcome_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(walk, "PATIENCE_S", 0.05)

    with pytest.raises(CardholderStopped, match="no outcome after"):
        await paid(lambda _: shows("wait", refresh="0.01; url=/outcome"))


TO_BANK = """<form action="https://bank.example/challenge"><input name="creq" value="c">
<input name="threeDSSessionData" value="s"></form>"""
ASKS = """<strong class="code">123456</strong><form action="/answer"><input name="action"
value="confirm"><input name="threeDSSessionData" value="s"><input name="code"></form>"""
BACK = """<form action="https://pg.example/3ds/return" data-end="passed">
<input name="cres" value="r"><input name="threeDSSessionData" value="s"></form>"""


def challenged(request: httpx2.Request) -> httpx2.Response:
    """A card whose bank asks for a code before anything else happens."""
    answers = {
        ("POST", "https://pg.example/pay"): shows(TO_BANK),
        ("POST", "https://bank.example/challenge"): shows(ASKS),
        ("POST", "https://bank.example/answer"): shows(BACK),
        ("POST", "https://pg.example/3ds/return"): shows("", 303, location="/outcome"),
    }
    key = request.method, str(request.url.copy_with(query=None))
    return answers[key] if key in answers else ordinary(request)


@pytest.mark.anyio
async def test_a_challenge_is_met_and_the_walk_goes_on_as_without() -> None:
    journey, seen = await paid(challenged)

    assert journey.challenge == Challenge(
        acs_url="https://bank.example", conduct=Conduct.PASS, codes_typed=1, end="passed"
    )
    assert (journey.card_sent, journey.xmlmsg) == (True, "<m/>")
    sent = {
        request.url.path: dict(httpx2.QueryParams(request.content.decode())) for request in seen
    }
    assert sent["/challenge"] == {"creq": "c", "threeDSSessionData": "s"}
    assert sent["/answer"] == {"action": "confirm", "threeDSSessionData": "s", "code": "123456"}
    assert sent["/3ds/return"] == {"cres": "r", "threeDSSessionData": "s"}


@pytest.mark.anyio
async def test_a_card_that_is_not_challenged_makes_no_trouble_whatever_was_planned() -> None:
    journey, _ = await paid(ordinary, Conduct.CANCEL)

    assert journey.challenge is None
    assert journey.card_sent


@pytest.mark.anyio
async def test_a_card_that_is_asked_for_again_after_the_challenge_is_explained() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/outcome":
            return shows(CARD_FORM)
        return challenged(request)

    with pytest.raises(CardholderStopped, match="asks for the card again") as caught:
        await paid(answer)
    assert "Pay once more" in caught.value.message


@pytest.mark.anyio
async def test_a_bank_that_cannot_be_reached_is_named_and_not_the_page() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "bank.example":
            raise httpx2.ConnectError("refused")
        return challenged(request)

    with pytest.raises(CardholderStopped, match=r"https://bank\.example cannot be reached"):
        await paid(answer)
