"""Databases with the tables of this version, copied: migrating each took most of a test's time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tkkpg.gateway.store.migrate import migrate


@cache
def _migrated() -> bytes:
    """Return a database that was migrated from nothing, once for each process of the tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "tkkpg.db"
        migrate(path)
        return path.read_bytes()


def migrate_quickly(path: Path) -> None:
    """Bring a database to the tables of this version, as `migrate` does; a new one is a copy."""
    if path.exists() and path.stat().st_size:
        migrate(path)
    else:
        path.write_bytes(_migrated())
