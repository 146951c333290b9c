"""A migrated database for the parts of the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.migrated import migrate_quickly


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A file with the tables of this version."""
    path = tmp_path / "tkkpg.db"
    migrate_quickly(path)
    return path
