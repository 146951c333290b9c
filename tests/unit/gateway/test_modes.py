"""Secrets of a home that others can read are refused, all of them at once."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest
from tests.sandbox_command import running_sandbox

from tkkpg.gateway.modes import must_be_private
from tkkpg.gateway.store.owner import ownership
from tkkpg.protocol.errors import ConfigurationError

PUBLIC = {
    "ca.pem",
    "server.pem",
    "server-ec.pem",
    "sandbox.json",
    "merchant-addresses.json",
    "merchants/ca.pem",
}


def files(home: Path) -> dict[str, int]:
    """Modes of the files of a home."""
    return {
        str(path.relative_to(home)): path.stat().st_mode & 0o777
        for path in home.rglob("*")
        if not path.is_dir()
    }


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that a sandbox has made, and left as a power cut does."""
    home = tmp_path_factory.mktemp("modes") / "home"
    with running_sandbox(home) as running:
        running.kill()
        # Its issuer ends by itself, and takes files away while it does.
        with (home / "issuer" / "issuer.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
    return home


def test_a_sandbox_makes_every_file_private_but_those_that_all_may_read(home: Path) -> None:
    readable = {name for name, mode in files(home).items() if mode != 0o600}
    assert {name for name in readable if not name.endswith("/cert.pem")} == PUBLIC
    assert all(files(home)[name] == 0o644 for name in readable)


def test_each_secret_at_0644_is_refused_with_the_line_that_helps(home: Path) -> None:
    guarded = {
        name
        for name, mode in files(home).items()
        if mode == 0o600 and not name.endswith((".lock", ".sock"))
    }
    assert {"keys.toml", "tkkpg.db", "tkkpg.db-wal", "ca-key.pem", "server-key.pem"} < guarded
    assert {"server-ec-key.pem", "merchants/ca-key.pem", "merchants/E1000010/key.pem"} < guarded
    assert {"shop.db", "issuer/issuer.db"} < guarded
    for name in guarded:
        path = home / name
        for mode in (0o644, 0o640, 0o602, 0o601):
            path.chmod(mode)
            with (
                pytest.raises(ConfigurationError, match=f"chmod 600 {path}$"),
                ownership(home / "tkkpg.lock"),
            ):
                pass
        path.chmod(0o600)
    must_be_private(home)


def test_all_that_others_can_read_is_named_at_once_and_quoted_for_a_shell(tmp_path: Path) -> None:
    home = tmp_path / "it's here"
    (home / "merchants").mkdir(parents=True)
    for name in ("keys.toml", "merchants/ca-key.pem", "clock.json"):
        (home / name).write_text("")
        (home / name).chmod(0o644)
    with pytest.raises(ConfigurationError) as refused:
        must_be_private(home)
    _, _, names = refused.value.message.partition("chmod 600 ")
    assert names.count("it'\"'\"'s here") == 3
