"""Code is kept small: every module, function, class and package stays under its limit.

The limits say where to stop and split; what to aim at is a good deal less. An exception needs
its reason in `ALLOWED`, and leaves the list when it is no longer one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "tests", "benchmarks", "scripts", "examples", "docs")

MODULE_LINES = 400
TEST_MODULE_LINES = 700
FUNCTION_LINES = 70
POSITIONAL_PARAMETERS = 6
PUBLIC_METHODS = 12
NESTED_BRANCHES = 3
LINE_COLUMNS = 100
PACKAGE_MODULES = 15

# What may be larger, named as a finding names it: why it may. Expected to stay this short.
ALLOWED: dict[str, str] = {
    "src/tkkpg/gateway/store/base.py: Store": "the port to the database: one verb a promise",
    "src/tkkpg/gateway/store/sqlite.py: SQLiteStore": "keeps that port, verb for verb",
    "tests/properties/test_order_life.py": "one machine: a rule for each step of an order",
    "tests/properties/test_whole_gateway.py: WholeGateway": "a rule for all that can be done",
}

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# What parts the ways through a function; a `with` only says where something ends.
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
# The reason that an exception to a lint rule carries on its line may run on, as ruff lets it.
PRAGMA = "  # noqa"


class Finding(NamedTuple):
    """One thing that is larger than its limit, both counted in `unit`."""

    subject: str
    size: int
    limit: int
    unit: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.size} {self.unit}, at most {self.limit}"


def sizes_of_module(name: str, source: str) -> Iterator[Finding]:
    """Every measure of one module's text, large or not; `name` is its path from the root."""
    lines = source.splitlines()
    limit = TEST_MODULE_LINES if name.startswith("tests/") else MODULE_LINES
    yield Finding(name, len(lines), limit, "lines")
    for number, line in enumerate(lines, 1):
        columns = len(line.split(PRAGMA, 1)[0])
        yield Finding(f"{name}:{number}", columns, LINE_COLUMNS, "columns")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, FUNCTIONS):
            yield from _sizes_of_function(f"{name}: {node.name}", node)
        elif isinstance(node, ast.ClassDef):
            public = [
                part
                for part in node.body
                if isinstance(part, FUNCTIONS) and not part.name.startswith("_")
            ]
            yield Finding(f"{name}: {node.name}", len(public), PUBLIC_METHODS, "public methods")


def _sizes_of_function(
    subject: str, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[Finding]:
    last_line = function.end_lineno or function.lineno
    yield Finding(subject, last_line - function.lineno + 1, FUNCTION_LINES, "lines")
    names = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]
    positional = [name for name in names if name not in {"self", "cls"}]
    yield Finding(subject, len(positional), POSITIONAL_PARAMETERS, "positional parameters")
    yield Finding(subject, _nesting(function), NESTED_BRANCHES, "nested branches")


def _nesting(node: ast.AST) -> int:
    """How many branches deep the code under `node` goes; functions inside count for themselves."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
            continue
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        opens = isinstance(child, BRANCHES) and not is_elif
        deepest = max(deepest, _nesting(child) + opens)
    return deepest


def sizes_of_packages() -> Iterator[Finding]:
    """The number of modules in each package, its `__init__` aside."""
    for package in (init.parent for init in (ROOT / "src").rglob("__init__.py")):
        modules = [path for path in package.glob("*.py") if path.name != "__init__.py"]
        name = package.relative_to(ROOT).as_posix()
        yield Finding(name, len(modules), PACKAGE_MODULES, "modules")


def too_large(sizes: Iterator[Finding]) -> list[Finding]:
    """Those that are over their limit."""
    return [finding for finding in sizes if finding.size > finding.limit]


def modules() -> list[Path]:
    """Every Python file of the project."""
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def all_too_large() -> list[Finding]:
    """Everything in the project that is over its limit, allowed or not."""
    found = too_large(sizes_of_packages())
    for path in modules():
        name = path.relative_to(ROOT).as_posix()
        found += too_large(sizes_of_module(name, path.read_text(encoding="utf-8")))
    return found


def test_everything_is_kept_small() -> None:
    unexplained = [str(finding) for finding in all_too_large() if finding.subject not in ALLOWED]

    assert not unexplained, "split these:\n" + "\n".join(unexplained)


def test_an_exception_ends_when_it_is_no_longer_one() -> None:
    still_large = {finding.subject for finding in all_too_large()}

    assert ALLOWED.keys() <= still_large
    assert all(ALLOWED.values()), "every exception carries its reason"


LONG_FUNCTION = "def f():\n" + "    pass\n" * FUNCTION_LINES
MANY_METHODS = "class C:\n" + "".join(
    f"    def m{number}(self): ...\n" for number in range(PUBLIC_METHODS + 1)
)
DEEP = """
def f():
    if a:
        for b in c:
            with d:
                while e:
                    try: pass
                    finally: pass
"""
A_CHAIN_IS_FLAT = """
def f():
    if a: pass
    elif b: pass
    elif c: pass
    elif d: pass
"""


@pytest.mark.parametrize(
    ("name", "source", "finding"),
    [
        ("src/m.py", "x = 1\n" * 401, "src/m.py: 401 lines, at most 400"),
        ("tests/m.py", "x = 1\n" * 701, "tests/m.py: 701 lines, at most 700"),
        ("src/m.py", f"x = '{'y' * 100}'", "src/m.py:1: 106 columns, at most 100"),
        ("src/m.py", LONG_FUNCTION, "src/m.py: f: 71 lines, at most 70"),
        (
            "src/m.py",
            "async def f(a, b, c, /, d, e, f, g): ...",
            "src/m.py: f: 7 positional parameters, at most 6",
        ),
        ("src/m.py", MANY_METHODS, "src/m.py: C: 13 public methods, at most 12"),
        ("src/m.py", DEEP, "src/m.py: f: 4 nested branches, at most 3"),
    ],
)
def test_what_is_over_a_limit_is_found(name: str, source: str, finding: str) -> None:
    assert [str(found) for found in too_large(sizes_of_module(name, source))] == [finding]


@pytest.mark.parametrize(
    "source",
    [
        "def f(a, b, c, d, e, f, *, g, h, i): ...",
        "class C:\n    def m(self, a, b, c, d, e, f): ...",
        A_CHAIN_IS_FLAT,
        f"x = 1{PRAGMA}: S101 - {'because ' * 20}",
    ],
    ids=["keyword-only", "self", "elif", "reason"],
)
def test_what_only_looks_large_is_let_be(source: str) -> None:
    assert too_large(sizes_of_module("src/m.py", source)) == []


def test_the_project_is_really_looked_through() -> None:
    assert Path(__file__) in modules()
    assert ROOT / "src" / "tkkpg" / "__init__.py" in modules()
