"""Identifiers are never given twice."""

from __future__ import annotations

import asyncio
import re
from itertools import count

import pytest

from tkkpg.gateway.ids import BLOCK, FIRST, STAN_MODULUS, Ids, Sequence

pytestmark = pytest.mark.anyio


class Blocks:
    """A durable counter as a store keeps it, which answers after a turn of the event loop."""

    def __init__(self) -> None:
        self.upcoming: dict[str, int] = {}
        self.reserved: list[str] = []

    async def reserve(self, name: str, first: int, size: int) -> int:
        """Give the first number of the next block."""
        self.reserved.append(name)
        given = self.upcoming.get(name, first)
        self.upcoming[name] = given + size
        await asyncio.sleep(0)
        return given


def counting() -> Ids:
    """Identifiers whose random bytes count up, over blocks of their own."""
    numbers = count(1)
    return Ids(lambda size: next(numbers).to_bytes(size), Blocks().reserve)


@pytest.mark.parametrize("sequence", Sequence)
async def test_a_sequence_begins_where_it_must_and_grows_by_one(sequence: Sequence) -> None:
    ids = counting()

    taken = [await ids.take(sequence) for _ in range(3)]

    assert taken == [FIRST[sequence] + step for step in range(3)]


async def test_a_block_is_used_up_before_the_next_is_reserved() -> None:
    blocks = Blocks()
    ids = Ids(bytes, blocks.reserve)

    taken = [await ids.take(Sequence.TWO) for _ in range(BLOCK + 1)]

    assert taken == list(range(2_000_001, 2_000_001 + BLOCK + 1))
    assert blocks.reserved == ["two", "two"]


async def test_many_requests_that_wait_for_numbers_share_one_block() -> None:
    blocks = Blocks()
    ids = Ids(bytes, blocks.reserve)

    taken = await asyncio.gather(*(ids.take(Sequence.STAN) for _ in range(BLOCK)))

    assert sorted(taken) == list(range(1, BLOCK + 1))
    assert blocks.reserved == ["stan"]


async def test_two_processes_never_give_the_same_number() -> None:
    blocks = Blocks()
    both = [Ids(bytes, blocks.reserve) for _ in range(2)]

    taken = await asyncio.gather(
        *(ids.take(Sequence.ORDER) for ids in both for _ in range(BLOCK * 2))
    )

    assert len(set(taken)) == len(taken) == BLOCK * 4


async def test_a_block_that_could_not_be_reserved_is_asked_for_again() -> None:
    blocks = Blocks()
    problems = iter([OSError("no disk"), None])

    async def sometimes(name: str, first: int, size: int) -> int:
        problem = next(problems)
        if problem is not None:
            raise problem
        return await blocks.reserve(name, first, size)

    ids = Ids(bytes, sometimes)
    with pytest.raises(OSError, match="no disk"):
        await ids.take(Sequence.ORDER)

    assert await ids.take(Sequence.ORDER) == FIRST[Sequence.ORDER]


async def test_who_gave_up_waiting_for_a_block_takes_no_number_away() -> None:
    ids = counting()
    impatient = asyncio.create_task(ids.take(Sequence.STAN))
    patient = asyncio.create_task(ids.take(Sequence.STAN))
    await asyncio.sleep(0)
    impatient.cancel()

    first = await asyncio.wait_for(patient, 5)

    assert await ids.take(Sequence.STAN) == first + 1


@pytest.mark.parametrize(
    "start", [1, STAN_MODULUS - 1, STAN_MODULUS, STAN_MODULUS + 1, 7 * STAN_MODULUS - 3]
)
async def test_a_trace_number_has_six_digits_and_is_never_zero(start: int) -> None:
    async def reserve(_name: str, _first: int, _size: int) -> int:
        return start

    ids = Ids(bytes, reserve)
    taken = [await ids.stan() for _ in range(5)]

    assert all(1 <= stan <= 999_999 for stan in taken)
    assert len(set(taken)) == 5


async def test_an_order_has_a_number_and_a_session_of_32_digits() -> None:
    ids = counting()

    first, second = await ids.order_ref(), await ids.order_ref()

    assert (first.order_id, second.order_id) == (1_000_001, 1_000_002)
    assert (first.session_id, second.session_id) == (f"{1:032X}", f"{2:032X}")


async def test_a_saved_card_is_named_by_32_digits_that_nobody_guesses() -> None:
    asked: list[int] = []

    def random_bytes(size: int) -> bytes:
        asked.append(size)
        return bytes.fromhex("0123456789abcdef" * 2)

    assert Ids(random_bytes, Blocks().reserve).card_uid() == "0123456789ABCDEF" * 2
    assert asked == [16]


async def test_a_token_is_16_random_bytes_written_in_letters() -> None:
    asked: list[int] = []

    def random_bytes(size: int) -> bytes:
        asked.append(size)
        return bytes.fromhex("0123456789abcdef" * 2)

    token = Ids(random_bytes, Blocks().reserve).token()

    # No digits: the log would mask a long run of them as a card number.
    assert asked == [16]
    assert re.fullmatch("[a-z]{32}", token)
    assert len(set(token)) == 16
