"""The hosted page by itself: every way to pay, and no way to pay twice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import (
    RETURN_URL,
    back_to_shop,
    ends,
    new_order,
    pay,
    pay_button,
    scrolls_sideways,
    shows,
    transactions,
    type_card,
)
from tests.browser.sandbox_process import Running

from tkkpg.client import OrderStatus

PAID = "Payment successful"
DECLINED = "Payment declined"
MINUTE_MS = 60_000
CHECKED = "Your payment is being checked"
PAID_ONCE = [("AUTHORISATION", "APPROVED")]


def test_works_without_javascript(browse: Browse, sandbox: Running) -> None:
    order = new_order(sandbox)
    page = browse(java_script_enabled=False)
    page.goto(order.payment_url)
    pay(page)

    shows(page, PAID)
    expect(page.get_by_role("button", name="Return to the shop")).to_be_visible()
    assert transactions(sandbox, order) == PAID_ONCE


def test_waits_without_javascript(browse: Browse, sandbox: Running) -> None:
    order = new_order(sandbox)
    page = browse(java_script_enabled=False)
    page.goto(order.payment_url)
    pay(page, "slow")

    shows(page, CHECKED)
    shows(page, PAID)


def test_works_with_the_keyboard_alone(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    for _ in range(12):
        if page.evaluate("document.activeElement.id") == "pan":
            break
        page.keyboard.press("Tab")
    page.keyboard.type("4169733213495869")
    page.keyboard.press("Tab")
    page.keyboard.type("0523")
    page.keyboard.press("Tab")
    page.keyboard.type("447")
    page.keyboard.press("Tab")
    expect(pay_button(page)).to_be_focused()
    page.keyboard.press("Enter")

    ends(page, order, PAID)


@pytest.mark.parametrize("language", ["AZ", "EN", "RU"])
def test_a_narrow_telephone_shows_all_of_it(
    browse: Browse, sandbox: Running, language: str
) -> None:
    page = browse(java_script_enabled=False, viewport={"width": 360, "height": 640})
    page.goto(f"{new_order(sandbox).payment_url}&LANGUAGE={language}")
    assert not scrolls_sideways(page)
    pay_button(page).click()  # empty: every field has a message
    expect(page.locator(".summary")).to_be_visible()
    assert not scrolls_sideways(page)
    pay(page)
    expect(page.locator(".receipt")).to_be_visible()
    assert not scrolls_sideways(page)


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        ("pan", "", "Enter the card number."),
        ("pan", "4169 7332", "A card number has 12 to 19 digits."),
        ("pan", "4169 7332 1349 5868", "There is a mistake in the card number."),
        ("expiry", "", "Enter the expiry date."),
        ("expiry", "13/30", "Write the expiry date as month and year"),
        ("cvv2", "", "Enter the CVV2 code."),
        ("cvv2", "44", "The CVV2 code has 3 digits"),
    ],
)
def test_a_wrong_field_says_so_in_words(
    page: Page, sandbox: Running, field: str, typed: str, message: str
) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    type_card(page)
    page.locator(f"#{field}").fill(typed)
    pay_button(page).click()

    wrong = page.locator(f"#{field}")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{field}-note")).to_contain_text(message)
    expect(page.locator(".summary li")).to_have_count(1)
    page.locator(".summary a").click()
    expect(wrong).to_be_focused()
    assert transactions(sandbox, order) == []


def test_a_corrected_card_pays_and_its_cvv2_was_not_kept(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    type_card(page)
    page.locator("#expiry").fill("1")
    pay_button(page).click()
    expect(page.locator("#pan")).to_have_value("4169 7332 1349 5869")
    expect(page.locator("#cvv2")).to_have_value("")
    assert 'value="447"' not in page.content()
    page.locator("#expiry").fill("05/23")
    page.locator("#cvv2").fill("447")
    pay_button(page).click()

    ends(page, order, PAID)
    assert transactions(sandbox, order) == PAID_ONCE


def test_the_way_back_does_not_pay_again(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page)
    back_to_shop(page, PAID)
    page.wait_for_url(RETURN_URL)
    page.go_back()

    shows(page, PAID)
    assert transactions(sandbox, order) == PAID_ONCE


def test_reloading_does_not_pay_again(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "slow")
    shows(page, CHECKED)
    page.reload()
    shows(page, CHECKED)
    ends(page, order, PAID)
    page.reload()

    shows(page, PAID)
    assert transactions(sandbox, order) == PAID_ONCE


def test_a_page_that_is_open_twice_pays_once(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    other = page.context.new_page()
    page.goto(order.payment_url)
    other.goto(order.payment_url)
    pay(page)
    ends(page, order, PAID)
    pay(other)

    ends(other, order, PAID)
    assert transactions(sandbox, order) == PAID_ONCE


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_a_form_that_is_sent_twice_pays_once(
    browse: Browse, sandbox: Running, scripted: bool
) -> None:
    order = new_order(sandbox)
    page = browse(java_script_enabled=scripted)
    page.goto(order.payment_url)
    type_card(page)
    pay_button(page).dblclick(no_wait_after=True)

    shows(page, PAID)
    assert transactions(sandbox, order) == PAID_ONCE


def test_a_refusal_says_why_and_waits_for_the_button(page: Page, sandbox: Running) -> None:
    page.clock.install()
    page.goto(new_order(sandbox).payment_url)
    pay(page, "076")

    shows(page, DECLINED)
    expect(page.locator(".reason")).to_contain_text("076")
    expect(page.get_by_text("Top up the card")).to_be_visible()
    page.clock.run_for(MINUTE_MS)
    shows(page, DECLINED)
    back_to_shop(page, DECLINED)
    page.wait_for_url(RETURN_URL)


def test_a_payment_is_shown_for_five_seconds_and_counted(page: Page, sandbox: Running) -> None:
    page.clock.install()
    page.goto(new_order(sandbox).payment_url)
    pay(page)
    shows(page, PAID)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 0.01)
    count = page.locator("[data-count]")
    left = int(re.sub(r"\D", "", count.inner_text()))
    assert 4 <= left <= 5
    # What a screen reader is told does not change under it.
    expect(page.locator(".count .unseen")).to_have_text("Returning to the shop in 5\u00a0seconds.")
    page.clock.run_for((left - 1) * 1000)
    expect(count).to_have_text("Returning to the shop in 1\u00a0second.")
    page.clock.run_for(1000)
    page.wait_for_url(RETURN_URL)


@pytest.mark.parametrize("touch", ["button", "key", "wheel"])
def test_who_touches_the_outcome_stays_on_it(page: Page, sandbox: Running, touch: str) -> None:
    page.clock.install()
    page.goto(new_order(sandbox).payment_url)
    pay(page)
    shows(page, PAID)
    if touch == "button":
        page.get_by_role("button", name="Stay on this page").click()
    elif touch == "key":
        page.keyboard.press("Tab")
    else:
        page.mouse.wheel(0, 1)
    expect(page.locator(".count")).to_be_hidden()
    page.clock.run_for(MINUTE_MS)
    back_to_shop(page, PAID)
    page.wait_for_url(RETURN_URL)


def test_a_payment_without_an_answer_ends_declined(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "810")
    shows(page, CHECKED)

    ends(page, order, "Payment declined")
    expect(page.get_by_text("the bank will release it by itself")).to_be_visible()
    state = sandbox.client.get_order_status(order.ref)
    assert state.order_status is OrderStatus.DECLINED


def test_a_link_that_is_down_ends_in_error(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "-1")

    ends(page, order, "The payment did not go through")
    state = sandbox.client.get_order_status(order.ref)
    assert state.order_status is OrderStatus.ERROR
