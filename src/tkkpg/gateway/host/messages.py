"""From a transaction to the message that asks for it, and from the answer to what it means.

Pure: every field comes from the transaction as it was committed, so that a repeat is the first
message under another type, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.base import Unclaimed
from tkkpg.gateway.model.card import Card, StoredCard
from tkkpg.gateway.model.transaction import HostReply, Outcome, TranKind
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.masking import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tkkpg.gateway.host.fields import Message
    from tkkpg.gateway.model.authentication import Proceed
    from tkkpg.gateway.model.transaction import Transaction

ENTRY_MODE: Final = "812"
"""Card number typed on a page, no PIN."""
ENTRY_MODE_STORED: Final = "102"
"""Card kept by the host, no PIN."""
CONDITION: Final = "59"
"""E-commerce."""

_REVERSAL_ADVICE_REPLY: Final = fields.reply_to(fields.REVERSAL_ADVICE)
_REVERSAL_REPLIES: Final = (fields.reply_to(fields.REVERSAL), _REVERSAL_ADVICE_REPLY)
_WITHOUT_CODE: Final = (*_REVERSAL_REPLIES, fields.reply_to(fields.COMPLETION))
"""Replies that approve without an approval code; that of a refund cannot be told by its type."""
_REPLIES: Final = frozenset(
    (
        fields.reply_to(fields.HOLD),
        fields.reply_to(fields.CHARGE),
        fields.reply_to(fields.COMPLETION),
        *_REVERSAL_REPLIES,
    )
)


class Oddity(StrEnum):
    """What may be wrong with a reply, as the log line about it is named."""

    AMOUNT_DIFFERS = "reply_amount_differs"
    NO_APPROVAL_CODE = "approval_without_code"
    NOT_KEPT = "approval_without_token"
    UNREADABLE = "reply_unreadable"


# ------------------------------------------------------------------------------ requests


def authorisation(
    tran: Transaction, card: Card | StoredCard, proof: Proceed | None = None
) -> Message:
    """Ask for permission: 0100 to hold the amount, 0200 to charge it.

    A card that the host keeps is named by its token: no card number, no CVV2.

    Raises:
        ValueError: The transaction was not committed as sent, or the proof is malformed.
    """
    message = _financial(_type_of(tran), tran)
    message[fields.EXPIRY] = f"{card.expiry.year % 100:02d}{card.expiry.month:02d}"
    message[fields.CONDITION] = CONDITION
    elements = {fields.REGISTRATION_TAG: fields.REGISTER} if tran.register else {}
    if isinstance(card, StoredCard):
        message[fields.ENTRY_MODE] = ENTRY_MODE_STORED
        elements[fields.KEPT_CARD_TAG] = card.token.reveal()
    else:
        message[fields.PAN] = card.pan.reveal()
        message[fields.ENTRY_MODE] = ENTRY_MODE
        elements[fields.CVV2_TAG] = card.cvv2.reveal()
    if proof is not None:
        elements[fields.ECI_TAG] = proof.eci
        if proof.cavv is not None:
            elements[fields.CAVV_TAG] = proof.cavv.reveal()
    message[fields.ADDITIONAL] = fields.additional(elements)
    return message


def completion(tran: Transaction, original: Transaction, *, repeat: bool = False) -> Message:
    """Advise that a held amount is charged: 0220, repeated as 0221."""
    return _about(original, _financial(fields.COMPLETION, tran), repeat=repeat)


def refund(tran: Transaction, original: Transaction, *, repeat: bool = False) -> Message:
    """Ask to give money back: 0200, repeated as 0201."""
    message = _financial(fields.CHARGE, tran)
    message[fields.PROCESSING] = fields.REFUND_CODE
    return _about(original, message, repeat=repeat)


def reversal(tran: Transaction, original: Transaction, *, repeat: bool = False) -> Message:
    """Ask to undo an approved authorisation: 0400, repeated as 0401."""
    return _about(original, _financial(fields.REVERSAL, tran), repeat=repeat)


def reversal_advice(tran: Transaction, *, repeat: bool = False) -> Message:
    """Advise that nothing of an authorisation may be left: 0420, repeated as 0421.

    It has a trace number and a time of its own, and the authorisation's RRN.

    Raises:
        ValueError: No reversal is reserved on the transaction.
    """
    if tran.reversal_stan is None or tran.reversal_at is None:
        raise ValueError(
            f"Transaction {tran.tran_id} has no reversal reserved: commit the plan that reserves"
            " it before the advice is sent."
        )
    message = _financial(fields.REVERSAL_ADVICE, tran)
    message[fields.STAN] = f"{tran.reversal_stan:06d}"
    message[fields.TRANSMITTED] = fields.transmitted(tran.reversal_at)
    return _about(tran, message, repeat=repeat)


def kind_of(message: Mapping[str, str]) -> str:
    """Name what a request about money asks for: the kind of its transaction, or an advice."""
    if message.get(fields.PROCESSING) == fields.REFUND_CODE:
        return "refund"
    return _KINDS[message[fields.TYPE][1:3]]


_KINDS: Final = {
    fields.HOLD[1:3]: "authorisation",
    fields.CHARGE[1:3]: "authorisation",
    fields.COMPLETION[1:3]: "completion",
    fields.REVERSAL[1:3]: "reversal",
    fields.REVERSAL_ADVICE[1:3]: "advice",
}
"""By the class and the function of a message's type."""


def network(code: str, stan: int, moment: datetime) -> Message:
    """Manage the link itself: sign on, sign off or echo (0800)."""
    return {
        fields.TYPE: fields.NETWORK_REQUEST,
        fields.TRANSMITTED: fields.transmitted(moment),
        fields.STAN: f"{stan:06d}",
        fields.NETWORK: code,
    }


