"""The sandbox's merchant over restarts: what was changed stays, the shop's addresses follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tkkpg.gateway.app import open_offline
from tkkpg.gateway.flows.change_merchant import change_merchant
from tkkpg.gateway.flows.enrol import enrol, set_password
from tkkpg.gateway.model.merchant import Certificate, Merchant
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.protocol.values import AZN, Amount
from tkkpg.sandbox import enrolment
from tkkpg.sandbox.enrolment import WRITTEN, enrol_merchant

pytestmark = pytest.mark.anyio

MERCHANT_ID: Final = "E1000010"
CERTIFICATE: Final = Certificate(
    fingerprint="ab" * 32, merchant_id=MERCHANT_ID, not_after=datetime(2030, 1, 1, tzinfo=UTC)
)
OPENING: Final = Amount.of("10.00", AZN)


def new(port: int) -> Merchant:
    """Make the merchant of a new home whose shop is at a port."""
    shop = f"http://localhost:{port}"
    return Merchant(
        merchant_id=MERCHANT_ID,
        name="Nar",
        terminal_id=MERCHANT_ID,
        base_url=shop,
        notification_url=f"{shop}/notify",
    )


async def started(
    home: Path, port: int, changes: Mapping[str, object] | None = None
) -> Merchant | None:
    """Do what a start does, then what an operator does; give the merchant as the start left it."""
    async with open_offline(home) as gateway:
        await enrol_merchant(gateway, home, new(port), CERTIFICATE, OPENING)
        found = await gateway.store.merchant(MERCHANT_ID)
        if changes:
            await change_merchant(gateway, MERCHANT_ID, changes)
    return found


async def test_settings_survive_a_restart_and_the_addresses_follow_the_shop(
    tmp_path: Path,
) -> None:
    assert await started(tmp_path, 1, {"fee_bp": 250, "name": "Alma"}) == new(1)
    for port in (2, 2, 3):
        found = await started(tmp_path, port)
        assert found == replace(new(port), fee_bp=250, name="Alma")


@pytest.mark.parametrize("name", ["base_url", "notification_url"])
@pytest.mark.parametrize("url", ["", "http://localhost:9/notify"])
async def test_an_address_that_was_set_by_hand_stays(tmp_path: Path, name: str, url: str) -> None:
    by_hand: dict[str, Any] = {name: url}
    await started(tmp_path, 1)
    await started(tmp_path, 2, by_hand)
    for port in (3, 4):
        assert await started(tmp_path, port) == replace(new(port), **by_hand)


async def test_a_password_survives_a_restart(tmp_path: Path) -> None:
    await started(tmp_path, 1)
    async with open_offline(tmp_path) as gateway:
        await set_password(gateway, MERCHANT_ID, "correct horse battery")
    found = await started(tmp_path, 2)
    assert found is not None
    assert found.password


async def test_a_crash_before_the_merchant_is_written_sets_nothing_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*_: object) -> None:
        raise SystemExit

    await started(tmp_path, 1)
    for port in (2, 3):
        with monkeypatch.context() as patched:
            patched.setattr(enrolment, "enrol", killed)
            with pytest.raises(SystemExit):
                await started(tmp_path, port)
    assert await started(tmp_path, 4) == new(4)


async def test_in_a_home_from_before_there_was_such_a_file_the_addresses_follow_too(
    tmp_path: Path,
) -> None:
    async with open_offline(tmp_path) as gateway:
        await enrol(gateway, new(1), CERTIFICATE)
    assert await started(tmp_path, 2) == new(2)


@pytest.mark.parametrize("content", ["", "[]", '{"base_url": 1}'])
async def test_a_file_of_something_else_is_explained(tmp_path: Path, content: str) -> None:
    await started(tmp_path, 1)
    (tmp_path / WRITTEN).write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match="Remove it"):
        await started(tmp_path, 2)
