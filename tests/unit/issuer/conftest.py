"""An issuer over real TCP, with its journal on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.issuer.peers import Link, bank

from tkkpg.issuer.app import IssuerInfo


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[IssuerInfo, Link]]:
    """An issuer and a link that is signed on."""
    async with bank(tmp_path / "issuer") as both:
        yield both


@pytest.fixture
def link(running: tuple[IssuerInfo, Link]) -> Link:
    """The link alone."""
    return running[1]


@pytest.fixture
def journal(running: tuple[IssuerInfo, Link]) -> Path:
    """The journal, to be read while the issuer runs."""
    return running[0].journal
