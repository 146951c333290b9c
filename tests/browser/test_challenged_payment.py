"""Payments that the issuer asks about: our page, its page on another site, and back.

The result that comes 30 seconds too late or never is left to the tests of the flow.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect
from tests.browser.conftest import Browse
from tests.browser.payer import (
    RETURN_URL,
    back_to_shop,
    code_on,
    confirm,
    ends,
    new_order,
    pay,
    scrolls_sideways,
    shows,
    to_bank,
    transactions,
    written,
    wrong_code_on,
)
from tests.browser.sandbox_process import Running

from tkkpg.client import CreatedOrder, Language, OrderStatus
from tkkpg.gateway.config import DATABASE
from tkkpg.sandbox.cards import every_card, find_card
from tkkpg.sandbox.shop.app import BASKET_COOKIE

PAID: Final = "Payment successful"
DECLINED: Final = "Payment declined"
CARD_FORM: Final = "Enter your card details"
CHALLENGED: Final = "Confirm your payment"
PAID_ONCE: Final = [("AUTHORISATION", "APPROVED")]
IN_ADDRESSES: Final = {"ORDERID", "SESSIONID", "LANGUAGE"}
"""All that addresses may carry: the order, never anything of the card."""


@dataclass
class Asked:
    """What the browsers of a test asked for."""

    requests: list[Request] = field(default_factory=list)

    def note(self, request: Request) -> None:
        """Add a request."""
        self.requests.append(request)

    def to(self, path: str) -> list[Request]:
        """Give what was asked for at a path."""
        return [one for one in self.requests if urlsplit(one.url).path == path]


@pytest.fixture
def asked(sandbox: Running) -> Iterator[Asked]:
    """Record every request; none may go elsewhere, or have anything of a card in its address."""
    asked = Asked()
    yield asked
    known = (sandbox.page_url, sandbox.acs_url, sandbox.shop_url, RETURN_URL)
    origins = {urlsplit(url)[:2] for url in known}
    for url in {request.url for request in asked.requests}:
        assert urlsplit(url)[:2] in origins, url
        assert parse_qs(urlsplit(url).query).keys() <= IN_ADDRESSES, url
        assert not any(card.pan in url for card in every_card()), url


@pytest.fixture
def visit(browse: Browse, asked: Asked) -> Iterator[Browse]:
    """Open pages that are recorded, and that leave no cookie but the demo shop's."""
    contexts: list[BrowserContext] = []

    def visit(**options: Any) -> Page:  # noqa: ANN401 - Playwright checks them
        page = browse(**options)
        page.context.on("request", asked.note)
        contexts.append(page.context)
        return page

    yield visit
    cookies = [cookie["name"] for context in contexts for cookie in context.cookies()]
    assert set(cookies) <= {BASKET_COOKIE}


def challenge(page: Page, order: CreatedOrder, card: str = "challenge") -> None:
    """Pay with a card whose issuer asks, and wait for its page."""
    page.goto(order.payment_url)
    pay(page, card)
    is_at_the_issuer(page)


def is_at_the_issuer(page: Page) -> None:
    expect(page.locator("#code")).to_be_visible()


def takes_a_card_again(page: Page) -> None:
    """Wait for the card form that says what it waits for."""
    shows(page, CARD_FORM)
    expect(page.locator(".aside.again")).to_contain_text("waiting for your bank’s confirmation")


def status(sandbox: Running, order: CreatedOrder) -> OrderStatus:
    return sandbox.client.get_order_status(order.ref).order_status


def authorised(sandbox: Running, order: CreatedOrder) -> list[tuple[str, str, str, int]]:
    """Read what the issuer's journal has of an order: type, answer, ECI, whether a CAVV came."""
    with (
        closing(sqlite3.connect(sandbox.home / DATABASE)) as ours,
        closing(sqlite3.connect(sandbox.journal)) as theirs,
    ):
        numbers = ours.execute("SELECT rrn FROM tran WHERE order_id = ?", (order.order_id,))
        return [
            row
            for number in numbers.fetchall()
            for row in theirs.execute(
                "SELECT type, code, eci, with_cavv FROM message LEFT JOIN proof USING (trace)"
                " WHERE rrn = ?",
                number,
            )
        ]


@pytest.mark.parametrize(
    ("language", "heading", "end"),
    [
        (Language.AZ, "Ödənişi təsdiqləyin", "Ödəniş uğurla başa çatdı"),
        (Language.EN, CHALLENGED, PAID),
        (Language.RU, "Подтвердите оплату", "Оплата прошла успешно"),
    ],
)
def test_the_right_code_pays_in_every_language(
    visit: Browse, sandbox: Running, language: Language, heading: str, end: str
) -> None:
    page = visit(viewport={"width": 360, "height": 740})
    order = new_order(sandbox, language)
    challenge(page, order)
    expect(page.locator("h1")).to_have_text(heading)
    assert not scrolls_sideways(page)
    confirm(page, code_on(page))

    ends(page, order, end)
    assert status(sandbox, order) is OrderStatus.APPROVED
    assert authorised(sandbox, order) == [("0200", "001", "05", 1)]
    assert find_card("challenge").pan.encode() not in written(sandbox)


