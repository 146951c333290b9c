"""Takes the documentation's pictures of the pages: python scripts/screenshots.py.

Starts a sandbox of its own on free ports, walks through it in Chromium (see chromium.py), and
replaces the pictures in docs/images and the page that shows them, docs/pages.md. Every page of the
payer's way is taken in every language, narrow and wide, light and dark in turn; pictures are
committed, so they are WebP, except the two that the README shows.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

from tkkpg.client import (
    AZN,
    NEVER,
    Amount,
    Client,
    Credentials,
    Endpoint,
    Language,
    OrderOptions,
    OrderType,
)
from tkkpg.sandbox.cards import find_card

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
LIST: Final = ROOT / "docs" / "pages.md"
SIZES: Final = {360: 740, 1280: 800}
"""Width to height of the window, in CSS pixels."""
QUALITY: Final = 80
"""Of WebP: letters keep their edges, and a page takes a third of its PNG."""
BYTES_MAX: Final = 150_000
"""Of one picture."""
FOLDER_BYTES_MAX: Final = 3_000_000
"""Of all of them: every clone of the project carries them."""
GOODS: Final = {
    Language.AZ: "Çay və mürəbbə",
    Language.EN: "Tea and jam",
    Language.RU: "Чай и варенье",
}
SHOP: Final = "https://shop.example/back"

SHOWN: Final = {"360": 140, "1280": 420}
"""Width of a picture on the page that lists them, by the width of its window."""

HEAD: Final = """# The pages

What payers see, in all three languages, on a telephone (360 px) and on a wide screen (1280 px).
Every page has a light and a dark dress, by the wish of the device; some of the narrow pictures show
the dark one.
Made by `python scripts/screenshots.py`; a change of a page is a change of its pictures.
"""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox that runs: its demo shop, and a merchant's line to it."""

    shop_url: str
    client: Client

    def order(
        self,
        language: Language,
        *,
        life: timedelta | None = None,
        instalments: int | None = None,
        hold: bool = False,
    ) -> str:
        """Create an order and give the address of its page."""
        created = self.client.create_order(
            amount=Amount.of("128.40", AZN),
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
        return created.payment_url


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Run a sandbox in an empty home."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-m", "tkkpg", "sandbox", "--home", home, "--json"]
        ports = [f"--{name}-port=0" for name in ("exec", "page", "shop", "metrics")]
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
                yield Sandbox(info["shop_url"], client)
        finally:
            process.terminate()
            process.communicate()


@dataclass(frozen=True, slots=True)
class Visit:
    """One window on one sandbox, in one language."""

    sandbox: Sandbox
    page: Page
    language: Language

    def open(self, **options: object) -> None:
        """Go to the card form of a new order."""
        self.page.goto(self.sandbox.order(self.language, **options))  # type: ignore[arg-type]
        self.page.locator("#pan").wait_for()

    def type(self, card: str) -> None:
        """Fill in a test card."""
        for name in ("pan", "expiry", "cvv2"):
            self.page.locator(f"#{name}").fill(getattr(find_card(card), name))

    def press(self, form: str = "pay") -> None:
        """Send a form."""
        self.page.locator(f"form.{form} button").click(no_wait_after=True)

    def end(self, card: str) -> None:
        """Pay, and come back from the shop to the page that says how it ended."""
        self.type(card)
        self.press()
        self.page.wait_for_url(SHOP)
        self.page.go_back()
        self.page.locator(".facts.receipt").wait_for()


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


def declined(visit: Visit) -> None:
    """Refused by the bank, with what to do."""
    visit.open()
    visit.end("076")


def cancelled(visit: Visit) -> None:
    """Given up by the payer."""
    visit.open()
    visit.press("cancel")
    visit.page.wait_for_url(SHOP)
    visit.page.go_back()
    visit.page.locator(".facts.receipt").wait_for()


def trouble(visit: Visit) -> None:
    """An address without a payment; one page in all languages."""
    visit.page.goto(f"{visit.sandbox.order(visit.language)}0")


def shop_order_paid(visit: Visit) -> None:
    """The demo shop after it."""
    card_form(visit)
    visit.type("approve")
    visit.press()
    visit.page.wait_for_url(re.compile("/order/"))


def shop(visit: Visit) -> None:
    """The demo shop."""
    visit.page.goto(f"{visit.sandbox.shop_url}/?language={visit.language.lower()}")
    for product in (0, 1):
        visit.page.locator(".product button").nth(product).click()


