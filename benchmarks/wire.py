"""Reading and writing messages, against the standard library's unprotected XML reader."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from time import perf_counter
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import CREATE_ORDER
from benchmarks.rounds import Case, Effort, interleaved

from tkkpg.protocol import codec
from tkkpg.protocol.messages import CreateOrderResponse
from tkkpg.protocol.values import Operation

PART: Final = "wire"
REPEATED: Final = 50
TREE: Final = "ElementTree.fromstring"


async def measure(effort: Effort) -> list[Figure]:
    """Read and write a CreateOrder and its reply."""
    body = CREATE_ORDER.encode()
    request = codec.decode_request(body)
    response = CreateOrderResponse(
        order_id=14008766,
        session_id="277F3E926B1FADDA45E449B0C0E8CF76",
        url="https://localhost:8443/index.jsp",
    )
    reply = codec.encode(response)
    works: dict[str, Callable[[], object]] = {
        "decode_request": lambda: codec.decode_request(body),
        "encode (request)": lambda: codec.encode(request),
        "decode_response": lambda: codec.decode_response(reply, Operation.CREATE_ORDER),
        "encode (reply)": lambda: codec.encode(response),
    }
    tree = _repeated(lambda: ET.fromstring(body))  # noqa: S314 - our own bytes, the yardstick
    cases = {name: _repeated(work) for name, work in works.items()}
    series = await interleaved({TREE: tree, **cases}, effort)
    figures = [
        Figure(PART, name, "µs", tuple(seconds * 1e6 for seconds in taken))
        for name, taken in series.items()
    ]
    compared = ratio(series["decode_request"], series[TREE])
    return [*figures, Figure(PART, f"decode_request / {TREE}", RATIO, compared)]


def _repeated(work: Callable[[], object]) -> Case:
    async def case() -> float:
        began = perf_counter()
        for _ in range(REPEATED):
            work()
        return (perf_counter() - began) / REPEATED

    return case
