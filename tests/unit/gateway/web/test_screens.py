"""What the pages show of an order: consent, instalments, holds, and a screen for every status."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from tests.model_factories import context_at, order_in
from tests.unit.gateway.web import payer as payers
from tests.unit.gateway.web.payer import Payer, at_the_page, read_forms, said

from tkkpg.gateway.flows.operations.complete import complete
from tkkpg.gateway.model.card import CardProblem
from tkkpg.gateway.model.lifecycle import ENDED
from tkkpg.gateway.model.plan import Plan
from tkkpg.gateway.model.receipt import receipt
from tkkpg.gateway.web.authentication import TOLD
from tkkpg.gateway.web.i18n import Wording
from tkkpg.gateway.web.rendering import assets
from tkkpg.gateway.web.screens import MARKS
from tkkpg.gateway.web.security import Action, Verdict, judge_token
from tkkpg.protocol.converters import DESCRIPTION_MAX
from tkkpg.protocol.messages import CompletionRequest, CustomField
from tkkpg.protocol.pan import Scheme
from tkkpg.protocol.values import AZN, Amount, Language, OrderStatus, OrderType

pytestmark = pytest.mark.anyio

CONSENT: Final[dict[str, Any]] = {"register_card": True}
TICKED: Final[dict[str, Any]] = {"register_card": True, "register_checked": True}

TONES: Final = {
    OrderStatus.APPROVED: "good",
    OrderStatus.PREAUTH_APPROVED: "good",
    OrderStatus.DECLINED: "bad",
    OrderStatus.ERROR: "bad",
}


@pytest.fixture
async def payer(tmp_path: Path) -> AsyncIterator[Payer]:
    """A payer without an order yet."""
    async with at_the_page(tmp_path) as payer:
        yield payer


# ---- saving the card


@pytest.mark.parametrize("language", Language)
async def test_the_card_is_saved_only_where_the_shop_may_ask_and_the_payer_agrees(
    payer: Payer, language: Language
) -> None:
    page = await (await payer.order(language)).get()
    assert 'type="checkbox"' not in page.text
    offered = await (await payer.order(language, **CONSENT)).get()
    assert said(offered, language, "form.register", shop=payer.trader.name)
    assert "register" not in read_forms(offered.text)["/pay"]
    ticked = await (await payer.order(language, **TICKED)).get()
    assert read_forms(ticked.text)["/pay"]["register"] == "1"


@pytest.mark.parametrize(
    ("asked", "ticks", "saved"),
    [
        (CONSENT, {"register": "1"}, True),
        (CONSENT, {}, False),
        (TICKED, {}, True),
        ({}, {"register": "1"}, False),
    ],
    ids=["ticked", "left alone", "ticked before", "never offered"],
)
async def test_the_tick_decides_whether_the_host_keeps_the_card(
    payer: Payer, asked: dict[str, Any], ticks: dict[str, str], saved: bool
) -> None:
    await (await payer.order(**asked)).pay(**ticks)
    assert said(await payer.ended(), Language.EN, "final.APPROVED.heading")
    kept = await payer.saved_card()
    assert (kept is not None) is saved
    assert kept is None or kept.pan_masked == "416973••••••5869"


async def test_a_tick_taken_away_is_no_consent(payer: Payer) -> None:
    form = await (await payer.order(**TICKED)).form()
    form |= {"pan": payers.GOOD, "expiry": "12/40", "cvv2": "123"}
    del form["register"]
    await payer.send("/pay", form)
    await payer.ended()
    assert await payer.saved_card() is None


@pytest.mark.parametrize("pan", [payers.GOOD, payers.REAL], ids=["a digit", "no test card"])
@pytest.mark.parametrize("asked", [CONSENT, TICKED], ids=["offered", "ticked before"])
@pytest.mark.parametrize("ticks", [{"register": "1"}, {}], ids=["ticked", "not ticked"])
async def test_the_tick_stays_as_the_payer_left_it(
    payer: Payer, asked: dict[str, Any], ticks: dict[str, str], pan: str
) -> None:
    form = await (await payer.order(**asked)).form()
    form.pop("register", None)
    typed = {"pan": pan, "expiry": "12/40", "cvv2": ""}
    page = await payer.send("/pay", form | typed | ticks)
    assert page.status_code == 422
    assert {"register": "1"}.items() & read_forms(page.text)["/pay"].items() == ticks.items()


async def test_the_text_of_the_shop_stands_beside_the_consent_as_text(payer: Payer) -> None:
    sly = '<b onclick="x">We keep it</b> ' + "a" * (DESCRIPTION_MAX - 30)
    attention = (CustomField(name="Attention", title=sly),)
    page = await (await payer.order(**CONSENT, custom_fields=attention)).get()
    assert sly in unescape(page.text)
    assert "<b onclick" not in page.text
    assert 'aria-describedby="register-note"' in page.text
    alone = await (await payer.order(custom_fields=attention)).get()
    assert "We keep it" not in alone.text


# ---- instalments and holds


@pytest.mark.parametrize("language", Language)
async def test_instalments_are_told_beside_the_amount_and_in_the_receipt(
    payer: Payer, language: Language
) -> None:
    page = await (await payer.order(language, "77;TAKSIT=6")).get()
    told = f"{Wording(language).say('receipt.instalments')}: <strong>{Wording(language).months(6)}"
    assert told in page.text
    await payer.pay()
    assert f"<bdi>{Wording(language).months(6)}</bdi>" in (await payer.ended()).text


@pytest.mark.parametrize("description", ["Three books", "TAKSIT=0", "TAKSIT=1"])
async def test_one_payment_is_no_instalment(payer: Payer, description: str) -> None:
    page = await (await payer.order(description=description)).get()
    assert not said(page, Language.EN, "receipt.instalments")


@pytest.mark.parametrize("language", Language)
async def test_a_pre_authorisation_says_that_the_amount_is_held_and_charged_later(
    payer: Payer, language: Language
) -> None:
    page = await (await payer.order(language, order_type=OrderType.PRE_AUTH)).get()
    amount = Wording(language).money((await payer.stored()).amount)
    for key in ("order.held_amount", "form.hold_note"):
        assert said(page, language, key)
    assert said(page, language, "form.hold", amount=amount)
    assert not said(page, language, "form.pay", amount=amount)
    assert not said(page, language, "order.amount")
    await payer.pay()
    held = await payer.ended()
    assert said(held, language, "final.PREAUTH-APPROVED.heading")
    assert said(held, language, "final.PREAUTH-APPROVED.text", amount=amount)
    assert "https://shop.example/approve" in read_forms(held.text)


async def test_a_part_that_was_charged_is_the_amount_of_the_final_page(payer: Payer) -> None:
    await (await payer.order(order_type=OrderType.PRE_AUTH)).pay()
    await payer.ended()
    request = CompletionRequest(
        language=Language.EN,
        merchant_id=payer.trader.merchant_id,
        order_id=payer.ref.order_id,
        session_id=payer.ref.session_id,
        amount_minor=2000,
    )
    await complete(payer.gateway, payer.trader, request)
    page = await payer.get()
    charged = Wording(Language.EN).money(Amount(2000, AZN))
    assert said(page, Language.EN, "final.APPROVED.text", amount=charged)
    assert Wording(Language.EN).money(Amount(3000, AZN)) not in page.text


# ---- the time that is left


def timer(page: httpx2.Response) -> tuple[dict[str, str], str] | None:
    """The attributes of the timer of a page, and what it says; None without one."""
    found = re.search(r'<p class="timer"([^>]*)>.*?<span>(.*?)</span>', page.text, re.DOTALL)
    if found is None:
        return None
    return {name: unescape(it) for name, it in re.findall(r'data-(\w+)="([^"]*)"', found[1])}, (
        "" if " hidden" in found[1] else found[2]
    )


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("passed", "left_s", "minutes"),
    [
        (timedelta(0), 1800, None),
        (timedelta(minutes=24, seconds=59), 301, None),
        (timedelta(minutes=25), 300, 5),
        (timedelta(minutes=25, seconds=1), 299, 5),
        (timedelta(minutes=29), 60, 1),
        (timedelta(minutes=29, seconds=59.5), 0, 1),
    ],
)
async def test_the_last_five_minutes_of_business_time_are_told(
    payer: Payer, language: Language, passed: timedelta, left_s: int, minutes: int | None
) -> None:
    await payer.order(language)
    payer.clock.advance(passed)
    found = timer(await payer.get())
    assert found is not None
    told, line = found
    words = Wording(language)
    assert told["left"] == str(left_s)
    wanted = words.say("timer.left", minutes=words.minutes(minutes)) if minutes else ""
    assert line == wanted
    assert told["lines"].split("|")[4] == words.say("timer.left", minutes=words.minutes(5))


async def test_the_end_of_the_time_leads_to_the_page_of_the_order_once(payer: Payer) -> None:
    page = await (await payer.order()).get(LANGUAGE="RU")
    found = timer(page)
    assert found is not None
    payer.clock.advance(timedelta(minutes=30))
    assert found[0]["ended"].startswith("/index.jsp?")
    assert "ENDED=1" in found[0]["ended"].split("&")
    ended = await payer.browser.get(found[0]["ended"])
    assert said(ended, Language.RU, "final.EXPIRED.heading")
    assert found[0]["over"] == Wording(Language.RU).say("final.EXPIRED.heading")


async def test_an_order_that_waits_for_ever_has_neither_deadline_nor_timer(payer: Payer) -> None:
    page = await (await payer.order(expiration_min=0)).get()
    assert timer(page) is None
    assert not said(page, Language.EN, "order.deadline")
    assert said(await (await payer.order()).get(), Language.EN, "order.deadline")


# ---- what the script knows


async def test_the_script_has_the_sentences_of_every_problem_that_it_can_see(
    payer: Payer,
) -> None:
    page = (await (await payer.order(Language.AZ)).get()).text
    for problem in set(CardProblem) - {CardProblem.TEST_CARDS_ONLY}:
        at, _, short = problem.partition("_")
        field = re.search(rf'<input id="{at}"[^>]*>', page)
        assert field is not None
        sentence = Wording(Language.AZ).say(f"problem.{problem}")
        assert f'data-{short}="{sentence}"' in unescape(field[0])


async def test_the_month_is_told_only_where_an_expired_card_is_refused(
    payer: Payer, tmp_path: Path
) -> None:
    assert "data-month" not in (await (await payer.order()).get()).text
    (tmp_path / "real").mkdir()
    async with at_the_page(tmp_path / "real", sandbox=False) as other:
        page = await (await other.order()).get()
        assert f'data-month="{other.clock.now():%Y%m}"' in page.text


def test_every_scheme_has_a_mark_of_its_own() -> None:
    assert MARKS.keys() == set(Scheme)
    assert {file for file, _ in MARKS.values()} <= assets().keys()
    assert len({assets()[file].content for file, _ in MARKS.values()}) == len(Scheme)


async def test_the_form_has_room_for_what_a_script_knows_of_the_browser(payer: Payer) -> None:
    forms = read_forms((await (await payer.order(Language.AZ)).get(LANGUAGE="RU")).text)
    told = {name: value for name, value in forms["/pay"].items() if name.startswith("browser")}
    assert told == {"browserLanguage": "ru", **dict.fromkeys(TOLD, "")}
    assert not told.keys() & forms["/cancel"].keys()
    script = assets()["page.js"].content.decode()
    for name in TOLD:
        assert re.search(rf"\b{name.removeprefix('browser')}: ", script)


async def test_each_form_of_the_card_page_has_the_token_of_its_own_action(payer: Payer) -> None:
    forms = read_forms((await (await payer.order()).get()).text)
    for action in (Action.PAY, Action.CANCEL):
        token = forms[f"/{action.value}"]["TOKEN"]
        judged = judge_token(payer.gateway.keys, await payer.stored(), action, token)
        assert judged is Verdict.FRESH
    assert len({form["TOKEN"] for form in forms.values()}) == 2


# ---- the receipt


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("order_type", [OrderType.PURCHASE, OrderType.PRE_AUTH])
async def test_a_paid_or_held_order_has_its_receipt_to_print_in_the_language_of_the_page(
    payer: Payer, order_type: OrderType, language: Language
) -> None:
    await (await payer.order(Language.AZ, order_type=order_type)).pay()
    await payer.ended()
    page = await payer.get(LANGUAGE=language)
    facts = await payer.gateway.store.facts(payer.ref.order_id)
    assert facts is not None
    order = replace(facts.order, language=language)
    slip = receipt(order, facts.merchant, facts.transactions)
    assert slip is not None
    assert f'<pre class="slip">{slip}</pre>' in unescape(page.text)
    assert said(page, language, "receipt.print")


async def test_an_order_that_was_not_paid_has_no_receipt(payer: Payer) -> None:
    await (await payer.order()).pay(payers.POOR)
    page = await payer.ended()
    assert "slip" not in page.text
    assert not said(page, Language.EN, "receipt.print")


# ---- every status


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("status", OrderStatus)
async def test_every_status_has_its_screen_in_every_language(
    payer: Payer, status: OrderStatus, language: Language
) -> None:
    order = replace(
        order_in(status, refunded_minor=1250 if status is OrderStatus.REFUNDED else 0),
        language=language,
        expires_at=payer.clock.now() + timedelta(minutes=1),
    )
    plan = Plan(context=context_at(payer.clock.now()), action="made", new_orders=(order,))
    await payer.gateway.store.commit(plan)
    payer.ref = order.ref
    page = await payer.get()
    assert page.status_code == 200
    if status in {OrderStatus.CREATED, OrderStatus.ON_PAYMENT}:
        assert said(page, language, "form.heading")
        assert said(page, language, "form.awaits_bank") is (status is OrderStatus.ON_PAYMENT)
    elif status not in ENDED:
        assert said(page, language, "checking.heading")
    else:
        money = Wording(language).money
        assert said(page, language, f"final.{status}.heading")
        assert said(
            page,
            language,
            f"final.{status}.text",
            amount=money(order.amount),
            refunded=money(Amount(1250, AZN)),
        )
        tone = re.search(r'<section class="sheet (\w+)"', page.text)
        assert tone
        assert tone[1] == TONES.get(status, "calm")
