"""A sealed card opens for what it was sealed for, with its key, unchanged, and never otherwise."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tkkpg.gateway.model.card import Card, Expiry
from tkkpg.gateway.vault import SEALED_LIMIT, Binding, CannotOpen, open_card, seal_card
from tkkpg.protocol.masking import Secret

BINDING = Binding(
    order_id=14008766,
    tran_id=7,
    amount_minor=3000,
    currency="944",
    three_ds_server_trans_id="8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
)
CARD = Card(Secret("4169733213495869"), Expiry(2030, 5), Secret("047"))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(
    pan=st.from_regex(r"\A[0-9]{12,19}\Z"),
    year=st.integers(2000, 2099),
    month=st.integers(1, 12),
    cvv2=st.from_regex(r"\A[0-9]{3,4}\Z"),
)
def test_a_card_comes_back_as_it_was(pan: str, year: int, month: int, cvv2: str) -> None:
    card = Card(Secret(pan), Expiry(year, month), Secret(cvv2))
    sealed = seal_card(card, BINDING)
    assert open_card(sealed.text, sealed.key, BINDING) == card


@given(pan=st.from_regex(r"\A[0-9]{12,19}\Z"), cvv2=st.from_regex(r"\A[0-9]{3,4}\Z"))
def test_the_text_is_short_and_its_length_says_nothing(pan: str, cvv2: str) -> None:
    text = seal_card(Card(Secret(pan), Expiry(2030, 5), Secret(cvv2)), BINDING).text
    assert len(text) == 58 < SEALED_LIMIT
    assert set(text) <= set(ALPHABET)


def test_no_single_changed_character_opens() -> None:
    sealed = seal_card(CARD, BINDING)
    for place in range(len(sealed.text)):
        for letter in set(ALPHABET) - {sealed.text[place]}:
            text = sealed.text[:place] + letter + sealed.text[place + 1 :]
            with pytest.raises(CannotOpen):
                open_card(text, sealed.key, BINDING)


def test_no_single_changed_bit_of_the_key_opens() -> None:
    sealed = seal_card(CARD, BINDING)
    key = sealed.key.reveal()
    for place in range(len(key)):
        letter = ALPHABET[ALPHABET.index(key[place]) ^ 1]
        with pytest.raises(CannotOpen):
            open_card(sealed.text, Secret(key[:place] + letter + key[place + 1 :]), BINDING)


@pytest.mark.parametrize(
    "other",
    [
        replace(BINDING, order_id=14008767),
        replace(BINDING, tran_id=8),
        replace(BINDING, amount_minor=3001),
        replace(BINDING, currency="840"),
        replace(BINDING, three_ds_server_trans_id="8a880dc0-d2d2-4067-bcb1-b08d1690b26f"),
    ],
    ids=["order", "attempt", "amount", "currency", "authentication"],
)
def test_it_opens_for_nothing_else(other: Binding) -> None:
    sealed = seal_card(CARD, BINDING)
    with pytest.raises(CannotOpen):
        open_card(sealed.text, sealed.key, other)


def test_two_orders_cannot_swap_their_texts() -> None:
    one, two = seal_card(CARD, BINDING), seal_card(CARD, replace(BINDING, order_id=2, tran_id=8))
    with pytest.raises(CannotOpen):
        open_card(two.text, one.key, BINDING)


@settings(max_examples=300)
@given(st.text(max_size=SEALED_LIMIT + 10))
def test_any_text_is_refused_and_says_nothing(text: str) -> None:
    with pytest.raises(CannotOpen, match="ask the payer for the card again"):
        open_card(text, seal_card(CARD, BINDING).key, BINDING)


@pytest.mark.parametrize("key", ["", "short", "é", "A" * 44])
def test_a_broken_key_opens_nothing(key: str) -> None:
    with pytest.raises(CannotOpen):
        open_card(seal_card(CARD, BINDING).text, Secret(key), BINDING)


def test_every_sealing_has_a_key_and_nonce_of_its_own() -> None:
    drawn: list[int] = []

    def random_bytes(count: int) -> bytes:
        drawn.append(count)
        return os.urandom(count)

    one, two = (seal_card(CARD, BINDING, random_bytes) for _ in range(2))
    assert drawn == [32, 12, 32, 12]
    assert one.key != two.key
    assert one.text != two.text


def test_a_repr_shows_no_key_and_no_card() -> None:
    sealed = seal_card(CARD, BINDING)
    assert sealed.key.reveal() not in repr(sealed)
    assert "4169733213495869" not in repr(sealed)