def _financial(message_type: str, tran: Transaction) -> Message:
    return {
        fields.TYPE: message_type,
        fields.PROCESSING: fields.PURCHASE_CODE,
        fields.AMOUNT: f"{tran.amount_minor:012d}",
        fields.TRANSMITTED: fields.transmitted(_sent_at(tran)),
        fields.STAN: f"{tran.stan:06d}",
        fields.RRN: tran.rrn,
        fields.TERMINAL: f"{tran.terminal_id:<8}",
        fields.MERCHANT: f"{tran.merchant_id:<15}",
        fields.CURRENCY: tran.currency.code,
    }


def _about(original: Transaction, message: Message, *, repeat: bool) -> Message:
    message[fields.ORIGINAL] = fields.original_data(
        _type_of(original), original.stan, _sent_at(original)
    )
    if repeat:
        message[fields.TYPE] = fields.repeat_of(message[fields.TYPE])
    return message


def _type_of(tran: Transaction) -> str:
    if tran.kind is TranKind.AUTHORISATION:
        return fields.HOLD if tran.hold else fields.CHARGE
    return _TYPES[tran.kind]


_TYPES: Final = {
    TranKind.COMPLETION: fields.COMPLETION,
    TranKind.REFUND: fields.CHARGE,
    TranKind.REVERSAL: fields.REVERSAL,
}


def _sent_at(tran: Transaction) -> datetime:
    if tran.sent_at is None:
        raise ValueError(
            f"Transaction {tran.tran_id} has no transmission time: commit the plan that sends it"
            " before it is sent."
        )
    return tran.sent_at


# ------------------------------------------------------------------------------- replies


def read_reply(
    request: Mapping[str, str], reply: Mapping[str, str]
) -> tuple[HostReply, Oddity | None]:
    """Say what a reply means for its request, and what is odd about it.

    A reply that does not repeat amount and currency, or cannot be read, answers nothing: the
    outcome is as unknown as after silence. An approval without the token that was asked for is an
    approval all the same: money comes first. A token that was not asked for is not kept.
    """
    expected = fields.reply_to(request[fields.TYPE])
    if reply[fields.TYPE] != expected or not _readable(reply):
        return HostReply.silent(), Oddity.UNREADABLE
    for field in (fields.AMOUNT, fields.CURRENCY):
        if reply.get(field) != request[field]:
            return HostReply.silent(), Oddity.AMOUNT_DIFFERS
    judged, oddity = _judged(reply, needs_code=kind_of(request) == "authorisation")
    if _registers(request) and judged.outcome is Outcome.APPROVED:
        token = _token(reply)
        return replace(judged, token=token), None if token else Oddity.NOT_KEPT
    return judged, oddity


def read_unclaimed(reply: Mapping[str, str]) -> tuple[Unclaimed | None, Oddity | None]:
    """Read a reply whose request is not at hand; `None` when it is no reply to a transaction.

    A token in it is passed on: only the transaction says whether it was asked for.
    """
    readable = reply[fields.TYPE] in _REPLIES and _readable(reply)
    if not readable or fields.AMOUNT not in reply or fields.CURRENCY not in reply:
        return None, Oddity.UNREADABLE
    judged, oddity = _judged(reply, needs_code=reply[fields.TYPE] not in _WITHOUT_CODE)
    if judged.outcome is Outcome.APPROVED:
        judged = replace(judged, token=_token(reply))
    unclaimed = Unclaimed(
        trace=fields.trace_of(reply),
        reply=judged,
        amount_minor=int(reply[fields.AMOUNT]),
        currency=reply[fields.CURRENCY],
    )
    return unclaimed, oddity


def _readable(reply: Mapping[str, str]) -> bool:
    """Whether its codes are text that may be stored and shown; control characters are not."""
    return reply.get(fields.RESPONSE, "").isalnum() and (
        _approval_code(reply) == "" or _approval_code(reply).isalnum()
    )


def _judged(reply: Mapping[str, str], *, needs_code: bool) -> tuple[HostReply, Oddity | None]:
    """Say what a reply means; only an authorisation needs its approval code to be one.

    Without it a charge cannot be presented, so it is reversed. Nothing reverses a completion or a
    refund: asking on would only get the same answer.
    """
    code, approval_code = reply[fields.RESPONSE], _approval_code(reply)
    approved = response_code(code).approved
    if reply[fields.TYPE] == _REVERSAL_ADVICE_REPLY and not approved:
        gone = code == fields.ORIGINAL_NOT_FOUND
        return HostReply(Outcome.APPROVED if gone else Outcome.UNKNOWN, code), None
    if approved and not needs_code:
        return HostReply(Outcome.APPROVED, code, approval_code), None
    oddity = Oddity.NO_APPROVAL_CODE if approved and not approval_code else None
    return HostReply.of(code, approval_code), oddity


def _registers(request: Mapping[str, str]) -> bool:
    return fields.elements_of(request).get(fields.REGISTRATION_TAG) == fields.REGISTER


def _token(reply: Mapping[str, str]) -> Secret | None:
    """Read the token of the card that the host keeps; `None` when it is missing or malformed."""
    try:
        text = fields.elements_of(reply).get(fields.KEPT_CARD_TAG, "")
    except fields.MalformedMessage:
        return None
    return Secret(text) if fields.is_token(text) else None


def _approval_code(reply: Mapping[str, str]) -> str:
    return reply.get(fields.APPROVAL, "").strip(" ")
