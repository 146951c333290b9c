"""Secrets and card numbers never show themselves whole."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from tkkpg.protocol.masking import Secret, mask_pan, mask_pan_wire

PAN = "4169733213495869"


@pytest.mark.parametrize(
    ("pan", "masked"),
    [
        (PAN, "416973••••••5869"),
        ("400000000000", "400000••0000"),
        ("4169733213495", "416973•••3495"),
        ("374245455400126", "374245•••••0126"),
        ("4169733213495869123", "416973•••••••••9123"),
    ],
)
def test_a_card_number_shows_six_digits_and_four(pan: str, masked: str) -> None:
    assert mask_pan(pan) == masked


@pytest.mark.parametrize("length", range(12))
def test_what_is_too_short_for_a_card_number_is_hidden_whole(length: int) -> None:
    assert mask_pan(PAN[:length]) == "•" * length


def test_the_wire_hides_digits_behind_an_x() -> None:
    assert mask_pan_wire(PAN) == "416973XXXXXX5869"


@pytest.mark.parametrize(
    "show", [str, repr, "{}".format, "%s".__mod__, lambda secret: repr([secret]), ascii]
)
def test_a_secret_never_shows_its_text(show: Callable[[object], str]) -> None:
    assert PAN not in show(Secret(PAN))


def test_a_secret_reveals_its_text_by_name_alone() -> None:
    assert Secret(PAN).reveal() == PAN


def test_secrets_compare_by_content_and_never_equal_plain_text() -> None:
    assert Secret("447") == Secret("447")
    assert Secret("447") != Secret("448")
    assert Secret("447") != "447"
    assert len({Secret("447"), Secret("447")}) == 1


@pytest.mark.parametrize(
    "keep",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps],
    ids=["pickle", "copy", "deepcopy", "json"],
)
def test_a_secret_leaves_no_copy_behind(keep: Callable[[object], object]) -> None:
    with pytest.raises(TypeError):
        keep(Secret(PAN))


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(PAN), "__dict__")
