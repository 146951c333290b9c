"""How messages of EMV 3-D Secure stand in JSON: converters, rows, and the walker over them.

Pure. It knows no message: the tables are in `tables.py`. Strict in what is written, exact and
bounded in what is read; elements that no row names are passed over, as EMV 3DS 2.2, 5.1.5 asks.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from tkkpg.protocol.errors import RemoteProtocolError
from tkkpg.protocol.masking import Secret

LIMIT_BYTES: Final = 64 * 1024
"""Of one message: the largest honest AReq, every element at its length, is below 20 kB."""
LIMIT_DEPTH: Final = 16
"""Of objects and lists inside each other; ours need three, extensions a few more."""


class ErrorCode(StrEnum):
    """`errorCode` of an Erro (EMV 3DS 2.2, table A.4)."""

    NOT_A_MESSAGE = "101"
    VERSION = "102"
    MISSING = "201"
    FORMAT = "203"
    DUPLICATE = "204"
    UNKNOWN_TRANSACTION = "301"
    ACCESS_DENIED = "303"
    TIMED_OUT = "402"
    TRANSIENT = "403"


class MessageError(RemoteProtocolError):
    """A message of 3-D Secure is not as it must be.

    Attributes:
        code: What an Erro says of it.
        detail: Names of the elements it is about; never their values.
    """

    def __init__(self, code: ErrorCode, message: str, detail: str = "") -> None:
        """Keep what an Erro repeats."""
        super().__init__(message)
        self.code = code
        self.detail = detail


class Converter(NamedTuple):
    """A pair of functions between a value of ours and a value in JSON.

    Attributes:
        read: Raises `ValueError` or `TypeError` for a value that is not allowed.
        write: Never checks; what was written is read back before it leaves.
    """

    read: Callable[[Any], Any]
    write: Callable[[Any], Any]


class Field(NamedTuple):
    """One row of a table.

    Attributes:
        attribute: Name in the Python message.
        name: Name in JSON.
        converter: How the value is read and written.
        optional: Whether it may be absent, which is `None`.
        needed: Attribute and the values of it with which an optional element must be there.
    """

    attribute: str
    name: str
    converter: Converter
    optional: bool = False
    needed: tuple[str, frozenset[Any]] | None = None


_Value = TypeVar("_Value")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


def _same(value: _Value) -> _Value:
    return value


def matching(pattern: str) -> Converter:
    """Text that a pattern matches whole."""
    compiled = re.compile(pattern, re.ASCII)

    def read(value: object) -> str:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise ValueError
        return value

    return Converter(read, _same)


def text(longest: int) -> Converter:
    """Text of one to so many characters, without control characters."""

    def read(value: object) -> str:
        if not isinstance(value, str) or not 1 <= len(value) <= longest:
            raise ValueError
        if _UNPRINTABLE.search(value):
            raise ValueError
        return value

    return Converter(read, _same)


def digits(shortest: int, longest: int | None = None) -> Converter:
    """Decimal digits, of one length or of a range of lengths."""
    return matching(rf"[0-9]{{{shortest},{longest or shortest}}}")


def url(longest: int) -> Converter:
    """An absolute https address; plain http on this machine alone, where a sandbox's pages are.

    Its host is a name or an IPv4 address: a page's policy can name nothing else, and a browser
    would not go there.
    """
    host = r"https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|http://(localhost|127\.0\.0\.1)"
    return matching(rf"(?=.{{1,{longest}}}\Z)({host})(:[0-9]{{1,5}})?([/?#][!-~]*)?")


def one_of(kind: type[StrEnum]) -> Converter:
    """A member of an enumeration."""
    return Converter(kind, str)


def secret(inner: Converter) -> Converter:
    """A value that must not show itself."""
    return Converter(lambda value: Secret(inner.read(value)), Secret.reveal)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


BOOLEAN: Final = Converter(_boolean, _same)
IDENTIFIER: Final = matching(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""A transaction's id: a UUID in its 36 characters (EMV 3DS 2.2, table A.1)."""


