"""What a shop asks for beside a plain payment: a saved card, instalments, a hold."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import (
    PRICE,
    RETURN_URL,
    back_to_shop,
    ends,
    new_order,
    pay,
    pay_button,
    saved_cards,
    scrolls_sideways,
    shows,
    type_card,
)
from tests.browser.sandbox_process import Running
from tests.browser.test_accessibility import is_accessible

from tkkpg.client import Language, OrderOptions, OrderStatus, OrderType

PAID: Final = "Payment successful"
HELD: Final = "Amount held"
MASKED: Final = "416973••••••5869"
APPROVE_URL: Final = f"{RETURN_URL}/approved"
SAVING: Final = OrderOptions(
    save_card=True, instalments=6, consent="Monthly tea. You can stop it whenever you like."
)


def consent(page: Page) -> Locator:
    """Find the box by the words that stand beside it."""
    return page.get_by_label("Save this card for later payments at ")


def test_a_ticked_consent_saves_the_card(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox, options=SAVING)
    page.goto(order.payment_url)
    expect(consent(page)).not_to_be_checked()
    expect(consent(page)).to_have_accessible_description(SAVING.consent)
    page.get_by_text("Save this card for later payments at ").click()  # the words tick it too
    expect(consent(page)).to_be_checked()
    pay(page)

    ends(page, order, PAID)
    assert saved_cards(sandbox, order) == [MASKED]


def test_without_a_tick_no_card_is_saved(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox, options=SAVING)
    page.goto(order.payment_url)
    pay(page)

    ends(page, order, PAID)
    assert saved_cards(sandbox, order) == []


def test_the_tick_stays_when_the_card_has_to_be_corrected(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox, options=SAVING)
    page.goto(order.payment_url)
    consent(page).check()
    type_card(page)
    page.locator("#expiry").fill("1")
    pay_button(page).click()
    page.locator("#expiry-note").wait_for()
    expect(consent(page)).to_be_checked()
    pay(page)

    ends(page, order, PAID)
    assert saved_cards(sandbox, order) == [MASKED]


def test_the_consent_is_reached_and_ticked_by_the_keyboard(page: Page, sandbox: Running) -> None:
    page.goto(new_order(sandbox, options=SAVING).payment_url)
    page.locator("#cvv2").focus()
    page.keyboard.press("Tab")
    expect(consent(page)).to_be_focused()
    page.keyboard.press("Space")
    expect(consent(page)).to_be_checked()
    page.keyboard.press("Tab")
    expect(pay_button(page)).to_be_focused()


def test_instalments_stand_beside_the_amount(page: Page, sandbox: Running) -> None:
    page.goto(new_order(sandbox, options=SAVING).payment_url)

    expect(page.locator(".order .instalments")).to_have_text("Instalments: 6\u00a0months")


def test_a_held_amount_leads_back_as_an_approval(page: Page, sandbox: Running) -> None:
    order = sandbox.client.create_order(
        amount=PRICE,
        language=Language.EN,
        approve_url=APPROVE_URL,
        cancel_url=RETURN_URL,
        decline_url=RETURN_URL,
        order_type=OrderType.PRE_AUTH,
    )
    page.context.route(APPROVE_URL, lambda route: route.fulfill(body="Thank you"))
    page.goto(order.payment_url)
    expect(pay_button(page)).to_have_text("Hold 30.00\u00a0AZN")
    expect(page.get_by_text("charged later, when the shop confirms the order")).to_be_visible()
    pay(page)

    back_to_shop(page, HELD)
    page.wait_for_url(APPROVE_URL)
    page.goto(order.payment_url)
    shows(page, HELD)
    state = sandbox.client.get_order_status(order.ref)
    assert state.order_status is OrderStatus.PREAUTH_APPROVED


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("language", list(Language))
def test_all_of_it_fits_and_is_accessible(
    browse: Browse, sandbox: Running, language: Language, width: int
) -> None:
    dark = "dark" if width == 360 else "light"
    page = browse(viewport={"width": width, "height": 720}, color_scheme=dark)
    long = OrderOptions(save_card=True, instalments=99, consent="Kart" * 128)
    order = new_order(sandbox, language, order_type=OrderType.PRE_AUTH, options=long)
    page.goto(order.payment_url)
    assert not scrolls_sideways(page)
    is_accessible(page, [width])
    box = page.locator(".consent label").bounding_box()
    assert box is not None
    assert box["height"] >= 36  # a finger finds it
