"""Our dialect of ISO 8583: which field holds what, and the one way to bytes and back.

Both ends of the link read this table. It is ISO 8583:1987 in ASCII with one difference: the
response code (field 39) has three characters, as in the bank's list of codes.

| field | holds                   | form                                                |
| ----- | ----------------------- | --------------------------------------------------- |
| 2     | card number             | up to 19 digits; in authorisations of a typed card  |
| 3     | processing code         | 000000 purchase or hold, 200000 refund              |
| 4     | amount                  | 12 digits, minor units                              |
| 7     | transmission date-time  | MMDDhhmmss, UTC; a repeat has the first one's       |
| 11    | STAN                    | 6 digits, never zero; a repeat has the first one's  |
| 14    | expiry                  | YYMM                                                |
| 22    | entry mode              | 812: typed on a page; 102: kept by the host; no PIN |
| 25    | condition               | 59: e-commerce                                      |
| 37    | RRN                     | 12 characters; a repeat has the first one's         |
| 38    | approval code           | 6 characters                                        |
| 39    | response code           | 3 characters                                        |
| 41    | terminal                | 8 characters, padded with spaces                    |
| 42    | merchant                | 15 characters, padded with spaces                   |
| 48    | additional data         | elements: tag, length, text; two digits each        |
| 49    | currency                | 3 digits, ISO 4217                                  |
| 70    | network management code | 001 sign-on, 002 sign-off, 301 echo                 |
| 90    | original data           | type, STAN and field 7 of the original, 22 zeros    |

| tag   | in field 48             | form                                                |
| ----- | ----------------------- | --------------------------------------------------- |
| 71    | asks to keep the card   | 1                                                   |
| 72    | token of a kept card    | 1 to 32 of A-Z and 0-9, never digits alone          |
| 73    | ECI of 3-D Secure       | 00, 01, 02, 05, 06 or 07                            |
| 74    | CAVV of 3-D Secure      | 28 characters: 20 bytes in base64                   |
| 92    | CVV2                    | 3 or 4 digits                                       |
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

import iso8583

from tkkpg.protocol.errors import RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Mapping

Message: TypeAlias = "dict[str, str]"
"""Field number to text; `t` is the message type. It may hold card data: never log it."""

TYPE: Final = "t"
PAN: Final = "2"
PROCESSING: Final = "3"
AMOUNT: Final = "4"
TRANSMITTED: Final = "7"
STAN: Final = "11"
EXPIRY: Final = "14"
ENTRY_MODE: Final = "22"
CONDITION: Final = "25"
RRN: Final = "37"
APPROVAL: Final = "38"
RESPONSE: Final = "39"
TERMINAL: Final = "41"
MERCHANT: Final = "42"
ADDITIONAL: Final = "48"
CURRENCY: Final = "49"
NETWORK: Final = "70"
ORIGINAL: Final = "90"

HOLD: Final = "0100"
CHARGE: Final = "0200"
"""Purchase, and refund: the processing code tells them apart."""
COMPLETION: Final = "0220"
REVERSAL: Final = "0400"
REVERSAL_ADVICE: Final = "0420"
NETWORK_REQUEST: Final = "0800"

PURCHASE_CODE: Final = "000000"
REFUND_CODE: Final = "200000"

REGISTRATION_TAG: Final = "71"
"""Tag of field 48: with `1`, the host is asked to keep the card when it approves."""
KEPT_CARD_TAG: Final = "72"
"""Tag of field 48: the host's token of a card, in place of field 2 or as the answer to tag 71."""
ECI_TAG: Final = "73"
"""Tag of field 48: how strongly 3-D Secure proved the cardholder."""
CAVV_TAG: Final = "74"
"""Tag of field 48: the proof itself. It is never logged and never kept."""
CVV2_TAG: Final = "92"
"""Tag of field 48."""
REGISTER: Final = "1"
TOKEN_MAX: Final = 32
"""Characters of a token."""

SIGN_ON: Final = "001"
SIGN_OFF: Final = "002"
ECHO: Final = "301"

ORIGINAL_NOT_FOUND: Final = "801"
"""Response code of a reversal whose original the host never saw: there is nothing to undo."""


class MalformedMessage(RemoteProtocolError):
    """The peer sent bytes that are no message of our dialect."""


class Trace(NamedTuple):
    """What a reply is matched by.

    Attributes:
        message_class: Second digit of the message type: 1 authorisation, 2 financial,
            4 reversal, 8 network.
        stan: Six digits.
        transmitted_at: MMDDhhmmss, UTC.
        terminal_id: Without padding; empty in network messages.
    """

    message_class: str
    stan: str
    transmitted_at: str
    terminal_id: str


def _field(length: int, *, prefix: int = 0) -> dict[str, str | int]:
    """Describe a field of fixed length, or of up to that length with a prefix of digits."""
    return {
        "data_enc": "ascii",
        "len_enc": "ascii",
        "len_type": prefix,
        "max_len": length,
        "desc": "",
    }


_SPEC: Final[Mapping[str, Mapping[str, str | int]]] = {
    "h": _field(0),
    TYPE: _field(4),
    "p": _field(16),
    "1": _field(16),
    PAN: _field(19, prefix=2),
    PROCESSING: _field(6),
    AMOUNT: _field(12),
    TRANSMITTED: _field(10),
    STAN: _field(6),
    EXPIRY: _field(4),
    ENTRY_MODE: _field(3),
    CONDITION: _field(2),
    RRN: _field(12),
    APPROVAL: _field(6),
    RESPONSE: _field(3),
    TERMINAL: _field(8),
    MERCHANT: _field(15),
    ADDITIONAL: _field(99, prefix=3),
    CURRENCY: _field(3),
    NETWORK: _field(3),
    ORIGINAL: _field(42),
}
_NUMBERS: Final = (PROCESSING, AMOUNT, TRANSMITTED, STAN, EXPIRY, CURRENCY, NETWORK, ORIGINAL, PAN)


