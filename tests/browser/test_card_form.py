"""What the script of the card form adds: marks, groups, messages at the field, the time left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import (
    RETURN_URL,
    new_order,
    pay,
    pay_button,
    shows,
    transactions,
    type_card,
)
from tests.browser.sandbox_process import Running

from tkkpg.client import NEVER, Language, OrderOptions
from tkkpg.gateway.config import CONTROL
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.model.card import CardInvalid, read_card
from tkkpg.gateway.verbs import CLOCK_ADVANCE
from tkkpg.gateway.web.i18n import Wording
from tkkpg.protocol.pan import PREFIXES, scheme_of

SHORT: Final = OrderOptions(expires_after=timedelta(minutes=6))
NUMBER_ENDS_PX: Final = 280
"""How far down the number may begin on a telephone of 360 px, whose keyboard takes half of it."""
NOTE: Final = {name: f"#{name}-note" for name in ("pan", "expiry", "cvv2")}


def opened(page: Page, sandbox: Running, language: Language = Language.EN) -> Page:
    page.goto(new_order(sandbox, language).payment_url)
    return page


def caret(page: Page) -> int:
    return int(page.evaluate("document.getElementById('pan').selectionStart"))


def shown_mark(page: Page) -> str:
    visible = page.locator(".mark:visible")
    expect(visible).to_have_count(1)
    return visible.get_attribute("data-scheme") or ""


# ---- the number


def test_the_mark_follows_every_prefix_as_the_gateway_knows_it(
    page: Page, sandbox: Running
) -> None:
    opened(page, sandbox)
    assert shown_mark(page) == ""
    edges = [edge for first, last, _ in PREFIXES for edge in (first, last)]
    around = [str(int(edge) + step).ljust(6, "0") for edge in edges for step in (-1, 0, 1)]
    for digits in (*edges, *around):
        page.locator("#pan").fill(digits)
        assert shown_mark(page) == (scheme_of(digits) or ""), digits


def test_the_other_schemes_step_back(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    page.locator("#pan").fill("2200")
    expect(page.locator(".schemes li:not(.other) img")).to_have_attribute("alt", "МИР")
    page.locator("#pan").fill("")
    expect(page.locator(".schemes .other")).to_have_count(0)


@pytest.mark.parametrize(
    ("typed", "grouped"),
    [
        ("41697332", "4169 7332"),
        ("4169733213495869", "4169 7332 1349 5869"),
        ("371449635398431", "3714 496353 98431"),
        ("6200000000000000003", "6200 0000 0000 0000 003"),
    ],
)
def test_digits_are_grouped_while_they_are_typed(
    page: Page, sandbox: Running, typed: str, grouped: str
) -> None:
    opened(page, sandbox)
    page.locator("#pan").press_sequentially(typed)
    expect(page.locator("#pan")).to_have_value(grouped)
    assert caret(page) == len(grouped)


@pytest.mark.parametrize(
    "pasted", ["4169-7332-1349-5869", " 4169 7332 1349 5869 ", "4169\u00a07332\u00a01349\u00a05869"]
)
def test_a_number_may_be_pasted_with_spaces_and_dashes(
    page: Page, sandbox: Running, pasted: str
) -> None:
    opened(page, sandbox)
    page.locator("#pan").focus()
    page.keyboard.insert_text(pasted)
    expect(page.locator("#pan")).to_have_value("4169 7332 1349 5869")


@pytest.mark.parametrize(
    ("at", "key", "corrected"),
    [
        (2, "9", "419|6 9733 2134 9586"),
        (4, "9", "4169 9|733 2134 9586"),
        (6, "Backspace", "4169| 3321 3495 86"),
        (5, "Backspace", "416|7 3321 3495 86"),
        (4, "Delete", "4169| 3321 3495 86"),
        (18, "Backspace", "4169 7332 1349 58|"),
    ],
)
def test_the_caret_stays_where_the_payer_corrects(
    page: Page, sandbox: Running, at: int, key: str, corrected: str
) -> None:
    opened(page, sandbox)
    page.locator("#pan").fill("4169 7332 1349 586")
    page.locator("#pan").focus()
    page.evaluate(f"document.getElementById('pan').setSelectionRange({at}, {at})")
    page.keyboard.press(key)
    expect(page.locator("#pan")).to_have_value(corrected.replace("|", ""))
    assert caret(page) == corrected.index("|")


def test_the_place_of_the_code_is_told_for_the_scheme(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    hint = page.locator(".cvv2 .hint")
    expect(hint).to_have_text("on the back")
    page.locator("#pan").fill("37")
    expect(hint).to_have_text("on the front, 4 digits")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("0930", "09/30"), ("930", "09/30"), ("1/30", "01/30"), ("12", "12/"), ("09/30", "09/30")],
)
def test_the_expiry_gets_its_stroke(page: Page, sandbox: Running, typed: str, shown: str) -> None:
    opened(page, sandbox)
    page.locator("#expiry").press_sequentially(typed)
    expect(page.locator("#expiry")).to_have_value(shown)


def test_the_stroke_can_be_deleted(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    page.locator("#expiry").press_sequentially("12")
    page.keyboard.press("Backspace")
    expect(page.locator("#expiry")).to_have_value("12")


# ---- what is wrong, when a field is left


@pytest.mark.parametrize("language", list(Language))
def test_script_and_gateway_judge_what_was_typed_alike(
    page: Page, sandbox: Running, language: Language
) -> None:
    opened(page, sandbox, language)
    good = {"pan": "4169733213495869", "expiry": "05/23", "cvv2": "447"}
    samples = {
        "pan": ("4169 7332 1349 5868", "4169", "37-1449-635398431", "4" * 11, "4169733213495869"),
        "expiry": ("13/30", "0/30", "00/30", "1/30", "09/2030", "09-30", "9", "0930", " ", "/"),
        "cvv2": ("12", "12x", "1234", " 123", "١٢٣", "  "),
    }
    for name, values in samples.items():
        for value in values:
            field = page.locator(f"#{name}")
            field.fill(value)
            typed = field.input_value()
            field.blur()
            try:
                read_card(
                    **(good | {name: typed}),
                    now=datetime(2026, 11, 24, tzinfo=UTC),
                    test_cards={"4169733213495869": "05/23", "371449635398431": "05/23"},
                )
                sentence = ""
            except CardInvalid as invalid:
                (problem,) = invalid.problems.values()
                sentence = Wording(language).say(f"problem.{problem}")
            expect(page.locator(NOTE[name])).to_have_text(sentence)
            if sentence:
                expect(field).to_have_accessible_description(sentence)


def test_a_message_goes_as_soon_as_it_is_no_longer_true(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    pan = page.locator("#pan")
    pan.fill("4169 7332 1349 586")
    pan.press("Tab")
    expect(page.locator(NOTE["pan"])).to_contain_text("mistake")
    expect(pan).to_have_attribute("aria-invalid", "true")
    pan.press("End")
    pan.press("9")
    expect(page.locator(NOTE["pan"])).to_be_empty()
    expect(pan).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#expiry")).to_be_focused()


def test_a_field_that_nobody_typed_in_is_not_scolded(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    for name in ("pan", "expiry", "cvv2"):
        page.locator(f"#{name}").focus()
    page.locator(".languages a").first.focus()
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_a_message_does_not_move_a_button_from_under_the_finger(
    page: Page, sandbox: Running
) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    page.locator("#pan").press_sequentially("4169")
    box = page.locator("form.cancel button").bounding_box()
    assert box is not None
    # At the upper edge, so that one line more above it would be a miss.
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
    page.mouse.down()
    assert page.locator(NOTE["pan"]).inner_text() == ""
    page.mouse.up()
    page.wait_for_url(RETURN_URL)
    page.goto(order.payment_url)
    shows(page, "You cancelled the payment")


# ---- from field to field


def test_a_full_field_leads_on_to_the_next(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    page.locator("#pan").press_sequentially("4169733213495869")
    expect(page.locator("#expiry")).to_be_focused()
    page.keyboard.press("Tab")  # out of habit: the field is already the next one
    expect(page.locator("#expiry")).to_be_focused()
    page.keyboard.type("0523")
    expect(page.locator("#cvv2")).to_be_focused()
    page.keyboard.type("447")
    expect(page.locator("#cvv2")).to_have_value("447")
    page.keyboard.press("Tab")
    expect(pay_button(page)).to_be_focused()
    # Who cannot see it is told before.
    told = page.get_by_role("form").or_(page.locator("form.pay"))
    expect(told).to_match_aria_snapshot("""
      - paragraph: When a field is full, the next one is chosen by itself.
      - list "Accepted cards"
      - textbox "Card number"
    """)


def test_a_number_that_may_go_on_or_is_wrong_keeps_the_focus(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    for digits in ("4169733213495868", "6200000000000005", "416973321349"):
        page.locator("#pan").fill("")
        page.locator("#pan").press_sequentially(digits)
        expect(page.locator("#pan")).to_be_focused()


def test_a_click_on_the_printed_test_card_fills_the_form(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.locator("#pan")).to_have_value("4169 7332 1349 5869")
    expect(page.locator(".mark[data-scheme='VISA']")).to_be_visible()
    expect(pay_button(page)).to_be_focused()
    page.keyboard.press("Enter")
    shows(page, "Payment successful")
    assert len(transactions(sandbox, order)) == 1


# ---- narrow and wide


def test_a_telephone_folds_the_facts_and_a_wide_screen_shows_them(
    browse: Browse, sandbox: Running
) -> None:
    for scripted in (True, False):
        page = browse(java_script_enabled=scripted, viewport={"width": 360, "height": 640})
        opened(page, sandbox)
        number = page.get_by_text("Order number")
        expect(page.locator(".name")).to_contain_text("Card payment")
        expect(page.get_by_text("Amount to pay")).to_be_visible()
        expect(page.locator(".shop bdi")).to_be_visible()
        expect(number).to_be_hidden()
        box = page.locator("#pan").bounding_box()
        assert box is not None
        assert box["y"] < NUMBER_ENDS_PX
        page.get_by_text("Details", exact=True).click()
        expect(number).to_be_visible()
        page.set_viewport_size({"width": 1280, "height": 800})
        page.reload()
        expect(number).to_be_visible()


# ---- the time that is left


def stop_the_clock(page: Page) -> None:
    """Let the page's time pass only when the test says so."""
    page.clock.install(time=0)
    page.clock.pause_at(1)


