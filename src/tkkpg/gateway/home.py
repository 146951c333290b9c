"""A gateway's home: its files, and whether they belong together.

A home begins with its key file, which is written last: keys without a database, or without the
head of its history, are never the beginning of a new one.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import apsw

from tkkpg.gateway.config import DATABASE, HEAD, KEYS
from tkkpg.gateway.ids import FIRST
from tkkpg.gateway.keys import Keys, load_keys, new_keys, write_keys
from tkkpg.gateway.model.decisions.resolution import check_reason
from tkkpg.gateway.store.check import check
from tkkpg.gateway.store.file import RESTORE
from tkkpg.gateway.store.head import (
    AHEAD,
    PURPOSE,
    Head,
    HeadNewer,
    HeadRefused,
    read_head,
    write_head,
)
from tkkpg.gateway.store.history import (
    ACCEPTED,
    ADOPTED,
    WAY_ON,
    HistoryBroken,
    accept,
    ends_at,
    follow,
)
from tkkpg.gateway.store.migrate import migrate
from tkkpg.gateway.store.sqlite import connect, select
from tkkpg.gateway.store.views import reading
from tkkpg.protocol.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from tkkpg.gateway.store.check import Finding


class Opened(NamedTuple):
    """A home whose files belong together.

    Attributes:
        keys: Its keys.
        head: The head of its history, as it is on disk.
        beyond: Seals that the database had after the head that was on disk.
    """

    keys: Keys
    head: Head
    beyond: int = 0


def open_home(folder: Path, random_bytes: Callable[[int], bytes], now: datetime) -> Opened:
    """Bring a home to this version and check that its history is whole, or make a new one.

    The caller owns the home.

    Args:
        folder: Existing folder.
        random_bytes: Source of new keys.
        now: Business time.

    Raises:
        ConfigurationError: A file is missing, damaged or another home's, or the history is broken.
    """
    if not (folder / KEYS).exists():
        return _first_start(folder, random_bytes)
    keys = load_keys(folder / KEYS, random_bytes)
    _must_hold_database(folder)
    if not keys.has(PURPOSE):
        return _adopt(folder, keys, now)
    try:
        head = read_head(folder / HEAD, keys)
    except HeadNewer:
        raise
    except HeadRefused as refused:
        raise HeadRefused(f"{refused.message} {WAY_ON}") from refused
    with reading(folder / DATABASE) as db:
        ends_at(db, head)  # before its tables are brought to this version
    migrate(folder / DATABASE)
    with reading(folder / DATABASE) as db:
        followed = follow(db, head, lambda text, mac: keys.verify("audit", text, mac))
        _numbers_must_go_on(db, head)
    reserved = _written(folder, followed, keys, anew=followed != head)
    return Opened(keys, reserved, followed.seal_id - head.seal_id)


def check_home(folder: Path, now: datetime) -> list[Finding]:
    """Check the books and the history of a home, whether a gateway runs on it or not.

    Args:
        folder: The home; nothing in it is changed.
        now: Business time.

    Raises:
        ConfigurationError: A file cannot be read, or the tables are not this version's.
    """
    path = folder / KEYS
    if not path.exists():  # reading them would make new ones, which verify nothing
        raise ConfigurationError(
            f"There is no key file {path}, and without it the audit's seals cannot be checked. "
            "Name the gateway's home with --home, or restore the file from its backup."
        )
    return check(folder / DATABASE, folder / HEAD, load_keys(path, os.urandom), now)


def accept_history(
    folder: Path, reason: str, random_bytes: Callable[[int], bytes], now: datetime
) -> tuple[Head, str]:
    """Commit that a home's history goes on from what its database holds, damaged or missing.

    The caller owns the home.

    Args:
        folder: The home.
        reason: The operator's, kept in the audit.
        random_bytes: Source of identifiers and keys.
        now: Business time.

    Returns:
        The new head, and what was wrong with the old one, if anything.

    Raises:
        PolicyRefusal: The reason is not one.
        ConfigurationError: There are no keys, or the database cannot be used.
    """
    check_reason(reason)
    if not (folder / KEYS).exists():
        raise ConfigurationError(
            f"There is no key file {folder / KEYS}, and what goes on is sealed with its keys. Name "
            "the gateway's home with --home, or restore the file from its backup."
        )
    keys = load_keys(folder / KEYS, random_bytes)
    known, trouble = None, ""
    if not keys.has(PURPOSE):
        return _adopted(folder, keys, ACCEPTED, reason, now).head, trouble
    try:
        known = read_head(folder / HEAD, keys)
    except HeadNewer:
        raise
    except HeadRefused as refused:
        trouble = refused.message
    head = _accepted(folder, keys, known, action=ACCEPTED, reason=reason, now=now)
    return head, trouble


def _first_start(folder: Path, random_bytes: Callable[[int], bytes]) -> Opened:
    """Make the files of a new home; cut off anywhere, it begins again."""
    if _something_happened(folder):
        raise ConfigurationError(
            f"{folder / KEYS} is missing beside its database: nothing sealed or hashed before "
            "could be checked with new keys. Restore it from its backup."
        )
    keys = new_keys(random_bytes)
    (folder / DATABASE).touch(mode=0o600)  # sessions of orders are in it
    migrate(folder / DATABASE)
    head = _written(folder, Head(), keys)
    write_keys(folder / KEYS, keys)
    return Opened(keys, head)


def _something_happened(folder: Path) -> bool:
    """Return whether a home without keys holds more than a first start that was cut off."""
    if (folder / HEAD).exists():
        try:
            if json.loads((folder / HEAD).read_bytes())["seal_id"]:
                return True
        except (OSError, ValueError, KeyError, TypeError):
            return True
    if not (folder / DATABASE).exists():
        return False
    try:
        with closing(connect(folder / DATABASE, writing=False)) as db:
            tables = select(db, "SELECT 1 FROM sqlite_master WHERE name = 'audit'")
            return bool(tables and select(db, "SELECT 1 FROM audit LIMIT 1"))
    except apsw.Error:
        return True


def _must_hold_database(folder: Path) -> None:
    path = folder / DATABASE
    if not path.exists() or not path.stat().st_size:
        what = "is empty" if path.exists() else "is missing"
        raise ConfigurationError(
            f"{path} {what}, and the keys beside it say that there was one: a new one would hand "
            f"out order numbers a second time. {WAY_ON} A sandbox is begun anew with --fresh."
        )


def _adopt(folder: Path, keys: Keys, now: datetime) -> Opened:
    """Take over the home of a version that kept no head, if its seals are whole."""
    migrate(folder / DATABASE)
    with reading(folder / DATABASE) as db:
        follow(db, Head(), lambda text, mac: keys.verify("audit", text, mac))
    reason = "the history of an older version, which kept no head"
    return _adopted(folder, keys, ADOPTED, reason, now)


def _adopted(folder: Path, keys: Keys, action: str, reason: str, now: datetime) -> Opened:
    """Give a home its first head; once, since its key is then there."""
    keys = keys.with_new(PURPOSE)
    head = _accepted(folder, keys, None, action=action, reason=reason, now=now)
    write_keys(folder / KEYS, keys)
    return Opened(keys, head)


def _accepted(
    folder: Path, keys: Keys, known: Head | None, *, action: str, reason: str, now: datetime
) -> Head:
    path = folder / DATABASE
    path.touch(mode=0o600)
    migrate(path)
    try:
        head = accept(
            path,
            known,
            action=action,
            reason=reason,
            now=now,
            new_id=lambda: keys.random_bytes(16).hex(),
            sign=lambda text: keys.sign("audit", text),
        )
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path} holds text that is no UTF-8, which no gateway writes. {RESTORE}"
        ) from error
    return _written(folder, head, keys, anew=True)


def _following(db: apsw.Connection) -> dict[str, int]:
    """Return the next number of each sequence; a text, which nobody writes, counts as it begins."""
    return {**FIRST, **dict(select(db, "SELECT name, CAST(next AS INTEGER) FROM sequence"))}


def _numbers_must_go_on(db: apsw.Connection, head: Head) -> None:
    """Check that no sequence was set back below what the head has reserved from.

    Raises:
        HistoryBroken: One was, and would hand numbers out again.
    """
    following = _following(db)
    for name, reserved in head.numbers.items():
        if following.get(name, 0) < reserved - AHEAD:
            raise HistoryBroken(
                f"The numbers of the sequence {name} go on at {following.get(name, 0)}, and the "
                f"head beside the keys knows that {reserved - AHEAD} was reached."
            )


def _written(folder: Path, head: Head, keys: Keys, *, anew: bool = False) -> Head:
    """Reserve numbers ahead of what the database hands out, and return the head on disk."""
    with reading(folder / DATABASE) as db:
        following = _following(db)
    numbers = {
        str(name): following_number + AHEAD
        if following_number + AHEAD // 2 > head.numbers.get(name, 0)
        else head.numbers[name]
        for name, following_number in following.items()
    }
    reserved = replace(head, numbers=numbers)
    if anew or reserved != head:
        write_head(folder / HEAD, reserved, keys)
    return reserved
