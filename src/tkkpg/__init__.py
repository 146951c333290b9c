"""TKKPG: gateway, sandbox and merchant's kit for the TKKPG payment protocol.

The parts, from the wire up: `tkkpg.protocol` (messages and XML, pure), `tkkpg.client`
(for merchants), `tkkpg.gateway` (the bank's side), `tkkpg.sandbox` (a gateway to try things
on) and `tkkpg.cli` (the command line). Each is installed by the extra of its name; the
protocol comes with the distribution itself and needs only the standard library.
"""

from __future__ import annotations

__version__ = "0.1.0"
