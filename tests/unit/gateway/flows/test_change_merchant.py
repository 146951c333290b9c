"""Changing the settings of a merchant."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import pytest
from tests.gateway_fixtures import MERCHANT_ID, merchant, stage

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.change_merchant import CHECKS, change_merchant
from tkkpg.gateway.flows.enrol import set_password
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.merchant import Merchant
from tkkpg.gateway.runtime import Gateway
from tkkpg.protocol.values import CURRENCIES, Amount, Operation, OrderType

pytestmark = pytest.mark.anyio

ALL_AT_ONCE: Final = {
    "name": "Nar & Oğulları",
    "base_url": "https://nar.example",
    "notification_url": "https://nar.example:8443/told?secret=1",
    "change_status_url": "http://nar.example/status/%STATUS%",
    "xmlout_wrapped": False,
    "xmlout_base64": True,
    "frame_ancestors": "https://nar.example https://*.nar.example",
    "operations": ["CreateOrder", "GetOrderStatus"],
    "currencies": ["944", "840"],
    "fee_bp": 250,
    "duplicate_window_s": 300,
    "card_registration": False,
    "unauthenticated": "proceed",
    "bank_profile": "ubrr",
    "order_types": ["Purchase", "Payment"],
    "return_schemes": ["myapp", "az.nar.shop"],
    "active": False,
}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with stage(tmp_path) as built:
        yield built.gateway


async def known(gateway: Gateway) -> Merchant:
    found = await gateway.store.merchant(MERCHANT_ID)
    assert found is not None
    return found


def audited(home: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home / DATABASE)) as db:
        told = db.execute("SELECT detail FROM audit WHERE action = 'merchant_changed'").fetchall()
    return [json.loads(detail) for (detail,) in told]


def test_every_setting_can_be_changed_but_who_it_is_and_its_password() -> None:
    settings = {field.name for field in fields(Merchant)}
    assert settings - {"merchant_id", "terminal_id", "password"} == set(CHECKS)
    assert set(ALL_AT_ONCE) == set(CHECKS)


async def test_all_settings_are_changed_at_once(gateway: Gateway) -> None:
    assert await change_merchant(gateway, MERCHANT_ID, ALL_AT_ONCE) == tuple(ALL_AT_ONCE)
    sets = {
        "operations": frozenset({Operation.CREATE_ORDER, Operation.GET_ORDER_STATUS}),
        "currencies": frozenset({"944", "840"}),
        "order_types": frozenset({OrderType.PURCHASE, OrderType.PAYMENT}),
        "return_schemes": frozenset({"myapp", "az.nar.shop"}),
    }
    assert await known(gateway) == merchant(**(ALL_AT_ONCE | sets))


async def test_what_is_not_named_stays_the_password_too(gateway: Gateway) -> None:
    await set_password(gateway, MERCHANT_ID, "correct horse battery")
    before = await known(gateway)
    await change_merchant(gateway, MERCHANT_ID, {"fee_bp": 1})
    assert await known(gateway) == replace(before, fee_bp=1)
    assert before.password


async def test_the_audit_says_what_it_was_and_what_it_is(gateway: Gateway, tmp_path: Path) -> None:
    changes = {"fee_bp": 250, "currencies": ["840", "944"], "active": True}
    assert await change_merchant(gateway, MERCHANT_ID, changes) == ("fee_bp", "currencies")
    assert audited(tmp_path) == [
        {
            "merchant_id": MERCHANT_ID,
            "fee_bp_before": 0,
            "fee_bp": 250,
            "currencies_before": "944",
            "currencies": "840 944",
        }
    ]


async def test_the_audit_has_only_the_origin_of_an_address_that_is_called(
    gateway: Gateway, tmp_path: Path
) -> None:
    changes = {"notification_url": "https://nar.example/secret?key=1", "change_status_url": ""}
    await change_merchant(gateway, MERCHANT_ID, changes)
    (detail,) = audited(tmp_path)
    assert detail == {
        "merchant_id": MERCHANT_ID,
        "notification_url_before": "https://shop.example/…",
        "notification_url": "https://nar.example/…",
    }


async def test_what_is_so_already_is_not_written_again(gateway: Gateway, tmp_path: Path) -> None:
    assert await change_merchant(gateway, MERCHANT_ID, {"fee_bp": 0, "name": " Nar "}) == ()
    assert audited(tmp_path) == []


async def test_a_new_currency_has_an_account(gateway: Gateway, tmp_path: Path) -> None:
    await change_merchant(gateway, MERCHANT_ID, {"currencies": ["944", "840"]})
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        accounts = db.execute("SELECT currency, posted_minor FROM balance ORDER BY 1").fetchall()
    assert accounts == [("840", 0), ("944", Amount.of("10000.00", CURRENCIES["944"]).minor)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", ""),
        ("notification_url", ""),
        ("notification_url", "http://localhost:9000/told"),
        ("notification_url", "http://127.0.0.1:9000/told"),
        ("notification_url", "https://[2606:4700::1]/told"),
        ("change_status_url", ""),
        ("frame_ancestors", ""),
        ("frame_ancestors", "'self' * https: shop.az:* http://shop.az:8080"),
        ("fee_bp", 10_000),
        ("duplicate_window_s", 86_400),
    ],
)
async def test_values_at_the_edge_are_taken(gateway: Gateway, name: str, value: object) -> None:
    await change_merchant(gateway, MERCHANT_ID, {name: value})
    assert getattr(await known(gateway), name) == value


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("name", " ", "one line of 1 to 128"),
        ("name", "x" * 129, "one line of 1 to 128"),
        ("name", "two\nlines", "one line of 1 to 128"),
        ("base_url", "/relative", r"must begin with https:// or http://\."),
        ("base_url", "ftp://shop.az", r"must begin with https:// or http://\."),
        ("base_url", "https://me:secret@shop.az", "user name or password"),
        ("base_url", "https://shop.az/" + "x" * 255, "longer than 255"),
        ("notification_url", "shop.az", r"must begin with https:// or http://\."),
        ("notification_url", "https://shop.az:0/told", "port that does not exist"),
        ("notification_url", "https://10.0.0.1/told", "private address"),
        ("notification_url", "http://[fe80::1]/told", "link-local address"),
        ("change_status_url", "http://169.254.169.254/", "link-local address"),
        ("frame_ancestors", "https://shop.az; script-src *", "must be origins"),
        ("frame_ancestors", "https://nar.az/path", "must be origins"),
        ("frame_ancestors", "https://şirkət.az", "must be origins"),
        ("frame_ancestors", "https://shop.az " * 70, "at most 1000 characters"),
        ("operations", [], "one or more of CreateOrder, "),
        ("operations", ["Payout"], "one or more of CreateOrder, "),
        ("currencies", [], "such as 944, 840"),
        ("currencies", ["944", "AZN"], "such as 944, 840"),
        ("fee_bp", -1, "from 0 to 10000"),
        ("fee_bp", 10_001, "from 0 to 10000"),
        ("fee_bp", True, "from 0 to 10000"),
        ("duplicate_window_s", 86_401, "from 0 to 86400"),
        ("unauthenticated", "ask", "decline or proceed"),
        ("unauthenticated", ["proceed"], "decline or proceed"),
        ("bank_profile", "halyk", "one of kapital, "),
        ("bank_profile", ["ubrr"], "one of kapital, "),
        ("order_types", [], "one or more of Purchase, "),
        ("order_types", ["3DSOnly"], "one or more of Purchase, "),
        ("return_schemes", ["MyApp"], "at most 10 schemes of apps in small letters"),
        ("return_schemes", ["myapp://"], "at most 10 schemes"),
        ("return_schemes", [f"app{one}" for one in range(11)], "at most 10 schemes"),
        ("return_schemes", ["myapp", "javascript"], "may not hold javascript"),
        ("return_schemes", ["https"], "may not hold https"),
        ("active", "no", "true or false"),
        ("password", "x" * 20, "no setting 'password'"),
        ("terminal_id", "T2", "no setting 'terminal_id'"),
    ],
)
async def test_a_value_that_will_not_do_changes_nothing(
    gateway: Gateway, tmp_path: Path, name: str, value: object, sentence: str
) -> None:
    before = await known(gateway)
    with pytest.raises(PolicyRefusal, match=sentence):
        await change_merchant(gateway, MERCHANT_ID, {"card_registration": False, name: value})
    assert await known(gateway) == before
    assert audited(tmp_path) == []


async def test_an_unknown_merchant_is_named(gateway: Gateway) -> None:
    with pytest.raises(PolicyRefusal, match=r"no merchant E9999999.*merchant show"):
        await change_merchant(gateway, "E9999999", {"active": True})
