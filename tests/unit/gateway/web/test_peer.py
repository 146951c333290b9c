"""Who is at the other end of a connection."""

from __future__ import annotations

from tkkpg.gateway.web.peer import FINGERPRINT_KEY, peer_fingerprint


def test_the_fingerprint_comes_from_the_state_of_the_connection() -> None:
    scope = {"type": "http", "state": {FINGERPRINT_KEY: "ab" * 32}}
    assert peer_fingerprint(scope) == "ab" * 32


def test_a_connection_without_a_certificate_has_no_fingerprint() -> None:
    assert peer_fingerprint({"type": "http", "state": {}}) is None
    assert peer_fingerprint({"type": "http"}) is None


def test_a_header_can_never_stand_in_for_a_certificate() -> None:
    headers = [(FINGERPRINT_KEY.encode(), b"ab" * 32)]
    assert peer_fingerprint({"type": "http", "headers": headers, "state": {}}) is None
