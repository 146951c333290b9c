"""Pages say the right thing in three languages, and escape what they are given."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from string import Formatter

import pytest

from tkkpg.client import AZN, Amount, Language, OrderRef, OrderStatus
from tkkpg.sandbox.shop import pages
from tkkpg.sandbox.shop.baskets import Line
from tkkpg.sandbox.shop.orders import Attempt, ShopOrder, Trouble, TroubleKind
from tkkpg.sandbox.shop.verdicts import VERDICTS, Verdict

ROOT = files("tkkpg.sandbox.shop")
TEXTS = tomllib.loads(ROOT.joinpath("texts.toml").read_text("utf-8"))


def order(
    status: OrderStatus | None, *, trouble: Trouble | None = None, refunded_minor: int | None = None
) -> ShopOrder:
    attempt = status and Attempt(
        ref=OrderRef(7, "A" * 32),
        payment_url="https://bank.test/",
        status=status,
        claimed=None,
        described="",
        refunded_minor=refunded_minor,
    )
    return ShopOrder(
        number=3,
        reference="reference",
        language=Language.EN,
        lines=(Line("tea", 2, 650),),
        attempts=(attempt,) if attempt else (),
        trouble=trouble,
    )


@pytest.mark.parametrize(
    ("language", "written"),
    [
        (Language.EN, "1,234.50\u00a0AZN"),
        (Language.AZ, "1.234,50\u00a0AZN"),
        (Language.RU, "1\u00a0234,50\u00a0AZN"),
    ],
)
def test_money_is_written_as_each_language_does(language: Language, written: str) -> None:
    assert pages.money(Amount.of("1234.50", AZN), language) == written


def test_every_text_is_there_in_three_languages_with_the_same_gaps() -> None:
    for key, texts in TEXTS.items():
        parsed = [Formatter().parse(text) for text in texts.values()]
        gaps = [{name for _, name, _, _ in parts if name} for parts in parsed]

        assert list(texts) == ["az", "en", "ru"], key
        assert gaps[0] == gaps[1] == gaps[2], key
        assert re.search("[а-яё]", texts["ru"]), key
        assert not re.search("[а-яё]", texts["az"] + texts["en"]), key


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("status", [None, *OrderStatus])
def test_every_state_has_its_page(status: OrderStatus | None, language: Language) -> None:
    html = pages.order_page(order(status, refunded_minor=100), language, None, "token")
    verdict = VERDICTS[status] if status else Verdict.NOT_PAID

    assert f'<html lang="{language.lower()}">' in html
    assert f"<h1>{pages.say(f'verdict_{verdict}', language)}</h1>" in html
    assert 'class="said"' in html


@pytest.mark.parametrize("kind", list(TroubleKind))
@pytest.mark.parametrize("language", list(Language))
def test_every_trouble_has_its_words(kind: TroubleKind, language: Language) -> None:
    trouble = Trouble(kind, "<b>detail</b>")
    html = pages.order_page(order(None, trouble=trouble), language, None, "token")

    assert pages.say(f"trouble_{kind}_why", language) in html
    assert "&lt;b&gt;detail&lt;/b&gt;" in html


def test_trouble_of_an_earlier_try_is_not_shown_once_it_is_paid() -> None:
    trouble = Trouble(TroubleKind.UNCLEAR, "detail")
    html = pages.order_page(order(OrderStatus.APPROVED, trouble=trouble), Language.EN, None, "")

    assert "detail" not in html


def test_a_refund_of_an_unknown_amount_names_none() -> None:
    html = pages.order_page(order(OrderStatus.REFUNDED), Language.EN, None, "token")

    assert "Money went back to the card." in html


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        (OrderStatus.CREATED, Verdict.CHECKING),
        (OrderStatus.ON_LOCK, Verdict.CHECKING),
        (OrderStatus.APPROVED, Verdict.PAID),
        (OrderStatus.REFUNDED, Verdict.REFUNDED),
    ],
)
def test_what_may_have_changed_is_being_checked_while_the_bank_is_silent(
    status: OrderStatus, shown: Verdict
) -> None:
    trouble = Trouble(TroubleKind.NOT_CONFIRMED, "silence")

    assert pages.shown_verdict(order(status), trouble) is shown


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_is_no_page_has_words_of_its_own(status: int) -> None:
    assert pages.say(f"answer_{status}", Language.AZ) in pages.answer_page(status, Language.AZ)


def test_any_other_answer_is_a_request_that_cannot_be_understood() -> None:
    assert "cannot be understood" in pages.answer_page(418, Language.EN)


@pytest.mark.parametrize("name", ["tea", "jam", "coaster", "nar"])
def test_a_picture_is_drawn_without_script_or_anything_from_elsewhere(name: str) -> None:
    drawing = ROOT.joinpath(f"static/{name}.svg").read_text("utf-8")

    assert not re.search(r"<script|<style|style=|href|url\(", drawing)
    assert re.findall(r"https?://[^\"]+", drawing) == ["http://www.w3.org/2000/svg"]
