"""A process that may open too few files is told so before it begins."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from tkkpg.gateway.server.limits import FILES_MIN, must_have_files
from tkkpg.protocol.errors import ConfigurationError


@pytest.fixture
def hard() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_few_files_are_refused_and_enough_are_not(hard: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MIN, hard))
    must_have_files()
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MIN - 1, hard))
    with pytest.raises(ConfigurationError, match=r"may have 127 files .* 128 .* ulimit -n 4096"):
        must_have_files()