WALKS: Final[tuple[Callable[[Visit], None], ...]] = (
    card_form,
    card_typed,
    corrections,
    last_minutes,
    hold,
    checking,
    paid,
    receipt,
    declined,
    cancelled,
    trouble,
    shop,
    shop_order_paid,
)
IN_ENGLISH_ALONE: Final = frozenset({"trouble"})
"""Pages that are the same in every language."""
DARK: Final = frozenset({"card_typed", "last_minutes", "paid", "declined"})
"""Pages whose narrow pictures are dark."""
IN_README: Final = frozenset({("card_form", "en", 1280), ("shop_order_paid", "en", 1280)})
"""Pictures that keep their name and are PNG, which every viewer shows."""


def keep(page: Page, stem: str, *, png: bool) -> str:
    """Write a page as it is, whole; gives the name of the file.

    Raises:
        SystemExit: The picture is too large to be committed.
    """
    page.wait_for_load_state()
    # What sticks to the edge of the window belongs at the end of the picture.
    height = page.evaluate("document.activeElement?.blur(), document.documentElement.scrollHeight")
    page.set_viewport_size({"width": page.evaluate("innerWidth"), "height": height})
    path = IMAGES / f"{stem}.{'png' if png else 'webp'}"
    if png:
        page.screenshot(path=path, animations="disabled", caret="hide")
    else:
        path.write_bytes(_webp(page))
    size = path.stat().st_size
    print(f"{path}  {size // 1000} kB", flush=True)
    if size > BYTES_MAX:
        sys.exit(f"{path} has more than {BYTES_MAX} bytes; show less of the page.")
    return path.name


def _webp(page: Page) -> bytes:
    """Ask Chromium itself: Playwright writes no WebP."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(taken["data"])


def take(browser: Browser, running: Sandbox) -> dict[str, list[str]]:
    """Take all pictures; gives their names by the walk that led to the page."""
    taken: dict[str, list[str]] = {walk.__name__: [] for walk in WALKS}
    for walk in WALKS:
        name = walk.__name__
        languages = [Language.EN] if name in IN_ENGLISH_ALONE else list(Language)
        for language in languages:
            for width, height in SIZES.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if width == min(SIZES) and name in DARK else "light",
                    ignore_https_errors=True,
                    reduced_motion="reduce",
                )
                page.route(SHOP, lambda route: route.fulfill(body="Thank you"))
                walk(Visit(running, page, language))
                stem = f"{name.replace('_', '-')}-{language.lower()}-{width}"
                png = (name, language.lower(), width) in IN_README
                taken[name].append(keep(page, stem, png=png))
                page.close()
    return taken


def write_list(taken: dict[str, list[str]]) -> None:
    """Write the page that shows the pictures, a heading for each page of the payer's way."""
    text = HEAD
    for walk in WALKS:
        title = (walk.__doc__ or "").splitlines()[0].rstrip(".")
        text += f"\n## {title}\n\n"
        for picture in taken[walk.__name__]:
            _, language, width = picture.rsplit(".", 1)[0].rsplit("-", 2)
            said = f"{title}, {language.upper()}, {width} px wide"
            text += f'<img src="images/{picture}" alt="{said}" width="{SHOWN[width]}">\n'
    LIST.write_text(text, encoding="utf-8")


def main() -> None:
    """Take the pictures anew.

    Raises:
        SystemExit: All of them together are too large to be committed.
    """
    subprocess.run([sys.executable, ROOT / "scripts" / "chromium.py"], check=True)
    chromium = (ROOT / ".venv" / "chromium-path").read_text(encoding="utf-8").strip()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sandbox() as running, sync_playwright() as driver:
        # Chromium's own sandbox needs rights that containers do not give; the pages are ours.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        taken = take(browser, running)
        browser.close()
    names = {name for pictures in taken.values() for name in pictures}
    for old in IMAGES.iterdir():
        if old.suffix in {".png", ".webp"} and old.name not in names:
            old.unlink()
    write_list(taken)
    total = sum(path.stat().st_size for path in IMAGES.iterdir())
    if total > FOLDER_BYTES_MAX:
        sys.exit(f"{IMAGES} has more than {FOLDER_BYTES_MAX} bytes; take fewer pictures.")


if __name__ == "__main__":
    main()
