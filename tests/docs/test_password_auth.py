"""The page about passwords: what it says is computed, and its numbers are the program's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tkkpg.gateway.flows.enrol import PASSWORD_MAX, PASSWORD_MIN, password_equivalent
from tkkpg.gateway.web.lockout import ADDRESSES_MAX, KNOWN, STRANGER, STRANGERS
from tkkpg.gateway.web.password_auth import BODY_MAX_BYTES, auth_data

PAGE: Final = (Path(__file__).parents[2] / "docs" / "password-auth.md").read_text("utf-8")


def test_its_python_makes_what_the_gateway_expects() -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    names: dict[str, Any] = {}
    exec(found[1], names)  # noqa: S102 - our own page
    xml, merchant, password = "<TKKPG>ə</TKKPG>", "E1000010", "correct horse battery"
    expected = auth_data(xml.encode(), password_equivalent(merchant, password))
    assert names["auth_data"](xml, merchant, password) == expected


def test_its_numbers_are_the_programs() -> None:
    assert f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters" in PAGE
    assert f"a form of more than {BODY_MAX_BYTES // 1024} kB" in PAGE
    for one in (KNOWN, STRANGER):
        every_s = round(one.one_more_after.total_seconds())
        assert f"| {one.at_once} at once, then one every {every_s} seconds;" in PAGE
    assert f"of one of {STRANGERS} shares" in PAGE
    a_minute = round(STRANGERS * 60 / STRANGER.one_more_after.total_seconds())
    assert f"{a_minute} guesses a minute, {a_minute * 1440:,} a day" in PAGE
    assert f"{STRANGERS * STRANGER.at_once} at the beginning" in PAGE
    assert f"{ADDRESSES_MAX} addresses of a merchant" in PAGE
