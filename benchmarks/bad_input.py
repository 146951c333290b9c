"""Bad input to /Exec must cost no more than a valid CreateOrder, and at most 1 MB of memory."""

from __future__ import annotations

import gc
import tracemalloc
from statistics import median
from typing import Final

from benchmarks.figures import RATIO, Figure, ratio
from benchmarks.in_process import CREATE_ORDER, Stage, expect, pieces
from benchmarks.rounds import Case, Effort, interleaved

PART: Final = "bad input"
MEGABYTE_KB: Final = 1_000.0
VALID: Final = "a valid CreateOrder"
TWIN: Final = "the same CreateOrder again"
URL: Final = "https://shop.example/payment/approved?cart=48151&amp;lang=az"
BOMB: Final = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


ATTRIBUTES: Final = " ".join(f"a{n}=''" for n in range(6_000))


def _with(old: str, new: str) -> bytes:
    assert old in CREATE_ORDER, old  # noqa: S101 - or nothing would be wrong with the message
    return CREATE_ORDER.replace(old, new, 1).encode()


def _amount(text: str) -> bytes:
    return _with("<Amount>3000<", f"<Amount>{text}<")


def _url(text: str) -> bytes:
    return _with(URL, text)


def _inside(text: str) -> bytes:
    return _with("<Order>", f"<Order>{text}")


BAD: Final[dict[str, tuple[bytes, str]]] = {
    "malformed: cut off": (CREATE_ORDER[:-20].encode(), "30"),
    "`&` unescaped": (_with("&amp;", "&"), "30"),
    "DOCTYPE": (b"<!DOCTYPE TKKPG>" + CREATE_ORDER.encode(), "30"),
    "entity bomb": (
        f'<!DOCTYPE l [<!ENTITY l0 "lol">{BOMB}]><TKKPG>&l9;</TKKPG>'.encode(),
        "30",
    ),
    "200,000 levels": (b"<a>" * 200_000 + b"</a>" * 200_000, "30"),
    "9,000 levels within 64 kB": (b"<a>" * 9_000 + b"</a>" * 9_000, "30"),
    "7 MB value": (_with("Two shirts", "x" * 7_000_000), "30"),
    "a little over 64 kB": (_with("Two shirts", "x" * 65_536), "30"),
    "64 kB value, within the limit": (_with("Two shirts", "x" * 64_000), "30"),
    "64 kB of `&amp;`": (_with("Two shirts", "&amp;" * 12_000), "30"),
    "15,000 elements": (_inside("<a/>" * 15_000), "30"),
    "450 elements with 450 attributes, amount 0": (
        _amount("0").replace(b"<Order>", b"<Order>" + b"<a b=''/>" * 450),
        "30",
    ),
    "6,000 attributes": (_inside(f"<a {ATTRIBUTES}/>"), "30"),
    "empty body": (b"", "30"),
    "64 kB of white space": (b" " * 65_000, "30"),
    "JSON": (b'{"operation": "CreateOrder"}', "30"),
    "field missing": (_with("<Currency>944</Currency>", ""), "30"),
    "field twice": (_inside("<Amount>1</Amount>"), "30"),
    "amount 0": (_amount("0"), "30"),
    "amount negative": (_amount("-3000"), "30"),
    "amount fractional": (_amount("30.5"), "30"),
    "amount too large": (_amount("9" * 30), "30"),
    "amount of 60,000 digits": (_amount("9" * 60_000), "30"),
    "currency not 944": (_with(">944<", ">840<"), "30"),
    "language missing": (_with("<Language>AZ</Language>", ""), "30"),
    "language not AZ, EN or RU": (_with(">AZ<", ">TR<"), "30"),
    "return URL `javascript:`": (_url("javascript:alert(1)"), "30"),
    "return URL `data:`": (_url("data:text/html,x"), "30"),
    "return URL with user-info": (_url("https://bank:secret@shop.example/"), "30"),
    "return URL with a control character": (_url("https://shop.example/&#9;x"), "30"),
    "return URL of 300 characters": (_url("https://shop.example/" + "x" * 279), "30"),
    "unknown operation": (_with(">CreateOrder<", ">CreateOrders<"), "54"),
    "another merchant's name": (_with("E1000010", "E1000011"), "10"),
}
"""Name, body and the `Status` that answers it."""


async def measure(stage: Stage, effort: Effort) -> list[Figure]:
    """Answer every bad message and valid ones in turn; then its memory, one by one."""
    cases = {name: _refused(stage, *bad) for name, bad in BAD.items()}
    cases |= {VALID: _valid(stage), TWIN: _valid(stage)}
    series = await interleaved(cases, effort)
    valid = series[VALID]
    microseconds = tuple(seconds * 1e6 for seconds in valid)
    peaks = {name: await _peak_kb(stage, *bad) for name, bad in BAD.items()}
    figures = [
        Figure(PART, f"{VALID} in process", "µs", microseconds),
        Figure(PART, f"{TWIN} / {VALID} (noise)", RATIO, ratio(series[TWIN], valid)),
    ]
    figures += [
        Figure(PART, name, RATIO, ratio(series[name], valid), 1.0, note=f"{peaks[name]:.0f} kB")
        for name in BAD
    ]
    largest = max(peaks.values())
    figures.append(Figure(PART, "most memory that one took", "kB", (largest,), MEGABYTE_KB))
    return figures


def _valid(stage: Stage) -> Case:
    async def case() -> float:
        return (await stage.create_order()).seconds

    return case


def _refused(stage: Stage, body: bytes, status: str) -> Case:
    arriving = pieces(body)

    async def case() -> float:
        return expect(await stage.ask(arriving), status).seconds

    return case


async def _peak_kb(stage: Stage, body: bytes, status: str) -> float:
    """Memory beyond the pieces of the body, which belong to whoever delivers them."""
    peaks: list[float] = []
    arriving = pieces(body)
    gc.collect()
    for _ in range(5):
        tracemalloc.start()
        try:
            expect(await stage.ask(arriving), status)
            peaks.append(tracemalloc.get_traced_memory()[1] / 1000)
        finally:
            tracemalloc.stop()
    return median(peaks)
