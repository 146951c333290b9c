"""Certificates and keys on disk."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from tkkpg.gateway.authority import files
from tkkpg.gateway.authority.ca import open_ca
from tkkpg.protocol.errors import ConfigurationError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_key_is_never_readable_by_others_not_even_with_an_open_umask(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        files.write_key(tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1()))
    finally:
        os.umask(umask)
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600


def test_writing_replaces_the_file_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    (tmp_path / f".key.pem.{os.getpid()}").write_text("left by a process that was killed")
    for _ in range(2):
        key = ec.generate_private_key(ec.SECP256R1())
        files.write_key(path, key)
        assert files.read_key(path).public_key() == key.public_key()
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.pem"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    files.write_key(tmp_path / "key.pem", key)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.write_key(tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1()))
    assert files.read_key(tmp_path / "key.pem").public_key() == key.public_key()
    assert [entry.name for entry in tmp_path.iterdir()] == ["key.pem"]


def test_a_certificate_with_somebody_elses_key_is_no_pair(tmp_path: Path) -> None:
    open_ca(tmp_path, "servers", ExtendedKeyUsageOID.SERVER_AUTH, NOW)
    assert files.read_pair(tmp_path / "ca.pem", tmp_path / "ca-key.pem")
    files.write_key(tmp_path / "ca-key.pem", ec.generate_private_key(ec.SECP256R1()))
    assert files.read_pair(tmp_path / "ca.pem", tmp_path / "ca-key.pem") is None


def test_a_key_that_we_did_not_write_is_refused_with_advice(tmp_path: Path) -> None:
    for key, locked in (
        (ed25519.Ed25519PrivateKey.generate(), serialization.NoEncryption()),
        (files.EC.new(), serialization.BestAvailableEncryption(b"secret")),
    ):
        data = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked
        )
        (tmp_path / "key.pem").write_bytes(data)
        with pytest.raises(ConfigurationError, match=r"key\.pem is .* from a backup"):
            files.read_key(tmp_path / "key.pem")