def test_the_last_minutes_are_counted_and_three_of_them_are_said_aloud(
    page: Page, sandbox: Running
) -> None:
    stop_the_clock(page)
    page.goto(new_order(sandbox, options=SHORT).payment_url)
    line, aloud = page.locator(".timer"), page.locator("#time")
    expect(line).to_be_hidden()
    heard = []
    for minutes in (5, 4, 3, 2, 1):
        page.clock.run_for(60_000)
        unit = "minutes" if minutes > 1 else "minute"
        expect(line).to_have_text(f"{minutes}\u00a0{unit} left to pay")
        heard.append(aloud.inner_text().replace("\u00a0", " "))
    assert heard == [
        "5 minutes left to pay",
        "5 minutes left to pay",
        "5 minutes left to pay",
        "2 minutes left to pay",
        "1 minute left to pay",
    ]


def test_at_the_end_the_page_says_so_and_shows_the_order_as_it_is(
    page: Page, sandbox: Running
) -> None:
    stop_the_clock(page)
    order = new_order(sandbox, options=SHORT)
    page.goto(order.payment_url)
    ask_owner(sandbox.home / CONTROL, CLOCK_ADVANCE, step_s=361)
    page.clock.run_for(360_000)
    expect(page.locator(".timer")).to_have_text("The time to pay is over")
    expect(page.locator("#time")).to_have_text("The time to pay is over")
    page.clock.run_for(2_000)
    shows(page, "The time to pay is over")
    expect(page.get_by_role("button", name="Return to the shop")).to_be_visible()
    assert transactions(sandbox, order) == []


