"""Who loses a place, and how many there are."""

from __future__ import annotations

import resource
from functools import partial

import pytest

from tkkpg.gateway.server.places import MAX_PLACES, Places, places_for_one_listener

INFINITY = resource.RLIM_INFINITY


def test_whoever_has_kept_us_waiting_longest_loses_the_place() -> None:
    dropped: list[str] = []
    places = Places(3)
    ours = {name: places.take(partial(dropped.append, name)) for name in "abc"}
    ours["a"].keep_busy()  # its request is here
    ours["b"].keep_busy()
    ours["b"].wait()  # its answer is given
    places.take(lambda: dropped.append("d"))
    places.take(lambda: dropped.append("e"))
    assert dropped == ["c", "b"]
    assert places.lost == 2
    ours["c"].wait()  # what has left waits for nothing
    ours["a"].leave()
    places.take(lambda: dropped.append("f"))
    assert dropped == ["c", "b"]


def test_nobody_loses_a_place_while_all_are_busy() -> None:
    places = Places(1)
    busy = places.take(lambda: pytest.fail("dropped"))
    busy.keep_busy()
    assert not places.make_room()
    places.take(lambda: None)
    assert places.make_room()
    assert places.lost == 1


@pytest.mark.parametrize(
    ("soft", "hard", "asked", "places"),
    [
        (1024, 1_048_576, 32_768, MAX_PLACES),
        (1024, INFINITY, 32_768, MAX_PLACES),
        (256, 4096, 4096, 512),
        (24, 24, 24, 3),
        (4, 4, 4, 1),
        (65_536, 65_536, None, MAX_PLACES),
        (INFINITY, INFINITY, None, MAX_PLACES),
    ],
)
def test_places_are_an_eighth_of_the_files_that_can_be_had(
    soft: int, hard: int, asked: int | None, places: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    assert places_for_one_listener() == places
    assert limits == ([] if asked is None else [(asked, hard)])


def test_a_system_that_refuses_more_files_leaves_an_eighth_of_what_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: int, _both: tuple[int, int]) -> None:
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert places_for_one_listener() == 32
