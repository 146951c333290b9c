"""The whole walk: from the shelf of the demo shop to the bank's page and back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from tests.browser.payer import back_to_shop, fill_basket, pay, shows, to_bank
from tests.browser.sandbox_process import Running

PAID = "Payment successful"
DECLINED = "Payment declined"


def test_the_banks_test_card_pays(page: Page, sandbox: Running) -> None:
    to_bank(page, sandbox)
    expect(page.locator(".amount")).to_contain_text("6.50")
    page.get_by_label("Card number").press_sequentially("4169733213495869")
    expect(page.get_by_label("Card number")).to_have_value("4169 7332 1349 5869")
    expect(page.locator(".mark[data-scheme='VISA']")).to_be_visible()
    page.get_by_label("Expiry date").press_sequentially("0523")
    expect(page.get_by_label("Expiry date")).to_have_value("05/23")
    page.get_by_label("CVV2").press_sequentially("447")
    page.get_by_role("button", name="Pay 6.50").click()
    back_to_shop(page, PAID)

    shows(page, "Paid")
    expect(page.get_by_text("APPROVED", exact=True)).to_be_visible()
    assert page.url.startswith(f"{sandbox.shop_url}/order/")


def test_an_order_that_was_paid_leaves_an_empty_basket(page: Page, sandbox: Running) -> None:
    to_bank(page, sandbox)
    pay(page)
    back_to_shop(page, PAID)
    shows(page, "Paid")
    page.get_by_role("link", name="Back to the shop").click()

    expect(page.get_by_text("Your basket is still empty.")).to_be_visible()


def test_pieces_are_added_and_taken_out(page: Page, sandbox: Running) -> None:
    fill_basket(page, sandbox)
    page.get_by_role("button", name="One more").click()
    expect(page.get_by_role("button", name="Pay 13.00")).to_be_visible()
    page.get_by_role("button", name="One less").click()
    expect(page.get_by_role("button", name="Pay 6.50")).to_be_visible()


def test_who_leaves_the_banks_page_has_not_paid(page: Page, sandbox: Running) -> None:
    to_bank(page, sandbox)
    page.get_by_role("button", name="Cancel the payment").click()

    shows(page, "Not paid")
    expect(page.get_by_text("CANCELED", exact=True)).to_be_visible()


def test_who_left_can_pay_again(page: Page, sandbox: Running) -> None:
    to_bank(page, sandbox)
    page.get_by_role("button", name="Cancel the payment").click()
    page.get_by_role("button", name="Pay again").click()
    pay(page)
    back_to_shop(page, PAID)

    shows(page, "Paid")


@pytest.mark.parametrize(
    ("card", "heading", "status"),
    [("076", DECLINED, "DECLINED"), ("-1", "The payment did not go through", "ERROR")],
)
def test_a_card_that_is_not_charged_does_not_pay(
    page: Page, sandbox: Running, card: str, heading: str, status: str
) -> None:
    to_bank(page, sandbox)
    pay(page, card)
    back_to_shop(page, heading)

    shows(page, "Not paid")
    expect(page.get_by_text(status, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("card", "heading", "verdict"), [("slow", PAID, "Paid"), ("810", DECLINED, "Not paid")]
)
def test_a_late_or_missing_answer_is_waited_for(
    page: Page, sandbox: Running, card: str, heading: str, verdict: str
) -> None:
    to_bank(page, sandbox)
    pay(page, card)

    shows(page, "Your payment is being checked")
    expect(page.get_by_text("Please do not pay again.")).to_be_visible()
    back_to_shop(page, heading)
    shows(page, verdict)
