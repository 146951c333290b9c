"""Plants a known bug into a copy of the source, and runs the tests that must find it.

A bug is one replacement in one file (`bugs.toml`). Tests are run against the copy by PYTHONPATH,
which programs that they start inherit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[3]
SOURCE: Final = ROOT / "src"
BUGS: Final = Path(__file__).with_name("bugs.toml")
RUN_S: Final = 300
"""For the tests of one bug: a bug may leave somebody waiting for ever."""


class CannotPlant(Exception):
    """A bug does not apply to the source as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A bug that somebody might really write.

    Attributes:
        name: Short, with hyphens.
        sentence: What is wrong with it.
        file: Below `src`.
        old: Text that stands in the file exactly once.
        new: What stands there instead.
        tests: Ids of tests, each of which must turn red.
    """

    name: str
    sentence: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def text(self) -> str:
        """Give the file with the bug in it.

        Raises:
            CannotPlant: The old text is not there exactly once, or the new text is no Python.
        """
        path = SOURCE / self.file
        source = path.read_text(encoding="utf-8") if path.exists() else ""
        if (times := source.count(self.old)) != 1:
            raise CannotPlant(
                f"{self.name}: its old text must occur once in {self.file} and occurs {times} "
                "times. The code has moved on; write the bug into it anew, in bugs.toml."
            )
        text = source.replace(self.old, self.new)
        try:
            compile(text, self.file, "exec")
        except SyntaxError as error:
            raise CannotPlant(f"{self.name}: {self.file} with it is no Python: {error}") from error
        return text


@dataclass(frozen=True, slots=True)
class Planted:
    """A copy of the source with a bug in it."""

    bug: Bug
    source: Path

    def environment(self) -> dict[str, str]:
        """Give the environment in which the copy is imported instead of the project's source."""
        environment = _clean_environment()
        environment["PYTHONPATH"] = str(self.source)
        return environment

    def was_imported(self) -> bool:
        """Whether Python has compiled the file with the bug, so that a test met it."""
        file = self.source / self.bug.file
        return any(file.parent.glob(f"__pycache__/{file.stem}.*.pyc"))


def load_bugs() -> dict[str, Bug]:
    """Read every bug, by name."""
    rows = tomllib.loads(BUGS.read_text(encoding="utf-8"))["bug"]
    bugs = [Bug(**{**row, "tests": tuple(row["tests"])}) for row in rows]
    return {bug.name: bug for bug in bugs}


def plant(bug: Bug, folder: Path) -> Planted:
    """Copy the source into a new folder and put the bug in.

    Raises:
        CannotPlant: The bug does not apply to the source as it is.
    """
    text = bug.text()
    # Without compiled files: the ones that appear tell what was imported.
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / bug.file).write_text(text, encoding="utf-8")
    return Planted(bug, folder)


def run_tests(
    tests: Sequence[str], environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run tests by their ids, in their own order and with the same examples every time."""
    options = ("-q", "-ra", "--tb=short", "--no-header", "-pno:cacheprovider", "-pno:randomly")
    same = "--hypothesis-profile=ci"  # Hypothesis's own: known wherever the tests are
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, same, *tests],
        cwd=ROOT,
        env=environment or _clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=RUN_S,
        check=False,
    )


def survived(planted: Planted) -> str | None:
    """Run a bug's tests against it; say what did not go as it must, or `None` when all saw it."""
    try:
        run = run_tests(planted.bug.tests, planted.environment())
    except subprocess.TimeoutExpired:
        return f"its tests did not end within {RUN_S} s; a test that waits needs a deadline"
    if run.returncode != pytest.ExitCode.TESTS_FAILED:
        return f"pytest ended with {run.returncode} instead of failed tests:\n{run.stdout}"
    if not planted.was_imported():
        return f"the tests failed without importing {planted.bug.file} of the copy:\n{run.stdout}"
    green = [test for test in planted.bug.tests if f"FAILED {test}" not in run.stdout]
    return f"these did not fail: {', '.join(green)}\n{run.stdout}" if green else None


def _clean_environment() -> dict[str, str]:
    """Give ours without what would reach into the run or keep Python from compiling to files."""
    left_out = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "COV")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