def encode(message: Mapping[str, str]) -> bytes:
    """Write a message.

    Raises:
        ValueError: A field is unknown or has another length than the table says; never with the
            field's content, which may be a card number.
    """
    try:
        raw, _ = iso8583.encode(dict(message), _SPEC)
    except iso8583.EncodeError as error:
        raise ValueError(f"Field {error.field} does not fit the table: {error.msg}.") from None
    except KeyError as error:
        raise ValueError(f"Field {error.args[0]} is not in the table.") from None
    return bytes(raw)


def decode(data: bytes) -> Message:
    """Read a message.

    Raises:
        MalformedMessage: The bytes are no message of this dialect; never with their content.
    """
    try:
        message, _ = iso8583.decode(data, _SPEC)
    except iso8583.DecodeError as error:
        raise MalformedMessage(
            f"Field {error.field} cannot be read: {error.msg}. Check that both ends of the link "
            "speak the dialect of docs/host-link.md."
        ) from None
    except KeyError as error:
        raise MalformedMessage(
            f"Field {error.args[0]} is not in our dialect, so what follows it cannot be read."
        ) from None
    for bitmap in ("h", "p", "1"):
        message.pop(bitmap, None)
    for number in (TYPE, *_NUMBERS):
        text = message.get(number, "0")
        if not (text.isascii() and text.isdigit()):
            raise MalformedMessage(f"Field {number} must hold digits only.")
    return message


def trace_of(message: Mapping[str, str]) -> Trace:
    """Say what a message is matched by.

    Raises:
        MalformedMessage: It has no trace number or transmission time.
    """
    try:
        return Trace(
            message[TYPE][1],
            message[STAN],
            message[TRANSMITTED],
            message.get(TERMINAL, "").rstrip(" "),
        )
    except KeyError as error:
        raise MalformedMessage(f"Field {error.args[0]} is missing.") from None


def additional(elements: Mapping[str, str]) -> str:
    """Write field 48 from texts by tag.

    Raises:
        ValueError: ECI or CAVV does not have its form; never with its content.
    """
    for tag, text in elements.items():
        if not _has_form(tag, text):
            raise ValueError(f"Element {tag} of field 48 does not fit the table.")
    return "".join(f"{tag}{len(text):02d}{text}" for tag, text in elements.items())


def elements_of(message: Mapping[str, str]) -> dict[str, str]:
    """Read field 48 as texts by tag; empty when there is none.

    Raises:
        MalformedMessage: It is cut off, a length is no number, a tag comes twice, or ECI or CAVV
            does not have its form; never with its content, which may be card data.
    """
    left = message.get(ADDITIONAL, "")
    elements: dict[str, str] = {}
    while left:
        head = _ELEMENT.match(left)
        if head is None:
            raise MalformedMessage("Field 48 must hold elements: tag, length and text.")
        tag, end = head[1], head.end() + int(head[2])
        if end > len(left) or tag in elements:
            raise MalformedMessage(f"Element {tag} of field 48 is cut off or comes twice.")
        elements[tag], left = left[head.end() : end], left[end:]
        if not _has_form(tag, elements[tag]):
            raise MalformedMessage(
                f"Element {tag} of field 48 does not have the form of docs/host-link.md."
            )
    return elements


def _has_form(tag: str, text: str) -> bool:
    return tag not in _FORMS or _FORMS[tag].fullmatch(text) is not None


def is_token(text: str) -> bool:
    """Whether a text has a token's form; digits alone never do, so no card number passes."""
    return _TOKEN.fullmatch(text) is not None


_ELEMENT: Final = re.compile(r"([0-9]{2})([0-9]{2})", re.ASCII)
_FORMS: Final = {
    ECI_TAG: re.compile(r"0[012567]"),
    CAVV_TAG: re.compile(r"[A-Za-z0-9+/]{26}[AEIMQUYcgkosw048]="),
}
"""Elements that are refused where they have another form; 20 bytes leave two bits of base64 zero,
so the last letter is one of 16."""
_TOKEN: Final = re.compile(rf"(?=.*[A-Z])[A-Z0-9]{{1,{TOKEN_MAX}}}", re.ASCII)


def repeat_of(message_type: str) -> str:
    """Give the type of a repeat: 0200 becomes 0201."""
    return message_type[:3] + "1"


def reply_to(message_type: str) -> str:
    """Give the type of the reply: 0200 and 0201 become 0210."""
    return f"{message_type[:2]}{int(message_type[2]) + 1}0"


def is_reply(message_type: str) -> bool:
    """Whether a type is one that a host answers with."""
    return message_type[2:] in {"10", "30"}


def transmitted(moment: datetime) -> str:
    """Write field 7 of a UTC time."""
    return f"{moment:%m%d%H%M%S}"


def original_data(message_type: str, stan: int, moment: datetime) -> str:
    """Write field 90: the message that this one refers to."""
    return f"{message_type}{stan:06d}{transmitted(moment)}{0:022d}"


def original_trace(data: str, terminal_id: str) -> Trace:
    """Read field 90 as what the original was matched by."""
    return Trace(data[1], data[4:10], data[10:20], terminal_id)
