"""The tables against golden files: the bank's own examples and the styles of real clients."""

from __future__ import annotations

import base64
import re
from dataclasses import fields, is_dataclass

import pytest
from tests.golden_files import FOLDERS, ROOT, GoldenCase, golden_cases

from tkkpg.protocol.codec import (
    decode_callback,
    decode_request,
    decode_response,
    encode,
    encode_callback,
    failure,
)
from tkkpg.protocol.errors import InvalidMessage, InvalidOperation
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.messages import (
    Failure,
    OrderInformation,
    Request,
    Response,
    UnpaidOrderInformation,
)
from tkkpg.protocol.values import Currency, Operation

ASKED = golden_cases("requests", "operations", "styles", "malformed")
ACCEPTED = [case for case in ASKED if case.facts["status"] == "00"]
REFUSED = [case for case in ASKED if case.facts["status"] != "00"]
REPLIES = golden_cases("replies")
CALLBACKS = golden_cases("callbacks")


def written(cases: list[GoldenCase]) -> list[GoldenCase]:
    """Those that we write too."""
    return [case for case in cases if "written" in case.facts]


def is_number(value: object) -> bool:
    """Nought counts, unlike `False`."""
    return type(value) is int


def plain(value: object) -> object:
    """Turn a message into what TOML can hold, without what is absent, empty or false."""
    if isinstance(value, Currency):
        return value.code
    if isinstance(value, Secret):
        return repr(value)
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    if is_dataclass(value):
        held = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {name: inner for name, inner in held.items() if inner or is_number(inner)}
    return value


def compact(body: bytes) -> bytes:
    """Drop the declaration and the white space between elements, which documents print."""
    return re.sub(rb">\s+<", b"><", re.sub(rb"^<\?xml.*?\?>", b"", body)).strip()


def corrected(case: GoldenCase) -> bytes:
    """The reply without what is printed wrongly; corrections name it without white space."""
    body = re.sub(rb"(?<=>)\s+", b"", case.body) if "corrections" in case.facts else case.body
    for correction in case.facts.get("corrections", ()):
        assert body.count(correction["printed"].encode()) == 1
        assert correction["reason"]
        body = body.replace(correction["printed"].encode(), correction["instead"].encode())
    return body


def read_reply(case: GoldenCase) -> Response:
    """Read a reply, corrected."""
    return decode_response(corrected(case), Operation(case.facts["operation"]))


def to_write(case: GoldenCase) -> Request | Response:
    """The message that we would write in place of the reply."""
    message = read_reply(case)
    if isinstance(message, Failure) and message.details is None:
        return failure(message.operation, message.status)
    if isinstance(message, OrderInformation) and "unpaid" in case.facts:
        values = {field.name: getattr(message, field.name) for field in fields(message)}
        return UnpaidOrderInformation(**values)
    return message


def assert_written(case: GoldenCase, ours: bytes, printed: bytes) -> None:
    """Compare as the case demands."""
    expected = printed if case.facts["written"] == "exact" else compact(printed)
    assert ours.decode() == expected.decode()


def test_every_golden_message_says_what_it_shows_and_where_it_comes_from() -> None:
    messages = {path.with_suffix("") for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.xml")}
    words = {path.with_suffix("") for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.toml")}

    assert messages == words
    assert all(case.facts["shows"] and case.facts["source"] for case in golden_cases(*FOLDERS))


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_a_request_is_read_as_its_golden_file_says(case: GoldenCase) -> None:
    message = decode_request(case.body)

    assert type(message).__name__ == f"{case.facts['operation']}Request"
    assert plain(message) == case.facts["values"]


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_a_refused_request_says_why_and_names_the_operation(case: GoldenCase) -> None:
    with pytest.raises((InvalidMessage, InvalidOperation)) as refusal:
        decode_request(case.body)

    assert isinstance(refusal.value, InvalidMessage | InvalidOperation)
    assert refusal.value.message.startswith(case.facts["reason"])
    assert refusal.value.status == case.facts["status"]
    assert refusal.value.operation == case.facts["operation"]


@pytest.mark.parametrize("case", written(ACCEPTED), ids=str)
def test_a_request_is_written_with_the_documents_elements_in_its_order(case: GoldenCase) -> None:
    assert_written(case, encode(decode_request(case.body)), case.body)


@pytest.mark.parametrize("case", REPLIES, ids=str)
def test_a_reply_is_read_as_its_golden_file_says(case: GoldenCase) -> None:
    assert plain(read_reply(case)) == case.facts["values"]


@pytest.mark.parametrize("case", written(REPLIES), ids=str)
def test_a_reply_is_written_as_its_golden_file_prints_it(case: GoldenCase) -> None:
    assert_written(case, encode(to_write(case)), corrected(case))


@pytest.mark.parametrize("case", [case for case in REPLIES if "corrections" in case.facts], ids=str)
def test_a_reply_that_needs_corrections_cannot_be_read_as_printed(case: GoldenCase) -> None:
    with pytest.raises(InvalidMessage):
        decode_response(case.body, Operation(case.facts["operation"]))


@pytest.mark.parametrize("case", CALLBACKS, ids=str)
def test_a_callback_is_read_as_its_golden_file_says(case: GoldenCase) -> None:
    assert plain(decode_callback(case.body.decode())) == case.facts["values"]


@pytest.mark.parametrize("case", CALLBACKS, ids=str)
def test_a_callback_in_base64_is_read_like_the_plain_one(case: GoldenCase) -> None:
    encoded = base64.b64encode(case.body).decode("ascii")

    assert decode_callback(encoded) == decode_callback(case.body.decode())


@pytest.mark.parametrize("case", written(CALLBACKS), ids=str)
def test_a_callback_is_written_as_its_golden_file_prints_it(case: GoldenCase) -> None:
    message = decode_callback(case.body.decode())

    ours = encode_callback(message, wrapped=case.facts["wrapped"], as_base64=False)

    assert_written(case, ours.encode(), case.body)
