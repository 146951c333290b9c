"""The receipt: what the cardholder keeps, word for word, in three languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.model_factories import (
    MASKED,
    MERCHANT,
    NOW,
    SESSION,
    authorisation_in,
    order_in,
    refund_in,
)

from tkkpg.gateway.model.order import Order
from tkkpg.gateway.model.receipt import (
    COLUMNS,
    DECIMAL_MARK,
    REFUNDS_SHOWN,
    WITH_RECEIPT,
    WORDS,
    receipt,
)
from tkkpg.gateway.model.transaction import TranKind, Transaction, TranState
from tkkpg.protocol.values import CURRENCIES, Language, OrderStatus, OrderType

PAYMENT = authorisation_in(TranState.APPROVED)
HOLD = replace(PAYMENT, hold=True)
WITHOUT_RECEIPT = sorted(set(OrderStatus) - WITH_RECEIPT)


def refund(amount_minor: int, *, after_hours: int = 1) -> Transaction:
    return replace(
        refund_in(TranState.APPROVED, amount_minor=amount_minor),
        finished_at=NOW + timedelta(hours=after_hours),
        response_code="000",
        approval_code="654321",
    )


def later(kind: TranKind, amount_minor: int = 3000) -> Transaction:
    tran = refund(amount_minor)
    return replace(tran, kind=kind, rrn="632800000009")


def told(order: Order, *transactions: Transaction) -> str:
    text = receipt(order, MERCHANT, transactions)
    assert text is not None
    return text


PAID_EN = """\
    Nar
    Merchant ID                     E1000010
    Terminal                        E1000010
    Order                           14008766
    Card                    416973XXXXXX5869
    Card scheme                         VISA
    ----------------------------------------
    Payment                        30.00 AZN
    Time (Baku)          24.11.2026 12:00:00
    RRN                         632800000007
    Approval code                     123456
    Response code                        001
    ----------------------------------------
    Status                              Paid
    Description                   Two shirts
    """

REFUNDED_AZ = """\
    Nar
    Mağaza kodu                     E1000010
    Terminal                        E1000010
    Sifariş                         14008766
    Kart                    416973XXXXXX5869
    Ödəniş sistemi                      VISA
    ----------------------------------------
    Ödəniş                         30,00 AZN
    Vaxt (Bakı)          24.11.2026 12:00:00
    RRN                         632800000007
    Təsdiq kodu                       123456
    Cavab kodu                           001
    ----------------------------------------
    Geri qaytarma                  10,00 AZN
    Vaxt (Bakı)          24.11.2026 13:00:00
    RRN                         632800000008
    Təsdiq kodu                       654321
    Cavab kodu                           000
    ----------------------------------------
    Geri qaytarma                   5,50 AZN
    Vaxt (Bakı)          24.11.2026 14:00:00
    RRN                         632800000008
    Təsdiq kodu                       654321
    Cavab kodu                           000
    ----------------------------------------
    Cəmi qaytarılıb                15,50 AZN
    ----------------------------------------
    Status                   Geri qaytarılıb
    Təsvir
      İki köynək, biri ağ, biri göy, və bir
      şərf
    """

COMPLETED_RU = """\
    Nar
    Код магазина                    E1000010
    Терминал                        E1000010
    Заказ                           14008766
    Карта                   416973XXXXXX5869
    Платёжная система                   VISA
    ----------------------------------------
    Предавторизация                30,00 AZN
    Время (Баку)         24.11.2026 12:00:00
    RRN                         632800000007
    Код подтверждения                 123456
    Код ответа                           001
    ----------------------------------------
    Завершение расчёта             20,00 AZN
    Время (Баку)         24.11.2026 13:00:00
    RRN                         632800000009
    Код подтверждения                 654321
    Код ответа                           000
    ----------------------------------------
    Статус                           Оплачен
    Описание                     Две рубашки
    """


def test_a_payment_in_english() -> None:
    assert told(order_in(OrderStatus.APPROVED), PAYMENT) == dedent(PAID_EN)


def test_two_refunds_in_azerbaijani() -> None:
    order = replace(
        order_in(OrderStatus.REFUNDED, refunded_minor=1550),
        language=Language.AZ,
        description="İki köynək, biri ağ, biri göy, və bir şərf",
    )

    written = told(order, PAYMENT, refund(1000), refund(550, after_hours=2))

    assert written == dedent(REFUNDED_AZ)


def test_a_pre_authorisation_completed_in_part_in_russian() -> None:
    order = replace(
        order_in(OrderStatus.APPROVED),
        order_type=OrderType.PRE_AUTH,
        language=Language.RU,
        description="Две рубашки",
    )

    assert told(order, HOLD, later(TranKind.COMPLETION, 2000)) == dedent(COMPLETED_RU)


@pytest.mark.parametrize(
    ("language", "hold", "reversal", "status"),
    [
        (Language.AZ, "Preavtorizasiya", "Əməliyyatın ləğvi", "Ləğv edilib"),
        (Language.EN, "Pre-authorisation", "Reversal", "Reversed"),
        (Language.RU, "Предавторизация", "Отмена операции", "Операция отменена"),
    ],
)
def test_a_hold_that_was_reversed_shows_both(
    language: Language, hold: str, reversal: str, status: str
) -> None:
    order = replace(order_in(OrderStatus.REVERSED), language=language)
    amount = f"30{DECIMAL_MARK[language]}00 AZN"

    lines = told(order, HOLD, later(TranKind.REVERSAL)).splitlines()

    money = [line.split() for line in lines if line.endswith(amount)]
    assert [" ".join(words[:-2]) for words in money] == [hold, reversal]
    assert lines[-2].endswith(f"  {status}")


@pytest.mark.parametrize(
    ("language", "line"),
    [
        (Language.AZ, "Taksit (ay)                            6"),
        (Language.EN, "Instalments (months)                   6"),
        (Language.RU, "Рассрочка (мес.)                       6"),
    ],
)
def test_instalments_are_told_in_months_where_there_are_any(language: Language, line: str) -> None:
    order = replace(order_in(OrderStatus.APPROVED), language=language)

    assert line in told(replace(order, instalments=6), PAYMENT).splitlines()
    assert line[:-1].rstrip() not in told(order, PAYMENT)


@pytest.mark.parametrize("status", sorted(WITH_RECEIPT))
def test_an_order_with_an_approved_payment_has_a_receipt_that_tells_its_status(
    status: OrderStatus,
) -> None:
    assert "\nPayment  " in told(order_in(status), PAYMENT)


@pytest.mark.parametrize("status", WITHOUT_RECEIPT)
def test_an_order_that_moved_no_money_has_none(status: OrderStatus) -> None:
    assert receipt(order_in(status), MERCHANT, (PAYMENT,)) is None


def test_statuses_without_a_receipt_are_those_without_money() -> None:
    assert set(WITHOUT_RECEIPT) == {
        OrderStatus.CREATED,
        OrderStatus.ON_PAYMENT,
        OrderStatus.DECLINED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.ERROR,
    }


@pytest.mark.parametrize("state", sorted(set(TranState) - {TranState.APPROVED}))
def test_a_payment_that_is_not_approved_is_no_reason_for_a_receipt(state: TranState) -> None:
    assert receipt(order_in(OrderStatus.ON_LOCK), MERCHANT, (authorisation_in(state),)) is None


def test_an_order_without_a_transaction_has_no_receipt() -> None:
    assert receipt(order_in(OrderStatus.ON_LOCK), MERCHANT, ()) is None


@pytest.mark.parametrize("state", sorted(set(TranState) - {TranState.APPROVED}))
def test_a_refund_is_listed_only_once_it_is_approved(state: TranState) -> None:
    order = order_in(OrderStatus.ON_REFUND)

    assert told(order, PAYMENT, replace(refund(1000), state=state)) == told(order, PAYMENT)


def test_the_sum_of_refunds_stands_only_below_several() -> None:
    order = order_in(OrderStatus.REFUNDED, refunded_minor=1000)

    assert "in total" not in told(order, PAYMENT, refund(1000))


def test_of_many_refunds_the_newest_are_listed_and_the_others_are_one_sum() -> None:
    count = REFUNDS_SHOWN + 2
    refunds = [refund(number, after_hours=number) for number in range(1, count + 1)]
    order = order_in(OrderStatus.REFUNDED, refunded_minor=sum(range(1, count + 1)))

    lines = told(order, PAYMENT, *refunds).splitlines()

    assert sum(line.startswith("Refund  ") for line in lines) == REFUNDS_SHOWN
    assert "Earlier refunds                 0.03 AZN" in lines
    assert "Refunded in total               0.78 AZN" in lines


@pytest.mark.parametrize(
    ("code", "english", "azerbaijani"),
    [("392", "3000 JPY", "3000 JPY"), ("414", "3.000 KWD", "3,000 KWD")],
)
def test_amounts_have_the_decimals_of_their_currency(
    code: str, english: str, azerbaijani: str
) -> None:
    order = order_in(OrderStatus.APPROVED)
    payment = replace(PAYMENT, currency=CURRENCIES[code])

    assert f"  {english}\n" in told(order, payment)
    assert f"  {azerbaijani}\n" in told(replace(order, language=Language.AZ), payment)


def test_what_is_not_known_has_no_line() -> None:
    payment = replace(PAYMENT, brand=None, pan_masked=None, finished_at=None, approval_code=None)
    order = replace(order_in(OrderStatus.APPROVED), description="")

    labels = {line.split("  ")[0] for line in told(order, payment).splitlines()}

    assert not labels & {"Card", "Card scheme", "Time (Baku)", "Approval code", "Description"}


def test_a_receipt_holds_no_session_and_no_hash_of_the_card() -> None:
    text = told(order_in(OrderStatus.APPROVED), PAYMENT)

    assert SESSION not in text
    assert str(PAYMENT.pan_hash) not in text
    assert MASKED not in text  # the wire's X, since dots are not in every character set


def test_what_a_merchant_wrote_cannot_begin_a_line_of_the_receipt() -> None:
    order = replace(
        order_in(OrderStatus.APPROVED),
        description="Two shirts\nRefund 30.00 AZN\u2028Status Refunded\x1b[2J",
    )

    lines = told(order, PAYMENT).splitlines()

    assert lines[-3:] == [
        "Description",
        "  Two shirts Refund 30.00 AZN Status",
        "  Refunded [2J",
    ]


def test_a_value_that_would_touch_its_word_stands_below_it() -> None:
    order = order_in(OrderStatus.APPROVED)

    beside = told(replace(order, description="x" * 28), PAYMENT).splitlines()
    below = told(replace(order, description="x" * 29), PAYMENT).splitlines()

    assert beside[-1] == "Description " + "x" * 28
    assert below[-2:] == ["Description", "  " + "x" * 29]


@pytest.mark.parametrize("language", Language)
@given(name=st.text(max_size=200), description=st.text(max_size=200))
def test_no_line_is_wider_than_forty_columns_or_holds_a_control_character(
    language: Language, name: str, description: str
) -> None:
    order = replace(order_in(OrderStatus.REFUNDED), language=language, description=description)

    text = receipt(order, replace(MERCHANT, name=name), (PAYMENT, refund(1)))

    assert text is not None
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    assert all(0 < len(line) <= COLUMNS and line.isprintable() for line in lines)


def test_every_word_is_there_in_three_languages_and_leaves_room_for_its_value() -> None:
    for word, texts in WORDS.items():
        assert len(texts) == 3, word
        assert all(text == text.strip() and 0 < len(text) < COLUMNS - 10 for text in texts), word
