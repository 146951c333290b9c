"""The planted bugs, in short: all of them still apply, and some quick ones are caught.

`make mutants` plants every one of them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.faults.planted.plant import (
    SOURCE,
    Bug,
    CannotPlant,
    load_bugs,
    plant,
    run_tests,
    survived,
)

BUGS: Final = load_bugs()
ASKED_FOR: Final = {
    "notify-before-commit",
    "refund-without-guard",
    "record-twice",
    "reversal-not-reserved",
    "match-by-stan-alone",
    "reply-before-sync",
    "conflict-reported-too-early",
    "expiry-of-a-locked-order",
    "synchronous-off",
}
QUICK: Final = (
    "record-twice",
    "expiry-of-a-locked-order",
    "lost-update",
    "key-kept-after-sending",
    "decline-without-its-code",
    "second-result-overwrites",
)


@pytest.mark.parametrize("bug", BUGS.values(), ids=list(BUGS))
def test_a_bug_still_applies_and_names_the_tests_that_find_it(bug: Bug) -> None:
    assert bug.text() != (SOURCE / bug.file).read_text(encoding="utf-8")
    assert bug.tests
    assert bug.sentence.endswith(".")


def test_the_bugs_that_matter_most_are_among_them() -> None:
    assert BUGS.keys() >= ASKED_FOR


def test_every_named_test_exists() -> None:
    named = sorted({test for bug in BUGS.values() for test in bug.tests})

    collected = run_tests(["--collect-only", *named])

    assert collected.returncode == 0, collected.stdout


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_caught(tmp_path: Path, name: str) -> None:
    assert survived(plant(BUGS[name], tmp_path / "src")) is None


def test_a_change_that_is_no_bug_is_said_to_survive(tmp_path: Path) -> None:
    harmless = replace(BUGS["record-twice"], new=BUGS["record-twice"].old + "\n")

    told = survived(plant(harmless, tmp_path / "src"))

    assert told is not None
    assert "pytest ended with 0" in told


def test_a_test_that_fails_without_meeting_the_bug_catches_nothing(tmp_path: Path) -> None:
    red = tmp_path / "test_red.py"
    red.write_text("def test_red() -> None:\n    raise AssertionError\n", encoding="utf-8")

    told = survived(plant(replace(BUGS["record-twice"], tests=(str(red),)), tmp_path / "src"))

    assert told is not None
    assert "without importing" in told


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"old": "is not in it"}, "occurs 0 times"),
        ({"old": "from"}, r"occurs \d+ times"),
        ({"file": "tkkpg/moved_away.py"}, "occurs 0 times"),
        ({"new": "def"}, "is no Python"),
    ],
)
def test_a_bug_that_does_not_apply_is_named(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(CannotPlant, match=f"record-twice: .*{reason}"):
        replace(BUGS["record-twice"], **changes).text()  # type: ignore[arg-type]
