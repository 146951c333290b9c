"""The process that owns a home is asked through a socket in it, line by line."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.unit.gateway.server.peers import open_files

from tkkpg.gateway import control
from tkkpg.gateway.control import (
    LINE_BYTES,
    Argument,
    NobodyThere,
    OwnerRefused,
    ask_owner,
    serve_control,
    taking,
    text,
    whole,
)
from tkkpg.protocol.errors import ConfigurationError, OutcomeUnknown, TKKPGError

pytestmark = pytest.mark.anyio

DEADLINE_S = 10.0


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"], scope="session")
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


async def echo(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"heard": values}


async def refuse(values: Mapping[str, Any]) -> Mapping[str, Any]:
    raise TKKPGError("The order has ended.")


async def fail(values: Mapping[str, Any]) -> Mapping[str, Any]:
    raise RuntimeError("card 4169730000005869")


async def wait(values: Mapping[str, Any]) -> Mapping[str, Any]:
    await asyncio.Event().wait()
    return {}


async def talk(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"text": "x" * LINE_BYTES}


VERBS = {"echo": echo, "refuse": refuse, "fail": fail, "wait": wait, "talk": talk}


async def ask(path: Path, verb: str, **values: object) -> dict[str, Any]:
    return await asyncio.wait_for(asyncio.to_thread(ask_owner, path, verb, **values), DEADLINE_S)


async def say(path: Path, data: bytes) -> list[Any]:
    """Send bytes, and give the answers until the owner ends the conversation or we do."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    writer.write_eof()
    try:
        return [json.loads(line) for line in (await reader.read()).splitlines()]
    finally:
        writer.close()


async def test_a_verb_is_told_the_values_and_its_answer_comes_back(path: Path) -> None:
    async with serve_control(path, VERBS):
        answer = await ask(path, "echo", name="silence", times=3, verbatim=None)

    assert answer == {"heard": {"name": "silence", "times": 3, "verbatim": None}}


async def test_several_requests_of_one_conversation_are_answered_in_turn(path: Path) -> None:
    line = b'{"verb": "echo", "n": %d}\n'
    async with serve_control(path, VERBS):
        answers = await say(path, b"".join(line % n for n in range(50)))

    assert answers == [{"heard": {"n": n}} for n in range(50)]


async def test_many_ask_at_once(path: Path) -> None:
    async with serve_control(path, VERBS):
        waiting = asyncio.create_task(ask(path, "wait"))
        answers = await asyncio.gather(*(ask(path, "echo", n=n) for n in range(4)))

    assert answers == [{"heard": {"n": n}} for n in range(4)]
    with pytest.raises(OutcomeUnknown):
        await waiting


async def test_the_sentence_of_a_refusal_reaches_whoever_asked(path: Path) -> None:
    async with serve_control(path, VERBS):
        with pytest.raises(OwnerRefused, match=r"^The order has ended\.$"):
            await ask(path, "refuse")


async def test_an_unknown_verb_is_answered_with_those_that_there_are(path: Path) -> None:
    async with serve_control(path, VERBS):
        with pytest.raises(OwnerRefused, match="echo, fail, refuse, talk, wait"):
            await ask(path, "eco")


@pytest.mark.parametrize("line", [b"echo", b"[]", b"\xff\xfe", b"", b'"echo"'])
async def test_a_line_that_is_no_request_is_explained_and_the_next_one_answered(
    line: bytes, path: Path
) -> None:
    async with serve_control(path, VERBS):
        first, second = await say(path, line + b'\n{"verb": "echo"}\n')

    assert first == {"error": 'A request is one line of JSON such as {"verb": "…"}.'}
    assert second == {"heard": {}}


@pytest.mark.parametrize("request_", [b"{}\n", b'{"verb": 1}\n', b'{"verb": ["echo"]}\n'])
async def test_a_verb_must_be_named(request_: bytes, path: Path) -> None:
    async with serve_control(path, VERBS):
        (answer,) = await say(path, request_)

    assert answer["error"].startswith("There is no such verb.")


async def test_a_line_without_an_end_is_not_carried_out(path: Path) -> None:
    async with serve_control(path, VERBS):
        assert await say(path, b'{"verb": "echo"}') == []


