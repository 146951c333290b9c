"""The names by which the tests of the sandbox know a link to the issuer."""

from __future__ import annotations

from tests.unit.issuer.peers import DEADLINE_S
from tests.unit.issuer.peers import connected as line

__all__ = ["DEADLINE_S", "line"]
