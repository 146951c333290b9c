"""How the gateways of other banks, or of other years, write what this one writes: as data.

A bank's profile is a list of variants, each recorded somewhere or left open by every source
(protocol description, 7). A variant puts rows in the place of rows of the field tables, tells a
refusal by another status, changes signs of an XMLOut on its way, or shows a finished refund as
under way for a while. Nothing else knows that there are banks: the codec writes by the tables of
the merchant's profile.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from tkkpg.protocol import schema
from tkkpg.protocol.converters import Converter
from tkkpg.protocol.messages import ReverseResponse, XMLOut
from tkkpg.protocol.schema import Field, Group, Table, field
from tkkpg.protocol.schema.parts import SHORT
from tkkpg.protocol.values import OperationStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tkkpg.protocol.schema import Path, Row

Rows: TypeAlias = "Mapping[tuple[type, Path], tuple[Row, ...]]"
"""Rows that stand in the place of one row of a message's tables."""


class Told(NamedTuple):
    """How a refusal is told: its status, and the free text beside it."""

    status: str
    details: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One thing that a gateway of this family does differently.

    Attributes:
        about: What it does, for the docs.
        source: Where it was seen, by kind; a guess is called one.
        rows: Rows in the place of ours.
        refusals: Statuses that are told as another one.
        signs: Characters of an XMLOut in plain XML, and what becomes of them on the way.
        refund_shown_s: Seconds for which a finished refund is told as ON-REFUND.
    """

    about: str
    source: str
    rows: Rows = dataclasses.field(default_factory=dict)
    refusals: Mapping[OperationStatus, Told] = dataclasses.field(default_factory=dict)
    signs: Mapping[int, str] = dataclasses.field(default_factory=dict)
    refund_shown_s: int = 0


@dataclass(frozen=True, slots=True)
class BankProfile:
    """A bank's way of writing, of which everything but name and variants is derived.

    Attributes:
        encodings: Table that writes each message.
        callbacks: Table of XMLOut, by whether `Message` stands in a root.
    """

    name: str
    variants: tuple[Variant, ...] = ()
    encodings: Mapping[type, Table] = dataclasses.field(init=False, repr=False, compare=False)
    callbacks: Mapping[bool, Table] = dataclasses.field(init=False, repr=False, compare=False)
    refusals: Mapping[str, Told] = dataclasses.field(init=False, repr=False, compare=False)
    signs: Mapping[int, str] = dataclasses.field(init=False, repr=False, compare=False)
    refund_shown_s: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the variants into the tables, once and for all requests."""
        rows = dict(chain.from_iterable(one.rows.items() for one in self.variants))
        refusals = (one.refusals.items() for one in self.variants)
        signs = (one.signs.items() for one in self.variants)
        callbacks = {True: schema.WRAPPED_CALLBACK, False: schema.BARE_CALLBACK}
        derived = {
            "encodings": {kind: _with(table, rows) for kind, table in schema.ENCODINGS.items()},
            "callbacks": {wrapped: _with(table, rows) for wrapped, table in callbacks.items()},
            "refusals": {**_OURS} | dict(chain.from_iterable(refusals)),
            "signs": dict(chain.from_iterable(signs)),
            "refund_shown_s": max((one.refund_shown_s for one in self.variants), default=0),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def told(self, status: str) -> Told:
        """Return how a refusal is told."""
        return self.refusals.get(status) or Told(status)


_OURS: Final[Mapping[str, Told]] = {
    OperationStatus.WRONG_ORDER_STATUS: Told(OperationStatus.INVALID_MESSAGE),
}
"""Refusals that only other banks tell apart."""


def _with(table: Table, rows: Rows) -> Table:
    """Return a table with rows of a profile in the place of its own."""
    changed = tuple(chain.from_iterable(_instead(row, table.message, rows) for row in table.rows))
    return table if changed == table.rows else replace(table, rows=changed)


def _instead(row: Row, message: type, rows: Rows) -> Iterable[Row]:
    if isinstance(row, Group):
        others = tuple(_with(one, rows) for one in row.others)
        row = replace(row, table=_with(row.table, rows), others=others)
    return rows.get((message, row.path), (row,))


def _nothing(attribute: str, text: str) -> Rows:
    """Make the row of an unpaid order that writes this text for nothing."""
    table = schema.UNPAID_INFORMATION
    own = next(row for row in table.rows if isinstance(row, Field) and row.attribute == attribute)
    return {(table.message, own.path): (replace(own, nothing=text),)}


def _always(text: str) -> Converter:
    return Converter(f"always {text}" if text else "always empty", str, lambda _: text)


_SESSION: Final = field("session_id", "SessionID", SHORT, default="")
_OTHER_SESSION: Final = field("session_id", "SessionId", SHORT, default="")

PLUS_FOR_SPACE: Final = Variant(
    about="spaces of an XMLOut in plain XML arrive as plus signs, since they were encoded twice",
    source="a client's repair, autumn 2022",
    signs=MappingProxyType(str.maketrans({" ": "+"})),
)
EMPTY_REVERSAL: Final = Variant(
    about="`RespCode` and `RespMessage` of Reverse are empty",
    source="a client's readme, 2023",
    rows={
        (ReverseResponse, ("Reversal", tag)): (
            field(attribute, f"Reversal/{tag}", _always(""), default="", nothing=""),
        )
        for attribute, tag in (
            ("response_code", "RespCode"),
            ("response_message", "RespMessage"),
        )
    },
)
STATUS_95: Final = Variant(
    about="Reverse and Refund that the order's status does not permit are refused with 95",
    source="a client of that bank",
    refusals={OperationStatus.WRONG_ORDER_STATUS: Told(OperationStatus.WRONG_ORDER_STATUS)},
)
SESSION_ID_ONLY: Final = Variant(
    about="XMLOut has `SessionId` instead of `SessionID`",
    source="a recorded body, 2024",
    rows={(XMLOut, _SESSION.path): (_OTHER_SESSION,)},
)
BOTH_SESSIONS: Final = Variant(
    about="XMLOut has `SessionID` and `SessionId`",
    source="recorded bodies, 2019 and 2021",
    rows={(XMLOut, _SESSION.path): (_SESSION, replace(_OTHER_SESSION, written_only=True))},
)
DECLINED_REVERSAL_IS_00: Final = Variant(
    about="a declined Reverse has `Status` 00, and its code in `RespCode` alone",
    source="a recorded reply",
    rows={(ReverseResponse, ("Status",)): (field("status", "Status", _always("00")),)},
)
NULL_FOR_NOTHING: Final = Variant(
    about="of an order that was not paid empty elements are `null`, and `RefundAmount` is 0",
    source="the vendor's manual and a fixture of its client",
    rows=dict(
        chain.from_iterable(
            _nothing(attribute, "0" if attribute == "refund_amount_minor" else "null").items()
            for attribute in (
                "updated",
                "paid",
                "two_id",
                "refund_amount_minor",
                "refund_currency",
                "two_date",
                "two_time",
            )
        )
    ),
)
REFUND_SHOWN: Final = Variant(
    about="a Refund that has succeeded is shown as ON-REFUND for five seconds more",
    source="a client that expects it after status 00",
    refund_shown_s=5,
)
SHORT_ACCOUNT_IN_DETAILS: Final = Variant(
    about="a Refund or Reverse beyond the merchant's account is Status 96, with 205 in `Details`",
    source="a guess: the manual's statuses have two digits",
    refusals={OperationStatus.ACCOUNT_SHORT: Told(OperationStatus.SYSTEM_ERROR, "205")},
)

KAPITAL: Final = BankProfile("kapital")
"""The bank's own, as its document describes it."""

PROFILES: Final[Mapping[str, BankProfile]] = {
    profile.name: profile
    for profile in (
        KAPITAL,
        BankProfile("kapital-2022", (PLUS_FOR_SPACE,)),
        BankProfile("kapital-2023", (EMPTY_REVERSAL,)),
        BankProfile("ubrr", (STATUS_95,)),
        BankProfile("fortebank", (BOTH_SESSIONS, DECLINED_REVERSAL_IS_00)),
        BankProfile("nabil", (SESSION_ID_ONLY,)),
        BankProfile("manual", (NULL_FOR_NOTHING, REFUND_SHOWN, SHORT_ACCOUNT_IN_DETAILS)),
    )
}
"""Every profile by its name."""
