"""The dialect's table: bytes of an example, refusals without their content, and traces."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conformance.plans import NOW

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import MalformedMessage, Message, Trace

REPLY: Final = {
    "t": "0210",
    "3": "000000",
    "4": "000000003000",
    "7": "1124080000",
    "11": "000123",
    "37": "632808000123",
    "38": "A1B2C3",
    "39": "001",
    "41": "E1      ",
    "42": "E1000010       ",
    "49": "944",
}
REPLY_BYTES: Final = (
    b"0210322000000EC080000000000000000030001124080000000123"
    b"632808000123A1B2C3001E1      E1000010       944"
)  # fmt: skip
SECRET: Final = "4169730000005869"
CAVV: Final = "AAECAwQFBgcICQoLDA0ODxAREhM="


def test_a_message_is_these_bytes() -> None:
    assert fields.encode(REPLY) == REPLY_BYTES
    assert fields.decode(REPLY_BYTES) == REPLY


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"2": SECRET * 2}, "Field 2 does not fit"),
        ({"48": "é"}, "Field 48 does not fit"),
        ({"39": "01"}, "Field 39 does not fit"),
        ({"5": SECRET}, "Field 5 is not in the table"),
    ],
)
def test_what_does_not_fit_is_refused_without_showing_it(wrong: Message, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        fields.encode(REPLY | wrong)

    assert not any(text in str(refused.value) for text in wrong.values())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0210",
        REPLY_BYTES[:-1],
        REPLY_BYTES + b"0",
        REPLY_BYTES.replace(b"322000000EC08000", b"3a2000000EC0800g"),
        REPLY_BYTES.replace(b"322000000EC08000", b"3A2000000EC08000"),
        REPLY_BYTES.replace(b"0210", b"02x0"),
        REPLY_BYTES.replace(b"000000003000", b"00000000300 "),
        REPLY_BYTES.replace(b"944", b"\xb2\xb3\xb9"),
    ],
)
def test_what_is_no_message_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        fields.decode(data)


def test_a_message_is_matched_by_class_number_time_and_terminal() -> None:
    assert fields.trace_of(REPLY) == Trace("2", "000123", "1124080000", "E1")
    assert fields.trace_of({"t": "0810", "7": "1124080000", "11": "000001"}).terminal_id == ""


@pytest.mark.parametrize("missing", ["7", "11"])
def test_a_message_without_its_trace_is_malformed(missing: str) -> None:
    with pytest.raises(MalformedMessage, match=f"Field {missing} is missing"):
        fields.trace_of({number: text for number, text in REPLY.items() if number != missing})


def test_additional_data_is_read_as_it_is_written() -> None:
    elements = {"71": "1", "72": "K7", "92": "", "00": "x" * 60}

    assert fields.additional(elements) == "7101" + "1" + "7202" + "K7" + "9200" + "0060" + "x" * 60
    assert fields.elements_of({"48": fields.additional(elements)}) == elements
    assert fields.elements_of({}) == fields.elements_of({"48": ""}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "7",
        "720",
        "7205",
        "7204" + SECRET[:3],
        "7101" + "1" + SECRET,
        "72aa" + SECRET,
        "x" + SECRET,
        "7\u06602" + SECRET,
        "7101" + "1" + "7101" + "1",
        "7101" + "1" + " ",
    ],
)
def test_additional_data_that_is_no_elements_is_malformed_without_showing_it(text: str) -> None:
    with pytest.raises(MalformedMessage, match="ield 48") as refused:
        fields.elements_of({"48": text})

    assert SECRET[:3] not in str(refused.value)


@pytest.mark.parametrize(("tag", "text"), [("73", "05"), ("73", "00"), ("74", CAVV)])
def test_a_proof_is_read_as_it_is_written(tag: str, text: str) -> None:
    assert fields.elements_of({"48": fields.additional({tag: text})}) == {tag: text}


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        *(("73", eci) for eci in ("", "5", "03", "04", "08", "15", "005", "05\n", "0\u0665")),
        *(
            ("74", cavv)
            for cavv in ("", "=", CAVV[:-1], CAVV + "=", CAVV[:-2] + "N=", "-" + CAVV[1:])
        ),
        ("74", CAVV[:-1] + "\n"),
        ("74", "AAAA" + CAVV),
    ],
)
def test_a_malformed_proof_is_neither_written_nor_read_nor_shown(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"Element {tag} of field 48 does not fit") as unwritten:
        fields.additional({tag: text})
    with pytest.raises(MalformedMessage, match=f"Element {tag} of field 48") as unread:
        fields.elements_of({"48": f"{tag}{len(text):02d}{text}"})

    assert not any(CAVV[5:15] in str(refused.value) for refused in (unwritten, unread))


@given(proof=st.binary(min_size=20, max_size=20))
def test_any_twenty_bytes_are_a_proof(proof: bytes) -> None:
    elements = {"74": b64encode(proof).decode()}

    assert fields.elements_of({"48": fields.additional(elements)}) == elements


@given(st.text(max_size=99))
def test_any_additional_data_is_elements_or_malformed(text: str) -> None:
    try:
        elements = fields.elements_of({"48": text})
    except MalformedMessage:
        return
    assert fields.additional(elements) == text


@pytest.mark.parametrize("text", ["A", "K7", "7K", "A" * 32, "0" * 31 + "Z"])
def test_a_token_is_letters_and_digits(text: str) -> None:
    assert fields.is_token(text)


@pytest.mark.parametrize(
    "text", ["", "1", SECRET, "A" * 33, "a7", "K 7", "K7\n", "K-7", "\u0130K", "K\u0667"]
)
def test_what_could_be_a_card_number_or_anything_else_is_no_token(text: str) -> None:
    assert not fields.is_token(text)


@pytest.mark.parametrize(
    ("request_type", "repeat", "reply"),
    [
        ("0100", "0101", "0110"),
        ("0200", "0201", "0210"),
        ("0220", "0221", "0230"),
        ("0400", "0401", "0410"),
        ("0420", "0421", "0430"),
        ("0800", "0801", "0810"),
    ],
)
def test_each_request_has_its_repeat_and_its_reply(
    request_type: str, repeat: str, reply: str
) -> None:
    assert fields.repeat_of(request_type) == repeat
    assert fields.reply_to(request_type) == fields.reply_to(repeat) == reply
    assert fields.is_reply(reply)
    assert not fields.is_reply(request_type)
    assert not fields.is_reply(repeat)


def test_the_original_is_found_by_what_is_said_of_it() -> None:
    data = fields.original_data("0200", 123, NOW)

    assert data == "0200" + "000123" + "1124080000" + "0" * 22
    assert fields.original_trace(data, "E1") == fields.trace_of(REPLY)
