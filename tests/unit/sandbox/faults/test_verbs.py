"""A fault can be asked for through the control socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tkkpg.gateway.control import OwnerRefused, ask_owner, serve_control
from tkkpg.sandbox.faults import Dice, Place, fault_verbs

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
        ({}, "There is no fault named"),
        ({"name": "silence", "times": 0}, "strikes 1 to 1000 times"),
        ({"name": "silence", "times": 1_001}, "strikes 1 to 1000 times"),
        ({"name": "silence", "times": "often"}, "strikes 1 to 1000 times"),
    ],
)
async def test_what_cannot_be_asked_for_is_explained(
    values: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    dice = Dice(1, {})

    with pytest.raises(OwnerRefused, match=sentence):
        await ask(dice, tmp_path / "control.sock", **values)

    assert dice.next_fault(Place.HOST) is None
