"""Finding the sandbox that runs in a home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Sandbox

from tkkpg.cli.home import DESCRIPTION, RunningSandbox
from tkkpg.protocol.errors import ConfigurationError


def test_a_running_sandbox_is_read_as_it_describes_itself(sandbox: Sandbox) -> None:
    found = RunningSandbox.of(sandbox.home)

    assert {name: getattr(found, name) for name in RunningSandbox.__slots__} == {
        name: sandbox.told[name] for name in RunningSandbox.__slots__
    }


def test_no_sandbox_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Start one with `tkkpg sandbox`"):
        RunningSandbox.of(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "1", json.dumps({"exec_url": "x"})])
def test_a_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / DESCRIPTION).write_text(text)

    with pytest.raises(ConfigurationError, match=DESCRIPTION):
        RunningSandbox.of(tmp_path)


def test_a_description_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / DESCRIPTION).mkdir()

    with pytest.raises(ConfigurationError, match=DESCRIPTION):
        RunningSandbox.of(tmp_path)
