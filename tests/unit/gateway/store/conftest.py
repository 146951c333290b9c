"""A migrated database for the parts of the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tkkpg.gateway.store.migrate import migrate


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file with the tables of this version."""
    path = tmp_path / "tkkpg.db"
    migrate(path)
    return path
