"""What the process that owns a home does for other processes, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from tkkpg.gateway.clock import AHEAD_MAX, FORWARD_ONLY
from tkkpg.gateway.control import Argument, taking, text, whole
from tkkpg.gateway.flows.change_merchant import change_merchant
from tkkpg.gateway.flows.enrol import set_password
from tkkpg.gateway.flows.resolve import resolve
from tkkpg.gateway.flows.upkeep.catch_up import advance, caught_up, ran
from tkkpg.gateway.model.decisions.resolution import Resolution
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from tkkpg.gateway.control import Verb
    from tkkpg.gateway.runtime import Gateway

RESOLVE: Final = "resolve-transaction"
"""Takes `tran_id`, `resolution` and `reason`; gives them back with `order_id`."""
SET_PASSWORD: Final = "set-merchant-password"  # noqa: S105 - a verb, no password
"""Takes `merchant_id` and `password`, empty to take it away; gives `merchant_id` back."""
CHANGE_MERCHANT: Final = "change-merchant"
"""Takes `merchant_id` and `changes` of settings by name; gives names that `changed` with it."""
CLOCK_SHOW: Final = "show-clock"
"""Gives `now` and `wall` as ISO 8601, and `ahead_s`."""
CLOCK_ADVANCE: Final = "advance-clock"
"""Takes `step_s`; gives what `wait-for-clock` gives."""
CLOCK_SET: Final = "set-clock"
"""Takes `to`, ISO 8601 with a time zone; gives what `wait-for-clock` gives."""
CLOCK_REAL: Final = "set-clock-real"
"""Gives what `show-clock` gives, and refuses where the clock is ahead."""
CLOCK_WAIT: Final = "wait-for-clock"
"""Gives what `show-clock` gives, how much `ran` by kind since the last move, and whether all that
fell due is `finished`; where it is not, ask again."""
MERCHANT: Final = Argument(text, "the id of a merchant")
WAIT_S: Final = 12.0
"""For what fell due, before the answer says that it is not finished: a move waits for the one
before it and then for itself, and both fit into the time of one request."""


def owner_verbs(gateway: Gateway) -> dict[str, Verb]:
    """Give the verbs of a gateway."""

    async def resolve_transaction(values: Mapping[str, Any]) -> Mapping[str, Any]:
        tran_id, resolution, reason = values["tran_id"], values["resolution"], values["reason"]
        order_id = await resolve(gateway, tran_id, resolution, reason)
        return {**values, "order_id": order_id}

    return {
        RESOLVE: taking(
            resolve_transaction,
            tran_id=Argument(whole, "the number of a transaction"),
            resolution=Argument(Resolution, f"one of {', '.join(Resolution)}"),
            reason=Argument(text, "a text"),
        ),
        **_merchant_verbs(gateway),
        **_clock_verbs(gateway),
    }


def _merchant_verbs(gateway: Gateway) -> dict[str, Verb]:
    # A merchant is read and written whole: of two changes at once, one would undo the other.
    one_at_a_time = asyncio.Lock()

    async def set_merchant_password(values: Mapping[str, Any]) -> Mapping[str, Any]:
        merchant_id = values["merchant_id"]
        async with one_at_a_time:
            await set_password(gateway, merchant_id, values["password"])
        return {"merchant_id": merchant_id}

    async def change(values: Mapping[str, Any]) -> Mapping[str, Any]:
        merchant_id = values["merchant_id"]
        async with one_at_a_time:
            changed = await change_merchant(gateway, merchant_id, values["changes"])
        return {"merchant_id": merchant_id, "changed": list(changed)}

    return {
        SET_PASSWORD: taking(
            set_merchant_password, merchant_id=MERCHANT, password=Argument(text, "a text")
        ),
        CHANGE_MERCHANT: taking(
            change, merchant_id=MERCHANT, changes=Argument(_settings, "new settings by their names")
        ),
    }


def _settings(value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Read the names and values of settings; what each may be is decided where it is changed."""
    if not isinstance(value, dict):
        raise ValueError(value)  # noqa: TRY004 - one kind of error for whatever will not do
    return value


def _clock_verbs(gateway: Gateway) -> dict[str, Verb]:
    async def show(_values: Mapping[str, Any]) -> Mapping[str, Any]:
        return _told(gateway)

    async def step(values: Mapping[str, Any]) -> Mapping[str, Any]:
        return await _move(gateway, lambda: values["step_s"])

    async def set_to(values: Mapping[str, Any]) -> Mapping[str, Any]:
        return await _move(gateway, lambda: values["to"] - gateway.clock.now())

    async def real(_values: Mapping[str, Any]) -> Mapping[str, Any]:
        _check_movable(gateway)
        told = _told(gateway)
        if told["ahead_s"]:
            raise ConfigurationError(
                f"Business time is {timedelta(seconds=told['ahead_s'])} ahead of the machine's "
                f"clock. {FORWARD_ONLY}"
            )
        return told

    async def wait(_values: Mapping[str, Any]) -> Mapping[str, Any]:
        return await _waited(gateway)

    return {
        CLOCK_SHOW: taking(show),
        CLOCK_ADVANCE: taking(step, step_s=Argument(_seconds, "whole seconds, ten years at most")),
        CLOCK_SET: taking(set_to, to=Argument(_moment, "a time with its zone, as ISO 8601 has it")),
        CLOCK_REAL: taking(real),
        CLOCK_WAIT: taking(wait),
    }


def _seconds(value: Any) -> timedelta:  # noqa: ANN401 - whatever JSON holds
    seconds = whole(value)
    if abs(seconds) > AHEAD_MAX.total_seconds():
        raise ValueError(seconds)
    return timedelta(seconds=seconds)


def _moment(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON holds
    moment = datetime.fromisoformat(text(value))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


async def _move(gateway: Gateway, step: Callable[[], timedelta]) -> Mapping[str, Any]:
    """Move the clock by what the step is at that moment."""
    _check_movable(gateway)
    if not await caught_up(gateway, WAIT_S):
        raise ConfigurationError(
            f"What fell due by the last move of the clock is still running ({_counted(gateway)}), "
            "so it was not moved again. Look with `tkkpg tran list --unresolved` whom it waits "
            "for, and ask again."
        )
    advance(gateway, step())
    return await _waited(gateway)


async def _waited(gateway: Gateway) -> Mapping[str, Any]:
    finished = await caught_up(gateway, WAIT_S)
    task = gateway.upkeep.catching_up
    if finished and task is not None and (task.cancelled() or task.exception()):
        raise ConfigurationError(
            f"The clock was moved, but not all that fell due could be run ({_counted(gateway)}): "
            "the gateway's log says why. It tries again by itself."
        )
    return {**_told(gateway), "ran": ran(gateway), "finished": finished}


def _told(gateway: Gateway) -> dict[str, Any]:
    wall = gateway.clock.wall()
    now = gateway.clock.now()
    return {
        "now": now.isoformat(timespec="seconds"),
        "wall": wall.isoformat(timespec="seconds"),
        "ahead_s": round((now - wall).total_seconds()),
    }


def _counted(gateway: Gateway) -> str:
    return ", ".join(f"{kind} {done}" for kind, done in ran(gateway).items())


def _check_movable(gateway: Gateway) -> None:
    if not gateway.config.sandbox:
        raise ConfigurationError(
            "This gateway is no sandbox: its business time is the machine's and cannot be moved. "
            "Try it in a sandbox: tkkpg sandbox"
        )
