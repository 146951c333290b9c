"""Whatever is wrong with a home, its disk or its process: a sentence, and nothing is lost."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw
import pytest
from tests.sandbox_command import PORTS, running_sandbox

from tkkpg.client import AZN, Amount, Client
from tkkpg.sandbox.app import MERCHANT_ID

SHIM: Final = Path(__file__).with_name("refusing_shim.c")
ROOT: Final = Path(__file__).parents[3]
UNPRIVILEGED: Final = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Before a command of root's: the modes of files hold for it as for everybody."""
ORDER: Final = 1_000_001
CALLS: Final = 60
"""More than a start makes below its home, so that some draws let it start."""
READING: Final[tuple[list[str], ...]] = (
    ["check"],
    ["statement", "--merchant", MERCHANT_ID, "--day", "2026-11-24"],
    ["order", "show", str(ORDER)],
    ["tran", "list"],
    ["merchant", "show"],
)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The sentence of a command that was asked for JSON."""
        return str(json.loads(self.out)["error"])


class Commands:
    """Runs commands as somebody without privileges, under a library that can refuse the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shim = folder / "refusing_shim.so"
        options = ("-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror")
        subprocess.run(["cc", *options, "-o", shim, SHIM, "-ldl"], check=True)
        as_user = UNPRIVILEGED if os.geteuid() == 0 else ()
        self._process = subprocess.Popen(
            [*as_user, sys.executable, "-m", "tests.faults.homes.commands_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "LD_PRELOAD": str(shim)},
            cwd=ROOT,
            text=True,
        )

    def run(
        self, *words: str, refused: tuple[Path, int, int] | None = None, **limits: int
    ) -> Ended:
        """Run one; refused are calls below a folder, after so many, with an error's number."""
        env = {}
        if refused is not None:
            names = ("REFUSE_BELOW", "REFUSE_AFTER", "REFUSE_WITH")
            env = dict(zip(names, map(str, refused), strict=True))
        files = {name: str(self._folder / name) for name in ("stdout", "stderr")}
        asked = {"words": words, "limits": limits, "env": env, **files}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        out, err = (Path(files[name]).read_text("utf-8") for name in ("stdout", "stderr"))
        assert not re.search("^Traceback", out + err, re.MULTILINE), err
        return Ended(status, out, err)

    def start(
        self, home: Path, refused: tuple[Path, int, int] | None = None, **limits: int
    ) -> Ended:
        """Start a sandbox; one that accepts connections is stopped."""
        words = ("sandbox", "--json", f"--home={home}", *PORTS)
        return self.run(*words, refused=refused, **limits)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    running = Commands(tmp_path_factory.mktemp("commands"))
    yield running
    running.close()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one order, of a sandbox that was killed."""
    home = tmp_path_factory.mktemp("homes") / "killed"
    with running_sandbox(home) as running:
        with Client(running.endpoint, running.credentials, merchant_id=MERCHANT_ID) as client:
            assert client.create_order(amount=Amount.of("30.00", AZN)).ref.order_id == ORDER
        running.kill()
    return home


@pytest.fixture
def home(killed: Path, tmp_path: Path) -> Path:
    return copied(killed, tmp_path / "home")


def copied(home: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return shutil.copytree(home, to, ignore=shutil.ignore_patterns("*.sock", "*.lock"))


def drawing() -> tuple[int, random.Random]:
    """Return new draws, and the seed that repeats them."""
    seed = random.SystemRandom().randrange(2**32)
    return seed, random.Random(seed)  # noqa: S311 - no secret


def orders(home: Path) -> list[Any]:
    with closing(apsw.Connection(str(home / "tkkpg.db"))) as db:
        return db.execute("SELECT order_id FROM orders").fetchall()


def as_folder(name: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        (home / name).unlink(missing_ok=True)
        (home / name).mkdir()

    return damage


def as_file(name: str) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        shutil.rmtree(home / name)
        (home / name).touch()

    return damage


def written(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(home: Path) -> None:
        (home / name).write_bytes(content)

    return damage


def unwritable(home: Path) -> None:
    for folder in (home, *home.rglob("*/")):
        folder.chmod(0o500)


NOISE: Final = b"\xa5" * 8192
FOLDERS: Final = ("tkkpg.lock", "keys.toml", "clock.json", "ca.pem", "ca-key.pem", "server.pem")
FOLDERS_TOO: Final = ("merchants/E1000010/key.pem", "sandbox.json", "merchant-addresses.json")
DAMAGES: Final[dict[str, tuple[Callable[[Path], None], str]]] = {
    **{
        f"a folder as {name}": (as_folder(name), rf"Is a directory at .*/{name}\. .*move it away")
        for name in (*FOLDERS, *FOLDERS_TOO)
    },
    "a folder as socket": (as_folder("control.sock"), r"control\.sock is no socket.*Move it away"),
    "a folder as shop": (as_folder("shop.db"), r"Is a directory at .*/shop\.db"),
    "a folder as journal": (as_folder("issuer/issuer.db"), "The issuer did not start"),
    "a file as merchants": (as_file("merchants"), r"File exists at .*/merchants\. .*move it away"),
    "a damaged shop": (written("shop.db", NOISE), r"shop\.db cannot be used.*begins a new one"),
    "a damaged journal": (written("issuer/issuer.db", NOISE), "The issuer did not start"),
    "a damaged clock": (written("clock.json", b"{"), r"clock\.json is not what"),
    "a damaged socket": (written("control.sock", b""), r"control\.sock is no socket"),
    "a read-only home": (unwritable, r"Permission denied at .*/tkkpg\.lock.*as the user"),
}


def test_a_start_in_a_bad_home_is_one_sentence_and_keeps_its_orders(
    commands: Commands, killed: Path, tmp_path: Path
) -> None:
    for name, (damage, sentence) in DAMAGES.items():
        home = copied(killed, tmp_path / "home")
        damage(home)
        ended = commands.start(home)
        for folder in (home, *home.rglob("*/")):
            folder.chmod(0o700)
        assert ended.status == 1, name
        assert re.search(sentence, ended.error), (name, ended.error)
        assert f"Error: {ended.error}\n" in ended.err, name
        assert orders(home) == [(ORDER,)], name


def test_a_start_with_a_damaged_database_leaves_it_as_it_is(
    commands: Commands, killed: Path, tmp_path: Path
) -> None:
    sound = (killed / "tkkpg.db").read_bytes()
    for data in (NOISE, sound[:4096] + NOISE + sound[12288:], sound[:5000]):
        home = copied(killed, tmp_path / "home")
        (home / "tkkpg.db-wal").unlink()
        (home / "tkkpg.db").write_bytes(data)
        assert re.search(r"tkkpg\.db is damaged.* newest backup", commands.start(home).error)
        assert (home / "tkkpg.db").read_bytes() == data


def test_a_start_with_few_descriptors_or_small_files_is_one_sentence(
    commands: Commands, home: Path
) -> None:
    assert "may have 24 files" in commands.start(home, NOFILE=24).error
    small = commands.start(home, FSIZE=4096)  # what it says goes into files too
    assert small.status == 1
    assert small.error
    assert orders(home) == [(ORDER,)]
    assert commands.start(home).status == 0


def test_whatever_the_disk_refuses_at_any_place_nothing_is_lost(
    commands: Commands, killed: Path, tmp_path: Path
) -> None:
    seed, draws = drawing()
    for number in (errno.ENOSPC, errno.EROFS, errno.EMFILE, errno.EACCES, errno.EIO):
        after = draws.randrange(CALLS)
        told = (f"seed {seed}", errno.errorcode[number], after)
        home = copied(killed, tmp_path / "home")
        ended = commands.start(home, refused=(home, after, number))
        assert ended.status in {0, 1}, told
        assert ended.status == 0 or "exec_url" in ended.out or len(ended.error) > 40, told
        assert orders(home) == [(ORDER,)], told
        assert commands.run("check", "--home", str(home)).status == 0, told


def test_what_only_reads_works_in_a_home_that_can_only_be_read(
    commands: Commands, home: Path
) -> None:
    for state in ("killed", "closed"):
        if state == "closed":
            orders(home)  # whoever closes a database last takes its log away
            assert not (home / "tkkpg.db-wal").exists()
        unwritable(home)
        for words in READING:
            ended = commands.run(*words, "--home", str(home))
            assert ended.status == 0, (state, words, ended.err)
        home.chmod(0o700)


def test_a_log_that_cannot_be_read_where_nothing_can_be_written_is_no_empty_database(
    commands: Commands, home: Path
) -> None:
    (home / "tkkpg.db-shm").unlink()
    unwritable(home)
    for words in READING:
        ended = commands.run(*words, "--home", str(home))
        assert ended.status == 1, words
        assert "Copy the home to where this user can write" in ended.err, words


def test_flipped_bits_are_found_or_harmless_and_never_a_traceback(
    commands: Commands, killed: Path, tmp_path: Path
) -> None:
    seed, draws = drawing()
    for _ in range(8):
        home = copied(killed, tmp_path / "home")
        file = home / draws.choice(["tkkpg.db", "tkkpg.db-wal"])
        data = bytearray(file.read_bytes())
        for _ in range(draws.choice([1, 1, 8])):
            data[draws.choice([draws.randrange(100), draws.randrange(len(data))])] ^= 1 << 3
        file.write_bytes(data)
        for words in READING:
            ended = commands.run(*words, "--home", str(home))
            assert ended.status in {0, 1}, (f"seed {seed}", words, ended.err)
