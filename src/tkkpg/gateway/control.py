"""Asks the process that owns a home to do something: a socket in the home, JSON line by line.

A request is `{"verb": …, …}`, its answer an object; `{"error": sentence}` says why there is none.
Whoever can enter the home may ask: the socket belongs to its owner alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from tkkpg.gateway.logs import get_logger
from tkkpg.protocol.errors import ConfigurationError, OutcomeUnknown, TKKPGError

LINE_BYTES: Final = 64 * 1024
"""Of a request or an answer: both are a few names and numbers."""
LIMIT_S: Final = 30.0
"""For a request to come, and for it to be carried out."""
PATIENCE_S: Final = 40.0
"""Of whoever asks: longer than the owner may take, so that the owner's sentence is heard."""
ADDRESS_BYTES: Final = 103
"""Length of a socket's path that every system takes (Linux 107, macOS 103)."""

Verb: TypeAlias = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Does what is asked with the request's values; a `TKKPGError` becomes the answer's sentence."""

INTEGER_MAX: Final = 2**63 - 1
"""Of a number that a database can hold."""

_log = get_logger(__name__)


class Argument(NamedTuple):
    """What a verb is told by one name.

    Attributes:
        read: Reads the value that JSON holds; raises `ValueError` where it will not do.
        what: What it must be, for a sentence.
        needed: Whether a request without it, or with null, is refused.
    """

    read: Callable[[Any], Any]
    what: str
    needed: bool = True


class NobodyThere(ConfigurationError):
    """No process owns this home."""


class OwnerRefused(TKKPGError):
    """The process that owns this home did not do what it was asked."""


@asynccontextmanager
async def serve_control(
    path: Path, verbs: Mapping[str, Verb], *, limit_s: float = LIMIT_S
) -> AsyncIterator[None]:
    """Answer at a socket until the block is left; what is under way then is cancelled.

    Args:
        path: The socket, in the home; one that a killed process has left is replaced.
        verbs: What can be asked for, by name.
        limit_s: For a request to come, and for it to be carried out.

    Raises:
        ConfigurationError: Another process answers there, or there can be no socket.
    """
    conversations: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - streams run this as a task
        conversations.add(task)
        task.add_done_callback(conversations.discard)
        try:
            await _converse(reader, writer, verbs, limit_s)
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever asked is gone, or we are; streams report a task that ends cancelled
        finally:
            writer.close()

    server = await asyncio.start_unix_server(converse, sock=bind_unix(path), limit=LINE_BYTES)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - one system call, at the end
        for conversation in conversations:
            conversation.cancel()
        await asyncio.gather(*conversations, return_exceptions=True)


def taking(verb: Verb, /, **arguments: Argument) -> Verb:
    """Return a verb that is told its arguments alone, each as it was read.

    Args:
        verb: Does it; an argument that is not needed and not given is not among its values.
        arguments: By name.

    Raises:
        ConfigurationError: When it is asked: an argument is missing, unknown or no such value.
    """

    async def run(values: Mapping[str, Any]) -> Mapping[str, Any]:
        given = {name: value for name, value in values.items() if value is not None}
        needed = {name for name, one in arguments.items() if one.needed}
        if not needed <= given.keys() or not values.keys() <= arguments.keys():
            takes = ", ".join(sorted(needed)) or "nothing"
            more = ", ".join(sorted(arguments.keys() - needed))
            raise ConfigurationError(
                f"It takes {takes}{f'; and where wanted {more}' if more else ''}. It was told "
                f"{', '.join(sorted(given)) or 'nothing'}."
            )
        return await verb({name: _read_as(name, arguments[name], given[name]) for name in given})

    return run


def whole(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    """Read a whole number that a database can hold."""
    if type(value) is not int or abs(value) > INTEGER_MAX:  # true and 1.0 are none
        raise ValueError(value)
    return value


def text(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Read a text that can be written in UTF-8."""
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - one kind of error for whatever will not do
    value.encode()
    return value


def _read_as(name: str, argument: Argument, value: Any) -> Any:  # noqa: ANN401 - as above
    try:
        return argument.read(value)
    except ValueError:
        raise ConfigurationError(f"{name} must be {argument.what}.") from None


