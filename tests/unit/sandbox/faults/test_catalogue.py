"""Faults are found by name, and a name that does not exist is answered with those that do."""

from __future__ import annotations

import pytest

from tkkpg.protocol.errors import ConfigurationError
from tkkpg.sandbox.faults import FAULTS, Place, find_fault


def test_every_fault_is_found_by_its_name() -> None:
    assert [find_fault(fault.name) for fault in FAULTS] == list(FAULTS)
    assert {fault.place for fault in FAULTS} == set(Place)


def test_faults_of_http_servers_are_named_after_their_place() -> None:
    for fault in FAULTS:
        named_after = fault.name.partition("-")[0]

        assert (named_after == fault.place) is (fault.place is not Place.HOST)


def test_an_unknown_name_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match="no fault named 'sillence'") as refused:
        find_fault("sillence")

    assert all(fault.name in refused.value.message for fault in FAULTS)