async def test_a_line_that_is_too_long_ends_the_conversation(path: Path) -> None:
    async with serve_control(path, VERBS):
        answers = await say(path, b"x" * (LINE_BYTES + 10) + b"\n" + b'{"verb": "echo"}\n')

    assert answers == [{"error": f"A request is longer than {LINE_BYTES} bytes."}]


@pytest.mark.parametrize("verb", ["fail", "talk"])
async def test_what_fails_inside_is_logged_and_said_without_its_details(
    verb: str, path: Path
) -> None:
    with capture_logs() as lines:
        async with serve_control(path, VERBS):
            with pytest.raises(OwnerRefused, match=f"^{verb} failed inside") as refused:
                await ask(path, verb)

    assert "4169730000005869" not in refused.value.message
    assert [(line["event"], line["verb"]) for line in lines] == [("control_failed", verb)]


async def test_a_verb_that_takes_too_long_is_stopped(path: Path) -> None:
    async with serve_control(path, VERBS, limit_s=0.05):
        with pytest.raises(OwnerRefused, match=r"stopped after 0\.05 s"):
            await ask(path, "wait")


async def test_whoever_connects_and_asks_nothing_is_shown_out(path: Path) -> None:
    async with serve_control(path, VERBS, limit_s=0.05):
        reader, writer = await asyncio.open_unix_connection(str(path))

        assert await asyncio.wait_for(reader.read(), DEADLINE_S) == b""
        writer.close()


async def test_whoever_does_not_wait_for_the_answer_disturbs_nobody(path: Path) -> None:
    async with serve_control(path, VERBS):
        for _ in range(3):
            _, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b'{"verb": "echo"}\n' * 500)
            writer.transport.abort()

        assert await ask(path, "echo") == {"heard": {}}


async def test_nobody_there_says_what_to_do(path: Path) -> None:
    with pytest.raises(NobodyThere, match="No gateway runs in") as nobody:
        await ask(path, "echo")
    assert isinstance(nobody.value, ConfigurationError)

    async with serve_control(path, VERBS):
        await ask(path, "echo")

    with pytest.raises(NobodyThere):
        await ask(path, "echo")
    with pytest.raises(NobodyThere):
        await ask(path.parent / "no such home" / path.name, "echo")


async def test_the_socket_is_its_owners_alone_and_gone_afterwards(path: Path) -> None:
    async with serve_control(path, VERBS):
        assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600

    assert list(path.parent.iterdir()) == []


async def test_a_socket_that_a_killed_process_left_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
        left.listen()
    with pytest.raises(NobodyThere):
        await ask(path, "echo")

    async with serve_control(path, VERBS):
        assert await ask(path, "echo") == {"heard": {}}


async def test_a_socket_that_somebody_answers_at_is_not_taken(path: Path) -> None:
    async with serve_control(path, VERBS):
        with pytest.raises(ConfigurationError, match="Another process answers"):
            async with serve_control(path, {}):
                pass

        assert await ask(path, "echo") == {"heard": {}}


async def test_a_file_in_its_place_is_not_removed(path: Path) -> None:
    path.touch()  # noqa: ASYNC240 - nobody waits

    with pytest.raises(ConfigurationError, match=r"is no socket.*Move it away"):
        async with serve_control(path, VERBS):
            pass

    assert path.is_file()  # noqa: ASYNC240 - nobody waits


async def test_a_home_may_be_deeper_than_a_sockets_name_may_be_long(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 40) / ("er" * 40)
    home.mkdir(parents=True)
    path = home / "control.sock"

    async with serve_control(path, VERBS):
        assert path.is_socket()
        assert await ask(path, "echo") == {"heard": {}}

    assert not path.exists()
    with pytest.raises(NobodyThere):
        await ask(path, "echo")


