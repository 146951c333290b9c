"""Random rounds: gateway, issuer or both are killed under load, again and again in one home."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Final

from tests.faults.grid.cells import CELL_S, Bench, recover
from tests.faults.grid.flows import buy, complete, give_back, reverse
from tests.faults.grid.ledgers import Merchant, compare
from tests.faults.grid.lives import UNANSWERED, Life, life
from tests.faults.grid.report import RANDOM, Row, row_of
from tests.faults.grid.told import Told

from tkkpg.client import OrderStatus, OrderType

LOAD_S: Final = (0.2, 0.5)
AFTER_ISSUER_S: Final = 0.3
"""How much longer a gateway lives whose issuer was killed: long enough to have another one."""
CARDS: Final = (
    ("approve", "approve", "076"),
    ("approve", "076", "approve"),
    ("approve", "810"),
    ("approve", "approve", "-1"),
)
"""What each payer pays with, over and over."""
STEPS: Final = {
    OrderType.PURCHASE: ((give_back,), (reverse,), (give_back, give_back)),
    OrderType.PRE_AUTH: ((complete,), (complete, give_back), (reverse,), (complete, reverse)),
}
"""What merchants do with a paid order."""
PAID_FOR: Final = {OrderStatus.APPROVED, OrderStatus.PREAUTH_APPROVED}
VICTIMS: Final = ("gateway", "issuer", "gateway and issuer")


@dataclass(slots=True)
class Round:
    """One round.

    Attributes:
        number: Counted from 1 over all lanes.
        seed: What its chances are drawn from.
        victim: Who is killed.
        told: What was answered before that.
    """

    number: int
    seed: int
    victim: str = ""
    told: Told = field(default_factory=Told)


async def rounds(bench: Bench, chance: random.Random, numbers: list[int]) -> AsyncIterator[Row]:
    """Go through rounds in one home, one row each; each life recovers from the round before.

    Args:
        bench: Has the homes.
        chance: Of the lane; each round draws its own seed from it.
        numbers: The numbers of the rounds.
    """
    home, merchant = bench.home(), Merchant()
    before: Round | None = None
    for number in [*numbers, None]:
        async with life(home) as one:
            if before is not None:
                yield await _judge(one, before, merchant)
            if number is None:
                return
            before = Round(number, chance.getrandbits(32))
            await _load_and_kill(one, before)


async def _judge(one: Life, was: Round, merchant: Merchant) -> Row:
    about = Row(point=RANDOM, flow=f"kill {was.victim}", round=was.number, seed=was.seed)
    try:
        async with asyncio.timeout(CELL_S):
            unresolved = await recover(one)
            found = await compare(one, was.told, merchant)
    except (*UNANSWERED, RuntimeError) as error:
        return replace(about, unresolved=1, findings=[f"{type(error).__name__}: {error}"])
    return row_of(about, found, was.told, unresolved)


async def _load_and_kill(one: Life, now: Round) -> None:
    draw = random.Random(now.seed)  # noqa: S311 - moments, no secrets
    victim = now.victim = draw.choice(VICTIMS)
    payers = [asyncio.create_task(_buy_on(one, now.told, cards)) for cards in CARDS]
    try:
        await asyncio.sleep(draw.uniform(*LOAD_S))
        if "issuer" in victim:
            one.signal_issuer(signal.SIGKILL)
        if victim == "issuer":
            await asyncio.sleep(AFTER_ISSUER_S)
    finally:
        await one.kill()
        await asyncio.wait(payers)  # not cancelled: with nobody to answer each ends by itself
    for payer in payers:
        payer.result()


async def _buy_on(one: Life, told: Told, cards: tuple[str, ...]) -> None:
    """Buy and give back, until nobody answers."""
    plans = cycle([(kind, steps) for kind, many in STEPS.items() for steps in many])
    for card in cycle(cards):
        kind, steps = next(plans)
        with suppress(*UNANSWERED):
            created = await buy(one, told, card, kind)
            if told.outcomes.get(created.order_id) in PAID_FOR:
                for step in steps:
                    await step(one, told, created)
        if one.dead:
            return
        await asyncio.sleep(0)
