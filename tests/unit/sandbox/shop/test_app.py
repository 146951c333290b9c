"""The shop as its visitors and the bank meet it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from tests.unit.sandbox.shop.peers import PAGE_URL, SHOP_URL, Bank, Browser, xmlmsg

from tkkpg.client import AZN, Amount, Language, OrderRef, OrderStatus
from tkkpg.protocol.messages import CreateOrderRequest, GetOrderStatusRequest
from tkkpg.sandbox.shop.app import demo_shop
from tkkpg.sandbox.shop.baskets import QUANTITY_MAX
from tkkpg.sandbox.shop.settings import ShopSettings

pytestmark = pytest.mark.anyio

Arrive = Callable[[], Browser]


def order_path(bank: Bank) -> str:
    """The page of the shop's order behind the newest order at the bank."""
    return f"/order/{urlsplit(bank.last.asked.approve_url).path.split('/')[2]}"


def return_path(bank: Bank, outcome: str = "approve") -> str:
    """Where the bank's page sends the browser back to."""
    asked = bank.last.asked
    urls = {"approve": asked.approve_url, "cancel": asked.cancel_url, "decline": asked.decline_url}
    return urlsplit(urls[outcome]).path


async def test_three_products_are_on_the_shelf(browser: Browser) -> None:
    await browser.open("/")

    assert browser.page.count('class="product"') == 3
    assert "Lankaran tea" in browser.words
    assert "Your basket is still empty." in browser.words


async def test_what_is_added_is_in_the_basket_with_its_total(browser: Browser) -> None:
    await browser.open("/")
    for product in ("tea", "tea", "jam"):
        reply = await browser.press("/basket/add", product)
        assert (reply.status_code, reply.headers["Location"]) == (303, "/#basket")
    await browser.open("/")

    assert "Total 22.80 AZN" in browser.words


async def test_what_the_basket_holds_is_said_before_the_shelf(browser: Browser) -> None:
    await browser.open("/")
    assert 'class="near"' not in browser.page
    for product in ("tea", "tea", "jam"):
        await browser.press("/basket/add", product)
    await browser.open("/")

    before_the_shelf = browser.words[: browser.words.index("Lankaran tea")]
    assert "Basket: 3 22.80 AZN" in before_the_shelf


async def test_what_is_removed_is_no_longer_in_the_basket(browser: Browser) -> None:
    await browser.open("/")
    await browser.press("/basket/add", "tea")
    await browser.press("/basket/add", "jam")
    await browser.open("/")
    await browser.press("/basket/remove", "jam")
    await browser.open("/")

    assert "Total 6.50 AZN" in browser.words


async def test_a_full_basket_offers_no_more(browser: Browser) -> None:
    await browser.open("/")
    for _ in range(QUANTITY_MAX + 2):
        await browser.press("/basket/add", "tea")
    await browser.open("/")

    assert "Total 130.00 AZN" in browser.words
    assert 'aria-label="One more: Lankaran tea" disabled' in browser.page


async def test_baskets_of_two_visitors_are_two(visitor: Arrive) -> None:
    one, other = visitor(), visitor()
    await one.open("/")
    await one.press("/basket/add", "tea")
    await other.open("/")

    assert "Your basket is still empty." in other.words


