"""Card data is kept nowhere, and foreign pages can neither pay nor be needed for paying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

import pytest
from playwright.sync_api import Page, expect
from tests.browser.payer import ends, new_order, pay_button, transactions, type_card, written
from tests.browser.sandbox_process import Running

from tkkpg.gateway.config import CONTROL
from tkkpg.gateway.control import ask_owner
from tkkpg.gateway.verbs import CHANGE_MERCHANT

REAL_LOOKING: Final = "4111111111111111"


class OtherSite(ThreadingHTTPServer):
    """A site other than the sandbox's `localhost`; says the same at every address of it."""

    html = ""
    returned = b""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class OtherPage(BaseHTTPRequestHandler):
    """Answers for the other site."""

    server: OtherSite

    def do_GET(self) -> None:
        """Say what the test wants said."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>Other</title>{self.server.html}".encode())

    def do_POST(self) -> None:
        """Take what comes back from the bank."""
        self.server.returned = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def other_site() -> Iterator[OtherSite]:
    with OtherSite(("127.0.0.1", 0), OtherPage) as site:
        thread = Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield site
        site.shutdown()
        thread.join()


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


@contextmanager
def framed_by(sandbox: Running, origin: str) -> Iterator[None]:
    """Let a site frame the page, as its merchant's operator does; nobody may otherwise."""
    change = partial(ask_owner, sandbox.home / CONTROL, CHANGE_MERCHANT, merchant_id="E1000010")
    change(changes={"frame_ancestors": origin})
    try:
        yield
    finally:
        change(changes={"frame_ancestors": ""})


def test_pays_in_a_frame_of_another_site(
    page: Page, sandbox: Running, other_site: OtherSite
) -> None:
    with framed_by(sandbox, other_site.url):
        pay_in_a_frame(page, sandbox, other_site)


def pay_in_a_frame(page: Page, sandbox: Running, other_site: OtherSite) -> None:
    """Pay an order whose page another site shows in a frame of its own."""
    order = new_order(sandbox, return_url=f"{other_site.url}/thanks")
    address = order.payment_url.replace("&", "&amp;")
    other_site.html = f'<iframe src="{address}" width="600" height="900"></iframe>'
    page.goto(other_site.url)
    frame = page.frame_locator("iframe")
    frame.locator("#pan").fill("4169733213495869")
    frame.locator("#expiry").fill("05/23")
    frame.locator("#cvv2").fill("447")
    other_site.html = "<h1>Thank you</h1>"
    frame.locator("form.pay button").click()
    frame.locator("form.return button").click()

    expect(frame.locator("h1")).to_have_text("Thank you")
    assert other_site.returned.startswith(b"xmlmsg=")
    assert transactions(sandbox, order) == [("AUTHORISATION", "APPROVED")]
    assert page.context.cookies() == []


def test_a_form_of_another_site_is_refused(
    page: Page, sandbox: Running, other_site: OtherSite
) -> None:
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
    other_site.html = f'<form method="post" action="{action}">{fields}<button>Go</button></form>'
    page.goto(other_site.url)
    with page.expect_navigation() as answer:
        page.get_by_role("button", name="Go").click()

    assert answer.value is not None
    assert answer.value.status == 403
    expect(page.get_by_text("This form was not recognised")).to_be_visible()
    assert transactions(sandbox, order) == []
