"""Answering requests: look the repeat up, decide, record, answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.host import fields
from tkkpg.gateway.host.fields import repeat_of
from tkkpg.issuer import rules
from tkkpg.issuer.accounts import SILENCE
from tkkpg.issuer.journal import Answer, key
from tkkpg.issuer.rules import APPROVED, SYSTEM_ERROR, Decision, Standing
from tkkpg.protocol.codes import response_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tkkpg.gateway.host.fields import Message, Trace
    from tkkpg.issuer.accounts import Account
    from tkkpg.issuer.journal import Journal
    from tkkpg.protocol.masking import Secret

_REPEATED: Final = (
    fields.PROCESSING,
    fields.AMOUNT,
    fields.TRANSMITTED,
    fields.STAN,
    fields.RRN,
    fields.TERMINAL,
    fields.MERCHANT,
    fields.CURRENCY,
    fields.NETWORK,
)
"""Fields that a reply has as its request had them."""
_REQUIRED: Final = (fields.AMOUNT, fields.CURRENCY, fields.RRN, fields.TERMINAL)
_APPROVALS: Final = 1_000_000
_FOLLOW_UPS: Final = {
    fields.COMPLETION: rules.complete,
    fields.CHARGE: rules.refund,
    fields.REVERSAL: rules.reverse,
    fields.REVERSAL_ADVICE: rules.reverse,
}
"""Requests about an earlier one, named by field 90."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and when it goes.

    Attributes:
        message: What is sent, `None` for silence.
        delay_s: How long it is held back.
    """

    message: Message | None
    delay_s: float = 0.0


class Issuer:
    """Answers one request after the other; a repeat gets the recorded answer and moves nothing."""

    def __init__(
        self, accounts: Iterable[Account], journal: Journal, new_token: Callable[[], Secret]
    ) -> None:
        """Take the accounts, where everything is recorded, and a source of random tokens."""
        self._journal = journal
        self._new_token = new_token
        self._by_name = {account.name: account for account in accounts}
        self._by_pan = {account.pan.reveal(): account for account in self._by_name.values()}
        self._approvals = journal.requests_before

    def answer(self, message: Message) -> Reply:
        """Answer a request about money; call it inside the journal's tx.

        Raises:
            MalformedMessage: A field that it needs is missing, or the type is none of ours.
        """
        trace = fields.trace_of(message)
        missing = [number for number in _REQUIRED if number not in message]
        kind = message[fields.TYPE][:3] + "0"
        ours = {fields.HOLD, *_FOLLOW_UPS}
        if missing or kind not in ours or message[fields.TYPE] not in {kind, repeat_of(kind)}:
            what = f"field {missing[0]} is missing" if missing else "its type is not ours"
            raise fields.MalformedMessage(f"The request cannot be answered: {what}.")
        about_card = kind == fields.HOLD or (
            kind == fields.CHARGE and message.get(fields.PROCESSING) != fields.REFUND_CODE
        )
        if about_card:
            return self._authorise(trace, message)
        return self._follow_up(trace, message, kind)

    def give_up(self, message: Message) -> Reply:
        """Decline a request that `answer` failed on; call it inside a tx of its own.

        What was answered before is answered so again. An advice gets no answer: it comes again
        until it is carried out, and a recorded decline would be the answer for ever.
        """
        if message[fields.TYPE].startswith(fields.REVERSAL_ADVICE[:3]):
            return Reply(None)
        trace = fields.trace_of(message)
        known = self._journal.answer_to(trace) or self._record(
            trace, message, Decision(SYSTEM_ERROR), None, key(trace)
        )
        return Reply(_recorded(message, known))

    def _authorise(self, trace: Trace, message: Message) -> Reply:
        elements = fields.elements_of(message)
        account = self._account(message, elements.get(fields.KEPT_CARD_TAG))
        known = self._journal.answer_to(trace)
        if known is None:
            decision = rules.authorise(
                message,
                account,
                self._journal.available(account.name) if account else 0,
                reversed_before=self._journal.was_reversed(trace),
            )
            standing = Standing(
                account.name if account else "",
                message[fields.RRN],
                message[fields.CURRENCY],
                0,
                0,
                returned=False,
            )
            known = self._record(
                trace, message, decision, standing, key(trace), proof=_proof(elements)
            )
            asked = elements.get(fields.REGISTRATION_TAG) == fields.REGISTER
            if asked and response_code(known.code).approved:
                known = known._replace(
                    token=self._journal.register(
                        trace, standing.account, _merchant(message), self._new_token()
                    )
                )
        reply = _recorded(message, known)
        if account is None:
            return Reply(reply)
        answers = account.answers(int(message[fields.AMOUNT]))
        return Reply(reply if answers else None, account.delay_s)

    def _account(self, message: Message, token: str | None) -> Account | None:
        """Find the account by card number or by a token of this merchant."""
        if token is None:
            return self._by_pan.get(message.get(fields.PAN, ""))
        if fields.PAN in message:
            raise fields.MalformedMessage("The request names a card twice: field 2 and a token.")
        name = self._journal.account_of(token, _merchant(message))
        return self._by_name.get(name) if name is not None else None

    def _follow_up(self, trace: Trace, message: Message, kind: str) -> Reply:
        known = self._journal.answer_to(trace)
        played = None
        if known is None:
            if fields.ORIGINAL not in message:
                raise fields.MalformedMessage("The request names no original: field 90 is missing.")
            named = fields.original_trace(message[fields.ORIGINAL], trace.terminal_id)
            original = self._journal.completed_by(named) or key(named)
            standing = self._journal.standing(original)
            played = self._journal.played(trace)
            decision = (
                _FOLLOW_UPS[kind](message, standing)
                if played in {None, SILENCE}
                else Decision(played)
            )
            known = self._record(trace, message, decision, standing, original)
        return Reply(None if played == SILENCE else _recorded(message, known))

    def _record(
        self,
        trace: Trace,
        message: Message,
        decision: Decision,
        standing: Standing | None,
        original: str,
        *,
        proof: tuple[str, bool] | None = None,
    ) -> Answer:
        answer = Answer(
            decision.code,
            self._approval() if decision.approves else "",
            int(message[fields.AMOUNT]),
            message[fields.CURRENCY],
        )
        self._journal.record(
            trace,
            (
                message[fields.TYPE],
                message[fields.RRN],
                (standing.account or None) if standing else None,
                answer.amount_minor,
                answer.currency,
                None if original == key(trace) else original,
                answer.code,
                answer.approval,
            ),
            proof,
        )
        if standing is not None:
            self._journal.move(trace, original, standing, decision.movements)
        return answer

    def _approval(self) -> str:
        self._approvals += 1
        return f"{self._approvals % _APPROVALS:06d}"


def _recorded(message: Message, answer: Answer) -> Message:
    """Answer with what was decided, about the amount that it was decided for."""
    reply = _reply(message, answer.code, answer.approval)
    reply[fields.AMOUNT] = f"{answer.amount_minor:012d}"
    reply[fields.CURRENCY] = answer.currency
    if answer.token is not None:
        reply[fields.ADDITIONAL] = fields.additional({fields.KEPT_CARD_TAG: answer.token.reveal()})
    return reply


def _proof(elements: Mapping[str, str]) -> tuple[str, bool] | None:
    """Say what may be kept of a proof: the ECI, and whether a CAVV came."""
    eci = elements.get(fields.ECI_TAG)
    return None if eci is None else (eci, fields.CAVV_TAG in elements)


def _merchant(message: Message) -> str:
    return message.get(fields.MERCHANT, "").rstrip(" ")


def _reply(message: Message, code: str, approval: str) -> Message:
    reply: Message = {fields.TYPE: fields.reply_to(message[fields.TYPE]), fields.RESPONSE: code}
    reply.update({number: message[number] for number in _REPEATED if number in message})
    if approval:
        reply[fields.APPROVAL] = approval
    return reply


def network_reply(message: Message) -> Message:
    """Answer sign-on, sign-off and echo."""
    return _reply(message, APPROVED, "")
