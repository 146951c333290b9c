"""A fault or an outcome can be asked for through the control socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.gateway_fixtures import MERCHANT_ID, stage
from tests.paying import create, give_up, paid

from tkkpg.gateway.control import OwnerRefused, ask_owner, serve_control
from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults import Dice, Place, Wishes, fault_verbs, outcome_verbs

pytestmark = pytest.mark.anyio


async def ask(dice: Dice, path: Path, **values: object) -> dict[str, Any]:
    async with serve_control(path, fault_verbs(dice)):
        return await asyncio.to_thread(ask_owner, path, "trigger-fault", **values)


@pytest.mark.parametrize(("values", "times"), [({}, 1), ({"times": 3}, 3)])
async def test_a_fault_that_is_asked_for_strikes_that_often(
    values: dict[str, int], times: int, tmp_path: Path
) -> None:
    dice = Dice(1, {})

    answer = await ask(dice, tmp_path / "control.sock", name="silence", **values)

    assert answer == {
        "name": "silence",
        "place": "host",
        "does": "The issuer's reply never comes.",
        "times": times,
    }
    met = [dice.next_fault(Place.HOST) for _ in range(times + 1)]
    assert [fault is not None for fault in met] == [True] * times + [False]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"name": "sillence"}, "There is no fault named 'sillence'"),
        ({}, "It takes name; and where wanted times"),
        ({"name": "silence", "times": 0}, "strikes 1 to 1000 times"),
        ({"name": "silence", "times": 1_001}, "strikes 1 to 1000 times"),
        ({"name": "silence", "times": "often"}, "times must be a number"),
    ],
)
async def test_what_cannot_be_asked_for_is_explained(
    values: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    dice = Dice(1, {})

    with pytest.raises(OwnerRefused, match=sentence):
        await ask(dice, tmp_path / "control.sock", **values)

    assert dice.next_fault(Place.HOST) is None


async def test_an_outcome_waits_for_an_order_or_a_merchant_that_exists(tmp_path: Path) -> None:
    wishes = Wishes()
    async with stage(tmp_path) as shop:
        verbs = outcome_verbs(wishes, shop.gateway.store)
        order_id = (await create(shop.client)).order_id
        first = await verbs["trigger-outcome"]({"code": "205", "order_id": order_id})
        second = await verbs["trigger-outcome"]({"code": "-1", "merchant_id": MERCHANT_ID})
        waiting = await verbs["waiting-outcomes"]({})

    assert (first["code"], first["order_id"]) == ("205", order_id)
    assert first["text"] == "Invalid advance amount"
    assert (second["code"], second["merchant_id"]) == ("-1", MERCHANT_ID)
    assert waiting == {"waiting": [first, second]}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"code": "205"}, "one order or one merchant"),
        ({"code": "205", "order_id": 1, "merchant_id": MERCHANT_ID}, "one order or one merchant"),
        ({"code": "205", "order_id": 1}, "There is no order 1"),
        ({"code": "205", "merchant_id": "nobody"}, "There is no merchant 'nobody'"),
        ({"code": "5", "merchant_id": MERCHANT_ID}, "cannot be had here"),
        ({"merchant_id": MERCHANT_ID}, "It takes code"),
    ],
)
async def test_an_outcome_that_no_payment_could_meet_is_refused(
    values: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    wishes = Wishes()
    async with stage(tmp_path) as shop:
        verbs = outcome_verbs(wishes, shop.gateway.store)
        with pytest.raises(ConfigurationError, match=sentence):
            await verbs["trigger-outcome"](values)

    assert wishes.waiting() == ()


async def test_an_order_that_has_come_too_far_for_a_code_says_what_it_can_meet(
    tmp_path: Path,
) -> None:
    wishes = Wishes()
    async with stage(tmp_path) as shop:
        verbs = outcome_verbs(wishes, shop.gateway.store)
        left = await create(shop.client)
        order_id = (await paid(shop.client, shop.gateway)).order_id
        await give_up(shop.gateway, left)
        with pytest.raises(ConfigurationError, match="is APPROVED: 000 can only end its payment"):
            await verbs["trigger-outcome"]({"code": "000", "order_id": order_id})
        with pytest.raises(ConfigurationError, match="is CANCELED and is neither paid"):
            await verbs["trigger-outcome"]({"code": "568", "order_id": left.order_id})
        told = await verbs["trigger-outcome"]({"code": "568", "order_id": order_id})

    assert told["met_by"] == ["authorisation", "operation"]
    assert [wish.code for wish in wishes.waiting()] == ["568"]
