"""`tkkpg codes`."""

from __future__ import annotations

import json

import pytest
from tests.unit.cli.conftest import Run

from tkkpg.protocol.codes import listed, response_code
from tkkpg.protocol.values import Language, OperationStatus


def test_all_codes_are_one_array(run: Run) -> None:
    told = json.loads(run("codes", "--json").stdout)

    assert [entry["code"] for entry in told] == [code.code for code in listed()]


def test_people_see_every_code_and_every_status(run: Run) -> None:
    words = [line.split()[0] for line in run("codes").stdout.splitlines() if line.split()]

    assert {code.code for code in listed()} | set(OperationStatus) <= set(words)


@pytest.mark.parametrize("language", Language)
def test_a_code_is_told_in_the_language_asked_for(run: Run, language: Language) -> None:
    told = json.loads(run("codes", "076", "--language", language.lower(), "--json").stdout)

    assert told["text"] == response_code("076").text(language)
    assert told["outcome"] == "decline"
    assert told["family"] == "insufficient_funds"


def test_a_code_that_is_a_status_too_is_told_as_both(run: Run) -> None:
    told = json.loads(run("codes", "00", "--json").stdout)

    assert (told["outcome"], told["status_text"]) == ("decline", "Successful")


def test_a_status_that_is_no_response_code_says_so(run: Run) -> None:
    told = json.loads(run("codes", "54", "--json").stdout)

    assert told["listed"] is False
    assert told["status_text"]


def test_the_code_with_a_minus_is_no_option(run: Run) -> None:
    assert response_code("-1").text(Language.EN) in run("codes", "-1").stdout


@pytest.mark.parametrize("code", ["7", "4169733213495869", "abc", "-12"])
def test_what_cannot_be_a_code_is_a_usage_error(run: Run, code: str) -> None:
    assert run("codes", code).exit_code == 2
