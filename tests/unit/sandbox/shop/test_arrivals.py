"""A browser comes back with an order that the shop never made."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path

import httpx2
import pytest
from tests.unit.sandbox.shop.peers import Bank, Browser

from tkkpg.client import AZN, Language, OrderStatus, XMLOut
from tkkpg.protocol import codec
from tkkpg.sandbox.shop.arrivals import SAMPLE_PATHS
from tkkpg.sandbox.shop.pages import DESCRIPTION_SHOWN_MAX
from tkkpg.sandbox.shop.settings import ShopSettings

pytestmark = pytest.mark.anyio

SESSION_ID = "0123456789ABCDEF0123456789ABCDEF"
CLAIM = XMLOut(
    date=None,
    order_id=4711,
    session_id=SESSION_ID,
    transaction_type="Purchase",
    pan="416973XXXXXX5869",
    amount_minor=123450,
    currency=AZN,
    response_code="001",
    response_description="Approved, no balances available",
    order_status=OrderStatus.APPROVED,
)


def written(claim: XMLOut, *, wrapped: bool = True, as_base64: bool = False) -> str:
    return codec.encode_callback(claim, wrapped=wrapped, as_base64=as_base64)


async def arrive(browser: Browser, claim: XMLOut, path: str = "/") -> httpx2.Response:
    """Come from the bank's page with a message."""
    headers = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    reply = await browser.post(path, data={"xmlmsg": written(claim)}, headers=headers)
    browser.page = reply.text
    return reply


@pytest.mark.parametrize("path", ["/", *SAMPLE_PATHS])
async def test_what_the_message_claims_is_shown_as_a_claim(browser: Browser, path: str) -> None:
    reply = await arrive(browser, CLAIM, path)

    assert reply.status_code == 200
    assert "The browser came back with this message This shop did not make" in browser.words
    assert (
        "What the message claims Order number at the bank 4711 Order status APPROVED "
        "Response code 001 Response description Approved, no balances available "
        "Card 416973••••••5869 Amount 1,234.50\u00a0AZN"
    ).replace("\u00a0", " ") in browser.words
    assert "It is a claim and no proof: the message is unsigned" in browser.words
    assert '<a class="button quiet" href="/">Back to the shop</a>' in browser.page


async def test_the_next_step_names_the_order_and_never_its_session(browser: Browser) -> None:
    await arrive(browser, CLAIM)

    assert "write its SessionID" in browser.words
    assert "tkkpg order status 4711 SESSION_ID" in browser.words
    assert SESSION_ID not in browser.page


async def test_a_message_in_the_query_is_shown_as_well(browser: Browser) -> None:
    reply = await browser.get(SAMPLE_PATHS[0], params={"xmlmsg": written(CLAIM)})

    assert reply.status_code == 200
    assert "4711" in reply.text
    assert SESSION_ID not in reply.text


@pytest.mark.parametrize("wrapped", [True, False])
@pytest.mark.parametrize("as_base64", [True, False])
async def test_every_shape_of_the_message_is_read(
    browser: Browser, wrapped: bool, as_base64: bool
) -> None:
    form = {"xmlmsg": written(CLAIM, wrapped=wrapped, as_base64=as_base64)}

    assert "4711" in (await browser.post("/", data=form)).text


async def test_what_the_message_leaves_out_has_no_row(browser: Browser) -> None:
    bare = replace(CLAIM, pan=None, response_code=None, response_description="")
    await arrive(browser, bare)

    assert "Order status APPROVED Amount 1,234.50 AZN It is a claim" in browser.words


async def test_what_the_message_says_is_never_markup(browser: Browser) -> None:
    hostile = '<script>alert("1")</script>'
    await arrive(
        browser, replace(CLAIM, response_code=hostile, response_description=hostile, pan=hostile)
    )

    assert browser.page.count(escape(hostile).replace("&quot;", "&#34;")) == 2
    assert "<script" not in browser.page


async def test_a_long_description_is_cut(browser: Browser) -> None:
    await arrive(browser, replace(CLAIM, response_description="ж" * 512))

    assert browser.page.count("ж") == DESCRIPTION_SHOWN_MAX - 1
    assert "ж…" in browser.page


