"""Plants known bugs, one at a time, and shows that tests turn red: python -m scripts.mutants.

Without names it plants every bug of tests/faults/planted/bugs.toml. First the tests that they name
have to be green on the source as it is. Exits with 1 if a bug survived.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.faults.planted.plant import Bug, CannotPlant, load_bugs, plant, run_tests, survived


def chosen(names: Sequence[str]) -> list[Bug]:
    """Give the bugs with these names, or all."""
    bugs = load_bugs()
    if unknown := sorted(set(names) - bugs.keys()):
        sys.exit(f"There is no bug {', '.join(unknown)}. There are: {', '.join(bugs)}.")
    return [bugs[name] for name in names or bugs]


def check_green(bugs: Sequence[Bug]) -> None:
    """Run every named test on the source as it is."""
    tests = sorted({test for bug in bugs for test in bug.tests})
    run = run_tests(tests)
    if run.returncode != 0:
        sys.exit(f"{run.stdout}\nThese tests must be green before a bug is planted.")
    print(f"{len(tests)} tests are green without a bug.", flush=True)


def is_caught(bug: Bug) -> bool:
    """Plant a bug and run its tests; says how it went."""
    started = monotonic()
    with tempfile.TemporaryDirectory(prefix="tkkpg-mutant-") as folder:
        try:
            problem = survived(plant(bug, Path(folder) / "src"))
        except CannotPlant as error:
            problem = str(error)
    verdict = f"NOT CAUGHT: {problem}" if problem else f"caught by {len(bug.tests)}"
    print(f"{bug.name:42} {monotonic() - started:5.1f} s  {verdict}", flush=True)
    return problem is None


def main(names: Sequence[str]) -> int:
    """Plant the bugs; give the exit status."""
    bugs = chosen(names)
    check_green(bugs)
    caught = sum([is_caught(bug) for bug in bugs])
    print(f"mutants: {len(bugs)} planted, {caught} caught")
    return int(caught != len(bugs))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
