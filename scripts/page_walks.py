"""The ways to every page that a payer can see, walked in a sandbox of their own.

The first line of a walk's docstring is the page's heading in the documentation.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from subprocess import DEVNULL
from typing import Final

from playwright.sync_api import Page

from tkkpg.client import (
    AZN,
    NEVER,
    Amount,
    Client,
    CreatedOrder,
    Credentials,
    Endpoint,
    Language,
    OrderOptions,
    OrderStatus,
    OrderType,
)
from tkkpg.sandbox.cards import find_card

PRICE: Final = Amount.of("128.40", AZN)
GOODS: Final = {
    Language.AZ: "Çay və mürəbbə",
    Language.EN: "Tea and jam",
    Language.RU: "Чай и варенье",
}
SHOP: Final = "https://shop.example/back"
STAY: Final = "aborted"
"""Ends a request so that the browser stays on the page that made it."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that runs: where it is, and a merchant's line to it."""

    home: str
    shop_url: str
    acs_url: str
    client: Client

    def order(
        self,
        language: Language,
        *,
        life: timedelta | None = None,
        instalments: int | None = None,
        hold: bool = False,
    ) -> CreatedOrder:
        """Create an order."""
        return self.client.create_order(
            amount=PRICE,
            description=GOODS[language],
            language=language,
            approve_url=SHOP,
            cancel_url=SHOP,
            decline_url=SHOP,
            order_type=OrderType.PRE_AUTH if hold else OrderType.PURCHASE,
            options=OrderOptions(
                expires_after=life, instalments=instalments, save_card=bool(instalments)
            ),
        )

    def let_pass(self, period: str) -> None:
        """Move the business time forward."""
        subprocess.run(self.command("clock", "advance", period), check=True, stdout=DEVNULL)

    def command(self, *words: str) -> list[str]:
        """Give a command for this sandbox."""
        return [sys.executable, "-m", "tkkpg", *words, "--home", self.home]


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tkkpg", "sandbox", "--home", home, "--json"]
        ports = [f"--{name}-port=0" for name in ("exec", "page", "shop", "metrics", "acs")]
        process = subprocess.Popen(
            [*command, *ports], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                sys.exit("The sandbox did not start; `make sandbox` tells why.")
            info = json.loads(line)
            with Client(
                Endpoint(info["exec_url"], info["page_url"]),
                Credentials(info["certificate"], info["key"], ca=info["ca"]),
                merchant_id=info["merchant_id"],
            ) as client:
                yield Sandbox(home, info["shop_url"], info["acs_url"], client)
        finally:
            process.terminate()
            process.communicate()


@dataclass(frozen=True, slots=True)
class Visit:
    """One window on one sandbox, in one language."""

    sandbox: Sandbox
    page: Page
    language: Language

    def open(self, **options: object) -> CreatedOrder:
        """Go to the card form of a new order."""
        order = self.sandbox.order(self.language, **options)  # type: ignore[arg-type]
        self.page.goto(order.payment_url)
        self.page.locator("#pan").wait_for()
        return order

    def type(self, card: str) -> None:
        """Fill in a test card."""
        for name in ("pan", "expiry", "cvv2"):
            self.page.locator(f"#{name}").fill(getattr(find_card(card), name))

    def press(self, form: str = "pay") -> None:
        """Send a form."""
        self.page.locator(f"form.{form} button").click(no_wait_after=True)

    def end(self, card: str) -> None:
        """Pay, and stay on the page that says how it ended."""
        self.type(card)
        self.press()
        self.page.locator(".facts.receipt").wait_for()

    def look(self, order: CreatedOrder) -> None:
        """Open the page of an order that has ended."""
        self.page.goto(order.payment_url)
        self.page.locator(".facts.receipt").wait_for()

    def hold_back(self) -> None:
        """Let nothing through to the issuer, so that the pages on the way to it stay."""
        self.page.route(f"{self.sandbox.acs_url}/challenge", lambda route: route.abort(STAY))
        self.page.route(f"{self.sandbox.acs_url}/method", lambda route: route.fulfill(body=""))

    def answer(self, *, wrong: bool = False) -> None:
        """Type the code that the issuer's page shows, or another."""
        code = self.page.locator(".code").inner_text()
        typed = f"{(int(code) + 1) % 10**6:06}" if wrong else code
        self.page.locator("#code").fill(typed)
        self.press("confirm")


def card_form(visit: Visit) -> None:
    """An empty form, opened from the demo shop."""
    visit.page.goto(f"{visit.sandbox.shop_url}/?language={visit.language.lower()}")
    visit.page.locator(".product button").first.click()
    visit.page.locator(".basket button.main").click()
    visit.page.locator("#pan").wait_for()


def card_typed(visit: Visit) -> None:
    """A card typed, instalments, the offer to save it."""
    visit.open(instalments=6)
    visit.type("approve")


def corrections(visit: Visit) -> None:
    """What is wrong, in words and at the field."""
    visit.open()
    visit.type("approve")
    visit.page.locator("#pan").fill("4169733213495868")
    visit.page.locator("#expiry").fill("13/30")
    visit.press()
    visit.page.locator(".summary").wait_for()


def last_minutes(visit: Visit) -> None:
    """The time before expiry, counted."""
    visit.open(life=timedelta(minutes=3))


def hold(visit: Visit) -> None:
    """An amount that is only held."""
    visit.open(hold=True, life=NEVER)


def method(visit: Visit) -> None:
    """The card's bank looks at the browser, in a hidden frame."""
    visit.hold_back()
    visit.open()
    visit.type("method")
    visit.press()
    visit.page.locator("form.issuer").wait_for(state="attached")


def to_issuer(visit: Visit) -> None:
    """On the way to the card's bank."""
    visit.hold_back()
    visit.open()
    visit.type("challenge")
    visit.press()
    visit.page.locator("form.return").wait_for()


def challenged(visit: Visit) -> None:
    """The card's bank asks for a one-time code."""
    visit.open()
    visit.type("challenge")
    visit.press()
    visit.page.locator("#code").wait_for()


def wrong_code(visit: Visit) -> None:
    """A wrong code."""
    challenged(visit)
    visit.answer(wrong=True)
    visit.page.locator("#code-note").wait_for()


def new_code(visit: Visit) -> None:
    """A new code."""
    challenged(visit)
    visit.press("resend")
    visit.page.locator(".told").wait_for()


def confirmed(visit: Visit) -> None:
    """Confirmed, on the way back."""
    challenged(visit)
    visit.page.route("**/3ds/return?*", lambda route: route.abort(STAY))
    visit.answer()
    visit.page.locator("form.return").wait_for()


def unconfirmed(visit: Visit) -> None:
    """Not confirmed, on the way back."""
    challenged(visit)
    visit.page.route("**/3ds/return?*", lambda route: route.abort(STAY))
    visit.press("cancel")
    visit.page.locator("form.return").wait_for()


def card_again(visit: Visit) -> None:
    """The card form while the card's bank is waited for."""
    challenged(visit)
    visit.page.go_back()
    visit.page.locator(".again").wait_for()


def checking(visit: Visit) -> None:
    """A payment whose answer is on its way."""
    visit.open()
    visit.type("slow")
    visit.press()
    visit.page.locator(".waiting").wait_for()


def paid(visit: Visit) -> None:
    """Paid."""
    visit.open()
    visit.end("approve")


def receipt(visit: Visit) -> None:
    """What of it is printed."""
    paid(visit)
    visit.page.emulate_media(media="print", color_scheme="light")


def held(visit: Visit) -> None:
    """Held."""
    visit.open(hold=True)
    visit.end("approve")


def declined(visit: Visit) -> None:
    """Refused by the bank, with what to do."""
    visit.open()
    visit.end("076")


def unsent(visit: Visit) -> None:
    """Not sent, since the link to the bank was down."""
    visit.open()
    visit.end("-1")


def cancelled(visit: Visit) -> None:
    """Given up by the payer."""
    visit.open()
    visit.press("cancel")
    visit.page.wait_for_url(SHOP)
    visit.page.go_back()
    visit.page.locator(".facts.receipt").wait_for()


def expired(visit: Visit) -> None:
    """The time to pay is over."""
    order = visit.open(life=timedelta(minutes=1))
    visit.sandbox.let_pass("2m")
    visit.look(order)


def reversal(visit: Visit) -> None:
    """Paid and reversed by the shop."""
    order = visit.open()
    visit.end("approve")
    visit.sandbox.client.reverse(order.ref)
    visit.look(order)


def refund(visit: Visit) -> None:
    """Paid and refunded in part."""
    order = visit.open()
    visit.end("approve")
    visit.sandbox.client.refund(order.ref, amount=Amount.of("28.40", AZN))
    visit.look(order)


def refund_under_way(visit: Visit) -> None:
    """Paid, with a refund on its way."""
    order = visit.open()
    visit.end("approve")
    box, (number, session) = visit.sandbox, (str(order.order_id), order.session_id)
    subprocess.run(box.command("trigger", "fault", "silence"), check=True, stdout=DEVNULL)
    asking = box.command("order", "refund", number, session, "--amount", "28.40")
    with subprocess.Popen(asking, stdout=DEVNULL) as refunding:
        while box.client.get_order_status(order.ref).order_status is not OrderStatus.ON_REFUND:
            time.sleep(0.05)
        refunding.kill()  # the gateway goes on asking
    visit.look(order)


def trouble(visit: Visit) -> None:
    """An address without a payment."""
    address = f"{visit.sandbox.order(visit.language).payment_url}0"
    visit.page.goto(f"{address}&LANGUAGE={visit.language}")


def nothing_to_confirm(visit: Visit) -> None:
    """An address of the card's bank with nothing to confirm; one page in all languages."""
    visit.page.goto(f"{visit.sandbox.acs_url}/challenge")


def shop_order_paid(visit: Visit) -> None:
    """The demo shop after it."""
    card_form(visit)
    visit.type("approve")
    visit.press()
    visit.press("return")
    visit.page.wait_for_url(re.compile("/order/"))


def shop(visit: Visit) -> None:
    """The demo shop."""
    visit.page.goto(f"{visit.sandbox.shop_url}/?language={visit.language.lower()}")
    for product in (0, 1):
        visit.page.locator(".product button").nth(product).click()
