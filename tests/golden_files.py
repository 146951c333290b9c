"""The golden files: messages kept byte for byte, each beside a TOML file that says what it shows.

Requests that the bank's document prints stand in `requests`, those of the operations and fields
that it leaves out in `operations`, and `styles` has the ways in which clients write them.

Keys of the TOML files:

    shows, source    what the message is an example of, and where it comes from
    content_type     header of the request over HTTP; absent where the client sends none
    cookie, http     another header of it, and the version of HTTP where it is not 1.1
    status           the `Status` of the answer, given that order 14008766 exists
    operation        `Operation` of the message, and of the answer
    reason           where the status is a refusal: how its sentence begins
    values           attributes of the message; what is absent, empty, false or `None` is left out
    written          "exact": we write the same bytes; "alike": the same but for white space between
                     elements and the declaration; absent: it is only read
    corrections      what is printed wrongly, what we take instead, and why
    unpaid, wrapped  the row is an unpaid order's; the callback stands in a root of its own
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent / "golden"
FOLDERS = ("requests", "operations", "styles", "malformed", "replies", "callbacks")


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One message: its name (folder and file), its bytes, and what its TOML file says."""

    name: str
    body: bytes
    facts: dict[str, Any]

    def __str__(self) -> str:
        return self.name


def golden_cases(*folders: str) -> list[GoldenCase]:
    """Load every case of these folders, in the order of their names."""
    return [
        GoldenCase(
            f"{folder}/{path.stem}",
            path.read_bytes(),
            tomllib.loads(path.with_suffix(".toml").read_text(encoding="utf-8")),
        )
        for folder in folders
        for path in sorted((ROOT / folder).glob("*.xml"))
    ]
