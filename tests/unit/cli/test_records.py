"""What of the gateway's records is shown, and how."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tests.model_factories import authorisation_in, order_in

from tkkpg.cli.records import attributes, local


def test_an_order_s_session_and_a_card_s_hash_are_not_shown() -> None:
    tran = replace(authorisation_in(), pan_hash="0f" * 32, pan_masked="416973••••••5869")

    assert "session_id" not in attributes(order_in())
    assert "pan_hash" not in attributes(tran)
    assert attributes(tran)["pan_masked"] == "416973••••••5869"


def test_a_currency_is_its_letters() -> None:
    assert attributes(order_in())["currency"] == "AZN"


def test_times_are_those_of_a_clock_in_baku() -> None:
    assert local(datetime(2026, 11, 24, 21, 30, 5, 999, tzinfo=UTC)) == "2026-11-25 01:30:05"
    assert local(None) is None
