"""Banks' profiles as data: whole, distinct, and nothing for the default."""

from __future__ import annotations

from tkkpg.protocol import schema
from tkkpg.protocol.profiles import KAPITAL, PROFILES
from tkkpg.protocol.values import OperationStatus


def test_the_default_writes_by_the_field_tables_themselves() -> None:
    for kind, table in schema.ENCODINGS.items():
        assert KAPITAL.encodings[kind] is table
    assert KAPITAL.callbacks == {True: schema.WRAPPED_CALLBACK, False: schema.BARE_CALLBACK}
    assert not KAPITAL.signs
    assert not KAPITAL.refund_shown_s


def test_every_other_profile_differs_from_it_and_says_how_and_from_where() -> None:
    for name, profile in PROFILES.items():
        assert profile.name == name
        assert bool(profile.variants) == (profile is not KAPITAL)
        for one in profile.variants:
            assert one.about, name
            assert one.source, name
            assert one.rows or one.refusals or one.signs or one.refund_shown_s, name


def test_every_row_of_a_variant_stands_for_one_of_the_tables() -> None:
    known = {
        (table.message, row.path)
        for table in (*schema.ENCODINGS.values(), schema.BARE_CALLBACK)
        for row in table.rows
    }

    for profile in PROFILES.values():
        for one in profile.variants:
            assert set(one.rows) <= known, one.about


def test_a_status_that_no_profile_changes_is_told_as_it_is() -> None:
    for status in set(OperationStatus) - {
        OperationStatus.WRONG_ORDER_STATUS,
        OperationStatus.ACCOUNT_SHORT,
    }:
        assert {profile.told(status) for profile in PROFILES.values()} == {(status, None)}