def records(kind: type, table: Sequence[Field], most: int) -> Converter:
    """A list of objects, each by a table of its own."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > most:
            raise ValueError
        return tuple(kind(**read_fields(one, table)) for one in value)

    def write(value: Sequence[object]) -> list[dict[str, Any]]:
        return [write_fields(one, table) for one in value]

    return Converter(read, write)


def read_fields(found: object, table: Sequence[Field]) -> dict[str, Any]:
    """Read the values of an object by a table.

    Raises:
        MessageError: 201 names all required elements that are missing, 203 all that are wrong.
    """
    if not isinstance(found, Mapping):
        raise TypeError
    values: dict[str, Any] = {}
    missing, wrong = [], []
    for field in table:
        values[field.attribute] = None
        if field.name not in found:
            if not field.optional or _is_needed(field, values):
                missing.append(field.name)
            continue
        try:
            values[field.attribute] = field.converter.read(found[field.name])
        except MessageError as error:
            wrong.append(error.detail or field.name)
        except (TypeError, ValueError):
            wrong.append(field.name)
    if missing:
        names = ", ".join(missing)
        raise MessageError(ErrorCode.MISSING, f"Required elements are missing: {names}.", names)
    if wrong:
        names = ", ".join(wrong)
        raise MessageError(ErrorCode.FORMAT, f"Elements are not as they must be: {names}.", names)
    return values


def _is_needed(field: Field, values: Mapping[str, Any]) -> bool:
    """Whether an optional element must be there; its condition stands above it in the table."""
    return field.needed is not None and values[field.needed[0]] in field.needed[1]


def write_fields(message: object, table: Sequence[Field]) -> dict[str, Any]:
    """Give the object of a message; nothing is checked."""
    written = {}
    for field in table:
        value = getattr(message, field.attribute)
        if value is not None:
            written[field.name] = field.converter.write(value)
    return written


def parse(body: bytes, limit_bytes: int) -> Mapping[str, Any]:
    """Read one JSON object, within limits.

    Raises:
        MessageError: 101 for what is no JSON object, 203 for too long or too deep, 204 for an
            element that stands there twice.
    """
    if len(body) > limit_bytes:
        raise MessageError(ErrorCode.FORMAT, f"The message is longer than {limit_bytes} bytes.")
    try:
        content = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MessageError(ErrorCode.NOT_A_MESSAGE, "The message is not in UTF-8.") from None
    _check_depth(content)
    try:
        found = json.loads(content, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        # From None: the parser's own text quotes what it read.
        raise MessageError(ErrorCode.NOT_A_MESSAGE, "The message is not JSON.") from None
    if not isinstance(found, dict):
        raise MessageError(ErrorCode.NOT_A_MESSAGE, "The message is not a JSON object.")
    return found


_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A string, whole or cut off, or a bracket outside one; each character is looked at once."""


def _check_depth(content: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(content):
        if found[0] in "[{":
            depth += 1
            if depth > LIMIT_DEPTH:
                raise MessageError(ErrorCode.FORMAT, f"The message is over {LIMIT_DEPTH} deep.")
        elif found[0] in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MessageError(ErrorCode.DUPLICATE, "An element stands in the message twice.")
    return found


def _no_constant(_: str) -> None:
    raise ValueError


def to_base64url(content: bytes) -> str:
    """Write bytes in base64url without padding, as `creq` and `cres` travel."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def from_base64url(written: str, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Read base64url, with or without padding, in its one canonical form.

    Raises:
        MessageError: 203 for anything else, or for more bytes than the limit.
    """
    bare = written.rstrip("=")
    problem = MessageError(ErrorCode.FORMAT, "The text is not base64url, or too long.")
    if len(bare) * 3 // 4 > limit_bytes or not bare.isascii():
        raise problem
    try:
        content = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise problem from None
    if to_base64url(content) != bare:
        raise problem
    return content
