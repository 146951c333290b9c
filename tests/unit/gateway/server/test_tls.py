"""The two TLS configurations, and the reasons in words."""

from __future__ import annotations

import re
import ssl

import pytest
from tests.unit.gateway.server.peers import Certificates

from tkkpg.gateway.server.tls import refusal_reason


def test_exec_requires_a_certificate_and_the_page_asks_for_none(
    certificates: Certificates,
) -> None:
    assert certificates.for_exec().verify_mode is ssl.CERT_REQUIRED
    assert certificates.for_page().verify_mode is ssl.CERT_NONE


def test_only_the_merchants_ca_lets_a_merchant_in(certificates: Certificates) -> None:
    (ca,) = certificates.for_exec().get_ca_certs(binary_form=True)
    assert ca == ssl.PEM_cert_to_DER_cert(certificates.merchants_ca.read_text())


def test_old_tls_is_refused_and_tickets_are_on(certificates: Certificates) -> None:
    for context in (certificates.for_exec(), certificates.for_page()):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert not context.options & ssl.OP_NO_TICKET
        assert context.options & ssl.OP_NO_RENEGOTIATION


def test_tls_1_2_offers_forward_secrecy_with_authenticated_encryption_alone(
    certificates: Certificates,
) -> None:
    for context in (certificates.for_exec(), certificates.for_page()):
        old = {one["name"] for one in context.get_ciphers() if one["protocol"] == "TLSv1.2"}
        assert len(old) == 6
        assert all(re.fullmatch(r"ECDHE-(ECDSA|RSA)-.*(GCM|CHACHA20).*", name) for name in old)
        assert any(one["protocol"] == "TLSv1.3" for one in context.get_ciphers())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionResetError(), "the peer closed the connection during the handshake"),
        (ConnectionAbortedError("it took too long"), "it took too long"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (ssl.SSLError(1, "something of OpenSSL's"), "something of OpenSSL's"),
    ],
)
def test_every_end_of_a_handshake_has_a_reason(error: Exception, reason: str) -> None:
    assert reason in refusal_reason(error)
