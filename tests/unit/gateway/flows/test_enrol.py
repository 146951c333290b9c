"""Registering a merchant again, and its password for ExecPasswordAuth."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from tests.gateway_fixtures import FINGERPRINT, MERCHANT_ID, merchant, stage

from tkkpg.gateway.config import DATABASE
from tkkpg.gateway.flows.enrol import (
    PASSWORD_MAX,
    PASSWORD_MIN,
    enrol,
    password_equivalent,
    set_password,
)
from tkkpg.gateway.model.errors import PolicyRefusal
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.gateway.runtime import Gateway

pytestmark = pytest.mark.anyio

PASSWORD: Final = "correct horse battery"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with stage(tmp_path) as built:
        yield built.gateway


async def known(gateway: Gateway) -> Merchant:
    found = await gateway.store.merchant(MERCHANT_ID)
    assert found is not None
    return found


async def test_a_new_merchant_has_no_password(gateway: Gateway) -> None:
    assert (await known(gateway)).password == ""


async def test_what_is_stored_is_the_sealed_equivalent(gateway: Gateway) -> None:
    before = await known(gateway)
    await set_password(gateway, MERCHANT_ID, PASSWORD)
    after = await known(gateway)
    assert replace(after, password="") == before
    assert gateway.keys.unseal(after.password, MERCHANT_ID) == password_equivalent(
        MERCHANT_ID, PASSWORD
    )
    assert PASSWORD not in repr(after)


async def test_an_empty_password_takes_the_old_one_away(gateway: Gateway) -> None:
    await set_password(gateway, MERCHANT_ID, PASSWORD)
    await set_password(gateway, MERCHANT_ID, "")
    assert (await known(gateway)).password == ""


async def test_both_stand_in_the_audit_without_the_password(
    gateway: Gateway, tmp_path: Path
) -> None:
    await set_password(gateway, MERCHANT_ID, PASSWORD)
    await set_password(gateway, MERCHANT_ID, "")
    with closing(sqlite3.connect(tmp_path / DATABASE)) as db:
        told = db.execute("SELECT actor, action, detail FROM audit ORDER BY audit_id").fetchall()
    assert [(actor, action, json.loads(detail)) for actor, action, detail in told[-2:]] == [
        ("operator", "merchant_password_set", {"merchant_id": MERCHANT_ID}),
        ("operator", "merchant_password_removed", {"merchant_id": MERCHANT_ID}),
    ]
    assert PASSWORD not in str(told)


async def test_registering_again_keeps_the_password(gateway: Gateway) -> None:
    await set_password(gateway, MERCHANT_ID, PASSWORD)
    sealed = (await known(gateway)).password
    certificate = Certificate(
        fingerprint=FINGERPRINT,
        merchant_id=MERCHANT_ID,
        not_after=gateway.clock.wall() + timedelta(days=1),
    )
    await enrol(gateway, merchant(name="Nar & Co"), certificate)
    assert await known(gateway) == merchant(name="Nar & Co", password=sealed)


async def test_an_unknown_merchant_is_named(gateway: Gateway) -> None:
    with pytest.raises(PolicyRefusal, match="There is no merchant E9999999"):
        await set_password(gateway, "E9999999", PASSWORD)


@pytest.mark.parametrize(
    "password",
    ["x" * (PASSWORD_MIN - 1), "x" * (PASSWORD_MAX + 1), "two lines\nof it", "a null\0inside it"],
)
async def test_a_password_that_will_not_do_changes_nothing(gateway: Gateway, password: str) -> None:
    await set_password(gateway, MERCHANT_ID, PASSWORD)
    before = await known(gateway)
    with pytest.raises(PolicyRefusal, match="A password"):
        await set_password(gateway, MERCHANT_ID, password)
    assert await known(gateway) == before


@pytest.mark.parametrize("length", [PASSWORD_MIN, PASSWORD_MAX])
async def test_the_shortest_and_the_longest_are_taken(gateway: Gateway, length: int) -> None:
    await set_password(gateway, MERCHANT_ID, "ə" * length)
    assert (await known(gateway)).password
