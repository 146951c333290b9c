"""The pages of 3-D Secure, and what is read of the payer's browser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Final

import pytest
from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from tests.gateway_fixtures import merchant
from tests.unit.gateway.web.payer import Payer, at_the_page, read_forms

from tkkpg.gateway.flows.authenticate import ChallengeStep, MethodStep
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.threeds.base import Challenge, JavaScript, MethodCall
from tkkpg.gateway.web.authentication import (
    TOLD,
    browser_of,
    challenge_screen,
    method_done,
    method_screen,
)
from tkkpg.gateway.web.forms import Fields
from tkkpg.gateway.web.i18n import Wording
from tkkpg.gateway.web.rendering import asset_url
from tkkpg.gateway.web.screens import Visit
from tkkpg.gateway.web.security import Action, Verdict, judge_token
from tkkpg.protocol.values import Language

pytestmark = pytest.mark.anyio

SEALED: Final = "c2VhbGVk" * 7
BANK: Final = "https://acs.bank.example:8443"
METHOD: Final = MethodStep(MethodCall(f"{BANK}/method?card=1", "eyJtZXRob2QiOjF9"), SEALED)
SLY: Final = '"><script>alert(1)</script>'
TYPED: Final = {
    "browserJavaEnabled": "false",
    "browserColorDepth": "24",
    "browserScreenHeight": "740",
    "browserScreenWidth": "360",
    "browserTZ": "-240",
}
NOTHING: Final = Headers({})


def to_challenge(acs_url: str = f"{BANK}/challenge", creq: str = "eyJjcmVxIjoxfQ") -> ChallengeStep:
    challenge = Challenge(
        acs_url=acs_url, creq=creq, three_ds_server_trans_id="a", acs_trans_id="b"
    )
    return ChallengeStep(challenge, SEALED)


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    """A payer with an order in English."""
    async with at_the_page(tmp_path, trader=merchant(frame_ancestors="https://shop.test")) as payer:
        yield await payer.order()


async def visit_of(payer: Payer, chosen: Language | None = None) -> Visit:
    return Visit(await open_page(payer.gateway, payer.ref), chosen)


def text_of(page: HTMLResponse) -> str:
    return bytes(page.body).decode()


def policy_of(page: HTMLResponse) -> dict[str, str]:
    policy = page.headers["content-security-policy"].split("; ")
    return {name: value for name, _, value in (part.partition(" ") for part in policy)}


# ---- the method page


async def test_the_method_page_has_one_form_for_the_issuer_and_one_for_us(payer: Payer) -> None:
    visit = await visit_of(payer, Language.RU)
    forms = read_forms(text_of(method_screen(payer.gateway, visit, METHOD)))
    assert forms.keys() == {METHOD.call.url, "/authenticate"}
    assert forms[METHOD.call.url] == {"threeDSMethodData": METHOD.call.data}
    ours = forms["/authenticate"]
    token = ours.pop("TOKEN")
    judged = judge_token(payer.gateway.keys, visit.view.order, Action.AUTHENTICATE, token)
    assert judged is Verdict.FRESH
    assert ours == {
        "ORDERID": str(payer.ref.order_id),
        "SESSIONID": payer.ref.session_id,
        "LANGUAGE": "RU",
        "sealed": SEALED,
        "completed": "N",
        "browserLanguage": "ru",
        **dict.fromkeys(TOLD, ""),
    }


async def test_the_method_page_frames_and_asks_the_issuers_origin_and_no_other(
    payer: Payer,
) -> None:
    page = method_screen(payer.gateway, await visit_of(payer), METHOD)
    assert policy_of(page) == {
        "default-src": "'none'",
        "img-src": "'self'",
        "script-src": "'self'",
        "style-src": "'self'",
        "base-uri": "'none'",
        "form-action": f"'self' {BANK}",
        "frame-src": f"'self' {BANK}",
        "frame-ancestors": "https://shop.test",
    }
    assert page.headers["cache-control"] == "no-store"


async def test_the_frame_is_seen_and_read_aloud_by_nobody(payer: Payer) -> None:
    page = text_of(method_screen(payer.gateway, await visit_of(payer), METHOD))
    frame = page[page.index("<iframe") : page.index("</iframe>")]
    assert 'aria-hidden="true" hidden' in frame
    assert 'name="method"' in frame
    assert f'title="{Wording(Language.EN).say("method.text")}"' in frame
    assert "src=" not in frame
    assert 'target="method"' in page


async def test_only_the_method_page_loads_the_script_that_waits_for_the_frame(
    payer: Payer,
) -> None:
    visit = await visit_of(payer)
    assert asset_url("method.js") in text_of(method_screen(payer.gateway, visit, METHOD))
    assert asset_url("method.js") not in (await payer.get()).text
    assert asset_url("method.js") not in text_of(
        challenge_screen(payer.gateway, visit, to_challenge())
    )


async def test_the_page_in_the_frame_tells_our_own_origin_alone() -> None:
    page = method_done()
    assert asset_url("method_done.js") in text_of(page)
    assert policy_of(page)["script-src"] == "'self'"
    assert policy_of(page)["form-action"] == "'self'"
    assert "frame-src" not in policy_of(page)
    assert policy_of(page)["frame-ancestors"] == "*"  # a shop may be around our page
    assert page.headers["cache-control"] == "no-store"


# ---- the way to the challenge


async def test_the_challenge_page_sends_the_request_and_the_sealed_card_to_the_issuer(
    payer: Payer,
) -> None:
    page = challenge_screen(payer.gateway, await visit_of(payer), to_challenge())
    assert read_forms(text_of(page)) == {
        f"{BANK}/challenge": {"creq": "eyJjcmVxIjoxfQ", "threeDSSessionData": SEALED}
    }
    assert "form-action" not in policy_of(page), "the issuer may redirect"
    assert "frame-src" not in policy_of(page)
    assert policy_of(page)["frame-ancestors"] == "https://shop.test"


async def test_the_script_leaves_for_the_challenge_by_itself_and_the_button_does_too(
    payer: Payer,
) -> None:
    page = text_of(challenge_screen(payer.gateway, await visit_of(payer), to_challenge()))
    assert "data-automatic" in page
    assert f">{Wording(Language.EN).say('challenge.button')}</button>" in unescape(page)


async def test_what_the_issuer_sends_stays_text(payer: Payer) -> None:
    visit = await visit_of(payer)
    challenge = to_challenge(f"{BANK}/{SLY}", SLY)
    method = MethodStep(MethodCall(f"{BANK}/{SLY}", SLY), SLY)
    for page in (
        challenge_screen(payer.gateway, visit, challenge),
        method_screen(payer.gateway, visit, method),
    ):
        assert "<script>" not in text_of(page)
        assert SLY in read_forms(text_of(page))[f"{BANK}/{SLY}"].values()
        assert "alert" not in page.headers["content-security-policy"]


@pytest.mark.parametrize("address", ["https://a;b/", "https://user@bank.example/", "javascript:1"])
async def test_an_address_that_no_policy_can_name_makes_no_page(payer: Payer, address: str) -> None:
    visit = await visit_of(payer)
    with pytest.raises(ValueError, match="policy cannot name it"):
        method_screen(payer.gateway, visit, MethodStep(MethodCall(address, "e30"), SEALED))


# ---- both


@pytest.mark.parametrize("language", Language)
async def test_both_pages_say_in_each_language_what_happens_and_what_is_paid(
    payer: Payer, language: Language
) -> None:
    visit = await visit_of(payer, language)
    words = Wording(language)
    for name, page in (
        ("method", method_screen(payer.gateway, visit, METHOD)),
        ("challenge", challenge_screen(payer.gateway, visit, to_challenge())),
    ):
        text = unescape(text_of(page))
        heading = words.say(f"{name}.heading")
        assert f'<html lang="{language.lower()}">' in text
        assert f"<title>{heading} – {payer.trader.name}</title>" in text
        assert f'<div role="status">\n<h1 id="heading">{heading}</h1>' in text
        for said in ("text", "button"):
            assert words.say(f"{name}.{said}") in text
        assert words.money((await payer.stored()).amount) in text


async def test_neither_page_has_a_way_out_in_the_middle_of_an_authentication(
    payer: Payer,
) -> None:
    visit = await visit_of(payer)
    for page in (
        method_screen(payer.gateway, visit, METHOD),
        challenge_screen(payer.gateway, visit, to_challenge()),
    ):
        assert "<a " not in text_of(page)


async def test_both_pages_are_counted(payer: Payer) -> None:
    visit = await visit_of(payer)
    method_screen(payer.gateway, visit, METHOD)
    challenge_screen(payer.gateway, visit, to_challenge())
    figures = payer.gateway.metrics.render().decode()
    for page in ("method", "challenge"):
        assert f'tkkpg_page_views_total{{page="{page}"}} 1.0' in figures


# ---- what is read of the browser


def fields(**typed: str) -> Fields:
    return Fields((), tuple(typed.items()))


async def test_what_the_script_of_the_browser_says_is_read() -> None:
    headers = Headers({"Accept": "text/html", "User-Agent": "Mozilla/5.0"})
    browser = browser_of(headers, fields(**TYPED, browserLanguage="ru"), "192.0.2.7")
    assert (browser.accept_header, browser.user_agent) == ("text/html", "Mozilla/5.0")
    assert (browser.ip, browser.language) == ("192.0.2.7", "ru")
    assert browser.script == JavaScript(
        java_enabled=False, color_depth="24", screen_height="740", screen_width="360", tz="-240"
    )
    java = browser_of(NOTHING, fields(**TYPED | {"browserJavaEnabled": "true"}), None)
    assert java.script is not None
    assert java.script.java_enabled


async def test_a_browser_that_says_nothing_is_still_a_browser() -> None:
    browser = browser_of(NOTHING, fields(), None)
    assert (browser.accept_header, browser.user_agent, browser.language) == ("", "", "")
    assert browser.ip is None
    assert browser.script is None


@pytest.mark.parametrize("name", TOLD)
@pytest.mark.parametrize("value", [None, "", "nonsense", "24\n", "7777777", "٢٤", "-", "1.5"])
async def test_one_field_that_is_missing_or_nonsense_is_a_browser_without_script(
    name: str, value: str | None
) -> None:
    typed = {key: it for key, it in (TYPED | {name: value}).items() if it is not None}
    assert browser_of(NOTHING, fields(**typed), None).script is None


@pytest.mark.parametrize(
    ("tz", "sensible"), [("0", True), ("+300", True), ("-840", True), ("-1000", False)]
)
async def test_a_time_zone_is_a_whole_number_of_minutes_within_a_day(
    tz: str, *, sensible: bool
) -> None:
    browser = browser_of(NOTHING, fields(**TYPED | {"browserTZ": tz}), None)
    assert (browser.script is not None) is sensible


@pytest.mark.parametrize("depth", ["1", "4", "8", "15", "16", "24", "32", "48"])
async def test_every_colour_depth_of_emv_is_taken(depth: str) -> None:
    browser = browser_of(NOTHING, fields(**TYPED | {"browserColorDepth": depth}), None)
    assert browser.script is not None
    assert browser.script.color_depth == depth


async def test_the_fields_count_in_the_form_alone() -> None:
    in_address = Fields(tuple(TYPED.items()), ())
    assert browser_of(NOTHING, in_address, None).script is None


@pytest.mark.parametrize(
    ("page", "header", "language"),
    [
        ("az", "en-GB,en;q=0.9", "az"),
        ("", "en-gb,en;q=0.9", "en-GB"),
        ("de", " tr ;q=0.8", "tr"),
        ("", "az-Latn-AZ", "az"),
        ("", "zh-Hans", "zh"),
        ("", "*", ""),
        ("", "english", ""),
        ("", "", ""),
    ],
)
async def test_the_language_is_that_of_the_page_or_the_first_that_the_browser_likes(
    page: str, header: str, language: str
) -> None:
    headers = Headers({"Accept-Language": header})
    assert browser_of(headers, fields(browserLanguage=page), None).language == language
