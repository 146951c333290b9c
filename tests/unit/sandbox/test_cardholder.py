"""The cardholder, in front of pages that behave in every way a page can."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tkkpg.client import ConfigurationError
from tkkpg.sandbox import cardholder
from tkkpg.sandbox.cardholder import CardholderStopped, Journey, browser, form_with, pay
from tkkpg.sandbox.cards import find_card

PAGE = "https://pg.example/index.jsp?ORDERID=1&SESSIONID=A"
CARD_FORM = """<form action="/pay?a=1&amp;b=2"><input type="hidden" name="TOKEN" value="t&quot;1">
<input name="pan" required><input name="expiry"><input name="cvv2"><button name="x"></form>
<form action="/cancel"><input name="TOKEN" value="other"></form>"""
HAND_OVER = (
    '<form action="https://shop.example/back"><input name="xmlmsg" value="&lt;m/&gt;"></form>'
)

Answer = Callable[[httpx2.Request], httpx2.Response]


async def walk(answer: Answer) -> tuple[Journey, list[httpx2.Request]]:
    """Pay where everything is answered by a function."""
    seen: list[httpx2.Request] = []

    def kept(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return answer(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(kept)) as http:
        return await pay(http, PAGE, find_card("approve")), seen


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
    _, seen = await walk(ordinary)

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
    journey, seen = await walk(ordinary)

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

    journey, seen = await walk(answer)

    assert not journey.card_sent
    assert [request.url.host for request in seen] == ["pg.example", "shop.example"]


@pytest.mark.anyio
async def test_a_shop_that_cannot_be_reached_is_reported_and_no_failure() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "shop.example":
            raise httpx2.ConnectError("nobody there")
        return shows(HAND_OVER)

    journey, _ = await walk(answer)

    assert journey.landing is not None
    assert journey.landing.http_status is None
    assert journey.landing.trouble == "nobody there"


@pytest.mark.anyio
async def test_an_outcome_without_a_way_back_ends_on_the_page() -> None:
    journey, _ = await walk(lambda _: shows("<h1>Paid</h1>"))

    assert (journey.return_url, journey.xmlout, journey.landing) == (None, None, None)


@pytest.mark.anyio
@pytest.mark.parametrize("status", [400, 403, 404, 410, 500])
async def test_a_page_that_shows_trouble_stops_the_cardholder(status: int) -> None:
    with pytest.raises(CardholderStopped, match=f"HTTP status {status}: "):
        await walk(lambda _: shows("trouble", status))


@pytest.mark.anyio
async def test_a_page_that_asks_for_a_card_again_stops_the_cardholder() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return shows(CARD_FORM, 200 if request.method == "GET" else 422)

    with pytest.raises(CardholderStopped, match="does not take the test card approve"):
        await walk(answer)


@pytest.mark.anyio
async def test_a_page_that_cannot_be_reached_is_named_without_the_session() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(CardholderStopped, match=r"https://pg\.example cannot be reached") as caught:
        await walk(answer)
    assert "SESSIONID" not in caught.value.message


@pytest.mark.anyio
async def test_a_payment_without_an_outcome_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cardholder, "PATIENCE_S", 0.05)

    with pytest.raises(CardholderStopped, match="no outcome after"):
        await walk(lambda _: shows("wait", refresh="0.01; url=/outcome"))


def test_a_form_is_known_by_a_field_of_its() -> None:
    form = form_with(CARD_FORM, "pan")

    assert form is not None
    assert form.values["TOKEN"] == 't"1'
    assert 't"1' not in repr(form)
    assert form_with(CARD_FORM, "xmlmsg") is None


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_that_cannot_be_read_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigurationError, match=r"ca\.pem cannot be read"):
        browser(path)
