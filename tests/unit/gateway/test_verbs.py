"""What the owner of a home does for others: the clock, merchants."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clock_fixtures import moved_desk
from tests.gateway_fixtures import MERCHANT_ID
from tests.paying import Answer, AnsweringHost, card, create, submit_card

from tkkpg.gateway import verbs
from tkkpg.gateway.clock import BusinessClock
from tkkpg.gateway.flows.change_merchant import CHECKS
from tkkpg.gateway.flows.pay import open_page
from tkkpg.gateway.model.transaction import TranKind
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.verbs import (
    CHANGE_MERCHANT,
    CLOCK_ADVANCE,
    CLOCK_REAL,
    CLOCK_SET,
    CLOCK_SHOW,
    CLOCK_WAIT,
    RESOLVE,
    SET_PASSWORD,
    owner_verbs,
)
from tkkpg.protocol.errors import ConfigurationError, TKKPGError

pytestmark = pytest.mark.anyio

MACHINE = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def standing(home: Path) -> BusinessClock:
    """Make a clock on a machine whose time stands still."""
    return BusinessClock(home / "clock.json", machine=lambda: MACHINE)


async def ask(gateway: Gateway, verb: str, **values: object) -> Mapping[str, Any]:
    return await owner_verbs(gateway)[verb](values)


async def test_the_clock_is_shown_with_its_lead(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        at.gateway.clock.advance(timedelta(seconds=90))
        assert await ask(at.gateway, CLOCK_SHOW) == {
            "now": "2026-11-24T08:01:30+00:00",
            "wall": "2026-11-24T08:00:00+00:00",
            "ahead_s": 90,
        }


async def test_an_advance_says_what_ran(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        await create(at.client)
        told = await ask(at.gateway, CLOCK_ADVANCE, step_s=1860)

    assert (told["now"], told["ahead_s"]) == ("2026-11-24T08:31:00+00:00", 1860)
    assert told["finished"]
    assert told["ran"]["expired"] == 1


async def test_the_clock_is_set_to_a_moment(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        told = await ask(at.gateway, CLOCK_SET, to="2026-12-01T00:00:00+04:00")

    assert told["now"] == "2026-11-30T20:00:00+00:00"


async def test_a_moment_that_is_over_is_refused(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        with pytest.raises(ConfigurationError, match="only goes forward"):
            await ask(at.gateway, CLOCK_SET, to="2026-11-24T07:59:59+00:00")
        assert at.gateway.clock.now() == MACHINE


async def test_the_real_time_is_confirmed_where_there_is_no_lead(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        assert (await ask(at.gateway, CLOCK_REAL))["ahead_s"] == 0


async def test_the_way_back_to_the_real_time_is_a_fresh_home(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        await ask(at.gateway, CLOCK_ADVANCE, step_s=3600)
        with pytest.raises(ConfigurationError, match=r"1:00:00 ahead .* --fresh"):
            await ask(at.gateway, CLOCK_REAL)


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        (CLOCK_ADVANCE, {"step_s": 60}),
        (CLOCK_SET, {"to": "2030-01-01T00:00:00+04:00"}),
        (CLOCK_REAL, {}),
    ],
)
async def test_only_a_sandbox_moves_its_clock(
    tmp_path: Path, verb: str, values: dict[str, object]
) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path), sandbox=False) as at:
        with pytest.raises(ConfigurationError, match="is no sandbox"):
            await ask(at.gateway, verb, **values)
        assert at.gateway.clock.now() == MACHINE


async def test_what_is_not_finished_is_waited_for_and_the_clock_not_moved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "WAIT_S", 0.1)
    host, go = AnsweringHost(), asyncio.Event()
    host.answers(TranKind.AUTHORISATION, Answer(when=go))
    async with moved_desk(tmp_path, clock=standing(tmp_path), host=host) as at:
        ref = await create(at.client)
        view = await open_page(at.gateway, ref)
        paying = asyncio.create_task(submit_card(at.gateway, view, card(at.gateway)))
        async with asyncio.timeout(5):
            while not host.asked:  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.001)

        assert not (await ask(at.gateway, CLOCK_ADVANCE, step_s=60))["finished"]
        with pytest.raises(ConfigurationError, match="still running"):
            await ask(at.gateway, CLOCK_ADVANCE, step_s=60)
        assert at.gateway.clock.now() == MACHINE + timedelta(seconds=60)

        go.set()
        monkeypatch.setattr(verbs, "WAIT_S", 20.0)
        assert (await ask(at.gateway, CLOCK_WAIT))["finished"]
        await paying


async def test_two_moves_at_once_follow_each_other(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        await asyncio.gather(*(ask(at.gateway, CLOCK_ADVANCE, step_s=60) for _ in range(3)))
        assert at.gateway.clock.now() == MACHINE + timedelta(minutes=3)


async def test_what_could_not_be_run_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:

        async def broken() -> None:
            raise OSError

        monkeypatch.setattr(type(at.gateway.store), "backlog", lambda _store: broken())
        with pytest.raises(ConfigurationError, match="log says why"):
            await ask(at.gateway, CLOCK_ADVANCE, step_s=60)


async def test_a_merchant_is_changed_and_told_what_was(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        told = await ask(
            at.gateway,
            CHANGE_MERCHANT,
            merchant_id=MERCHANT_ID,
            changes={"fee_bp": 250, "active": True},
        )
        assert told == {"merchant_id": MERCHANT_ID, "changed": ["fee_bp"]}


async def test_two_changes_at_once_both_stay(tmp_path: Path) -> None:
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        asked = owner_verbs(at.gateway)
        names = {"merchant_id": MERCHANT_ID}
        await asyncio.gather(
            asked[CHANGE_MERCHANT](names | {"changes": {"fee_bp": 250}}),
            asked[SET_PASSWORD](names | {"password": "correct horse battery"}),
            asked[CHANGE_MERCHANT](names | {"changes": {"name": "Alma"}}),
        )
        found = await at.gateway.store.merchant(MERCHANT_ID)
        assert found is not None
        assert (found.fee_bp, found.name, bool(found.password)) == (250, "Alma", True)


async def test_no_verb_fails_inside_whatever_it_is_told(tmp_path: Path) -> None:
    sound: dict[str, Any] = {
        "tran_id": 1,
        "resolution": "declined",
        "reason": "The host said so",
        "merchant_id": MERCHANT_ID,
        "password": "correct horse battery",
        "changes": {"name": "Nar"},
        "step_s": 60,
        "to": "2026-11-25T08:00:00+04:00",
    }
    takes = {
        RESOLVE: ("tran_id", "resolution", "reason"),
        SET_PASSWORD: ("merchant_id", "password"),
        CHANGE_MERCHANT: ("merchant_id", "changes"),
        CLOCK_ADVANCE: ("step_s",),
        CLOCK_SET: ("to",),
        CLOCK_SHOW: (),
        CLOCK_REAL: (),
        CLOCK_WAIT: (),
    }
    strange: list[Any] = [None, True, -1, 0.5, 2**70, "", "x", "\ud800", [], [1], {}]
    strange += [{name: value} for name in CHECKS for value in strange]
    async with moved_desk(tmp_path, clock=standing(tmp_path)) as at:
        verbs = owner_verbs(at.gateway)
        assert verbs.keys() == takes.keys()
        for verb, names in takes.items():
            told = {name: sound[name] for name in names}
            lacking = [{key: told[key] for key in names if key != name} for name in names]
            wrong = [told | {name: value} for name in names for value in strange]
            for values in (*lacking, *wrong, told | {"surplus": 1}):
                with suppress(TKKPGError):  # anything else is an error inside
                    await verbs[verb](values)
            for values in (*lacking, told | {"surplus": 1}):
                with pytest.raises(ConfigurationError, match=r"^It takes "):
                    await verbs[verb](values)
