"""The issuer's challenge in a real browser, on another site than the page that sends it there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from threading import Event, Thread
from typing import Any, Final, TypeVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.conftest import Browse
from tests.browser.payer import code_on, confirm, scrolls_sideways, styled, wrong_code_on
from tests.unit.issuer.threeds.stage import SERVER_ID, SESSION_DATA, Stage, staged

from tkkpg.gateway.threeds.messages import ChallengeCancel, TransStatus
from tkkpg.gateway.threeds.wire import to_base64url
from tkkpg.issuer.threeds.challenges import LIFE
from tkkpg.protocol.values import Language

Result = TypeVar("Result")

AXE: Final = Axe()
STARTED_S: Final = 10.0
HEADINGS: Final = {
    Language.AZ: "Ödənişi təsdiqləyin",
    Language.EN: "Confirm your payment",
    Language.RU: "Подтвердите оплату",
}
WIDTHS: Final = (360, 1280)

both_schemes = pytest.mark.parametrize("scheme", ["light", "dark"])


class Street:
    """Both sites in a thread of their own, since Playwright's loop has this one.

    Attributes:
        stage: What is there; looked at from here, run there.
    """

    stage: Stage

    def __init__(self) -> None:
        self._begun = Event()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.thread = Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with staged() as self.stage:
            self._begun.set()
            await self._stop.wait()

    def start(self) -> None:
        """Open both sites."""
        self.thread.start()
        assert self._begun.wait(STARTED_S)

    def stop(self) -> None:
        """Close both sites."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self.thread.join()

    def do(self, step: Callable[[Stage], Coroutine[Any, Any, Result]]) -> Result:
        """Do something there."""
        return asyncio.run_coroutine_threadsafe(step(self.stage), self._loop).result(STARTED_S)

    def challenge(self, page: Page, language: str = "en") -> None:
        """Begin a challenge, and press the button on our page that leads to it."""
        ares = self.do(lambda stage: stage.authenticate(browser_language=language))
        assert ares.acs_url
        self.stage.server.to_challenge = {"action": ares.acs_url, **self.stage.carried(ares)}
        page.goto(f"{self.stage.page_url}/go")
        page.get_by_role("button", name="Go").click()
        expect(page.locator("#code")).to_be_visible()


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street()
    street.start()
    yield street
    street.stop()


@pytest.fixture
def unscripted(browse: Browse) -> Page:
    return browse(java_script_enabled=False)


def is_back(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Back")


def is_accessible(page: Page) -> None:
    styled(page)
    found = AXE.run(page)
    assert found.response["violations"] == [], found.generate_report()


def stays(page: Page) -> None:
    """Keep a page that would go on by itself."""
    page.route(re.compile(r"/static/page\..*\.js"), lambda route: route.fulfill(body=""))


def test_the_right_code_leads_back_by_itself(page: Page, street: Street) -> None:
    street.challenge(page)
    confirm(page, code_on(page))
    is_back(page)

    server = street.stage.server
    assert [one.trans_status for one in server.results] == [TransStatus.PROVED]
    assert [one.trans_status for one in server.returned] == [TransStatus.PROVED]
    assert server.session_data == [SESSION_DATA]
    assert server.results_then == [1]
    assert page.context.cookies() == []


def test_three_wrong_codes_lead_back_too(page: Page, street: Street) -> None:
    street.challenge(page)
    for left in ("2", "1"):
        confirm(page, wrong_code_on(page))
        expect(page.get_by_role("alert")).to_contain_text(f"attempts left: {left}")
        expect(page.locator("#code")).to_be_focused()
        expect(page).to_have_title(re.compile("^Error: "))
    confirm(page, wrong_code_on(page))
    is_back(page)

    assert [one.trans_status_reason for one in street.stage.server.results] == ["19"]


def test_a_new_code_is_sent(page: Page, street: Street) -> None:
    street.challenge(page)
    before = code_on(page)
    page.get_by_role("button", name="Send a new code").click()
    expect(page.get_by_role("status")).to_contain_text("A new code has been sent")
    assert code_on(page) != before
    confirm(page, code_on(page))
    is_back(page)


def test_cancelling_leads_back(page: Page, street: Street) -> None:
    street.challenge(page)
    page.get_by_role("button", name="Cancel the payment").click()
    is_back(page)

    (result,) = street.stage.server.results
    assert result.challenge_cancel is ChallengeCancel.CARDHOLDER


def test_too_late_leads_back(page: Page, street: Street) -> None:
    street.challenge(page)
    street.stage.clock.advance(LIFE)
    confirm(page, code_on(page))
    is_back(page)

    (result,) = street.stage.server.results
    assert result.trans_status_reason == "14"


def test_everything_works_without_javascript(unscripted: Page, street: Street) -> None:
    page = unscripted
    street.challenge(page)
    confirm(page, wrong_code_on(page))
    page.get_by_role("button", name="Send a new code").click()
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("h1")).to_have_text(HEADINGS[Language.RU])
    confirm(page, code_on(page))
    expect(page.locator("h1")).to_have_text("Спасибо, платёж подтверждён")
    page.get_by_role("button", name="Продолжить").click()
    is_back(page)

    assert street.stage.server.session_data == [SESSION_DATA]
    assert page.context.cookies() == []


