"""The receipt of a paid order: short lines for the cardholder, in the order's language.

GetOrderStatus and GetOrderInformation carry it as base64 text (protocol description, 2.3 and 2.4);
what is in it is ours, since the document shows none. It names merchant, order, masked card, every
financial message that succeeded, and the status: nobody's name, address or session.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.gateway.model.xmlout import local, payment_of, status_text
from tkkpg.protocol.masking import mask_pan_wire
from tkkpg.protocol.values import Amount, Language, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tkkpg.gateway.model.merchant import Merchant
    from tkkpg.gateway.model.order import Order

COLUMNS: Final = 40
"""Widest line: what a till printer, a mail and a telephone show without breaking it."""

REFUNDS_SHOWN: Final = 10
"""Newest refunds that are listed; the others are one sum, so that a receipt stays a page."""

WITH_RECEIPT: Final = frozenset(
    {
        OrderStatus.APPROVED,
        OrderStatus.PREAUTH_APPROVED,
        OrderStatus.ON_LOCK,
        OrderStatus.ON_REFUND,
        OrderStatus.REFUNDED,
        OrderStatus.REVERSED,
    }
)
"""Statuses of an order whose money was charged or held, if its payment was approved."""

WORDS: Final = {
    "merchant_id": ("Mağaza kodu", "Merchant ID", "Код магазина"),
    "terminal": ("Terminal", "Terminal", "Терминал"),
    "order": ("Sifariş", "Order", "Заказ"),
    "card": ("Kart", "Card", "Карта"),
    "brand": ("Ödəniş sistemi", "Card scheme", "Платёжная система"),
    "payment": ("Ödəniş", "Payment", "Оплата"),
    "pre_authorisation": ("Preavtorizasiya", "Pre-authorisation", "Предавторизация"),
    "completion": ("Əməliyyatın tamamlanması", "Completion", "Завершение расчёта"),
    "reversal": ("Əməliyyatın ləğvi", "Reversal", "Отмена операции"),
    "refund": ("Geri qaytarma", "Refund", "Возврат"),
    "earlier_refunds": ("Əvvəlki geri qaytarmalar", "Earlier refunds", "Предыдущие возвраты"),
    "refunded": ("Cəmi qaytarılıb", "Refunded in total", "Возвращено всего"),
    "time": ("Vaxt (Bakı)", "Time (Baku)", "Время (Баку)"),
    "rrn": ("RRN", "RRN", "RRN"),
    "approval_code": ("Təsdiq kodu", "Approval code", "Код подтверждения"),
    "response_code": ("Cavab kodu", "Response code", "Код ответа"),
    "instalments": ("Taksit (ay)", "Instalments (months)", "Рассрочка (мес.)"),
    "status": ("Status", "Status", "Статус"),
    "description": ("Təsvir", "Description", "Описание"),
}
"""What a receipt says, in Azerbaijani, English and Russian."""

DECIMAL_MARK: Final = {Language.AZ: ",", Language.EN: ".", Language.RU: ","}
"""Before the decimals, as the hosted page has it: in Azerbaijani `1.234` is a thousand and more."""

_KINDS: Final = {
    TranKind.COMPLETION: "completion",
    TranKind.REVERSAL: "reversal",
    TranKind.REFUND: "refund",
}
_RULE: Final = "-" * COLUMNS


def receipt(order: Order, merchant: Merchant, transactions: Sequence[Transaction]) -> str | None:
    """Write the receipt of an order.

    Args:
        order: As committed.
        merchant: Whose order it is.
        transactions: All of the order's transactions, oldest first.

    Returns:
        Lines of at most 40 characters, each with a line feed; `None` for an order whose money was
        neither charged nor held.
    """
    payment = payment_of(transactions)
    if order.status not in WITH_RECEIPT or payment is None:
        return None
    if payment.state is not TranState.APPROVED:
        return None
    say = _Writer(order.language)
    lines = [
        *_head(say, order, merchant, payment),
        *_operation(say, payment),
        *_later(say, order, [tran for tran in transactions if tran.state is TranState.APPROVED]),
        _RULE,
        *say.line("instalments", order.instalments),
        *say.line("status", status_text(order.status, order.language)),
        *say.line("description", order.description),
    ]
    return "".join(f"{line}\n" for line in lines)


class _Writer:
    """Writes labelled lines in one language."""

    def __init__(self, language: Language) -> None:
        self._column = (Language.AZ, Language.EN, Language.RU).index(language)
        self._mark = DECIMAL_MARK[language]

    def line(self, word: str, value: object) -> list[str]:
        """Set a word to the left and its value to the right, or below where it needs more room."""
        label, text = WORDS[word][self._column], _one_line(str(value or ""))
        if not text:
            return []
        room = COLUMNS - len(label)
        if len(text) < room:
            return [label + text.rjust(room)]
        return [label, *textwrap.wrap(text, COLUMNS, initial_indent="  ", subsequent_indent="  ")]

    def money(self, word: str, amount: Amount) -> list[str]:
        """Set a word and an amount, in major units with all decimals of the currency."""
        return self.line(word, str(amount).replace(".", self._mark))


def _head(say: _Writer, order: Order, merchant: Merchant, payment: Transaction) -> Iterator[str]:
    yield from textwrap.wrap(_one_line(merchant.name), COLUMNS)
    yield from say.line("merchant_id", order.merchant_id)
    yield from say.line("terminal", payment.terminal_id)
    yield from say.line("order", order.order_id)
    yield from say.line("card", mask_pan_wire(payment.pan_masked or ""))
    yield from say.line("brand", payment.brand)


def _operation(say: _Writer, tran: Transaction) -> Iterator[str]:
    word = _KINDS.get(tran.kind) or ("pre_authorisation" if tran.hold else "payment")
    finished = local(tran.finished_at)
    yield _RULE
    yield from say.money(word, Amount(tran.amount_minor, tran.currency))
    yield from say.line("time", finished and f"{finished:%d.%m.%Y %H:%M:%S}")
    yield from say.line("rrn", tran.rrn)
    yield from say.line("approval_code", tran.approval_code)
    yield from say.line("response_code", tran.response_code)


def _later(say: _Writer, order: Order, approved: Sequence[Transaction]) -> Iterator[str]:
    refunds = [tran for tran in approved if tran.kind is TranKind.REFUND]
    earlier, shown = refunds[:-REFUNDS_SHOWN], refunds[-REFUNDS_SHOWN:]
    for tran in approved:
        if tran.kind in {TranKind.COMPLETION, TranKind.REVERSAL}:
            yield from _operation(say, tran)
    if earlier:
        earlier_minor = sum(tran.amount_minor for tran in earlier)
        yield _RULE
        yield from say.money("earlier_refunds", Amount(earlier_minor, order.currency))
    for tran in shown:
        yield from _operation(say, tran)
    if len(refunds) > 1:
        yield _RULE
        yield from say.money("refunded", Amount(order.refunded_minor, order.currency))


def _one_line(text: str) -> str:
    """Keep what a merchant wrote from beginning lines of its own."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
