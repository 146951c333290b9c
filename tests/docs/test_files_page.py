"""The page about the files of a home names every secret."""

from __future__ import annotations

from pathlib import Path

from tkkpg.gateway.modes import SECRETS

PAGE = Path(__file__).parents[2] / "docs" / "security" / "files.md"


def test_the_page_has_a_row_of_mode_0600_for_each_secret() -> None:
    rows = PAGE.read_text("utf-8").splitlines()
    assert {row.split("`")[1] for row in rows if row.endswith("| 0600 |")} == {*SECRETS}