def test_a_wrong_code_and_a_new_one_are_no_obstacle(visit: Browse, sandbox: Running) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order, "challenge-mc")
    confirm(page, wrong_code_on(page))
    expect(page.get_by_role("alert")).to_contain_text("attempts left: 2")
    page.get_by_role("button", name="Send a new code").click()
    expect(page.get_by_role("status")).to_contain_text("A new code has been sent")
    confirm(page, code_on(page))

    ends(page, order, PAID)
    assert authorised(sandbox, order) == [("0200", "001", "02", 1)]


@pytest.mark.parametrize(
    ("conduct", "code"), [("wrong", "18"), ("Cancel the payment", "05"), ("let the time", "05")]
)
def test_who_does_not_confirm_is_declined_and_told_what_to_do(
    visit: Browse, sandbox: Running, conduct: str, code: str
) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order)
    if conduct == "wrong":
        for left in (2, 1, 0):
            confirm(page, wrong_code_on(page))
            if left:
                expect(page.get_by_role("alert")).to_contain_text(f"attempts left: {left}")
    else:
        page.get_by_role("button", name=conduct).click()

    ends(page, order, DECLINED)
    expect(page.locator(".reason")).to_contain_text(f"(code {code})")
    expect(page.locator(".reason")).to_contain_text("use another card")
    assert status(sandbox, order) is OrderStatus.DECLINED
    assert authorised(sandbox, order) == []


def test_without_javascript_buttons_lead_all_the_way_and_no_method_page_is_called(
    visit: Browse, sandbox: Running, asked: Asked
) -> None:
    page = visit(java_script_enabled=False)
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "method-challenge")
    page.get_by_role("button", name="Continue to your bank").click()
    confirm(page, wrong_code_on(page))
    confirm(page, code_on(page))
    shows(page, "Thank you, it is confirmed")
    page.get_by_role("button", name="Continue").click()

    shows(page, PAID)
    assert asked.to("/method") == []
    assert authorised(sandbox, order) == [("0200", "001", "05", 1)]


@pytest.mark.parametrize("card", ["method", "method-challenge"])
def test_the_issuers_method_page_is_called_in_a_hidden_frame(
    visit: Browse, sandbox: Running, asked: Asked, card: str
) -> None:
    page = visit()
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, card)
    if card == "method-challenge":
        is_at_the_issuer(page)
        confirm(page, code_on(page))

    ends(page, order, PAID)
    (onward,) = asked.to("/authenticate")
    assert "completed=Y" in str(onward.post_data)
    (method,), (told,) = asked.to("/method"), asked.to("/3ds/method")
    assert method.frame != page.main_frame
    assert told.frame == method.frame
    assert authorised(sandbox, order) == [("0200", "001", "05", 1)]


def test_a_method_page_that_hangs_is_passed_by_a_button(
    visit: Browse, sandbox: Running, asked: Asked
) -> None:
    page = visit()
    order = new_order(sandbox)
    page.route(f"{sandbox.acs_url}/method", lambda _: None)
    page.goto(order.payment_url)
    pay(page, "method")
    shows(page, "One moment")
    page.get_by_role("button", name="If nothing happens, continue").click()

    ends(page, order, PAID)
    (onward,) = asked.to("/authenticate")
    assert "completed=N" in str(onward.post_data)
    assert transactions(sandbox, order) == PAID_ONCE


@pytest.mark.parametrize(
    ("card", "scripted"), [("challenge", False), ("method", True)], ids=["issuer", "method"]
)
def test_reloading_a_page_on_the_way_asks_for_the_card_again(
    visit: Browse, sandbox: Running, card: str, scripted: bool
) -> None:
    page = visit(java_script_enabled=scripted)
    order = new_order(sandbox)
    page.route(f"{sandbox.acs_url}/method", lambda _: None)
    page.goto(order.payment_url)
    pay(page, card)
    expect(page.locator(".waiting")).to_be_visible()
    page.reload()
    takes_a_card_again(page)
    pay(page)

    if scripted:
        ends(page, order, PAID)
    shows(page, PAID)
    assert transactions(sandbox, order) == PAID_ONCE
    assert len(authorised(sandbox, order)) == 1


