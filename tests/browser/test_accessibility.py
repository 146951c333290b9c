"""axe-core finds nothing on any page, in light and in dark, on a telephone and on a wide screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import (
    RETURN_URL,
    confirm,
    fill_basket,
    new_order,
    pay,
    pay_button,
    shows,
    styled,
    to_bank,
    wrong_code_on,
)
from tests.browser.sandbox_process import Running

from tkkpg.client import Language, OrderOptions

AXE: Final = Axe()

WIDTHS: Final = (360, 1280)
STAY: Final = "aborted"
"""Ends a request so that the browser stays on the page that made it."""

both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


def is_accessible(page: Page, widths: Sequence[int] = WIDTHS) -> None:
    for width in widths:
        page.set_viewport_size({"width": width, "height": 720})
        styled(page)
        found = AXE.run(page)
        assert found.response["violations"] == [], found.generate_report()


@both_schemes
@pytest.mark.parametrize("language", list(Language))
def test_the_card_form(browse: Browse, sandbox: Running, language: Language, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    page.goto(new_order(sandbox, language).payment_url)
    is_accessible(page)
    pay_button(page).click()
    page.locator("#pan-note").wait_for()
    is_accessible(page)


@both_schemes
def test_the_last_minutes_and_the_messages_of_the_script(
    browse: Browse, sandbox: Running, scheme: str
) -> None:
    page = browse(color_scheme=scheme)
    short = OrderOptions(expires_after=timedelta(minutes=4), instalments=12)
    page.goto(new_order(sandbox, options=short).payment_url)
    expect(page.locator(".timer")).to_be_visible()
    for name in ("pan", "expiry", "cvv2"):
        page.locator(f"#{name}").fill("1")
        page.locator(f"#{name}").blur()
    expect(page.locator(".note.error")).to_have_count(3)
    is_accessible(page)


@both_schemes
def test_the_wait_and_its_end(browse: Browse, sandbox: Running, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "slow")
    shows(page, "Your payment is being checked")
    is_accessible(page)
    shows(page, "Payment successful")
    expect(page.locator(".count")).to_be_visible()
    is_accessible(page)


@both_schemes
@pytest.mark.parametrize(
    ("card", "heading"), [("076", "Payment declined"), ("-1", "The payment did not go through")]
)
def test_other_endings(
    browse: Browse, sandbox: Running, scheme: str, card: str, heading: str
) -> None:
    page = browse(color_scheme=scheme)
    page.goto(new_order(sandbox).payment_url)
    pay(page, card)
    shows(page, heading)
    is_accessible(page)


@both_schemes
def test_the_cancelled_order(browse: Browse, sandbox: Running, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    order = new_order(sandbox)
    page.goto(order.payment_url)
    page.locator("form.cancel button").click()
    page.wait_for_url(RETURN_URL)  # at once: who has cancelled knows it
    page.goto(order.payment_url)
    shows(page, "You cancelled the payment")
    is_accessible(page)


@both_schemes
def test_the_way_to_the_issuer_and_its_page(browse: Browse, sandbox: Running, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    order = new_order(sandbox)
    acs = f"{sandbox.acs_url}/**"
    # The hidden frame is never answered, and the form that would go on by itself leads nowhere.
    page.route(acs, lambda route: None if "/method" in route.request.url else route.abort(STAY))
    page.goto(order.payment_url)
    pay(page, "method-challenge")
    shows(page, "One moment")
    is_accessible(page)
    page.locator("form.return button").click()
    shows(page, "Your bank asks you to confirm the payment")
    is_accessible(page)
    page.unroute(acs)
    page.locator("form.return button").click()
    shows(page, "Confirm your payment")
    is_accessible(page)
    confirm(page, wrong_code_on(page))
    page.get_by_role("alert").wait_for()
    is_accessible(page)
    page.goto(order.payment_url)
    expect(page.locator(".aside.again")).to_be_visible()
    is_accessible(page)


def test_what_a_screen_reader_is_told_on_the_way_to_the_issuer(
    page: Page, sandbox: Running
) -> None:
    page.route(f"{sandbox.acs_url}/challenge", lambda route: route.abort(STAY))
    page.goto(new_order(sandbox).payment_url)
    pay(page, "challenge")
    expect(page.locator("main")).to_match_aria_snapshot("""
      - region "Your bank asks you to confirm the payment":
        - status:
          - heading "Your bank asks you to confirm the payment" [level=1]
          - paragraph
        - button "Continue to your bank"
    """)


def test_what_a_screen_reader_is_told_at_the_issuer(page: Page, sandbox: Running) -> None:
    page.goto(new_order(sandbox).payment_url)
    pay(page, "challenge")
    shows(page, "Confirm your payment")
    expect(page.locator("main")).to_match_aria_snapshot("""
      - region "What you are confirming":
        - heading "What you are confirming" [level=2]
        - paragraph: Amount
        - paragraph: /30.00/
        - term: Card
        - definition: ending in 0005
      - region "Confirm your payment":
        - heading "Confirm your payment" [level=1]
        - text: One-time code
        - textbox "One-time code"
        - button "Confirm the payment"
        - button "Send a new code"
        - button "Cancel the payment"
    """)


@both_schemes
def test_a_page_that_is_not_there(browse: Browse, sandbox: Running, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    page.goto(f"{new_order(sandbox).payment_url}0")
    page.locator(".trouble").wait_for()
    is_accessible(page)


@both_schemes
def test_the_demo_shop(browse: Browse, sandbox: Running, scheme: str) -> None:
    page = browse(color_scheme=scheme)
    page.goto(sandbox.shop_url)
    is_accessible(page)
    fill_basket(page, sandbox)
    is_accessible(page)
    to_bank(page, sandbox)
    page.locator("form.cancel button").click()
    shows(page, "Not paid")
    is_accessible(page)
    page.get_by_role("button", name="Pay again").click()
    pay(page)
    shows(page, "Paid")
    is_accessible(page)
