"""Two small certificate authorities in the gateway's home: one for its servers, one for merchants.

    home/ca.pem  ca-key.pem                     signs the servers; browsers may trust it
    home/server.pem  server-key.pem             what the listeners show, RSA
    home/server-ec.pem  server-ec-key.pem       the same for whoever takes elliptic curves
    home/merchants/ca.pem  ca-key.pem           signs merchants; only the Exec port trusts it
    home/merchants/<id>/cert.pem  key.pem       made here, for a merchant who brings no request

They are two, so that trusting the servers' CA never lets anybody in as a merchant. The servers' CA
is name-constrained to this machine and to the bank's three host names: a browser that trusts it
believes it about nothing else. Keys are RSA 2048, as the bank's and its merchants' are, and 0600,
folders 0700, and each file appears whole or not at all. The time is handed in; it is wall-clock
time, because TLS peers judge by that.
"""

from __future__ import annotations

from tkkpg.gateway.authority.files import EC, RSA
from tkkpg.gateway.authority.home import Authority, Issued, fingerprint

__all__ = ["EC", "RSA", "Authority", "Issued", "fingerprint"]
