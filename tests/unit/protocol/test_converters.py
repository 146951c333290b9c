"""Each converter reads what real peers send, refuses the rest, and writes what it would read."""

from __future__ import annotations

import base64
import re
from datetime import UTC, date, datetime, time

import pytest

from tkkpg.protocol import converters as as_
from tkkpg.protocol.converters import Converter
from tkkpg.protocol.masking import Secret
from tkkpg.protocol.values import AZN, Language, OperationStatus, OrderStatus, OrderType


@pytest.mark.parametrize(
    ("converter", "text", "value"),
    [
        (as_.minor_units, "1", 1),
        (as_.minor_units, "3000", 3000),
        (as_.minor_units, "200.0", 200),
        (as_.minor_units, "1345.00", 1345),
        (as_.minor_units, "000100", 100),
        (as_.minor_units_or_zero, "0", 0),
        (as_.minor_units_or_zero, "999999999999", 999_999_999_999),
        (as_.minor_units, "999999999999", 999_999_999_999),
        (as_.number, "0", 0),
        (as_.number, "14008766", 14008766),
        (as_.number, "9" * 18, 10**18 - 1),
        (as_.nullable_number, "null", None),
        (as_.nullable_number, "2292054", 2292054),
        (as_.currency, "944", AZN),
        (as_.nullable_currency, "null", None),
        (as_.nullable_currency, "944", AZN),
        (as_.language, "AZ", Language.AZ),
        (as_.language, "ru", Language.RU),
        (as_.language, "En", Language.EN),
        (as_.order_type, "PreAuth", OrderType.PRE_AUTH),
        (as_.order_status, "ON-LOCK", OrderStatus.ON_LOCK),
        (as_.operation_status, "205", OperationStatus.ACCOUNT_SHORT),
        (as_.flag, "true", True),
        (as_.flag, "False", False),
        (as_.flag, "1", True),
        (as_.flag, "0", False),
        (as_.legacy_datetime, "2021-02-22 10:43:36", datetime.fromisoformat("2021-02-22 10:43:36")),
        (as_.legacy_datetime, "null", None),
        (as_.legacy_datetime, "0000-00-00 00:00:00", None),
        (as_.screen_datetime, "22/08/2019 12:30:45", datetime.fromisoformat("2019-08-22 12:30:45")),
        (as_.short_date, "210222", date(2021, 2, 22)),
        (as_.short_date, "null", None),
        (as_.short_time, "104424", time(10, 44, 24)),
        (as_.short_time, "null", None),
        (as_.base64_text, "w5ZkyZluacWf", "Ödəniş"),
        (as_.url, "https://shop.example/?a=1&b=2", "https://shop.example/?a=1&b=2"),
        (as_.url, "/testshopPageReturn.jsp", "/testshopPageReturn.jsp"),
        (as_.url, "https://mağaza.example/ödəniş", "https://mağaza.example/ödəniş"),
        (as_.text(5), "ödəni", "ödəni"),
        (as_.minutes, "30", 30),
        (as_.minutes, "0", 0),
        (as_.minutes, "-1", -1),
        (as_.minutes, "-9999999", -9_999_999),
        (as_.day_or_datetime, "2021-02-22", datetime.fromisoformat("2021-02-22 00:00:00")),
        (as_.day_or_datetime, "2021-02-22 10:43:36", datetime.fromisoformat("2021-02-22 10:43:36")),
        (as_.day_or_datetime, "null", None),
        (as_.secret, "4169733213495869", Secret("4169733213495869")),
        (as_.tag, "Purchase.Recur.frequency", "Purchase.Recur.frequency"),
        (as_.tag, "FA-DATA", "FA-DATA"),
    ],
)
def test_a_converter_reads(converter: Converter, text: str, value: object) -> None:
    assert converter.read(text) == value