@pytest.mark.parametrize("scripted", [True, False], ids=["script", "no script"])
def test_back_from_the_issuer_is_the_card_form_and_forward_the_challenge(
    visit: Browse, sandbox: Running, scripted: bool
) -> None:
    page = visit(java_script_enabled=scripted)
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page, "challenge")
    if not scripted:
        page.get_by_role("button", name="Continue to your bank").click()
    is_at_the_issuer(page)
    page.go_back()
    takes_a_card_again(page)
    if scripted:
        # What the browser fills in again, if it does, is treated as typed, but for the CVV2.
        page.wait_for_function("""() =>
            Boolean(document.getElementById("pan").value) ===
            !document.querySelector(".mark[data-scheme='VISA']").hidden""")
        expect(page.locator("#cvv2")).to_have_value("")
    page.go_forward()
    is_at_the_issuer(page)
    confirm(page, code_on(page))

    if scripted:
        ends(page, order, PAID)
    else:
        page.get_by_role("button", name="Continue").click()
        shows(page, PAID)
    assert transactions(sandbox, order) == PAID_ONCE
    assert len(authorised(sandbox, order)) == 1


def test_an_issuer_may_send_the_browser_on_and_nothing_is_paid(
    page: Page, sandbox: Running
) -> None:
    order, elsewhere = new_order(sandbox), f"{sandbox.shop_url}/"
    page.route(
        f"{sandbox.acs_url}/challenge",
        lambda route: route.fulfill(status=303, headers={"location": elsewhere}),
    )
    page.goto(order.payment_url)
    pay(page, "challenge")
    page.wait_for_url(elsewhere)
    page.goto(order.payment_url)
    takes_a_card_again(page)
    assert authorised(sandbox, order) == []


def test_another_card_in_a_second_tab_pays_and_the_challenge_no_longer_does(
    visit: Browse, sandbox: Running
) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order)
    other = page.context.new_page()
    other.goto(order.payment_url)
    takes_a_card_again(other)
    pay(other)
    ends(other, order, PAID)
    confirm(page, code_on(page))

    ends(page, order, PAID)
    assert status(sandbox, order) is OrderStatus.APPROVED
    assert transactions(sandbox, order) == PAID_ONCE
    assert len(authorised(sandbox, order)) == 1


def test_two_challenges_of_one_order_pay_once(visit: Browse, sandbox: Running) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order)
    other = page.context.new_page()
    challenge(other, order, "challenge-mc")
    confirm(page, code_on(page))
    # Its attempt was abandoned when the second card was typed.
    takes_a_card_again(page)
    confirm(other, code_on(other))

    ends(other, order, PAID)
    page.reload()
    shows(page, PAID)
    assert authorised(sandbox, order) == [("0200", "001", "02", 1)]


def test_two_orders_are_challenged_at_once_in_two_tabs(visit: Browse, sandbox: Running) -> None:
    page = visit()
    other = page.context.new_page()
    order, other_order = new_order(sandbox), new_order(sandbox)
    challenge(page, order)
    challenge(other, other_order)
    assert page.url == other.url
    confirm(page, code_on(page))
    other.get_by_role("button", name="Cancel the payment").click()

    ends(page, order, PAID)
    ends(other, other_order, DECLINED)
    assert status(sandbox, order) is OrderStatus.APPROVED
    assert status(sandbox, other_order) is OrderStatus.DECLINED
    assert authorised(sandbox, other_order) == []


@pytest.mark.parametrize(
    ("card", "heading", "messages"),
    [
        ("challenge-result-after", PAID, 1),
        ("challenge-result-twice", PAID, 1),
        ("challenge-forged", DECLINED, 0),
    ],
)
def test_only_the_result_counts_however_it_comes(
    visit: Browse, sandbox: Running, card: str, heading: str, messages: int
) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order, card)
    confirm(page, code_on(page))

    ends(page, order, heading)
    assert len(authorised(sandbox, order)) == messages


def test_the_way_back_after_the_challenge_repeats_nothing(visit: Browse, sandbox: Running) -> None:
    page = visit()
    order = new_order(sandbox)
    challenge(page, order)
    confirm(page, code_on(page))
    back_to_shop(page, PAID)
    page.wait_for_url(RETURN_URL)
    page.go_back()
    shows(page, PAID)
    page.go_back()
    # The browser asks the issuer's page again, which says how it ended and waits for the payer.
    shows(page, "Thank you, it is confirmed")
    page.get_by_role("button", name="Continue").click()

    ends(page, order, PAID)
    assert transactions(sandbox, order) == PAID_ONCE
    assert len(authorised(sandbox, order)) == 1


def test_the_demo_shop_says_that_it_is_paid(visit: Browse, sandbox: Running) -> None:
    page = visit()
    to_bank(page, sandbox)
    pay(page, "challenge")
    is_at_the_issuer(page)
    expect(page.locator(".amount")).to_contain_text("6.50")
    expect(page.locator(".facts")).to_contain_text(re.compile("Nar.*0005", re.DOTALL))
    confirm(page, code_on(page))
    back_to_shop(page, PAID)

    shows(page, "Paid")
    expect(page.get_by_text("APPROVED", exact=True)).to_be_visible()
