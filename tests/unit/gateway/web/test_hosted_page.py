"""The hosted page, asked by a browser without script, on a whole gateway."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx2
import pytest
from tests.challenged import ACS, METHOD, N, at_the_issuer, cres_of
from tests.gateway_fixtures import merchant
from tests.paying import stored
from tests.unit.gateway.web import payer as payers
from tests.unit.gateway.web.payer import Payer, at_the_page, is_trouble, read_forms, said

from tkkpg.client.callbacks import read_xmlout
from tkkpg.gateway.threeds.scripted import Script
from tkkpg.gateway.web.forms import BODY_MAX_BYTES, FIELDS_MAX, QUERY_MAX_BYTES
from tkkpg.gateway.web.i18n import Wording
from tkkpg.gateway.web.rendering import asset_url, assets
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.pan import PREFIXES
from tkkpg.protocol.values import Language, OrderRef, OrderStatus

pytestmark = pytest.mark.anyio

WAY_BACK = {
    OrderStatus.APPROVED: "https://shop.example/approve",
    OrderStatus.DECLINED: "https://shop.example/decline",
    OrderStatus.ERROR: "https://shop.example/decline",
    OrderStatus.EXPIRED: "https://shop.example/decline",
    OrderStatus.CANCELED: "https://shop.example/cancel",
}


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    """A payer with an order in English."""
    async with at_the_page(tmp_path) as payer:
        yield await payer.order()


# ---- opening


@pytest.mark.parametrize("language", Language)
async def test_the_page_speaks_the_language_of_the_order(payer: Payer, language: Language) -> None:
    page = await (await payer.order(language)).get()
    assert page.status_code == 200
    assert f'<html lang="{language.lower()}">' in page.text
    assert said(page, language, "form.heading")
    assert Wording(language).money((await payer.stored()).amount) in page.text
    assert said(page, language, "order.secure")
    assert payer.trader.name in page.text
    assert "Three books" in page.text


@pytest.mark.parametrize("path", ["/", "/index.jsp", "/Index.JSP"])
@pytest.mark.parametrize(
    "query",
    [
        "ORDERID={id}&SESSIONID={session}",
        "SessionID={session}&OrderID={id}",
        "orderid={id}&sessionid={session}&",
        "expm=05&expy=17&OrderId={id}&&SESSIONID={session}&SESSIONID={session}",
    ],
)
async def test_the_order_is_found_however_a_shop_names_it(
    payer: Payer, path: str, query: str
) -> None:
    asked = query.format(id=payer.ref.order_id, session=payer.ref.session_id)
    for page in (
        await payer.browser.get(f"{path}?{asked}"),
        await payer.browser.post(f"{path}?{asked}"),
        await payer.browser.post(
            path, content=asked, headers={"Content-Type": "application/x-www-form-urlencoded"}
        ),
    ):
        assert page.status_code == 200
        assert "/pay" in read_forms(page.text)


async def test_number_and_session_may_come_one_in_the_query_and_one_in_the_body(
    payer: Payer,
) -> None:
    address = f"/index.jsp?ORDERID={payer.ref.order_id}"
    page = await payer.browser.post(address, data={"SESSIONID": payer.ref.session_id})
    assert page.status_code == 200


async def test_looking_changes_nothing(payer: Payer) -> None:
    before = await payer.stored()
    for path in ("/", "/index.jsp", "/outcome"):
        await payer.get(path)
        await payer.browser.head(path, params=payer.query)
    await payer.send("/index.jsp", await payer.form() | {"pan": payers.GOOD, "expiry": "12/40"})
    assert await payer.stored() == before


async def test_what_the_shop_wrote_is_shown_as_text(payer: Payer) -> None:
    sly = '<script>alert("x")</script> & <b>'
    page = await (await payer.order(description=sly)).get()
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


@pytest.mark.parametrize("language", Language)
async def test_another_language_can_be_chosen_and_stays(payer: Payer, language: Language) -> None:
    page = await payer.get(LANGUAGE=language)
    assert said(page, language, "form.heading")
    reply = await payer.send("/cancel", read_forms(page.text)["/cancel"])
    assert f"LANGUAGE={language}" in reply.headers["location"]
    assert said(await payer.browser.get(reply.headers["location"]), language, "return.button")


async def test_the_test_card_of_the_bank_is_told_in_the_sandbox_alone(
    payer: Payer, tmp_path: Path
) -> None:
    assert "4169 7332 1349 5869" in (await payer.get()).text
    (tmp_path / "real").mkdir()
    async with at_the_page(tmp_path / "real", sandbox=False) as other:
        page = await (await other.order()).get()
    assert "4169 7332 1349 5869" not in page.text
    assert "Strict-Transport-Security" in page.headers


async def test_script_and_gateway_know_the_same_prefixes(payer: Payer) -> None:
    found = re.search(r'data-prefixes="([^"]+)"', (await payer.get()).text)
    assert found
    told = [tuple(part.split("-")) for part in found[1].split()]
    assert told == [(first, last, scheme.value) for first, last, scheme in PREFIXES]


# ---- paying


async def test_a_good_card_pays_and_the_payer_is_handed_over(payer: Payer) -> None:
    reply = await payer.pay()
    assert reply.status_code == 303
    assert reply.headers["location"] == f"/outcome?{urlencode(payer.query)}"
    page = await payer.ended()
    form = read_forms(page.text)[WAY_BACK[OrderStatus.APPROVED]]
    told = read_xmlout(form)
    assert told.order_status is OrderStatus.APPROVED
    assert told.order_id == payer.ref.order_id
    assert 'data-automatic="5"' in page.text
    assert "4169 73•• •••• 5869" in page.text
    assert payers.GOOD not in page.text
    assert list(form) == ["xmlmsg"]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("pan", "status", "code"),
    [
        (payers.GOOD, OrderStatus.APPROVED, None),
        (payers.POOR, OrderStatus.DECLINED, "076"),
        (payers.SILENT, OrderStatus.DECLINED, "810"),
        (payers.CUT_OFF, OrderStatus.ERROR, None),
    ],
)
async def test_every_outcome_is_told_in_words(
    payer: Payer, language: Language, pan: str, status: OrderStatus, code: str | None
) -> None:
    await (await payer.order(language)).pay(pan)
    page = await payer.ended()
    assert said(page, language, f"final.{status}.heading")
    assert WAY_BACK[status] in read_forms(page.text)
    if code:
        answer = response_code(code)
        assert said(page, language, "refusal.reason", text=answer.text(language), code=code)
        assert said(page, language, f"advice.{answer.family}")


async def test_a_payment_that_nobody_knows_is_not_called_uncharged(payer: Payer) -> None:
    await payer.pay(payers.SILENT)
    page = await payer.ended()
    assert said(page, Language.EN, "refusal.release")
    assert not said(page, Language.EN, "final.DECLINED.text")


async def test_a_slow_answer_is_waited_for_without_script(payer: Payer) -> None:
    reply = await payer.pay(payers.SLOW)
    waiting = await payer.browser.get(reply.headers["location"])
    assert said(waiting, Language.EN, "checking.heading")
    again = waiting.headers["refresh"].removeprefix("2; url=")
    assert read_forms(waiting.text) == {}
    assert said(await payer.get(), Language.EN, "checking.heading")
    await payer.ended()
    assert said(await payer.browser.get(again), Language.EN, "final.APPROVED.heading")


async def test_a_form_sent_many_times_at_once_pays_once(payer: Payer) -> None:
    fields = await payer.form() | {"pan": payers.GOOD, "expiry": "12/40", "cvv2": "123"}
    replies = await asyncio.gather(*(payer.send("/pay", fields) for _ in range(8)))
    assert {reply.status_code for reply in replies} == {303}
    await payer.ended()
    assert await payer.transactions() == 1
    assert (await payer.stored()).status is OrderStatus.APPROVED


async def test_a_form_shown_before_the_order_moved_leads_to_the_outcome(payer: Payer) -> None:
    pay, cancel = await payer.form(), await payer.form("/cancel")
    await payer.pay(payers.POOR)
    await payer.ended()
    card = {"pan": payers.GOOD, "expiry": "12/40", "cvv2": "123"}
    for reply in (
        await payer.send("/pay", pay | card),
        await payer.send("/pay", pay),  # nothing typed: no longer worth a correction
        await payer.send("/cancel", cancel),
    ):
        assert reply.status_code == 303
        assert reply.headers["location"].startswith("/outcome?")
    assert (await payer.stored()).status is OrderStatus.DECLINED
    assert await payer.transactions() == 1


async def test_the_page_of_an_ended_order_offers_the_way_back_and_waits_for_a_press(
    payer: Payer,
) -> None:
    await payer.pay()
    await payer.ended()
    page = await payer.get()
    assert said(page, Language.EN, "final.APPROVED.heading")
    assert WAY_BACK[OrderStatus.APPROVED] in read_forms(page.text)
    assert "data-automatic" not in page.text


async def test_the_outcome_of_an_order_that_waits_is_its_card_form(payer: Payer) -> None:
    reply = await payer.get("/outcome")
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/index.jsp?")


async def test_the_payer_may_leave(payer: Payer) -> None:
    await payer.send("/cancel", await payer.form("/cancel"))
    assert (await payer.stored()).status is OrderStatus.CANCELED
    page = await payer.get("/outcome")
    told = read_xmlout(read_forms(page.text)[WAY_BACK[OrderStatus.CANCELED]])
    assert told.order_status is OrderStatus.CANCELED
    assert "data-automatic>" in page.text


async def test_an_order_whose_time_is_over_takes_no_card(payer: Payer) -> None:
    fields = await payer.form() | {"pan": payers.GOOD, "expiry": "12/40", "cvv2": "123"}
    payer.clock.advance(timedelta(minutes=31))
    assert (await payer.send("/pay", fields)).status_code == 303
    page = await payer.get("/outcome")
    assert said(page, Language.EN, "final.EXPIRED.heading")
    assert WAY_BACK[OrderStatus.EXPIRED] in read_forms(page.text)
    assert "data-automatic" not in page.text
    assert await payer.transactions() == 0


async def test_a_relative_return_address_without_a_base_ends_on_a_plain_page(
    tmp_path: Path,
) -> None:
    async with at_the_page(tmp_path, trader=merchant(base_url="", notification_url="")) as payer:
        await (await payer.order()).pay()
        page = await payer.ended()
    assert read_forms(page.text) == {}
    assert "data-automatic" not in page.text
    assert said(page, Language.EN, "return.close")


# ---- a card that cannot be sent


@pytest.mark.parametrize("language", Language)
async def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_stays(
    payer: Payer, language: Language
) -> None:
    await payer.order(language)
    reply = await payer.pay("4169733213495868", expiry="13/40", cvv2="12x")
    assert reply.status_code == 422
    for problem in ("pan_check_digit", "expiry_format", "cvv2_format"):
        assert said(reply, language, f"problem.{problem}")
    fields = read_forms(reply.text)["/pay"]
    assert fields["pan"] == "4169733213495868"
    assert fields["expiry"] == "13/40"
    assert fields["cvv2"] == ""
    assert "12x" not in reply.text
    assert reply.text.count('aria-invalid="true"') == 3
    assert (await payer.stored()).status is OrderStatus.CREATED


async def test_what_does_not_belong_into_a_field_is_not_shown_again(payer: Payer) -> None:
    strange = (
        "4169733213495869 05/23 447",
        f"{payers.GOOD}x",
        "447",
        "4-4-7",
        "\u0664" * 16,
        "x" * 40,
    )
    for pan in strange:
        reply = await payer.pay(pan, expiry="13/40", cvv2="12x")
        shown = read_forms(reply.text)["/pay"]
        assert (shown["pan"], shown["expiry"]) == ("", "13/40"), pan
    for expiry in (payers.GOOD, "4169 7332 1349 5869", "4169733", "05/23 447", "x", "1/2/3"):
        reply = await payer.pay("4169 7332-13495868", expiry=expiry, cvv2=payers.GOOD)
        shown = read_forms(reply.text)["/pay"]
        assert (shown["pan"], shown["expiry"]) == ("4169 7332-13495868", ""), expiry
        assert payers.GOOD not in reply.text
        assert (await payer.stored()).status is OrderStatus.CREATED


async def test_a_corrected_form_pays(payer: Payer) -> None:
    wrong = await payer.pay(payers.GOOD, cvv2="")
    corrected = read_forms(wrong.text)["/pay"] | {"cvv2": "447"}
    assert (await payer.send("/pay", corrected)).status_code == 303
    await payer.ended()
    assert (await payer.stored()).status is OrderStatus.APPROVED


async def test_the_brand_is_recognised_without_script(payer: Payer) -> None:
    reply = await payer.pay("5200 0000", expiry="", cvv2="")
    shown = re.findall(r'<img class="mark"[^>]*data-scheme="(\w+)">', reply.text)
    assert shown == ["MC"]


async def test_a_card_that_is_no_test_card_leaves_no_trace(payer: Payer) -> None:
    reply = await payer.pay(payers.REAL, expiry="11/39", cvv2="987")
    assert reply.status_code == 422
    assert said(reply, Language.EN, "problem.test_cards_only")
    fields = read_forms(reply.text)["/pay"]
    assert (fields["pan"], fields["expiry"], fields["cvv2"]) == ("", "", "")
    everything = reply.text + str(payer.log.entries)
    # Three digits stand in tokens and times by chance, so the CVV2 is looked for as a whole value.
    assert payers.REAL not in re.sub(r"[\s-]", "", everything)
    assert "11/39" not in everything
    assert not re.search(r"""["'>]987["'<]""", everything)
    assert payer.log.entries[-1]["problems"] == ["test_cards_only"]
    assert await payer.transactions() == 0


async def test_a_card_in_the_address_is_not_read(payer: Payer) -> None:
    address = f"/pay?pan={payers.GOOD}&expiry=12/40&cvv2=123"
    form = {name: it for name, it in (await payer.form()).items() if name.isupper()}
    reply = await payer.send(address, form)
    assert reply.status_code == 422
    assert said(reply, Language.EN, "problem.pan_missing")


async def test_neither_card_nor_session_is_logged(payer: Payer) -> None:
    await payer.pay(payers.GOOD, cvv2="")
    await payer.pay(payers.GOOD)
    await payer.ended()
    logged = str(payer.log.entries)
    assert "page_card_invalid" in logged
    assert payers.GOOD not in logged
    assert payer.ref.session_id not in logged


# ---- forms that are not ours


@pytest.mark.parametrize("action", ["/pay", "/cancel"])
@pytest.mark.parametrize("token", ["", "1", "1.k1." + "0" * 64, "\0"])
async def test_a_forged_form_is_refused(payer: Payer, action: str, token: str) -> None:
    fields = await payer.form(action) | {"TOKEN": token, "pan": payers.GOOD, "cvv2": "123"}
    reply = await payer.send(action, fields | {"expiry": "12/40"})
    assert reply.status_code == 403
    assert (await payer.stored()).status is OrderStatus.CREATED


async def test_the_token_of_another_order_is_refused(payer: Payer) -> None:
    other = (await payer.form("/cancel"))["TOKEN"]
    await payer.order()
    reply = await payer.send("/cancel", await payer.form("/cancel") | {"TOKEN": other})
    assert reply.status_code == 403


@pytest.mark.parametrize("action", ["/pay", "/cancel"])
async def test_a_form_on_somebody_elses_page_is_refused(payer: Payer, action: str) -> None:
    fields = await payer.form(action)
    reply = await payer.send(action, fields, {"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403
    assert (await payer.stored()).status is OrderStatus.CREATED
    assert payer.log.entries[-1]["event"] == "page_form_foreign"


async def test_a_shop_may_send_its_payer_from_anywhere(payer: Payer) -> None:
    page = await payer.send("/index.jsp", payer.query, {"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200


# ---- the forms of 3-D Secure


SCRIPT = {
    "browserJavaEnabled": "false",
    "browserColorDepth": "24",
    "browserScreenHeight": "740",
    "browserScreenWidth": "360",
    "browserTZ": "-240",
}
FOREIGN = {"Sec-Fetch-Site": "cross-site"}


@asynccontextmanager
async def at_the_method_page(home: Path) -> AsyncIterator[tuple[Payer, dict[str, str]]]:
    """Give a payer who typed a card, and the form that goes on from the method page."""
    async with at_the_issuer(home, Script(acs_url=ACS, method_url=METHOD)) as scene:
        await scene.order()
        card = {"pan": payers.GOOD, "expiry": "12/40", "cvv2": "123"}
        page = await scene.payer.send("/pay", await scene.payer.form() | card | SCRIPT)
        yield scene.payer, read_forms(page.text)["/authenticate"]


async def test_the_form_of_the_method_page_on_somebody_elses_page_is_refused(
    tmp_path: Path,
) -> None:
    async with at_the_method_page(tmp_path) as (payer, form):
        assert is_trouble(await payer.send("/authenticate", form, FOREIGN), 403)
        assert payer.log.entries[-1]["event"] == "page_form_foreign"
        assert ACS in read_forms((await payer.send("/authenticate", form)).text)


@pytest.mark.parametrize("token", ["", "2", "2.k1." + "0" * 64, "\0"])
async def test_a_forged_form_of_the_method_page_is_refused(tmp_path: Path, token: str) -> None:
    async with at_the_method_page(tmp_path) as (payer, form):
        assert is_trouble(
            await payer.send("/authenticate", form | {"TOKEN": token}), 403, Language.EN
        )


@pytest.mark.parametrize("action", ["/pay", "/cancel"])
async def test_a_token_is_for_one_form_alone(tmp_path: Path, action: str) -> None:
    async with at_the_method_page(tmp_path) as (payer, form):
        other = (await payer.form(action))["TOKEN"]
        assert is_trouble(
            await payer.send("/authenticate", form | {"TOKEN": other}), 403, Language.EN
        )
        mine = await payer.form(action) | {"TOKEN": form["TOKEN"]}
        assert is_trouble(await payer.send(action, mine), 403, Language.EN)


async def test_a_form_of_the_method_page_without_its_card_leads_to_the_card_form(
    tmp_path: Path,
) -> None:
    async with at_the_method_page(tmp_path) as (payer, form):
        reply = await payer.send("/authenticate", form | {"sealed": ""})
        assert (reply.status_code, reply.headers["location"][:9]) == (303, "/outcome?")
        assert "/pay" in await forms_at_the_end(payer)
        assert (await payer.stored()).status is OrderStatus.ON_PAYMENT


async def test_the_form_of_the_method_page_of_a_card_typed_before_leads_to_the_card_form(
    tmp_path: Path,
) -> None:
    async with at_the_method_page(tmp_path) as (payer, form):
        await payer.pay()
        reply = await payer.send("/authenticate", form)
        assert reply.status_code == 303
        assert "/pay" in await forms_at_the_end(payer)


async def forms_at_the_end(payer: Payer) -> set[str]:
    """Follow `/outcome`, and say which forms the page has where it leads."""
    reply = await payer.get("/outcome")
    page = await payer.browser.get(reply.headers["location"]) if reply.is_redirect else reply
    return set(read_forms(page.text))


async def test_the_method_page_may_report_from_anywhere_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with at_the_method_page(tmp_path) as (payer, _):
        before = await payer.stored()
        for data in ({"threeDSMethodData": "eyJ4IjoxfQ"}, {"threeDSMethodData": "%"}, {}):
            reply = await payer.send("/3ds/method", data, FOREIGN)
            assert reply.status_code == 200
            assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert await payer.stored() == before


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"cres": ""},
        {"cres": "x", "threeDSSessionData": "x"},
        {"cres": "\0", "threeDSSessionData": "\0"},
        {"cres": "A" * 16_000},
        {"CRES": "eyJ4IjoxfQ", "SESSIONID": "x", "ORDERID": "1"},
    ],
    ids=["nothing", "empty", "no text", "zero", "long", "no message"],
)
async def test_a_return_that_names_no_attempt_is_400(payer: Payer, fields: dict[str, str]) -> None:
    assert is_trouble(await payer.send("/3ds/return", fields, FOREIGN), 400)
    assert payer.log.entries[-1]["event"] == "challenge_unreadable"


async def test_a_return_is_read_from_the_form_alone(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        fields = {"cres": cres_of(step), "threeDSSessionData": step.sealed}
        address = f"/3ds/return?{urlencode(fields)}"
        assert is_trouble(await scene.payer.send(address, {}, FOREIGN), 400)
        assert is_trouble(await scene.payer.browser.post("/3ds/return", json=fields), 400)
        reply = await scene.payer.send("/3ds/return", {"cres": cres_of(step)}, FOREIGN)
        assert is_trouble(reply, 400)
        assert step.sealed not in reply.text
        assert scene.payer.ref.session_id not in reply.text


async def test_a_return_leads_to_its_own_order_whatever_else_it_names(tmp_path: Path) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step)
        own, other = scene.payer.query, await scene.order()
        fields = {"cres": cres_of(step), "threeDSSessionData": step.sealed}
        named = {"ORDERID": str(other.order_id), "SESSIONID": other.session_id}
        reply = await scene.payer.send("/3ds/return?LANGUAGE=RU", fields | named, FOREIGN)
        assert reply.headers["location"] == f"/outcome?{urlencode({'LANGUAGE': 'RU'} | own)}"
        assert (await stored(scene.gateway, other)).status is OrderStatus.CREATED


async def test_a_return_to_an_order_that_ended_more_than_a_day_ago_is_gone(
    tmp_path: Path,
) -> None:
    async with at_the_issuer(tmp_path) as scene:
        step = await scene.challenge()
        await scene.tell(step, N)
        scene.at.clock.advance(timedelta(hours=25))
        fields = {"cres": cres_of(step), "threeDSSessionData": step.sealed}
        assert is_trouble(await scene.payer.send("/3ds/return", fields, FOREIGN), 410, Language.EN)


# ---- what cannot be served


@pytest.mark.parametrize(
    "query",
    [
        "",
        "ORDERID=&SESSIONID=",
        "ORDERID=x&SESSIONID=y",
        "ORDERID=1000001",
        "ORDERID=1000001&ORDERID=1000002&SESSIONID=y",
        "ORDERID=9999999999999999999&SESSIONID=y",
        "ORDERID=1000001&SESSIONID=y&" + "a=1&" * FIELDS_MAX,
        "ORDERID=1000001&SESSIONID=y&a=" + "1" * QUERY_MAX_BYTES,
        "%00%ff=%fe&;;&==",
    ],
)
async def test_garbage_is_400(payer: Payer, query: str) -> None:
    assert is_trouble(await payer.browser.get(f"/index.jsp?{query}"), 400)


async def test_an_unknown_order_and_a_wrong_session_get_the_same_404(payer: Payer) -> None:
    wrong = await payer.get(SESSIONID="F" * 32)
    payer.ref = OrderRef(7, payer.ref.session_id)
    unknown = await payer.get()
    assert is_trouble(wrong, 404)
    assert wrong.text == unknown.text


@pytest.mark.parametrize("path", ["/favicon.ico", "/index.jsp/x", "/static/page.css", "/static/"])
async def test_an_unknown_address_is_404(payer: Payer, path: str) -> None:
    assert is_trouble(await payer.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/pay"),
        ("PUT", "/"),
        ("POST", "/outcome"),
        ("GET", "/authenticate"),
        ("GET", "/3ds/method"),
        ("GET", "/3ds/return"),
        ("PUT", "/3ds/return"),
    ],
)
async def test_a_wrong_method_is_405(payer: Payer, method: str, path: str) -> None:
    assert is_trouble(await payer.browser.request(method, path, params=payer.query), 405)


async def test_an_order_that_ended_more_than_a_day_ago_is_gone(payer: Payer) -> None:
    await payer.pay()
    await payer.ended()
    payer.clock.advance(timedelta(hours=24))
    assert (await payer.get()).status_code == 200
    payer.clock.advance(timedelta(seconds=1))
    for path in ("/index.jsp", "/outcome"):
        gone = await payer.get(path)
        assert is_trouble(gone, 410, Language.EN)
        assert 'class="primary" href="https://shop.example' in gone.text


async def test_a_body_over_the_limit_is_refused_while_it_is_read(payer: Payer) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"a" * 1024

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/index.jsp", "/pay", "/authenticate", "/3ds/return"):
        sent = 0
        reply = await payer.browser.post(path, content=endless(), headers=form)
        assert is_trouble(reply, 413)
        assert sent <= BODY_MAX_BYTES + 2048


async def test_a_body_of_another_kind_is_not_looked_at(payer: Payer) -> None:
    page = await payer.browser.post(
        "/index.jsp", params=payer.query, json={"ORDERID": 1, "SESSIONID": "x"}
    )
    assert page.status_code == 200


async def test_the_unforeseen_is_a_calm_page_with_a_reference_that_the_log_knows(
    payer: Payer,
) -> None:
    await payer.gateway.store.aclose()
    reply = await payer.get()
    assert is_trouble(reply, 500)
    entry = payer.log.entries[-1]
    assert (entry["event"], entry["path"]) == ("page_failed", "/index.jsp")
    assert payer.ref.session_id not in str(entry)


# ---- what every page has


async def every_page(payer: Payer) -> list[httpx2.Response]:
    """One of each: form, corrections, redirect, being checked, outcome, final state, trouble."""
    pages = [await payer.get(), await payer.pay(cvv2=""), await payer.pay(payers.SLOW)]
    pages.append(await payer.get("/outcome"))
    pages += [await payer.ended(), await payer.get(), await payer.get("/nowhere")]
    assert [page.status_code for page in pages] == [200, 422, 303, 200, 200, 200, 404]
    return pages


async def test_no_page_sets_a_cookie_or_is_kept(payer: Payer) -> None:
    for page in await every_page(payer):
        assert "set-cookie" not in page.headers
        assert "x-frame-options" not in page.headers
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "origin"


async def test_only_the_pages_without_input_may_send_a_form_to_the_shop(payer: Payer) -> None:
    for page in await every_page(payer):
        leads_to_the_shop = any(action.startswith("https:") for action in read_forms(page.text))
        bound = "form-action 'self'" in page.headers["content-security-policy"]
        assert bound is not leads_to_the_shop


async def test_no_page_has_script_or_style_of_its_own(payer: Payer) -> None:
    for page in await every_page(payer):
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page.text)
        assert not re.search(r"<script(?![^>]*\ssrc=\"/static/)[^>]*>", page.text)


async def test_a_static_file_may_be_kept_for_ever_under_the_address_of_its_content(
    payer: Payer,
) -> None:
    addresses = {asset_url(name) for name in assets()}
    assert set(re.findall(r'"(/static/[^"]+)"', (await payer.get()).text)) < addresses
    for address in addresses:
        file = await payer.browser.get(address)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
        assert file.headers["x-content-type-options"] == "nosniff"


async def test_a_page_with_all_that_belongs_to_it_is_light(payer: Payer) -> None:
    page = len((await payer.get()).content)
    assert page + sum(len(file.content) for file in assets().values()) < 60_000


async def test_pages_are_counted(payer: Payer) -> None:
    await every_page(payer)
    figures = payer.gateway.metrics.render().decode()
    for page, shown in {"form": 4, "checking": 1, "final": 2, "trouble": 1}.items():
        assert f'tkkpg_page_views_total{{page="{page}"}} {shown}.0' in figures
