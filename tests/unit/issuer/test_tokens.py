"""Tokens of kept cards: never a card number, never twice."""

from __future__ import annotations

from tkkpg.gateway.host.fields import TOKEN_MAX, is_token
from tkkpg.issuer.tokens import random_token


def test_a_token_has_the_form_of_one_and_is_no_number() -> None:
    texts = [random_token().reveal() for _ in range(200)]

    assert all(is_token(text) and len(text) == TOKEN_MAX for text in texts)
    assert all(text[0].isalpha() for text in texts)


def test_no_token_is_made_twice() -> None:
    assert len({random_token().reveal() for _ in range(200)}) == 200


def test_a_token_does_not_show_itself() -> None:
    token = random_token()

    assert token.reveal() not in f"{token} {token!r}"