async def test_the_basket_cookie_says_nothing_and_no_script_reads_it(browser: Browser) -> None:
    cookie = (await browser.open("/")).headers["Set-Cookie"]

    assert cookie.startswith("basket=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))


async def test_over_https_cookies_are_secure(bank: Bank, settings: ShopSettings) -> None:
    secure = ShopSettings(
        base_url="https://shop.test", page_url=PAGE_URL, database=settings.database
    )
    async with Browser(demo_shop(bank.client(), secure)) as browser:
        assert "Secure" in (await browser.open("/")).headers["Set-Cookie"].split("; ")


async def test_paying_creates_an_order_at_the_bank_and_leads_to_its_page(
    browser: Browser, bank: Bank
) -> None:
    reply = await browser.buy("tea", "jam", "jam")

    assert reply.status_code == 303
    assert reply.headers["Location"] == f"{PAGE_URL}?ORDERID=800&SESSIONID={800:032X}"
    asked = bank.last.asked
    assert Amount(asked.amount_minor, asked.currency) == Amount.of("26.10", AZN)
    assert asked.description == "Lankaran tea × 1, Pomegranate jam × 2"
    assert asked.language is Language.EN


async def test_the_return_addresses_name_the_order_and_nobody_can_guess_them(
    visitor: Arrive, bank: Bank
) -> None:
    await visitor().buy("tea")
    await visitor().buy("tea")
    first, second = (known.asked for known in bank.orders)

    base = first.approve_url.removesuffix("/approve")
    assert base.startswith(f"{SHOP_URL}/return/")
    assert (first.cancel_url, first.decline_url) == (f"{base}/cancel", f"{base}/decline")
    assert first.approve_url != second.approve_url
    assert len(base.rsplit("/", 1)[1]) == 32


async def test_the_button_pressed_twice_orders_once(browser: Browser, bank: Bank) -> None:
    await browser.open("/")
    await browser.press("/basket/add", "tea")
    await browser.open("/")
    replies = await asyncio.gather(*(browser.press("/pay") for _ in range(3)))

    assert len(bank.orders) == 1
    assert len({reply.headers["Location"] for reply in replies}) == 1


async def test_the_visitor_finds_the_last_order_on_the_shelf(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    await browser.open("/")

    assert f'href="{order_path(bank)}"' in browser.page
    assert "Your last order: no. 1" in browser.words


async def test_an_empty_basket_pays_nothing(browser: Browser, bank: Bank) -> None:
    await browser.open("/")
    await browser.press("/basket/add", "tea")
    await browser.open("/")
    paying = browser.page
    await browser.press("/basket/remove", "tea")
    browser.page = paying

    assert (await browser.press("/pay")).headers["Location"] == "/"
    assert bank.orders == []


async def test_the_payer_comes_back_without_a_cookie_and_sees_the_truth(
    browser: Browser, visitor: Arrive, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    form = {"xmlmsg": xmlmsg(bank.last, OrderStatus.APPROVED)}
    reply = await visitor().post(
        return_path(bank), data=form, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    )

    assert (reply.status_code, reply.headers["Location"]) == (303, order_path(bank))
    assert bank.asked_for(GetOrderStatusRequest) == 1
    await browser.open(order_path(bank))
    assert "Order no. 1 Paid The bank confirms your payment. Thank you!" in browser.words
    assert "disagree" not in browser.words


@pytest.mark.parametrize("outcome", ["approve", "cancel", "decline"])
async def test_which_address_the_payer_lands_on_says_nothing(
    browser: Browser, bank: Bank, outcome: str
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    reply = await browser.get(return_path(bank, outcome))
    await browser.open(reply.headers["Location"])

    assert "Paid" in browser.words


async def test_a_forged_message_is_not_believed_and_shown_beside_the_truth(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.DECLINED
    await browser.post(return_path(bank), data={"xmlmsg": xmlmsg(bank.last, OrderStatus.APPROVED)})
    await browser.open(order_path(bank))

    assert "Not paid The bank declined the card." in browser.words
    assert "The message said APPROVED The bank says DECLINED" in browser.words


async def test_a_message_about_another_order_is_passed_over(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    foreign = OrderRef(bank.last.ref.order_id, "F" * 32)
    form = {"xmlmsg": xmlmsg(bank.last, OrderStatus.APPROVED, ref=foreign)}
    await browser.post(return_path(bank), data=form)
    await browser.open(order_path(bank))

    assert "Not paid yet" in browser.words
    assert "APPROVED" not in browser.words


@pytest.mark.parametrize("form", [{}, {"xmlmsg": "nonsense"}, {"xmlmsg": "<a/>"}])
async def test_a_return_without_a_message_still_finds_the_truth(
    browser: Browser, bank: Bank, form: dict[str, str]
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    reply = await browser.post(return_path(bank), data=form)
    await browser.open(reply.headers["Location"])

    assert "Paid" in browser.words


async def test_a_page_that_is_being_checked_asks_again_by_itself(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.ON_LOCK
    checking = await browser.open(order_path(bank))
    assert checking.headers["Refresh"] == "4"
    assert "Being checked" in browser.words
    assert "<form" not in browser.page

    bank.last.status = OrderStatus.APPROVED
    assert "Refresh" not in (await browser.open(order_path(bank))).headers
    assert "Paid" in browser.words


@pytest.mark.parametrize("status", [OrderStatus.CREATED, OrderStatus.ON_PAYMENT])
async def test_an_open_payment_is_continued_and_not_made_twice(
    browser: Browser, bank: Bank, status: OrderStatus
) -> None:
    begun = await browser.buy("tea")
    bank.last.status = status
    await browser.open(order_path(bank))
    assert "Continue to the payment" in browser.words

    reply = await browser.press(f"{order_path(bank)}/pay")

    assert reply.headers["Location"] == begun.headers["Location"]
    assert len(bank.orders) == 1


@pytest.mark.parametrize(
    "ended", [OrderStatus.DECLINED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.ERROR]
)
async def test_paying_again_is_a_new_order_at_the_bank_for_the_same_order_here(
    browser: Browser, bank: Bank, ended: OrderStatus
) -> None:
    await browser.buy("tea")
    path = order_path(bank)
    bank.last.status = ended
    await browser.open(path)
    assert "Pay again" in browser.words

    reply = await browser.press(f"{path}/pay")

    assert "ORDERID=801" in reply.headers["Location"]
    assert order_path(bank) == path
    bank.last.status = OrderStatus.APPROVED
    await browser.open(path)
    assert "Order no. 1 Paid" in browser.words


async def test_a_refund_is_shown_with_its_amount(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    bank.last.status, bank.last.refunded_minor = OrderStatus.REFUNDED, 250
    await browser.open(order_path(bank))

    assert "Refunded 2.50 AZN of 6.50 AZN went back to the card." in browser.words


async def test_a_bank_that_is_not_reached_loses_nothing(browser: Browser, bank: Bank) -> None:
    with bank.unreachable():
        reply = await browser.buy("tea")
    await browser.open(reply.headers["Location"])
    assert "The payment could not be started" in browser.words
    assert "Total 6.50 AZN" in browser.words

    again = await browser.press(f"{reply.headers['Location']}/pay")

    assert again.headers["Location"].startswith(PAGE_URL)
    await browser.open(reply.headers["Location"])
    assert "could not be started" not in browser.words


async def test_an_unknown_outcome_is_told_as_what_it_is(browser: Browser, bank: Bank) -> None:
    with bank.mute():
        reply = await browser.buy("tea")
    await browser.open(reply.headers["Location"])

    assert bank.asked_for(CreateOrderRequest) == 1
    assert "The bank gave no clear answer It may have prepared a payment" in browser.words
    assert "CreateOrder may have been carried out" in browser.words


async def test_a_refused_order_is_the_shops_fault(browser: Browser, bank: Bank) -> None:
    bank.refusing = "10"
    reply = await browser.buy("tea")
    await browser.open(reply.headers["Location"])

    assert "The bank did not accept the order That is the shop’s fault" in browser.words


async def test_while_the_bank_cannot_be_asked_nobody_is_led_to_pay_again(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.refusing = "96"
    reply = await browser.open(order_path(bank))

    assert "Being checked The bank cannot be asked at the moment" in browser.words
    assert "<form" not in browser.page
    assert "Refresh" in reply.headers


async def test_paid_stays_paid_while_the_bank_cannot_be_asked(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    await browser.open(order_path(bank))
    bank.refusing = "96"
    await browser.open(order_path(bank))

    assert "Order no. 1 Paid The bank cannot be asked at the moment" in browser.words


async def test_orders_outlive_a_restart(
    browser: Browser, bank: Bank, settings: ShopSettings
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.DECLINED
    async with Browser(demo_shop(bank.client(), settings)) as after:
        await after.open(order_path(bank))
        reply = await after.press(f"{order_path(bank)}/pay")

    assert "Order no. 1 Not paid" in after.words
    assert reply.headers["Location"].startswith(PAGE_URL)


async def test_a_language_is_chosen_by_a_link_and_kept(browser: Browser, bank: Bank) -> None:
    await browser.open("/?language=az")
    await browser.open("/")
    assert "Azərbaycandan üç gözəl şey" in browser.words
    await browser.buy("jam")

    assert bank.last.asked.language is Language.AZ
    assert bank.last.asked.description == "Nar mürəbbəsi × 1"


async def test_an_order_is_shown_in_its_own_language_to_a_browser_without_cookies(
    browser: Browser, visitor: Arrive, bank: Bank
) -> None:
    await browser.open("/?language=ru")
    await browser.buy("jam")
    stranger = visitor()
    await stranger.open(order_path(bank))
    assert '<html lang="ru">' in stranger.page
    assert "Ещё не оплачен" in stranger.words

    await stranger.open(f"{order_path(bank)}?language=en")
    assert '<html lang="en">' in stranger.page


async def test_looking_at_an_order_never_replaces_the_basket(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")

    assert "Set-Cookie" not in (await browser.open(order_path(bank))).headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
    ],
)
async def test_a_form_from_another_site_is_refused(
    browser: Browser, headers: dict[str, str]
) -> None:
    await browser.open("/")
    token = browser.page.split('name="token" value="')[1][:64]
    form = {"token": token, "product": "tea"}
    assert (await browser.post("/basket/add", data=form, headers=headers)).status_code == 403

    browser.page = (await browser.get("/")).text
    assert "Your basket is still empty." in browser.words


async def test_a_form_without_the_visitors_token_is_refused(
    browser: Browser, visitor: Arrive
) -> None:
    other = visitor()
    await other.open("/")
    await browser.open("/")
    browser.page = other.page

    assert (await browser.press("/basket/add", "tea")).status_code == 403
    assert (await browser.post("/pay", data={})).status_code == 403
    assert (await visitor().post("/pay", data={})).status_code == 403


async def test_paying_an_order_needs_the_token_of_its_page(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.DECLINED

    assert (await browser.post(f"{order_path(bank)}/pay", data={})).status_code == 403
    assert len(bank.orders) == 1


async def test_what_is_not_sold_is_not_put_in(browser: Browser) -> None:
    await browser.open("/")
    browser.page = browser.page.replace('value="tea"', 'value="gold"')

    assert (await browser.press("/basket/add", "gold")).status_code == 400


async def test_every_answer_carries_the_security_headers(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    replies = [
        await browser.get(path)
        for path in ("/", order_path(bank), return_path(bank), "/static/shop.css", "/nothing")
    ]
    replies.append(await browser.post("/notify", content=b"x" * 70_000))

    for reply in replies:
        assert reply.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; img-src 'self'; "
            "form-action 'self' https://bank.test:8443; base-uri 'none'; frame-ancestors 'none'"
        )
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Referrer-Policy"] == "same-origin"
    assert {reply.headers["Cache-Control"] for reply in replies} == {"no-store", "no-cache"}


async def test_no_page_needs_what_its_policy_forbids(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    await browser.open("/")
    shelf = browser.page
    await browser.open(order_path(bank))

    for forbidden in ("<script", "style=", "<style", "onclick", "http:", "https:"):
        assert forbidden not in shelf + browser.page


@pytest.mark.parametrize("path", ["/notify", "/pay", "/basket/add", "/return/{}/approve"])
async def test_a_body_over_the_limit_is_refused(browser: Browser, bank: Bank, path: str) -> None:
    await browser.buy("tea")
    path = path.format(order_path(bank).rsplit("/", 1)[1])

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a=" + b"x" * 1000

    headers = {"TKKPG-Delivery-Id": "1", "Content-Type": "application/x-www-form-urlencoded"}
    reply = await browser.post(path, content=endless(), headers=headers)

    assert reply.status_code == 413


@pytest.mark.parametrize(
    "path", ["/nothing", "/order/unknown", "/return/unknown/approve", "/static/../app.py"]
)
async def test_what_is_not_there_is_a_plain_page(browser: Browser, path: str) -> None:
    reply = await browser.open(f"{path}?language=ru")

    assert reply.status_code == 404
    assert "Такой страницы нет" in browser.words


async def test_an_outcome_that_does_not_exist_is_not_there(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")

    assert (await browser.get(return_path(bank).replace("approve", "steal"))).status_code == 404


@pytest.mark.parametrize("path", ["/pay", "/basket/add", "/notify", "/order/x/pay"])
async def test_looking_never_changes_anything(browser: Browser, path: str) -> None:
    assert (await browser.get(path)).status_code == 405


async def test_a_broken_shop_says_so_without_a_trace(
    browser: Browser, settings: ShopSettings
) -> None:
    settings.database.write_bytes(b"no database at all" * 100)
    reply = await browser.open("/")

    assert reply.status_code == 500
    assert "Something broke in the shop" in browser.words
    assert "Content-Security-Policy" in reply.headers
    assert "sqlite" not in browser.page.lower()


async def notify(
    browser: Browser, bank: Bank, claimed: OrderStatus, delivery_id: str = "d-1"
) -> int:
    form = {"xmlmsg": xmlmsg(bank.last, claimed)}
    reply = await browser.post("/notify", data=form, headers={"TKKPG-Delivery-Id": delivery_id})
    return reply.status_code


async def test_a_notification_leads_to_the_truth(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED

    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    bank.refusing = "96"
    await browser.open(order_path(bank))
    assert "Order no. 1 Paid" in browser.words


async def test_the_bank_s_explanation_is_shown_beside_what_it_confirms(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    await browser.open(order_path(bank))
    assert "explains" not in browser.words
    bank.last.status = OrderStatus.DECLINED
    await notify(browser, bank, OrderStatus.DECLINED)
    await browser.open(order_path(bank))

    assert "Its message explains It is DECLINED" in browser.words


async def test_the_explanation_of_a_forgery_is_not_shown(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")
    await notify(browser, bank, OrderStatus.APPROVED)
    await browser.open(order_path(bank))

    assert "It is APPROVED" not in browser.words


async def test_a_repeated_notification_is_not_asked_about_again(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    for _ in range(3):
        assert await notify(browser, bank, OrderStatus.APPROVED) == 200

    assert bank.asked_for(GetOrderStatusRequest) == 1


async def test_a_notification_that_cannot_be_confirmed_is_asked_for_again(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    bank.refusing = "96"
    assert await notify(browser, bank, OrderStatus.APPROVED) == 503
    bank.refusing = None

    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    assert bank.asked_for(GetOrderStatusRequest) == 2


async def test_a_forged_notification_is_not_believed(browser: Browser, bank: Bank) -> None:
    await browser.buy("tea")

    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    await browser.open(order_path(bank))
    assert "Not paid yet" in browser.words


async def test_an_old_notification_does_not_undo_what_came_later(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.status, bank.last.refunded_minor = OrderStatus.REFUNDED, 650

    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    await browser.open(order_path(bank))
    assert "Refunded 6.50 AZN of 6.50 AZN" in browser.words
    assert "disagree" not in browser.words


async def test_a_notification_for_another_shop_of_the_merchant_is_taken_and_forgotten(
    browser: Browser, bank: Bank
) -> None:
    await browser.buy("tea")
    bank.last.ref = OrderRef(999, "A" * 32)

    assert await notify(browser, bank, OrderStatus.APPROVED) == 200
    assert bank.asked_for(GetOrderStatusRequest) == 0


@pytest.mark.parametrize(
    ("headers", "form"),
    [({}, {"xmlmsg": "<a/>"}), ({"TKKPG-Delivery-Id": "1"}, {"xmlmsg": "<a/>"})],
    ids=["no delivery id", "no XMLOut"],
)
async def test_what_is_no_notification_is_refused(
    browser: Browser, headers: dict[str, str], form: dict[str, str]
) -> None:
    assert (await browser.post("/notify", data=form, headers=headers)).status_code == 400


async def test_return_and_notification_at_once_end_right(
    browser: Browser, bank: Bank, shop: Starlette
) -> None:
    await browser.buy("tea")
    bank.last.status = OrderStatus.APPROVED
    form = {"xmlmsg": xmlmsg(bank.last, OrderStatus.APPROVED)}
    await asyncio.gather(
        *(browser.post(return_path(bank), data=form) for _ in range(3)),
        *(notify(browser, bank, OrderStatus.APPROVED) for _ in range(3)),
    )
    await browser.open(order_path(bank))

    assert "Order no. 1 Paid" in browser.words
