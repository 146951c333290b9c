"""Takes the documentation's pictures of the pages: python scripts/screenshots.py docs/images.

Starts a sandbox of its own on free ports, walks through it in Chromium (see chromium.py) and
writes one PNG a page, replacing older ones. Pictures are committed: keep them few and small.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
SIZES = {360: 740, 1280: 800}  # width to height of the window, in CSS pixels
LANGUAGES = ("az", "en", "ru")
CARD = {"pan": "4169 7332 1349 5869", "expiry": "05/23", "cvv2": "447"}  # the bank's test card
BYTES_MAX = 150_000


@contextmanager
def sandbox() -> Iterator[str]:
    """Run a sandbox in an empty home; gives the address of its demo shop."""
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
            yield json.loads(line)["shop_url"]
        finally:
            process.terminate()
            process.communicate()


class Photographer:
    """Walks through the pages in one window size and language, and keeps what it sees."""

    def __init__(self, browser: Browser, folder: Path, width: int, language: str) -> None:
        """Open a window."""
        self._folder = folder
        self._ending = f"{language}-{width}.png"
        self.language = language
        self.page = browser.new_page(
            viewport={"width": width, "height": SIZES[width]},
            ignore_https_errors=True,
            reduced_motion="reduce",
        )

    def keep(self, name: str) -> None:
        """Write the page as it is, whole.

        Raises:
            SystemExit: The picture is too large to be committed.
        """
        path = self._folder / f"{name}-{self._ending}"
        self.page.screenshot(path=path, full_page=True, animations="disabled", caret="hide")
        size = path.stat().st_size
        print(f"{path}  {size // 1000} kB", flush=True)
        if size > BYTES_MAX:
            sys.exit(f"{path} has more than {BYTES_MAX} bytes; show less of the page.")

    def card_form(self, shop_url: str) -> None:
        """Put tea into the basket and go to the bank."""
        self.page.goto(f"{shop_url}/?language={self.language}")
        self.page.locator(".product button").first.click()
        self.page.locator(".basket button.main").click()
        self.page.locator("#pan").wait_for()
        self.keep("card-form")

    def paid(self) -> None:
        """Pay; keep what the bank and then the shop say."""
        for field, value in CARD.items():
            self.page.locator(f"#{field}").fill(value)
        self.page.locator("form.pay button").click()
        self.page.wait_for_url(re.compile("/order/"))
        self.keep("shop-order-paid")
        self.page.go_back()  # the final page stays there after the way back
        self.page.locator(".receipt").wait_for()
        self.keep("final")

    def shop(self, shop_url: str) -> None:
        """Look at the shelf with something in the basket."""
        self.page.goto(f"{shop_url}/?language={self.language}")
        for product in (0, 1):
            self.page.locator(".product button").nth(product).click()
        self.keep("shop")


def take(browser: Browser, folder: Path, shop_url: str) -> None:
    """Take all pictures: the card form in every language and size, the rest in English."""
    for width in SIZES:
        for language in LANGUAGES:
            photographer = Photographer(browser, folder, width, language)
            photographer.card_form(shop_url)
            if language == "en":
                photographer.paid()
                photographer.shop(shop_url)
            photographer.page.close()


def main() -> None:
    """Take the pictures into the folder that was named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one folder
        sys.exit("Name the folder for the pictures: python scripts/screenshots.py docs/images")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, ROOT / "scripts" / "chromium.py"], check=True)
    chromium = (ROOT / ".venv" / "chromium-path").read_text(encoding="utf-8").strip()
    with sandbox() as shop_url, sync_playwright() as driver:
        # Chromium's own sandbox needs rights that containers do not give; the pages are ours.
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        take(browser, folder, shop_url)
        browser.close()


if __name__ == "__main__":
    main()
