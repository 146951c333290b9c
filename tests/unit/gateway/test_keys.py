"""Secret keys: kept for their owner alone, found damaged, and rotated without forgetting."""

from __future__ import annotations

import base64
import hmac
import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkkpg.gateway.keys import PURPOSES, Keys, load_keys
from tkkpg.protocol.errors import ConfigurationError

OLD, NEW = b"o" * 32, b"n" * 32
ROTATED = Keys({purpose: {"k1": OLD, "k2": NEW} for purpose in PURPOSES})
BEFORE = Keys({purpose: {"k1": OLD} for purpose in PURPOSES})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def written(path: Path, *tables: str) -> Path:
    """Write a key file of some tables, as private as it must be."""
    path.write_text("\n".join(tables), encoding="utf-8")
    path.chmod(0o600)
    return path


def table(purpose: str, *keys: str) -> str:
    """A table of keys, k1 first."""
    lines = [f'k{number} = "{key}"' for number, key in enumerate(keys, 1)]
    return "\n".join([f"[{purpose}]", *lines])


WHOLE = [table(purpose, "ab" * 32) for purpose in PURPOSES]


# ---------------------------------------------------------------- the file


def test_the_first_start_makes_a_key_for_every_purpose(path: Path) -> None:
    keys = load_keys(path, os.urandom)

    assert list(keys.by_purpose) == list(PURPOSES)
    found = [key for named in keys.by_purpose.values() for key in named.values()]
    assert [len(key) for key in found] == [32] * len(PURPOSES)
    assert len(set(found)) == len(PURPOSES)


def test_the_file_is_its_owners_alone_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        load_keys(path, os.urandom)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_next_start_reads_the_same_keys(path: Path) -> None:
    first = load_keys(path, os.urandom)

    assert load_keys(path, os.urandom) == first


def test_a_start_that_was_broken_off_does_not_stand_in_the_way(path: Path) -> None:
    path.with_suffix(".new").write_text("[page]\nk1", encoding="utf-8")

    assert set(load_keys(path, os.urandom).by_purpose) == set(PURPOSES)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_use_is_refused_with_the_remedy(path: Path, mode: int) -> None:
    written(path, *WHOLE).chmod(mode)

    with pytest.raises(ConfigurationError, match=r"chmod 600 .*keys\.toml"):
        load_keys(path, os.urandom)


DAMAGED = {
    "empty": [""],
    "cut off": ["\n".join(WHOLE)[:-10]],
    "no TOML": ["these are my keys"],
    "a purpose is missing": WHOLE[1:],
    "only the newest purpose is there": WHOLE[-1:],
    "a purpose is no table": ["pan = 5", "page = 'ab'", "audit = []"],
    "a key is no text": [*WHOLE[:-1], f"[{PURPOSES[-1]}]\nk1 = 5"],
    "a key is not hexadecimal": [*WHOLE[:-1], table(PURPOSES[-1], "xy" * 32)],
    "a purpose has no key": [*WHOLE[:-1], table(PURPOSES[-1])],
    "a key is empty": [*WHOLE[:-1], table(PURPOSES[-1], "")],
    "a key is short": [*WHOLE[:-1], table(PURPOSES[-1], "ab" * 31)],
    "an old key is short": [*WHOLE[:-1], table(PURPOSES[-1], "ab", "ab" * 32)],
}