@pytest.mark.parametrize(
    ("converter", "text", "reason"),
    [
        (as_.minor_units, "0", "must be a whole number between 1 and 999999999999"),
        (as_.minor_units, "0.0", "must be a whole number between 1 and"),
        (as_.minor_units, "1000000000000", "must be a whole number between 1 and"),
        (as_.minor_units_or_zero, "1000000000000", "must be a whole number between 0 and"),
        (as_.minor_units, "9" * 5000, "must be whole minor units"),
        (as_.minor_units, "-100", "must be whole minor units"),
        (as_.minor_units, "+100", "must be whole minor units"),
        (as_.minor_units, "30.5", "must be whole minor units"),
        (as_.minor_units, "30,00", "must be whole minor units"),
        (as_.minor_units, "30.", "must be whole minor units"),
        (as_.minor_units, ".0", "must be whole minor units"),
        (as_.minor_units, "1e3", "must be whole minor units"),
        (as_.minor_units, "0x10", "must be whole minor units"),
        (as_.minor_units, "1 000", "must be whole minor units"),
        (as_.minor_units, "1_000", "must be whole minor units"),
        (as_.minor_units, "٣٠", "must be whole minor units"),
        (as_.minor_units, "NaN", "must be whole minor units"),
        (as_.number, "-1", "must be a whole number of at most 18 digits"),
        (as_.number, "1.0", "must be a whole number of at most 18 digits"),
        (as_.number, "1" * 19, "must be a whole number of at most 18 digits"),
        (as_.number, "1" * 5000, "must be a whole number of at most 18 digits"),
        (as_.number, "१२", "must be a whole number of at most 18 digits"),
        (as_.number, "null", "must be a whole number of at most 18 digits"),
        (as_.currency, "999", "must be a numeric code of ISO 4217"),
        (as_.currency, "AZN", "must be a numeric code of ISO 4217"),
        (as_.currency, "0944", "must be a numeric code of ISO 4217"),
        (as_.currency, "null", "must be a numeric code of ISO 4217"),
        (as_.language, "DE", "must be one of AZ, EN, RU"),
        (as_.language, "AZE", "must be one of AZ, EN, RU"),
        (as_.order_type, "purchase", "must be one of Purchase, PreAuth"),
        (as_.order_status, "CANCELLED", "must be one of CREATED, "),
        (as_.operation_status, "0", "must be one of 00, "),
        (as_.flag, "yes", "must be true or false"),
        (as_.minutes, "30.0", "must be whole minutes of at most 7 digits, zero or less for never"),
        (as_.minutes, "+30", "must be whole minutes"),
        (as_.minutes, "--1", "must be whole minutes"),
        (as_.minutes, "10000000", "must be whole minutes"),
        (as_.minutes, "never", "must be whole minutes"),
        (as_.minutes, "٣٠", "must be whole minutes"),
        (as_.day_or_datetime, "22.02.2021", "must be a date YYYY-MM-DD, such as 2021-02-22"),
        (as_.day_or_datetime, "2021-02-22T10:43", "must be a local time YYYY-MM-DD hh:mm:ss"),
        (as_.day_or_datetime, "0999-12-31", "must be a date YYYY-MM-DD, such as 2021-02-22"),
        (as_.legacy_datetime, "0999-12-31 00:00:00", "must be a local time YYYY-MM-DD hh:mm:ss"),
        (as_.tag, "ödəniş", "must have a name of at most 128 letters, digits and signs . _ -"),
        (as_.tag, "a:b", "must have a name of at most 128 letters"),
        (as_.tag, "1a", "must have a name of at most 128 letters"),
        (as_.tag, "x" * 129, "must have a name of at most 128 letters"),
        (as_.legacy_datetime, "22.02.2021", "must be a local time YYYY-MM-DD hh:mm:ss, such as"),
        (as_.screen_datetime, "2021-02-22 10:43:36", "must be a local time dd/MM/yyyy HH:mm:ss"),
        (as_.short_date, "20210222", "must be a date yymmdd, such as 210222"),
        (as_.short_time, "10:44:24", "must be a time hhmmss, such as 104336"),
        (as_.base64_text, "A", "must be base64"),
        (as_.base64_text, "ödəniş", "must be base64"),
        (as_.url, "https://shop.example/" + "x" * 235, "is longer than 255 characters"),
        (as_.url, "java\tscript:alert(1)", "holds a control character"),
        (as_.url, "https://shop.example/\nx", "holds a control character"),
        (as_.url, "https://shop.example/\x85", "holds a control character"),
        (as_.text(5), "ödəniş", "is longer than 5 characters"),
    ],
)
def test_a_converter_refuses_to_read(converter: Converter, text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        converter.read(text)


@pytest.mark.parametrize(
    ("converter", "value", "text"),
    [
        (as_.minor_units, 3000, "3000"),
        (as_.number, 0, "0"),
        (as_.nullable_number, 0, "0"),
        (as_.currency, AZN, "944"),
        (as_.nullable_currency, AZN, "944"),
        (as_.language, Language.AZ, "AZ"),
        (as_.order_status, OrderStatus.PREAUTH_APPROVED, "PREAUTH-APPROVED"),
        (as_.flag, True, "true"),
        (as_.flag, False, "false"),
        (as_.legacy_datetime, datetime.fromisoformat("2021-02-03 04:05:06"), "2021-02-03 04:05:06"),
        (as_.screen_datetime, datetime.fromisoformat("2021-02-03 04:05:06"), "03/02/2021 04:05:06"),
        (as_.short_date, date(2021, 2, 3), "210203"),
        (as_.short_time, time(4, 5, 6), "040506"),
        (as_.base64_text, "Ödəniş", "w5ZkyZluacWf"),
        (as_.minutes, -1, "-1"),
        (as_.day_or_datetime, datetime.fromisoformat("2021-02-03"), "2021-02-03 00:00:00"),
        (as_.secret, Secret("4169733213495869"), "4169733213495869"),
    ],
)
def test_a_converter_writes(converter: Converter, value: object, text: str) -> None:
    assert converter.write(value) == text


@pytest.mark.parametrize(
    ("converter", "value", "reason"),
    [
        (as_.minor_units, 0, "must be a whole number between 1 and"),
        (as_.minor_units, -3000, "must be a whole number between 1 and"),
        (as_.minor_units, 10**12, "must be a whole number between 1 and"),
        (as_.minor_units, 30.0, "must be a whole number between 1 and"),
        (as_.number, -1, "must be a whole number between 0 and"),
        (as_.number, 10**18, "must be a whole number between 0 and"),
        (as_.minutes, 10_000_000, "must be whole minutes of at most 7 digits"),
        (as_.tag, "a b", "must have a name of"),
        (as_.tag, "", "must have a name of"),
        (as_.text(5), "ödəniş", "is longer than 5 characters"),
        (as_.url, "/" * 256, "is longer than 255 characters"),
        (as_.url, "/\x00", "holds a control character"),
        (as_.legacy_datetime, datetime(2021, 2, 3, tzinfo=UTC), "must be local time"),
        (as_.short_time, time(4, 5, 6, tzinfo=UTC), "must be local time"),
    ],
)
def test_a_converter_refuses_to_write_what_no_peer_would_read(
    converter: Converter, value: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        converter.write(value)


def test_a_receipt_that_is_no_utf_8_is_shown_as_far_as_it_goes() -> None:
    receipt = base64.b64encode("Чек 12".encode("cp1251")).decode("ascii")

    assert as_.base64_text.read(receipt).endswith(" 12")