def test_the_end_asks_the_gateway_once_and_not_again_and_again(
    page: Page, sandbox: Running
) -> None:
    stop_the_clock(page)
    page.goto(new_order(sandbox, options=SHORT).payment_url)  # its gateway's time stays behind
    asked: list[str] = []
    page.on("framenavigated", lambda frame: asked.append(frame.url))
    for _ in range(3):
        page.clock.run_for(370_000)
        expect(page.locator("#pan")).to_be_visible()
    assert len(asked) == 1


def test_the_end_does_not_stop_a_card_that_is_on_its_way(page: Page, sandbox: Running) -> None:
    stop_the_clock(page)
    order = new_order(sandbox, options=SHORT)
    page.goto(order.payment_url)
    type_card(page)
    page.locator("form.pay").evaluate(
        "form => form.addEventListener('submit', (event) => event.preventDefault())"
    )
    pay_button(page).click()
    page.clock.fast_forward(361_000)
    page.clock.fast_forward(5_000)
    expect(page.locator(".timer")).to_be_hidden()
    assert "ENDED" not in page.url


def test_an_order_that_waits_for_ever_has_no_timer(page: Page, sandbox: Running) -> None:
    page.goto(new_order(sandbox, options=OrderOptions(expires_after=NEVER)).payment_url)
    expect(page.locator(".timer")).to_have_count(0)
    expect(page.get_by_text("Time to pay")).to_have_count(0)


