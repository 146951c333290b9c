"""Card data is kept nowhere, and foreign pages can neither pay nor be needed for paying."""

from __future__ import annotations

import re
from typing import Final

from playwright.sync_api import Page, Route, expect
from tests.browser.payer import ends, new_order, pay_button, transactions, type_card
from tests.browser.sandbox_process import Running

REAL_LOOKING: Final = "4111111111111111"
OTHER_SITE: Final = "http://127.0.0.1:9"
"""Another site than the sandbox's `localhost`; answered by the tests, never asked."""


def other_site(page: Page, html: str) -> None:
    """Let a page of another site say this, at every address of it."""

    def answer(route: Route) -> None:
        route.fulfill(body=f"<!doctype html><title>Other</title>{html}", content_type="text/html")

    page.route(f"{OTHER_SITE}/**", answer)
    page.goto(f"{OTHER_SITE}/")


def written(sandbox: Running) -> bytes:
    """Everything that the sandbox has written: databases with their journals, and the log."""
    paths = [sandbox.log, *(path for path in sandbox.home.rglob("*") if path.is_file())]
    return b"".join(path.read_bytes() for path in paths)


def test_a_real_card_is_refused_and_nothing_of_it_is_kept(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    page.locator("#pan").fill(REAL_LOOKING)
    page.locator("#expiry").fill("09/39")
    page.locator("#cvv2").fill("987")
    pay_button(page).click()

    expect(page.locator("#pan-note")).to_contain_text("only the test cards on its list")
    for field in ("pan", "expiry", "cvv2"):
        expect(page.locator(f"#{field}")).to_have_value("")
    assert transactions(sandbox, order) == []
    # The order is among what was written, so the card would be too.
    assert order.ref.session_id.encode() in written(sandbox)
    assert re.search(rb"4\D?1(\D?1){14}", written(sandbox)) is None


def test_a_card_that_paid_is_kept_masked_only(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    type_card(page)
    pay_button(page).click()
    ends(page, order, "Payment successful")

    expect(page.locator(".receipt")).to_contain_text("5869")
    assert "4169733213495869" not in re.sub(r"\s", "", page.content())
    assert b"4169733213495869" not in written(sandbox)


def test_the_page_sets_no_cookie(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    type_card(page)
    pay_button(page).click()
    ends(page, order, "Payment successful")

    assert page.context.cookies() == []


def test_pays_in_a_frame_of_another_site(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox, return_url=f"{OTHER_SITE}/thanks")
    address = order.payment_url.replace("&", "&amp;")
    other_site(page, f'<iframe src="{address}" width="600" height="900"></iframe>')
    frame = page.frame_locator("iframe")
    frame.locator("#pan").fill("4169733213495869")
    frame.locator("#expiry").fill("05/23")
    frame.locator("#cvv2").fill("447")
    with page.expect_request(f"{OTHER_SITE}/thanks") as returned:
        frame.locator("form.pay button").click()

    assert returned.value.method == "POST"
    assert "xmlmsg=" in (returned.value.post_data or "")
    assert len(transactions(sandbox, order)) == 1


def test_a_form_of_another_site_is_refused(page: Page, sandbox: Running) -> None:
    order = new_order(sandbox)
    page.goto(order.payment_url)
    hidden = {
        name: page.locator(f"form.pay input[name={name}]").input_value()
        for name in ("ORDERID", "SESSIONID", "TOKEN")  # all true, as if it had read our page
    }
    card = {"pan": "4169733213495869", "expiry": "05/23", "cvv2": "447"}
    fields = "".join(
        f'<input name="{name}" value="{value}">' for name, value in (hidden | card).items()
    )
    action = order.payment_url.partition("/index.jsp")[0] + "/pay"
    other_site(page, f'<form method="post" action="{action}">{fields}<button>Go</button></form>')
    with page.expect_navigation() as answer:
        page.get_by_role("button", name="Go").click()

    assert answer.value is not None
    assert answer.value.status == 403
    expect(page.get_by_text("This form was not recognised")).to_be_visible()
    assert transactions(sandbox, order) == []