@pytest.mark.parametrize("tables", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_file_is_refused_and_left_as_it_is(path: Path, tables: list[str]) -> None:
    before = written(path, *tables).read_bytes()

    with pytest.raises(ConfigurationError, match=r"keys\.toml.*Restore it from a backup") as told:
        load_keys(path, os.urandom)

    assert path.read_bytes() == before
    assert "abab" not in str(told.value)


def test_a_file_that_is_no_text_is_refused(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    path.chmod(0o600)

    with pytest.raises(ConfigurationError, match="damaged"):
        load_keys(path, os.urandom)


def test_the_last_key_of_a_purpose_is_the_newest(path: Path) -> None:
    written(path, *(table(purpose, OLD.hex(), NEW.hex()) for purpose in PURPOSES))

    assert load_keys(path, os.urandom) == ROTATED


# ---------------------------------------------------------------- tokens


def test_a_token_names_its_key_and_is_an_hmac_of_the_text() -> None:
    expected = hmac.new(NEW, "günəş".encode(), sha256).hexdigest()

    assert ROTATED.sign("page", "günəş") == f"k2.{expected}"
    assert ROTATED.digest("page", "günəş") == expected


def test_a_token_is_good_for_its_text_alone() -> None:
    token = ROTATED.sign("page", "order 1")

    assert ROTATED.verify("page", "order 1", token)
    assert not ROTATED.verify("page", "order 2", token)


def test_purposes_do_not_share_keys(path: Path) -> None:
    keys = load_keys(path, os.urandom)

    assert not keys.verify("audit", "text", keys.sign("page", "text"))


def test_tokens_of_a_rotated_key_are_still_good_and_new_ones_are_of_the_newest() -> None:
    old = BEFORE.sign("audit", "text")

    assert ROTATED.verify("audit", "text", old)
    assert ROTATED.sign("audit", "text").startswith("k2.")
    assert not BEFORE.verify("audit", "text", ROTATED.sign("audit", "text"))


@pytest.mark.parametrize(
    "token", ["", ".", "k2", "k2.", "k9.00", "k1.ş", "k2.00", "\ud800.00", "k2." + "0" * 64]
)
def test_what_is_no_token_is_refused_without_an_error(token: str) -> None:
    assert not ROTATED.verify("page", "text", token)


def test_a_token_with_another_key_id_is_refused() -> None:
    _, _, mac = ROTATED.sign("page", "text").partition(".")

    assert not ROTATED.verify("page", "text", f"k1.{mac}")


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def recorded(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", recorded)
    token = ROTATED.sign("page", "text")

    assert ROTATED.verify("page", "text", token)
    assert not ROTATED.verify("page", "text", "k2.00")
    assert [claimed for _, claimed in compared] == [token.removeprefix("k2."), "00"]


def test_keys_never_show_themselves() -> None:
    shown = f"{ROTATED!r} {ROTATED}"

    assert "k1" in shown
    assert "k2" in shown
    assert OLD.hex() not in shown
    assert "ooo" not in shown


# ---------------------------------------------------------------- what is sealed at rest


def test_what_was_sealed_opens_for_what_it_is_bound_to() -> None:
    sealed = ROTATED.seal("token günəş", "card 1")

    assert ROTATED.unseal(sealed, "card 1") == "token günəş"
    assert sealed.startswith("k2.")
    assert "token" not in sealed


@given(text=st.text(max_size=64), bound_to=st.text(max_size=64))
def test_every_text_comes_back_as_it_was(text: str, bound_to: str) -> None:
    assert ROTATED.unseal(ROTATED.seal(text, bound_to), bound_to) == text


def test_the_same_text_is_never_sealed_the_same_twice() -> None:
    assert ROTATED.seal("token", "card 1") != ROTATED.seal("token", "card 1")


def test_what_a_rotated_key_sealed_still_opens() -> None:
    sealed = BEFORE.seal("token", "card 1")

    assert sealed.startswith("k1.")
    assert ROTATED.unseal(sealed, "card 1") == "token"


def tampered() -> dict[str, tuple[Keys, str, str]]:
    """Ways in which a sealed value is not what it was: keys, value, and what it is bound to."""
    sealed = ROTATED.seal("token", "card 1")
    key_id, _, content = sealed.partition(".")
    raw = base64.b64decode(content)

    def again(changed: bytes, name: str = key_id) -> str:
        return f"{name}.{base64.b64encode(changed).decode()}"

    return {
        "bound to another": (ROTATED, sealed, "card 2"),
        "bound to nothing": (ROTATED, sealed, ""),
        "a bit of the nonce": (ROTATED, again(bytes([raw[0] ^ 1]) + raw[1:]), "card 1"),
        "a bit of the text": (ROTATED, again(raw[:12] + bytes([raw[12] ^ 1]) + raw[13:]), "card 1"),
        "a bit of the tag": (ROTATED, again(raw[:-1] + bytes([raw[-1] ^ 1])), "card 1"),
        "cut short": (ROTATED, again(raw[:-1]), "card 1"),
        "nothing but a nonce": (ROTATED, again(raw[:12]), "card 1"),
        "less than a nonce": (ROTATED, again(raw[:3]), "card 1"),
        "another key's name": (ROTATED, again(raw, "k1"), "card 1"),
        "an unknown key": (ROTATED, again(raw, "k9"), "card 1"),
        "a key that is gone": (BEFORE, sealed, "card 1"),
        "no base64": (ROTATED, "k2.%%%", "card 1"),
        "not sealed at all": (ROTATED, "token", "card 1"),
        "empty": (ROTATED, "", "card 1"),
    }


@pytest.mark.parametrize("name", tampered())
def test_anything_else_is_refused_with_the_remedy_and_without_the_value(name: str) -> None:
    keys, sealed, bound_to = tampered()[name]

    with pytest.raises(ConfigurationError, match=r"cannot be opened.*Restore both") as told:
        keys.unseal(sealed, bound_to)

    assert "token" not in str(told.value)
    assert told.value.__cause__ is None


def test_an_older_file_is_given_a_key_to_seal_with_and_keeps_its_others(path: Path) -> None:
    older = written(path, *(table(purpose, OLD.hex(), NEW.hex()) for purpose in PURPOSES[:-1]))

    keys = load_keys(older, os.urandom)

    assert keys.unseal(keys.seal("token", "card 1"), "card 1") == "token"
    assert {one: keys.by_purpose[one] for one in PURPOSES[:-1]} == {
        one: {"k1": OLD, "k2": NEW} for one in PURPOSES[:-1]
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert load_keys(path, os.urandom) == keys


def test_a_file_that_others_may_use_is_not_added_to(path: Path) -> None:
    written(path, *WHOLE[:-1]).chmod(0o644)
    before = path.read_bytes()

    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_keys(path, os.urandom)

    assert path.read_bytes() == before
