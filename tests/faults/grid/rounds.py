"""Random rounds: gateway, issuer or both are killed under load, again and again in one home."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import cycle
from typing import Final

from tests.faults.grid.cells import CELL_S, Bench, end_leases, recover
from tests.faults.grid.flows import buy, give_back
from tests.faults.grid.ledgers import Merchant, compare
from tests.faults.grid.lives import UNANSWERED, Life, life
from tests.faults.grid.report import RANDOM, Row, row_of
from tests.faults.grid.told import Told

from tkkpg.client import OrderStatus

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
VICTIMS: Final = ("gateway", "issuer", "gateway and issuer")


async def rounds(bench: Bench, chance: random.Random, numbers: list[int]) -> AsyncIterator[Row]:
    """Go through rounds in one home, one row each.

    Args:
        bench: Has the homes.
        chance: Of the lane; each round draws its own seed from it.
        numbers: The numbers of the rounds.
    """
    home, merchant = bench.home(), Merchant()
    for number in numbers:
        seed, told = chance.getrandbits(32), Told()
        draw = random.Random(seed)  # noqa: S311 - moments, no secrets
        victim = draw.choice(VICTIMS)
        try:
            async with asyncio.timeout(CELL_S):
                async with life(home) as one:
                    await _load_and_kill(one, told, draw, victim)
                end_leases(home)
                async with life(home) as one:
                    unresolved = await recover(one)
                    found = await compare(one, told, merchant)
        except (*UNANSWERED, RuntimeError) as error:
            sentence = f"{type(error).__name__}: {error}"
            yield Row(
                point=RANDOM,
                flow=f"kill {victim}",
                round=number,
                seed=seed,
                unresolved=1,
                findings=[sentence],
            )
            continue
        yield row_of(
            found,
            told,
            point=RANDOM,
            flow=f"kill {victim}",
            unresolved=unresolved,
            round_=number,
            seed=seed,
        )


async def _load_and_kill(one: Life, told: Told, draw: random.Random, victim: str) -> None:
    payers = [asyncio.create_task(_buy_on(one, told, cards)) for cards in CARDS]
    try:
        await asyncio.sleep(draw.uniform(*LOAD_S))
        if "issuer" in victim:
            one.signal_issuer(signal.SIGKILL)
        if victim == "issuer":
            await asyncio.sleep(AFTER_ISSUER_S)
        await one.kill()
    finally:
        for payer in payers:
            payer.cancel()
        await asyncio.wait(payers)
    for payer in payers:
        if not payer.cancelled():
            payer.result()


async def _buy_on(one: Life, told: Told, cards: tuple[str, ...]) -> None:
    """Buy and give back, until nobody answers."""
    for card in cycle(cards):
        with suppress(*UNANSWERED):
            created = await buy(one, told, card)
            if told.outcomes.get(created.order_id) is OrderStatus.APPROVED:
                await give_back(one, told, created)
        if one.process.returncode is not None:
            return
        await asyncio.sleep(0)