async def test_serving_and_asking_leave_no_file_open(tmp_path: Path) -> None:
    home = tmp_path / ("deep" * 40)
    home.mkdir()
    path = home / "control.sock"
    async with serve_control(path, VERBS):  # uvloop keeps a file of its own from here on
        before = open_files()
        await ask(path, "echo")

    async with serve_control(path, VERBS):
        await ask(path, "echo")
        async with asyncio.timeout(DEADLINE_S):
            while open_files() > before:  # noqa: ASYNC110 - the owner closes its end in its turn
                await asyncio.sleep(0.005)


async def test_a_home_that_cannot_hold_a_socket_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be made: No such file"):
        async with serve_control(tmp_path / "absent" / "control.sock", VERBS):
            pass


def ends_early(connection: socket.socket) -> None:
    connection.recv(1_000)


def ends_in_a_line(connection: socket.socket) -> None:
    connection.recv(1_000)
    connection.sendall(b'{"done":')


def says_nothing(connection: socket.socket) -> None:
    connection.recv(1_000)
    connection.recv(1_000)


@pytest.mark.parametrize("owner", [ends_early, ends_in_a_line, says_nothing])
async def test_an_owner_that_does_not_answer_may_have_done_it(
    owner: Callable[[socket.socket], None], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE_S", 0.2)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                owner(connection)

        answering = asyncio.create_task(asyncio.to_thread(answer))
        with pytest.raises(OutcomeUnknown, match="was asked to echo") as unknown:
            await ask(path, "echo")
        await answering

    assert unknown.value.operation == "echo"


async def test_leaving_stops_what_is_under_way(path: Path) -> None:
    stopped = asyncio.Event()
    begun = asyncio.Event()

    async def long(values: Mapping[str, Any]) -> Mapping[str, Any]:
        begun.set()
        try:
            return await wait(values)
        finally:
            stopped.set()

    failures: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    verbs: dict[str, Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]] = {"long": long}
    async with serve_control(path, verbs):
        asking = asyncio.create_task(ask(path, "long"))
        await asyncio.wait_for(begun.wait(), DEADLINE_S)

    assert stopped.is_set()
    with pytest.raises(OutcomeUnknown):
        await asking
    loop.set_exception_handler(handler)
    assert failures == []


async def test_a_verb_is_told_its_arguments_as_they_were_read_and_nothing_else() -> None:
    verb = taking(echo, n=Argument(whole, "a number"), name=Argument(text, "a name", needed=False))
    assert await verb({"n": 3, "name": "Nar"}) == {"heard": {"n": 3, "name": "Nar"}}
    assert await verb({"n": 3, "name": None}) == {"heard": {"n": 3}}
    for values, sentence in (
        ({}, "It takes n; and where wanted name. It was told nothing."),
        ({"n": None}, "It takes n; and where wanted name. It was told nothing."),
        ({"n": 1, "m": 2}, "It takes n; and where wanted name. It was told m, n."),
        ({"n": "1"}, "n must be a number."),
        ({"n": True}, "n must be a number."),
        ({"n": 1.0}, "n must be a number."),
        ({"n": 2**63}, "n must be a number."),
        ({"n": 1, "name": 5}, "name must be a name."),
        ({"n": 1, "name": "\ud800"}, "name must be a name."),
    ):
        with pytest.raises(ConfigurationError) as refused:
            await verb(values)
        assert refused.value.message == sentence


async def test_a_line_of_brackets_and_answers_of_another_kind_are_no_tracebacks(path: Path) -> None:
    with capture_logs() as lines:
        async with serve_control(path, VERBS):
            first, second = await say(path, b"[" * 30_000 + b'\n{"verb": "echo"}\n')
    assert first["error"].startswith("A request is one line of JSON")
    assert second == {"heard": {}}
    assert lines == []


async def test_what_answers_in_no_words_of_ours_leaves_the_outcome_unknown(path: Path) -> None:
    for answer in (b"", b"\n", b"7\n", b"[1]\n", b"{\n", b"[" * 30_000 + b"\n", b"\xff\n"):

        async def speak(
            reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: bytes = answer
        ) -> None:
            await reader.readline()
            writer.write(answer)
            writer.close()

        server = await asyncio.start_unix_server(speak, path)
        async with server:
            with pytest.raises(OutcomeUnknown, match="gave no whole answer"):
                await ask(path, "echo")
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody waits
