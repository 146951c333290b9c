"""Takes the documentation's pictures of the pages: python -m scripts.screenshots.

Starts a sandbox of its own on free ports, walks through it in Chromium (see page_walks.py and
chromium.py), and replaces the pictures in docs/images and the page that shows them, docs/pages.md.
Every page of the payer's way is taken in every language, narrow and wide, light and dark in turn;
pictures are committed, so they are WebP, except the three that the README shows.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import Error as PlaywrightError
from scripts import page_walks as walks
from scripts.page_walks import SHOP, Sandbox, Visit, sandbox

from tkkpg.client import Language

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "images"
LIST: Final = ROOT / "docs" / "pages.md"
SIZES: Final = {360: 740, 1280: 800}
"""Width to height of the window, in CSS pixels."""
QUALITY: Final = 80
"""Of WebP: letters keep their edges, and a page takes a third of its PNG."""
BYTES_MAX: Final = 150_000
"""Of one picture."""
FOLDER_BYTES_MAX: Final = 4_000_000
"""Of all of them: every clone of the project carries them."""
LOOK_EVERY_MS: Final = 20

SHOWN: Final = {"360": 140, "1280": 420}
"""Width of a picture on the page that lists them, by the width of its window."""

HEAD: Final = """# The pages

What payers see, in all three languages, on a telephone (360 px) and on a wide screen (1280 px).
Every page has a light and a dark dress, by the wish of the device; some of the narrow pictures show
the dark one.
Made by `python -m scripts.screenshots`; a change of a page is a change of its pictures.
"""


WALKS: Final[tuple[Callable[[Visit], None], ...]] = (
    walks.card_form,
    walks.card_typed,
    walks.corrections,
    walks.last_minutes,
    walks.hold,
    walks.method,
    walks.to_issuer,
    walks.challenged,
    walks.wrong_code,
    walks.new_code,
    walks.confirmed,
    walks.unconfirmed,
    walks.card_again,
    walks.checking,
    walks.paid,
    walks.held,
    walks.receipt,
    walks.declined,
    walks.unsent,
    walks.cancelled,
    walks.expired,
    walks.reversal,
    walks.refund_under_way,
    walks.refund,
    walks.trouble,
    walks.nothing_to_confirm,
    walks.shop,
    walks.shop_order_paid,
)
IN_ENGLISH_ALONE: Final = frozenset({walks.nothing_to_confirm})
"""Pages that are the same in every language."""
DARK: Final = frozenset(
    {
        walks.card_typed,
        walks.last_minutes,
        walks.to_issuer,
        walks.challenged,
        walks.confirmed,
        walks.paid,
        walks.declined,
        walks.expired,
        walks.refund,
    }
)
"""Pages whose narrow pictures are dark."""
IN_README: Final = frozenset(
    {
        ("card_form", "en", 1280),
        ("challenged", "en", 1280),
        ("shop_order_paid", "en", 1280),
    }
)
"""Pictures that keep their name and are PNG, which every viewer shows."""


def keep(page: Page, stem: str, *, png: bool) -> str:
    """Write a page as it is, whole; gives the name of the file.

    Raises:
        SystemExit: The picture is too large to be committed.
    """
    while not _complete(page):
        page.wait_for_timeout(LOOK_EVERY_MS)
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


def _complete(page: Page) -> bool:
    """Whether a page is there whole; one that tries a way on which the walk has closed is, too.

    So `wait_for_load_state` would wait for ever, and a question may fall into the attempt.
    """
    try:
        return bool(page.evaluate("document.readyState") == "complete")
    except PlaywrightError:
        return False


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
        languages = [Language.EN] if walk in IN_ENGLISH_ALONE else list(Language)
        for language in languages:
            for width, height in SIZES.items():
                page = browser.new_page(
                    viewport={"width": width, "height": height},
                    color_scheme="dark" if width == min(SIZES) and walk in DARK else "light",
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
