"""Amounts are exact, enumerations spell like the wire, references keep their secret."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from tkkpg.protocol.values import (
    AMOUNT_MINOR_MAX,
    AZN,
    Amount,
    Currency,
    Language,
    Operation,
    OperationStatus,
    OrderRef,
    OrderStatus,
    OrderType,
)


@pytest.mark.parametrize(
    ("major", "minor"),
    [
        ("30.00", 3000),
        ("30", 3000),
        ("0.01", 1),
        ("0.1", 10),
        ("30.0000", 3000),
        ("0", 0),
        (12, 1200),
        (Decimal("1234.56"), 123456),
        (Decimal("3E+1"), 3000),
        ("9999999999.99", AMOUNT_MINOR_MAX),
    ],
)
def test_an_amount_is_made_from_major_units(major: Decimal | str | int, minor: int) -> None:
    assert Amount.of(major, AZN) == Amount(minor, AZN)


@pytest.mark.parametrize(
    "major",
    [
        "",
        " ",
        "thirty",
        "30,00",
        "30.001",
        "0.001",
        "1 000",
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e999999",
        "1e900000",
        "1e-999999",
        "30.0000000000000000000000000000000001",
        "-0.01",
        "10000000000.00",
        10**10,
        -1,
        Decimal("0.005"),
    ],
)
def test_what_is_no_amount_is_refused(major: Decimal | str | int) -> None:
    with pytest.raises(ValueError, match="amount"):
        Amount.of(major, AZN)


@pytest.mark.parametrize("major", [30.0, 0.1, True, None, b"30.00", [30]])
def test_an_amount_is_never_made_from_a_float_or_anything_else(major: object) -> None:
    with pytest.raises(TypeError, match=r"Amount\.of\('30\.00', AZN\)"):
        Amount.of(major, AZN)  # type: ignore[arg-type]  # the subject


@pytest.mark.parametrize("minor", [3000.0, True, "3000", Decimal(3000), None])
def test_minor_units_are_whole_by_type(minor: object) -> None:
    with pytest.raises(TypeError, match="whole minor units"):
        Amount(minor, AZN)  # type: ignore[arg-type]  # the subject


@pytest.mark.parametrize("minor", [-1, AMOUNT_MINOR_MAX + 1])
def test_minor_units_stay_within_the_width_of_the_wire(minor: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 999999999999"):
        Amount(minor, AZN)


def test_the_decimal_context_of_the_caller_never_rounds_an_amount() -> None:
    with localcontext() as context:
        context.prec = 3

        assert Amount.of("12345.67", AZN).minor == 1234567
        assert Amount(1234567, AZN).major == Decimal("12345.67")
        assert str(Amount(1234567, AZN)) == "12345.67 AZN"


@pytest.mark.parametrize(
    ("minor", "text"), [(3000, "30.00 AZN"), (5, "0.05 AZN"), (0, "0.00 AZN"), (10, "0.10 AZN")]
)
def test_an_amount_is_shown_in_major_units_with_all_decimals(minor: int, text: str) -> None:
    assert str(Amount(minor, AZN)) == text


def test_a_currency_without_minor_units_has_no_decimals() -> None:
    yen = Currency("392", "JPY", 0)

    assert Amount.of("500", yen) == Amount(500, yen)
    assert str(Amount(500, yen)) == "500 JPY"
    with pytest.raises(ValueError, match="at most 0 decimals"):
        Amount.of("500.5", yen)


def test_the_order_statuses_are_spelled_as_on_the_wire() -> None:
    assert " ".join(OrderStatus) == (
        "CREATED ON-PAYMENT ON-LOCK APPROVED PREAUTH-APPROVED DECLINED "
        "CANCELED REVERSED ON-REFUND REFUNDED EXPIRED ERROR"
    )


OPERATIONS = (
    "CreateOrder GetOrderStatus GetOrderInformation Completion Reverse Refund Purchase GetOrders"
)


@pytest.mark.parametrize(
    ("kind", "wire"),
    [
        (Language, "AZ EN RU"),
        (OrderType, "Purchase PreAuth Payment QuasiCash"),
        (OperationStatus, "00 10 30 54 95 96 97 205"),
        (Operation, OPERATIONS),
    ],
)
def test_the_other_names_are_spelled_as_on_the_wire(kind: type[Language], wire: str) -> None:
    assert " ".join(kind) == wire


def test_a_reference_shows_its_number_and_hides_its_session() -> None:
    ref = OrderRef(14008766, "277F3E926B1FADDA45E449B0C0E8CF76")

    assert "14008766" in repr(ref)
    assert "277F3E92" not in f"{ref} {ref!r}"


def test_an_order_of_another_bank_s_type_is_stored_as_a_purchase() -> None:
    stored = {kind: kind.charged_as for kind in OrderType}

    assert stored.pop(OrderType.PRE_AUTH) is OrderType.PRE_AUTH
    assert set(stored.values()) == {OrderType.PURCHASE}
