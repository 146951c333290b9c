"""The pages that a payer can see: card form, being checked, outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from starlette.responses import HTMLResponse

from tkkpg.gateway.flows.pay import HandOver, PageView
from tkkpg.gateway.model.card import CardField, CardProblem
from tkkpg.gateway.model.decisions.new_order import ATTENTION
from tkkpg.gateway.model.order import NEVER_EXPIRES, Registration
from tkkpg.gateway.model.transaction import TranState
from tkkpg.gateway.runtime import Gateway
from tkkpg.gateway.web.i18n import Wording
from tkkpg.gateway.web.rendering import render
from tkkpg.gateway.web.security import ANYWHERE, Action, form_token, page_headers
from tkkpg.protocol.codes import response_code
from tkkpg.protocol.pan import PREFIXES, Scheme, scheme_of
from tkkpg.protocol.redirect import payment_url
from tkkpg.protocol.values import Amount, Language, OrderStatus, OrderType

PAGE: Final = "/index.jsp"
OUTCOME: Final = "/outcome"
REGISTER: Final = "register"
"""Box of the form by which the payer agrees that the card is saved."""
REFRESH_S: Final = 2
"""Pause between two looks at a payment that is being checked."""
COUNTED_MIN: Final = 5
"""Last minutes of an order that are counted down on the card form: enough to fetch a card."""
ENDED_MARK: Final = "ENDED=1"
"""Part of the address that the script opens when the time is over, so that it does so once."""

MARKS: Final = {
    Scheme.VISA: ("visa.svg", "Visa"),
    Scheme.MASTERCARD: ("mastercard.svg", "Mastercard"),
    Scheme.AMEX: ("amex.svg", "American Express"),
    Scheme.JCB: ("jcb.svg", "JCB"),
    Scheme.MIR: ("mir.svg", "МИР"),
    Scheme.UNIONPAY: ("unionpay.svg", "UnionPay"),
}
"""Picture and name of each scheme."""

BANK_TEST_CARD: Final = ("4169 7332 1349 5869", "05/23", "447")
"""Number, expiry and CVV2 of the test card in the bank's document."""

TONES: Final = {
    OrderStatus.APPROVED: "good",
    OrderStatus.PREAUTH_APPROVED: "good",
    OrderStatus.DECLINED: "bad",
    OrderStatus.ERROR: "bad",
}
"""How an outcome looks; the others are neither good nor bad."""

READ_S: Final = {OrderStatus.APPROVED: 5, OrderStatus.PREAUTH_APPROVED: 5, OrderStatus.CANCELED: 0}
"""How long an outcome stays before the browser goes to the shop by itself; every other waits for
the button, since it says what went wrong and what to do."""

UNCERTAIN: Final = frozenset({TranState.UNKNOWN, TranState.REVERSING, TranState.REVERSED})
"""States of a declined payment that may have been charged before it is undone."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at an order's page.

    Attributes:
        view: The order as it is.
        chosen: The language that the payer chose; None for the order's own.
    """

    view: PageView
    chosen: Language | None

    @property
    def wording(self) -> Wording:
        """The language in which the page speaks."""
        return Wording(self.chosen or self.view.order.language)

    def address(self, path: str, language: Language | None = None) -> str:
        """Give the address of a page of this order, in the language of this visit or another."""
        wanted = language or self.chosen
        return payment_url(f"{path}?LANGUAGE={wanted}" if wanted else path, self.view.order.ref)


@dataclass(frozen=True, slots=True)
class Typed:
    """What is shown again of a form that has to be corrected; never the CVV2."""

    pan: str = field(default="", repr=False)
    expiry: str = field(default="", repr=False)
    register: bool = False


