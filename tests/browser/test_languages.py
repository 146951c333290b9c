"""The pages in Azerbaijani, English and Russian, by the order's language or the payer's choice."""

from __future__ import annotations

from typing import Final, NamedTuple

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import ends, new_order, pay, pay_button, shows
from tests.browser.sandbox_process import Running

from tkkpg.client import Language


class Said(NamedTuple):
    """What the pages say in one language."""

    form: str
    button: str
    wrong: str
    paid: str
    shop: str


SAID: Final = {
    Language.AZ: Said(
        "Kart məlumatlarını daxil edin",
        "30,00\u00a0AZN ödəyin",
        "Kartın nömrəsini daxil edin.",
        "Ödəniş uğurla başa çatdı",
        "Azərbaycandan üç gözəl şey",
    ),
    Language.EN: Said(
        "Enter your card details",
        "Pay 30.00\u00a0AZN",
        "Enter the card number.",
        "Payment successful",
        "Three good things from Azerbaijan",
    ),
    Language.RU: Said(
        "Введите данные карты",
        "Оплатить 30,00\u00a0AZN",
        "Введите номер карты.",
        "Оплата прошла успешно",
        "Три хорошие вещи из Азербайджана",
    ),
}

each_language = pytest.mark.parametrize("language", list(Language))


def speaks(page: Page, language: Language) -> None:
    expect(page.locator("html")).to_have_attribute("lang", language.lower())
    shows(page, SAID[language].form)
    expect(pay_button(page)).to_have_text(SAID[language].button)


@each_language
def test_an_order_speaks_its_language_to_the_end(
    page: Page, sandbox: Running, language: Language
) -> None:
    order = new_order(sandbox, language)
    page.goto(order.payment_url)
    speaks(page, language)
    pay_button(page).click()
    expect(page.locator("#pan-note")).to_have_text(SAID[language].wrong)
    speaks(page, language)
    pay(page)

    ends(page, order, SAID[language].paid)


@each_language
def test_a_payer_changes_the_language_for_the_whole_way(
    browse: Browse, sandbox: Running, language: Language
) -> None:
    page = browse(java_script_enabled=False)  # the last page stays
    other = Language.EN if language is Language.AZ else Language.AZ
    page.goto(new_order(sandbox, other).payment_url)
    speaks(page, other)
    page.locator(f".languages a[lang={language.lower()}]").click()
    speaks(page, language)
    current = page.locator(".languages [aria-current]")
    expect(current).to_have_attribute("lang", language.lower())
    pay_button(page).click()
    expect(page.locator("#pan-note")).to_have_text(SAID[language].wrong)
    pay(page)

    shows(page, SAID[language].paid)


@each_language
def test_the_final_page_changes_its_language(
    page: Page, sandbox: Running, language: Language
) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page)
    ends(page, order, SAID[Language.EN].paid)
    page.locator(f".languages a[lang={language.lower()}]").click()

    shows(page, SAID[language].paid)


@each_language
def test_the_shop_takes_its_language_along_to_the_bank(
    page: Page, sandbox: Running, language: Language
) -> None:
    page.goto(sandbox.shop_url)
    page.locator(f".languages a[lang={language.lower()}]").click()
    shows(page, SAID[language].shop)
    page.locator(".product button").first.click()
    page.locator(".basket button.main").click()

    shows(page, SAID[language].form)