def test_cancelling_works_without_javascript(unscripted: Page, street: Street) -> None:
    street.challenge(unscripted)
    unscripted.get_by_role("button", name="Cancel the payment").click()
    unscripted.get_by_role("button", name="Continue").click()
    is_back(unscripted)


def test_going_back_and_confirming_again_changes_nothing(page: Page, street: Street) -> None:
    street.challenge(page)
    confirm(page, code_on(page))
    is_back(page)
    page.goto(f"{street.stage.page_url}/go")
    page.get_by_role("button", name="Go").click()
    is_back(page)

    server = street.stage.server
    assert len(server.results) == 1
    assert server.returned[0] == server.returned[1]


def test_the_method_page_in_a_hidden_frame_tells_the_other_site(page: Page, street: Street) -> None:
    stage = street.stage
    done = f"{stage.page_url}/method-done"
    data = f'{{"threeDSServerTransID":"{SERVER_ID}","threeDSMethodNotificationURL":"{done}"}}'
    page.goto(f"{stage.page_url}/framed?{to_base64url(data.encode())}")
    frame = page.frame_locator("iframe")

    expect(frame.locator("h1")).to_have_text("Done")
    assert len(stage.server.methods) == 1


def is_well_made(page: Page) -> None:
    is_accessible(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert not scrolls_sideways(page)


@both_schemes
@pytest.mark.parametrize("language", list(Language))
def test_every_page_is_well_made_in_every_language(
    browse: Browse, street: Street, language: Language, scheme: str
) -> None:
    page = browse(color_scheme=scheme)
    stays(page)
    street.challenge(page, language.lower())
    expect(page.locator("h1")).to_have_text(HEADINGS[language])
    is_well_made(page)
    confirm(page, wrong_code_on(page))
    page.get_by_role("alert").wait_for()
    is_well_made(page)
    page.locator("form.cancel button").click()
    page.locator("form.return").wait_for()
    is_well_made(page)


@both_schemes
@pytest.mark.parametrize("passes", [True, False], ids=["passed", "failed"])
def test_the_other_endings_are_accessible(
    browse: Browse, street: Street, passes: bool, scheme: str
) -> None:
    page = browse(color_scheme=scheme)
    stays(page)
    street.challenge(page)
    for _ in range(1 if passes else 3):
        confirm(page, code_on(page) if passes else wrong_code_on(page))
    page.locator("form.return").wait_for()
    is_accessible(page)


@both_schemes
def test_a_page_that_is_not_there_is_accessible(
    browse: Browse, street: Street, scheme: str
) -> None:
    page = browse(color_scheme=scheme)
    page.goto(f"{street.stage.acs_url}/challenge")
    expect(page.locator("h1")).to_have_text("Ödənişin təsdiqi")
    is_accessible(page)