@dataclass(frozen=True, slots=True)
class Countdown:
    """How long the card form may still be sent; the page never learns a clock time from us.

    Attributes:
        left_s: Whole seconds of business time.
        lines: What is said in the last minute, in the last but one and so on.
        over: What is said at the end.
        ended: Where the script goes at the end.
    """

    left_s: int
    lines: tuple[str, ...]
    over: str
    ended: str

    @property
    def line(self) -> str:
        """What is to be said now; nothing while there is time enough."""
        minute = -(-self.left_s // 60)
        return self.lines[max(minute, 1) - 1] if minute <= len(self.lines) else ""


class Row(NamedTuple):
    """One line of the receipt; `spoken` replaces a value and its mark, only good to look at."""

    label: str
    value: str
    spoken: str = ""
    mark: str = ""


def card_form(
    gateway: Gateway,
    visit: Visit,
    typed: Typed | None = None,
    problems: Mapping[CardField, CardProblem] | None = None,
) -> HTMLResponse:
    """Show the card form; with what is wrong at each field, 422.

    An order ON-PAYMENT has a note that a confirmation is awaited, and that the card may come again.
    """
    wording, order = visit.wording, visit.view.order
    typed = typed or Typed(register=order.registration is Registration.CHECKED)
    test_cards = gateway.config.test_cards or {}
    shows_hint = gateway.config.sandbox and BANK_TEST_CARD[0].replace(" ", "") in test_cards
    return show(
        gateway,
        visit,
        "form.html",
        422 if problems else 200,
        awaits_bank=visit.view.status is OrderStatus.ON_PAYMENT,
        errors={at: wording.say(f"problem.{what}") for at, what in (problems or {}).items()},
        typed=typed,
        holds=order.order_type is OrderType.PRE_AUTH,
        register=REGISTER if order.registration is not Registration.NONE else "",
        attention=order.param(ATTENTION),
        hidden=order_fields(visit),
        tokens={
            action.value: form_token(gateway.keys, order, action)
            for action in (Action.PAY, Action.CANCEL)
        },
        marks=MARKS,
        scheme=scheme_of("".join(filter(str.isdigit, typed.pan))),
        prefixes=" ".join(f"{first}-{last}-{scheme}" for first, last, scheme in PREFIXES),
        sentences=_sentences(wording),
        month="" if gateway.config.test_cards is not None else f"{visit.view.now:%Y%m}",
        countdown=_countdown(visit),
        test_card=BANK_TEST_CARD if shows_hint else None,
    )


def checking(gateway: Gateway, visit: Visit) -> HTMLResponse:
    """Show that the payment is on its way; the page asks again by itself, also without script."""
    again = visit.address(OUTCOME)
    response = show(gateway, visit, "checking.html", again=again)
    response.headers["Refresh"] = f"{REFRESH_S}; url={again}"
    return response


def final(
    gateway: Gateway,
    visit: Visit,
    way_back: HandOver,
    *,
    receipt: str | None,
    automatic: bool,
) -> HTMLResponse:
    """Show how the payment ended, with the way back to the shop.

    Args:
        gateway: Whose page it is.
        visit: The order that has ended.
        way_back: Where the shop is.
        receipt: What is printed of a paid or held order.
        automatic: The browser may go there by itself, unless it came by its back button.
    """
    view, wording = visit.view, visit.wording
    stays_s = READ_S.get(view.status) if automatic else None
    return show(
        gateway,
        visit,
        "final.html",
        form_action=ANYWHERE,
        tone=TONES.get(view.status, "calm"),
        heading=wording.say(f"final.{view.status}.heading"),
        sentence=_sentence(view, wording),
        reason=_reason(view, wording),
        rows=_facts(view, wording),
        receipt=receipt,
        way_back=way_back,
        automatic=stays_s is not None,
        counted=[
            wording.say("return.counted", seconds=wording.seconds(count))
            for count in range(1, (stays_s or 0) + 1)
        ],
    )


def show(
    gateway: Gateway,
    visit: Visit,
    template: str,
    status: int = 200,
    *,
    form_action: str | None = None,
    frame: str | None = None,
    **context: object,
) -> HTMLResponse:
    """Fill a template with what every page of an order needs, and with what this one needs.

    Args:
        gateway: Whose page it is.
        visit: The order as it is looked at.
        template: Name of its file.
        status: HTTP status.
        form_action: See `page_headers`.
        frame: The same.
        context: What this template alone needs.
    """
    _count(gateway, template)
    body = render(
        template,
        wording=visit.wording,
        order=visit.view.order,
        merchant=visit.view.merchant,
        languages=[(Wording(language), visit.address(PAGE, language)) for language in Language],
        sandbox=gateway.config.sandbox,
        **context,
    )
    headers = page_headers(
        sandbox=gateway.config.sandbox,
        merchant=visit.view.merchant,
        form_action=form_action,
        frame=frame,
    )
    return HTMLResponse(body, status, headers)


def order_fields(visit: Visit) -> dict[str, str]:
    """Give the hidden fields by which a form of ours names its order, and the chosen language."""
    ref = visit.view.order.ref
    fields = {"ORDERID": str(ref.order_id), "SESSIONID": ref.session_id}
    return fields | ({"LANGUAGE": visit.chosen.value} if visit.chosen else {})


def _count(gateway: Gateway, template: str) -> None:
    gateway.metrics.page_viewed(template.removesuffix(".html"))


def _sentences(wording: Wording) -> dict[CardField, dict[str, str]]:
    """Give what the script says at a field before anything is sent: our own sentences, by name."""
    return {
        at: {
            problem.removeprefix(f"{at}_"): wording.say(f"problem.{problem}")
            for problem in CardProblem
            if problem.startswith(f"{at}_")
        }
        for at in CardField
    }


def _countdown(visit: Visit) -> Countdown | None:
    view, wording = visit.view, visit.wording
    if view.order.expires_at == NEVER_EXPIRES:
        return None
    return Countdown(
        left_s=max(0, int((view.order.expires_at - view.now).total_seconds())),
        lines=tuple(
            wording.say("timer.left", minutes=wording.minutes(count))
            for count in range(1, COUNTED_MIN + 1)
        ),
        over=wording.say(f"final.{OrderStatus.EXPIRED}.heading"),
        ended=f"{visit.address(PAGE)}&{ENDED_MARK}",
    )


def _sentence(view: PageView, wording: Wording) -> str:
    uncertain = view.payment is not None and view.payment.state in UNCERTAIN
    if view.status is OrderStatus.DECLINED and uncertain:
        return wording.say("refusal.release")
    return wording.say(
        f"final.{view.status}.text",
        amount=wording.money(_charged(view)),
        refunded=wording.money(Amount(view.order.refunded_minor, view.order.currency)),
    )


def _charged(view: PageView) -> Amount:
    """Give what was charged, which may be less than was held; before that, what is asked for."""
    order = view.order
    return Amount(order.captured_minor or order.amount_minor, order.currency)


def _reason(view: PageView, wording: Wording) -> tuple[str, str] | None:
    """Give the bank's answer and what the payer can do; None where nothing was refused."""
    if view.status not in {OrderStatus.DECLINED, OrderStatus.ERROR}:
        return None
    code = view.payment.response_code if view.payment else None
    if code is None:
        return "", wording.say("advice.retry_later")
    answer = response_code(code)
    said = wording.say("refusal.reason", text=answer.text(wording.language), code=code)
    # A link that was down is our affair: the sentence above says it better than the code.
    shown = said if view.status is OrderStatus.DECLINED else ""
    return shown, wording.say(f"advice.{answer.family}")


def _facts(view: PageView, wording: Wording) -> list[Row]:
    order, payment = view.order, view.payment

    def row(name: str, value: str, spoken: str = "", mark: str = "") -> Row:
        return Row(wording.say(f"receipt.{name}"), value, spoken, mark)

    rows = [row("amount", wording.money(_charged(view)))]
    if order.instalments > 1:
        rows.append(row("instalments", wording.months(order.instalments)))
    if order.refunded_minor:
        refunded = Amount(order.refunded_minor, order.currency)
        rows.append(row("refunded", wording.money(refunded)))
    rows.append(row("merchant", view.merchant.name))
    if order.description:
        rows.append(row("description", order.description))
    rows.append(row("order", str(order.order_id)))
    if payment and payment.pan_masked:
        rows.append(row("card", *_card(payment.pan_masked, payment.brand, wording)))
    if payment and payment.approval_code:
        rows.append(row("approval_code", payment.approval_code))
    rows.append(row("time", wording.moment(_ended_at(view))))
    return rows


def _card(masked: str, brand: str | None, wording: Wording) -> tuple[str, str, str]:
    mark, name = MARKS[Scheme(brand)] if brand else ("", "")
    shown = " ".join(masked[at : at + 4] for at in range(0, len(masked), 4))
    ending = wording.say("receipt.card_ending", digits=masked[-4:])
    return shown, f"{name} {ending}".strip(), mark


def _ended_at(view: PageView) -> datetime:
    if view.payment and view.payment.finished_at:
        return view.payment.finished_at
    if view.status is OrderStatus.EXPIRED:
        return view.order.expires_at
    return view.order.updated_at or view.order.created_at
