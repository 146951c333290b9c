"""A merchant's words in a table that a spreadsheet opens."""

from __future__ import annotations

import pytest

from tkkpg.cli.commands.statement.forms import cell


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Two shirts", "Two shirts"),
        ("çay, 2 ədəd", "çay, 2 ədəd"),
        ('=HYPERLINK("https://x")', '\'=HYPERLINK("https://x")'),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("  =1", "'  =1"),
        ("＝1", "'＝1"),
        ("\t=1", "\\t=1"),
        ("\r\n=1", "\\r\\n=1"),
        ("a\n=1", "a\\n=1"),
        ("", ""),
    ],
)
def test_a_merchants_words_are_one_line_and_never_a_formula(text: str, written: str) -> None:
    assert cell(text) == written
