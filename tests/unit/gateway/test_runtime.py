"""What a process remembers of its work: what runs to its end, and what is asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest
import structlog
from structlog.testing import LogCapture

from tkkpg.gateway.runtime import Authentications, Background, Rounds
from tkkpg.gateway.threeds.base import Challenge

pytestmark = pytest.mark.anyio

TRAN: Final = 7
NAMED: Final = "8a880dc0-d2d2-4067-bcb1-b08d1690b26e"
CHALLENGE: Final = Challenge(
    acs_url="https://acs.example/", creq="x", three_ds_server_trans_id=NAMED, acs_trans_id=NAMED
)
Answer = asyncio.Future[Challenge | None]


class Work:
    """Asks when it is let, and counts how often it was begun."""

    def __init__(self, answer: Challenge | None = None, *, fails: bool = False) -> None:
        self.begun = 0
        self.let = asyncio.Event()
        self._answer = answer
        self._fails = fails

    async def __call__(self, challenge: Answer) -> None:
        self.begun += 1
        await self.let.wait()
        if self._fails:
            message = "The disk is full."
            raise OSError(message)
        challenge.set_result(self._answer)


@pytest.fixture
def log() -> LogCapture:
    return LogCapture()


@pytest.fixture
def background(log: LogCapture) -> Background:
    return Background(structlog.wrap_logger(None, processors=[log]))


@pytest.fixture
def authentications(background: Background) -> Authentications:
    return Authentications(background)


async def test_a_transaction_is_asked_about_once_while_it_is_under_way(
    authentications: Authentications,
) -> None:
    work = Work()
    first, second = (authentications.ask(TRAN, work) for _ in range(2))
    assert first is second
    assert authentications.under_way(TRAN)
    work.let.set()
    assert await first.challenge is None
    await first.work
    assert work.begun == 1


async def test_a_challenge_is_remembered_and_is_no_longer_under_way(
    authentications: Authentications,
) -> None:
    work = Work(CHALLENGE)
    work.let.set()
    asked = authentications.ask(TRAN, work)
    await asked.work
    await asyncio.sleep(0)
    assert not authentications.under_way(TRAN)
    assert await authentications.ask(TRAN, work).challenge is CHALLENGE
    assert work.begun == 1


async def test_a_question_without_a_challenge_is_forgotten(
    authentications: Authentications,
) -> None:
    work = Work()
    work.let.set()
    await authentications.ask(TRAN, work).work
    await asyncio.sleep(0.01)
    assert not authentications.under_way(TRAN)
    await authentications.ask(TRAN, work).work
    assert work.begun == 2


async def test_whoever_waits_for_a_question_that_fails_is_let_go(
    authentications: Authentications, log: LogCapture
) -> None:
    work = Work(fails=True)
    asked = authentications.ask(TRAN, work)
    work.let.set()
    async with asyncio.timeout(5):
        assert await asked.challenge is None
    assert [entry["event"] for entry in log.entries] == ["background_failed"]
    assert not authentications.under_way(TRAN)


async def test_another_transaction_is_another_question(authentications: Authentications) -> None:
    work = Work()
    work.let.set()
    for tran_id in (TRAN, TRAN + 1):
        await authentications.ask(tran_id, work).work
    assert work.begun == 2


def counted(done: list[int], let: asyncio.Event) -> Callable[[], Coroutine[Any, Any, None]]:
    """Make work that counts itself."""

    async def work() -> None:
        done.append(1)
        await let.wait()

    return work


async def test_what_follows_a_challenge_is_begun_once_at_a_time(
    authentications: Authentications,
) -> None:
    done: list[int] = []
    let = asyncio.Event()
    first, second = (authentications.conclude(TRAN, counted(done, let)) for _ in range(2))
    assert first is second
    assert authentications.under_way(TRAN)
    let.set()
    await first
    await asyncio.sleep(0)
    assert not authentications.under_way(TRAN)
    await authentications.conclude(TRAN, counted(done, let))
    assert len(done) == 2


async def test_who_awaits_a_result_is_woken_by_it_and_by_no_other(
    authentications: Authentications,
) -> None:
    with authentications.awaiting(NAMED) as kept:
        authentications.kept("another")
        assert not kept.is_set()
        authentications.kept(NAMED)
        assert kept.is_set()
    authentications.kept(NAMED)  # nobody waits any more
    with authentications.awaiting(NAMED) as kept:
        assert not kept.is_set()


async def test_work_outlives_whoever_began_it(background: Background) -> None:
    done: list[int] = []
    let = asyncio.Event()

    async def request() -> None:
        await asyncio.wait({background.start(counted(done, let)())})

    begun = asyncio.create_task(request())
    await asyncio.sleep(0.001)
    begun.cancel()
    await asyncio.wait({begun})
    let.set()
    assert await background.drain(5) == 0
    assert done == [1]


async def test_draining_gives_up_what_does_not_end(background: Background) -> None:
    background.start(counted([], asyncio.Event())())
    assert len(background.under_way()) == 1
    assert await background.drain(0.01) == 1
    assert background.under_way() == set()


async def test_rounds_take_turns_and_count() -> None:
    rounds, at_work, most = Rounds(), 0, 0

    async def work() -> int:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001)
        at_work -= 1
        return 2

    await asyncio.gather(*(rounds.run(work) for _ in range(3)))
    assert (most, rounds.done) == (1, 6)