# ---- paper, and the tree


def test_a_paid_order_prints_its_receipt_and_nothing_else(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    pay(page)
    shows(page, "Payment successful")
    page.add_init_script("window.print = () => { document.title = 'printed'; }")
    page.goto(order.payment_url)
    page.get_by_role("button", name="Print the receipt").click()
    expect(page).to_have_title("printed")
    expect(page.locator(".slip")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".slip")).to_contain_text("416973XXXXXX5869")
    visible = page.locator("main").locator("h1, dl, button, .lead").filter(visible=True)
    expect(visible).to_have_count(0)


def test_without_script_no_button_promises_to_print(browse: Browse, sandbox: Running) -> None:
    page = browse(java_script_enabled=False)
    page.goto(new_order(sandbox).payment_url)
    pay(page)
    shows(page, "Payment successful")
    expect(page.locator("[data-print]")).to_be_hidden()


def test_a_screen_reader_finds_the_card_form_in_order(page: Page, sandbox: Running) -> None:
    opened(page, sandbox)
    page.locator("#pan").fill("4169")
    expect(page.locator("main")).to_match_aria_snapshot("""
      - region "Your order":
        - heading "Your order" [level=2]
        - paragraph: Amount to pay
        - paragraph: /30.00/
      - region "Enter your card details":
        - heading "Enter your card details" [level=1]
        - list "Accepted cards":
          - listitem:
            - img "Visa"
          - listitem:
            - img "Mastercard"
          - listitem:
            - img "American Express"
          - listitem:
            - img "JCB"
          - listitem:
            - img "МИР"
          - listitem:
            - img "UnionPay"
        - text: Card number
        - textbox "Card number": "4169"
        - img "Visa"
        - paragraph
        - text: Expiry date month / year
        - textbox "Expiry date month / year"
        - paragraph
        - text: CVV2 code on the back
        - textbox "CVV2 code on the back"
        - paragraph
        - button /Pay 30.00/
        - button "Cancel the payment"
      - status
    """)
