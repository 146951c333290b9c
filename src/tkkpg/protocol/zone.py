"""The bank's zone: times on the wire, business days and the expiry of cards are Baku's."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final

BAKU: Final = timezone(timedelta(hours=4), "Asia/Baku")
"""Azerbaijan has had no summer time since 2016 (protocol description, 7.22)."""