def ask_owner(path: Path, verb: str, /, **values: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    """Ask the process that owns a home, and wait for its answer.

    Args:
        path: The socket, in the home.
        verb: What it is asked to do.
        values: What the verb is told.

    Raises:
        NobodyThere: No process listens; certainly nothing was done.
        OwnerRefused: It did not do it; the sentence is its own.
        OutcomeUnknown: It was asked and gave no answer.
        ConfigurationError: The socket may not be used.
    """
    line = json.dumps({**values, "verb": verb}).encode() + b"\n"
    try:
        answer = dict(json.loads(_exchanged(path, line)))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise OutcomeUnknown(
            f"The process that uses {path.parent} was asked to {verb} and gave no whole answer. It "
            "may have done it: look before you ask again.",
            operation=verb,
        ) from error
    if "error" in answer:
        raise OwnerRefused(str(answer["error"]))
    return answer


def _exchanged(path: Path, line: bytes) -> bytes:
    """Send a line and give the line that comes back, cut short where the owner was."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        try:
            with _address(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NobodyThere(
                f"No gateway runs in {path.parent}. Start it there first, or name the home of one "
                "that runs with --home."
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"The control socket {path} cannot be used: {error.strerror}. It belongs to the "
                "user who started the gateway: ask as that user."
            ) from error
        connection.sendall(line)
        with connection.makefile("rb") as answers:
            return answers.readline(LINE_BYTES)


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    verbs: Mapping[str, Verb],
    limit_s: float,
) -> None:
    """Answer line after line, until no more come or one cannot be taken."""
    while True:
        try:
            async with asyncio.timeout(limit_s):
                line = await reader.readline()
        except TimeoutError:
            return
        except ValueError:  # what follows belongs to the same line
            writer.write(_written(_error(f"A request is longer than {LINE_BYTES} bytes.")))
            await writer.drain()
            return
        if not line.endswith(b"\n"):
            return
        writer.write(await _answer(line, verbs, limit_s))
        await writer.drain()


async def _answer(line: bytes, verbs: Mapping[str, Verb], limit_s: float) -> bytes:
    name = ""
    try:
        name, values = _read(line, verbs)
        async with asyncio.timeout(limit_s):
            return _written(await verbs[name](values))
    except TKKPGError as error:
        return _written(_error(error.message))
    except TimeoutError:
        return _written(
            _error(
                f"{name} was stopped after {limit_s:g} s. A part of it may be done: look before "
                "you ask again."
            )
        )
    except Exception:  # noqa: BLE001 - whatever a verb does wrong is answered and logged
        _log.exception("control_failed", verb=name)
        return _written(_error(f"{name} failed inside; the owner's log says where."))


def _read(line: bytes, verbs: Mapping[str, Verb]) -> tuple[str, dict[str, Any]]:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):  # of ten thousand brackets
        request = None
    if not isinstance(request, dict):
        raise ConfigurationError('A request is one line of JSON such as {"verb": "…"}.')
    name = request.pop("verb", None)
    if not isinstance(name, str) or name not in verbs:
        raise ConfigurationError(
            f"There is no such verb. Use one of these: {', '.join(sorted(verbs))}."
        )
    return name, request


def _written(answer: Mapping[str, Any]) -> bytes:
    """Write an answer as a line.

    Raises:
        ValueError: It is longer than a line may be.
    """
    line = json.dumps(dict(answer)).encode() + b"\n"
    if len(line) > LINE_BYTES:
        raise ValueError(len(line))
    return line


def _error(sentence: str) -> Mapping[str, str]:
    return {"error": sentence}


def bind_unix(path: Path, what: str = "control socket") -> socket.socket:
    """Make a socket that its owner alone may use, in the place of one that nobody listens at.

    Raises:
        ConfigurationError: It cannot be made, or somebody listens there.
    """
    bound = socket.socket(socket.AF_UNIX)
    try:
        _remove_stale(path)
        with _address(path) as address:
            bound.bind(address)
        path.chmod(0o600)  # before it listens, so nobody came in earlier
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"The {what} {path} cannot be made: {error.strerror}. The home must be a "
            "folder on a local disk that this user may write to."
        ) from error
    except BaseException:
        bound.close()
        raise
    return bound


def _remove_stale(path: Path) -> None:
    """Make room.

    Raises:
        ConfigurationError: Somebody answers there, or something else has the name.
    """
    if not path.exists():
        return
    if not path.is_socket():
        raise ConfigurationError(
            f"{path} is no socket, and the gateway is asked through a socket of that name. Move it "
            "away, or use another home with --home."
        )
    with socket.socket(socket.AF_UNIX) as probe, _address(path) as address:
        try:
            probe.connect(address)
        except ConnectionRefusedError:
            path.unlink()
            return
    raise ConfigurationError(
        f"Another process answers at {path}. Stop it first, or use another home with --home."
    )


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give a name by which the socket can be reached, short enough also in a deep folder.

    Raises:
        ConfigurationError: The path is too long, and the system has no other name for the folder.
    """
    if len(os.fsencode(path)) <= ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        short = Path(f"/proc/self/fd/{folder}")
        if not short.exists():
            raise ConfigurationError(
                f"The path of the control socket {path} is longer than {ADDRESS_BYTES} bytes, "
                "which this system does not take. Use a shorter home with --home."
            )
        yield str(short / path.name)
    finally:
        os.close(folder)
