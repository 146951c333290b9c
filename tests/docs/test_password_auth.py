"""The page about passwords: what it says is computed, and its numbers are the program's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from tkkpg.gateway.flows.enrol import PASSWORD_MAX, PASSWORD_MIN, password_equivalent
from tkkpg.gateway.web.lockout import FAILURES_MAX, LOCKED_FOR
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
    assert (FAILURES_MAX, LOCKED_FOR.total_seconds()) == (10, 60)
    assert "ten failures in a row: for one minute" in PAGE