@pytest.mark.parametrize("pan", ["4169730000005869", "4169 7300 0000 5869", "41697300000"])
async def test_a_card_number_that_nobody_masked_is_masked_here(browser: Browser, pan: str) -> None:
    await arrive(browser, replace(CLAIM, pan=pan))

    assert pan not in browser.page
    assert "••" in browser.page


@pytest.mark.parametrize("path", ["/", *SAMPLE_PATHS])
@pytest.mark.parametrize("form", [{}, {"xmlmsg": ""}, {"xmlmsg": "nonsense"}, {"xmlmsg": "<a/>"}])
async def test_what_cannot_be_read_is_told_as_that(
    browser: Browser, path: str, form: dict[str, str]
) -> None:
    reply = await browser.post(path, data=form)
    browser.page = reply.text

    assert reply.status_code == 400
    assert "The browser came back without a message that can be read" in browser.words
    assert "tkkpg order status ORDER_ID SESSION_ID" in browser.words
    assert "What the message claims" not in browser.words


async def test_an_unreadable_message_in_the_query_is_told_as_that(browser: Browser) -> None:
    reply = await browser.get(SAMPLE_PATHS[0], params={"xmlmsg": "nonsense"})

    assert reply.status_code == 400
    assert "without a message that can be read" in reply.text


async def test_nothing_of_an_unreadable_message_is_repeated(browser: Browser) -> None:
    form = {"xmlmsg": written(CLAIM).replace("APPROVED", "GOLDEN")}
    reply = await browser.post("/", data=form)

    assert reply.status_code == 400
    for told in (SESSION_ID, "GOLDEN", "4711", "416973"):
        assert told not in reply.text


async def test_looking_at_the_sample_address_leads_to_the_shelf(browser: Browser) -> None:
    reply = await browser.get(SAMPLE_PATHS[0])

    assert (reply.status_code, reply.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("language", "title"),
    [
        (Language.AZ, "Brauzer bu mesajla qayıtdı"),
        (Language.EN, "The browser came back with this message"),
        (Language.RU, "Браузер вернулся с этим сообщением"),
    ],
)
async def test_the_page_speaks_the_language_of_the_message(
    browser: Browser, language: Language, title: str
) -> None:
    await arrive(browser, replace(CLAIM, language=language))

    assert f'<html lang="{language.lower()}">' in browser.page
    assert f"<h1>{title}</h1>" in browser.page


async def test_a_language_that_was_chosen_comes_before_that_of_the_message(
    browser: Browser,
) -> None:
    await browser.open("/?language=ru")
    await arrive(browser, replace(CLAIM, language=Language.AZ))

    assert '<html lang="ru">' in browser.page


@pytest.mark.parametrize("path", ["/", *SAMPLE_PATHS])
async def test_an_arrival_changes_nothing_and_asks_nobody(
    browser: Browser, bank: Bank, settings: ShopSettings, path: str
) -> None:
    await browser.buy("tea")
    before, heard = content(settings.database), len(bank.heard)
    replies = [
        await arrive(
            browser, replace(CLAIM, order_id=bank.last.ref.order_id), f"{path}?language=az"
        ),
        await browser.post(path, data={"xmlmsg": "nonsense"}),
    ]

    assert content(settings.database) == before
    assert len(bank.heard) == heard
    assert all("Set-Cookie" not in reply.headers for reply in replies)


async def test_an_arrival_carries_the_headers_of_every_page(browser: Browser) -> None:
    shelf = await browser.get("/")
    for reply in (await arrive(browser, CLAIM), await browser.post("/", data={})):
        for name in (
            "Content-Security-Policy",
            "Cache-Control",
            "Referrer-Policy",
            "X-Content-Type-Options",
        ):
            assert reply.headers[name] == shelf.headers[name]
        for forbidden in ("<script", "style=", "<style", "onclick", "http:", "https:"):
            assert forbidden not in reply.text


def content(database: Path) -> dict[str, bytes]:
    """Everything the shop keeps, byte by byte; the index of the log holds locks, not data."""
    return {
        file.name: file.read_bytes()
        for file in database.parent.iterdir()
        if not file.name.endswith("-shm")
    }
