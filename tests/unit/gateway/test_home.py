"""A home whose files do not belong together is refused with a sentence, and can be gone on from."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Final

import apsw
import pytest
from tests.gateway_fixtures import ManualClock, merchant, stage
from tests.paying import create, paid

from tkkpg.gateway.config import DATABASE, HEAD, KEYS
from tkkpg.gateway.home import accept_history, check_home, open_home
from tkkpg.gateway.ids import FIRST, Sequence
from tkkpg.gateway.keys import Keys, load_keys, new_keys, write_keys
from tkkpg.gateway.model.errors import PolicyRefusal, StoreUnavailable
from tkkpg.gateway.store import check as rules
from tkkpg.gateway.store import seals
from tkkpg.gateway.store.head import AHEAD, read_head
from tkkpg.protocol.errors import ConfigurationError

ORDERS: Final = {
    "@paid": "order_id = (SELECT max(order_id) FROM orders)",
    "@unpaid": "order_id = (SELECT min(order_id) FROM orders)",
}
NOW: Final = ManualClock().now() + timedelta(hours=1)
REASON: Final = "A. Aliyev restored Monday's backup, ticket 12"


class Lived:
    """A home with a paid and an unpaid order, a declined attempt to tell and a fee, stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plant(self, script: str) -> None:
        """Change the database as somebody does who can write the file, and has no key."""
        for name, condition in ORDERS.items():
            script = script.replace(name, condition)
        with closing(apsw.Connection(str(self.folder / DATABASE))) as db:
            db.set_busy_timeout(5_000)
            db.execute(script)

    def read(self, query: str) -> object:
        """Read one value."""
        with closing(apsw.Connection(str(self.folder / DATABASE))) as db:
            return db.execute(query).get

    def refused(self) -> str:
        """Open the home and return the sentence with which it is refused, or nothing."""
        try:
            open_home(self.folder, os.urandom, NOW)
        except ConfigurationError as error:
            return error.message
        return ""

    def found(self) -> set[str]:
        """Check the home and return the rules that it breaks."""
        return {one.rule for one in check_home(self.folder, NOW)}

    def copy(self, folder: Path) -> Lived:
        """Copy it as it is."""
        return Lived(shutil.copytree(self.folder, folder))

    async def go_on(self) -> None:
        """Start its gateway and take one more payment."""
        clock = ManualClock()
        clock.advance(timedelta(hours=1))
        async with stage(self.folder, clock=clock, trader=merchant(fee_bp=100)) as shop:
            await paid(shop.client, shop.gateway)


async def live(folder: Path) -> None:
    """Create an order, pay another, stop."""
    async with stage(folder, trader=merchant(fee_bp=100)) as shop:
        await create(shop.client, "9000.00")
        await paid(shop.client, shop.gateway)
        await shop.gateway.background.drain(5)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    folder = tmp_path_factory.mktemp("lived")
    asyncio.run(live(folder))
    return Lived(folder)


@pytest.fixture
def home(template: Lived, tmp_path: Path) -> Lived:
    return template.copy(tmp_path / "home")


# ---------------------------------------------------------------- as it should be


def test_a_home_that_was_stopped_opens_and_is_clean(home: Lived) -> None:
    assert home.refused() == ""
    assert home.found() == set()


def test_the_head_names_the_newest_seal_after_a_stop(home: Lived) -> None:
    opened = open_home(home.folder, os.urandom, NOW)

    assert opened.head.seal_id == home.read("SELECT max(seal_id) FROM seal")
    assert opened.beyond == 0


def test_every_number_is_reserved_in_the_head_before_it_is_handed_out(home: Lived) -> None:
    head = read_head(home.folder / HEAD, load_keys(home.folder / KEYS, os.urandom))

    assert head.numbers.keys() == FIRST.keys()
    for name, number in head.numbers.items():
        following = home.read(f"SELECT next FROM sequence WHERE name = '{name}'")  # noqa: S608
        assert isinstance(following, int)
        assert following <= number <= following + AHEAD


@pytest.mark.anyio
async def test_seals_beyond_the_head_that_continue_its_chain_are_taken_over(
    home: Lived, tmp_path: Path
) -> None:
    older = (home.folder / HEAD).read_bytes()
    await home.go_on()
    (home.folder / HEAD).write_bytes(older)

    opened = open_home(home.folder, os.urandom, NOW)

    assert opened.beyond > 0
    assert opened.head.seal_id == home.read("SELECT max(seal_id) FROM seal")
    keys = load_keys(home.folder / KEYS, os.urandom)
    assert read_head(home.folder / HEAD, keys) == opened.head
    assert home.found() == set()


def test_a_first_start_that_was_cut_off_anywhere_begins_again(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    open_home(whole, os.urandom, NOW)

    for kept in ((), (DATABASE,), (DATABASE, HEAD)):  # in the order in which they are made
        cut = tmp_path / f"cut-{len(kept)}"
        cut.mkdir()
        for name in kept:
            shutil.copy(whole / name, cut / name)
        assert open_home(cut, os.urandom, NOW).head.seal_id == 0
        assert Lived(cut).refused() == ""


# ---------------------------------------------------------------- what is refused at start

ELSEWHERE: Final = (b"", b"{", b'{"version": 1}', b"[]", b"\xff\xfe", b"null", b"[" * 5000)


def test_a_head_that_is_empty_damaged_or_cut_off_at_any_byte_is_refused(home: Lived) -> None:
    whole = (home.folder / HEAD).read_bytes()
    end = whole.rindex(b"}")
    for content in (*ELSEWHERE, *(whole[:size] for size in range(end))):
        (home.folder / HEAD).write_bytes(content)
        assert "head.json is empty, cut off or damaged" in home.refused(), content
        assert "tkkpg audit accept" in home.refused()
    assert home.found() == {rules.HEAD}


def test_a_start_killed_while_the_head_is_written_leaves_the_one_before(home: Lived) -> None:
    whole = (home.folder / HEAD).read_bytes()
    for size in range(0, len(whole), 7):
        (home.folder / f".{HEAD}.new").write_bytes(whole[:size])
        assert home.refused() == ""


def edited(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    """Change the head file as somebody without its key does."""

    def edit(folder: Path) -> None:
        content = json.loads((folder / HEAD).read_bytes())
        change(content)
        (folder / HEAD).write_text(json.dumps(content), encoding="utf-8")

    return edit


def swap_keys(folder: Path) -> None:
    """Put another home's keys beside the database."""
    (folder / KEYS).unlink()
    write_keys(folder / KEYS, new_keys(os.urandom))


def head_becomes_folder(folder: Path) -> None:
    """Put a folder in the place of the head."""
    (folder / HEAD).unlink()
    (folder / HEAD).mkdir()


def forget_database(folder: Path) -> None:
    """Remove the database and what SQLite keeps beside it."""
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


def empty_database(folder: Path) -> None:
    """Leave an empty file in the place of the database."""
    forget_database(folder)
    (folder / DATABASE).touch()


FILES: Final[dict[str, tuple[Callable[[Path], None], str]]] = {
    "no head": (lambda folder: (folder / HEAD).unlink(), r"head.json is missing"),
    "a folder in its place": (
        head_becomes_folder,
        "head.json cannot be read: Is a directory",
    ),
    "a newer version's head": (edited(lambda head: head.update(version=2)), "newer version"),
    "a head with a number beyond all": (
        edited(lambda head: head.update(seal_id=float("inf"))),
        "head.json is empty, cut off or damaged",
    ),
    "an edited head": (
        edited(lambda head: head.update(seal_id=1)),
        "was edited, or it or the keys",
    ),
    "another home's keys": (swap_keys, "those of another home"),
    "no database": (forget_database, "tkkpg.db is missing, and the keys beside it"),
    "an empty database": (empty_database, "tkkpg.db is empty, and the keys beside it"),
    "no keys": (
        lambda folder: (folder / KEYS).unlink(),
        "keys.toml is missing beside its database",
    ),
}


def test_files_that_are_missing_or_foreign_are_refused_with_a_way_on(
    template: Lived, tmp_path: Path
) -> None:
    for number, (name, (change, sentence)) in enumerate(FILES.items()):
        home = template.copy(tmp_path / str(number))
        change(home.folder)
        before = {path.name: path.stat().st_mtime_ns for path in home.folder.iterdir()}

        refused = home.refused()

        assert sentence in refused, name
        assert "backup" in refused or "newer version" in refused, name
        now = {path.name: path.stat().st_mtime_ns for path in home.folder.iterdir()}
        assert {one: now.get(one) for one in before} == before, name


REWRITTEN: Final = {
    "DELETE FROM seal": "ends at seal 0",
    "DELETE FROM seal; DELETE FROM audit": "ends at seal 0",
    "DELETE FROM seal WHERE seal_id = (SELECT max(seal_id) FROM seal)": "are gone|ends at seal",
    "DELETE FROM audit WHERE audit_id >= (SELECT first_audit_id FROM seal ORDER BY seal_id DESC"
    " LIMIT 1); DELETE FROM seal WHERE seal_id = (SELECT max(seal_id) FROM seal)": "ends at seal",
    "DELETE FROM seal WHERE seal_id = 2": "1 seals between 1 and",
    "UPDATE seal SET mac = 'k1.00' WHERE seal_id = (SELECT max(seal_id) FROM seal)": "another one",
    "UPDATE seal SET mac = 'k1.00' WHERE seal_id = 2": "was not made by this gateway's key",
    "UPDATE audit SET actor = 'nobody' WHERE audit_id = 2": "were changed after they were sealed",
    "INSERT INTO audit SELECT -9, 'x', at, actor, action, order_id, request_id, detail, written"
    " FROM audit WHERE audit_id = 2": "rows, but its seals cover",
    "UPDATE seal SET mac = x'00' WHERE seal_id = 2": "was not made by this gateway's key",
    "INSERT INTO audit SELECT 99, 'x', at, actor, action, order_id, request_id, detail, written"
    " FROM audit WHERE audit_id = 2": "newest 1 rows of the audit have no seal",
}


def test_a_rewritten_history_is_refused_at_start_and_found_by_check(
    template: Lived, tmp_path: Path
) -> None:
    for number, (script, sentence) in enumerate(REWRITTEN.items()):
        home = template.copy(tmp_path / str(number))
        home.plant(script)

        refused = home.refused()

        assert any(one in refused for one in sentence.split("|")), (script, refused)
        assert "tkkpg audit accept --reason" in refused
        assert rules.SEALS in home.found(), script


def test_a_sequence_set_back_below_the_head_is_refused(template: Lived, tmp_path: Path) -> None:
    for number, value in enumerate(("1", "'many'")):
        home = template.copy(tmp_path / str(number))
        home.plant(f"UPDATE sequence SET next = {value} WHERE name = 'order'")  # noqa: S608

        assert "knows that 1000001 was reached" in home.refused()
        assert home.found() == {"numbers go on above every one that was used"}
        accept_history(home.folder, REASON, os.urandom, NOW)
        assert home.refused() == ""
        assert home.found() == set()


@pytest.mark.anyio
async def test_an_older_copy_put_back_is_refused(home: Lived, tmp_path: Path) -> None:
    older = home.copy(tmp_path / "older")
    await home.go_on()
    for name in (DATABASE, KEYS):
        shutil.copy(older.folder / name, home.folder / name)

    assert "an older copy" in home.refused()
    assert rules.SEALS in home.found()


@pytest.mark.anyio
async def test_two_homes_with_each_others_heads_or_databases_are_refused(
    home: Lived, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    await live(other)
    for name, sentence in ((HEAD, "those of another home"), (DATABASE, "is another one than")):
        mixed = home.copy(tmp_path / f"mixed-{name}")
        shutil.copy(other / name, mixed.folder / name)
        assert sentence in mixed.refused()


# ---------------------------------------------------------------- what check finds

CHANGED: Final = {
    "UPDATE orders SET amount_minor = 1 WHERE @unpaid": "orders",
    "UPDATE orders SET amount_minor = 4000 WHERE @paid": "orders",
    "UPDATE orders SET session_id = 'AAAA' WHERE @paid": "orders",
    "UPDATE orders SET approve_url = 'https://thief.example/' WHERE @paid": "orders",
    "UPDATE orders SET currency = '840' WHERE @paid": "orders",
    "UPDATE orders SET status = 'CREATED' WHERE @paid": "orders",
    "UPDATE orders SET description = x'00' WHERE @paid": "orders",
    """
    UPDATE orders SET amount_minor = 4000, captured_minor = 4000 WHERE @paid;
    UPDATE tran SET amount_minor = 4000 WHERE @paid;
    UPDATE entry SET amount_minor = 4000 WHERE @paid AND posting = 'CHARGE';
    UPDATE entry SET amount_minor = amount_minor + 1000 WHERE posting = 'SETTLE';
    UPDATE balance SET posted_minor = posted_minor + 1000
    """: "orders tran entry",
    """
    UPDATE entry SET amount_minor = amount_minor + 5 WHERE posting = 'DEPOSIT';
    UPDATE balance SET posted_minor = posted_minor + 5
    """: "entry",
    "UPDATE merchant SET fee_bp = 0": "merchant",
    "UPDATE merchant SET notification_url = 'https://thief.example/'": "merchant",
    "INSERT INTO certificate SELECT 'ff', merchant_id, not_after, 0 FROM certificate": (
        "certificate"
    ),
    "UPDATE certificate SET not_after = not_after + 1": "certificate",
    "UPDATE certificate SET fingerprint = 'ff'": "certificate",
    "DELETE FROM certificate": "certificate",
    "DELETE FROM notification WHERE @paid": "notification",
    "UPDATE notification SET url = 'https://thief.example/'": "notification",
    """
    CREATE TEMP TABLE again AS SELECT * FROM tran WHERE @paid;
    UPDATE again SET tran_id = 99, state = 'DECLINED', threeds_server_trans_id = NULL;
    INSERT INTO tran SELECT * FROM again
    """: "tran",
}


def test_whatever_a_plan_wrote_is_held_against_what_was_sealed(
    template: Lived, tmp_path: Path
) -> None:
    for number, (script, tables) in enumerate(CHANGED.items()):
        home = template.copy(tmp_path / str(number))
        home.plant(script)

        found = check_home(home.folder, NOW)

        named = {one.rows.split()[0] for one in found if one.rule == rules.DECIDED}
        assert named == set(tables.split()), script


SCHEMA: Final = {
    "DROP INDEX ux_tran_one_open": "index ux_tran_one_open",
    "DROP INDEX ux_tran_one_open; CREATE INDEX ux_tran_one_open ON tran (order_id)": (
        "index ux_tran_one_open"
    ),
    "CREATE TRIGGER t AFTER INSERT ON orders BEGIN DELETE FROM orders; END": "trigger t",
    "CREATE TRIGGER sqliteX AFTER INSERT ON orders BEGIN DELETE FROM orders; END": (
        "trigger sqliteX"
    ),
    "DROP INDEX ux_tran_one_open; CREATE UNIQUE INDEX ux_tran_one_open ON tran (order_id)"
    " WHERE state IN ('SENT''UNKNOWN')": "index ux_tran_one_open",
    "DROP INDEX ux_tran_one_open; CREATE UNIQUE INDEX ux_tran_one_open ON tran (order_id)"
    " WHERE 'state' IN ('SENT', 'UNKNOWN')": "index ux_tran_one_open",
    "ALTER TABLE orders ADD COLUMN extra TEXT": "table orders",
    "DROP INDEX ix_audit_order_id": "index ix_audit_order_id",
    "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, 'amount_minor > 0',"
    " 'amount_minor > -9') WHERE name = 'entry'": "table entry",
}


def test_the_schema_is_held_against_the_migrations(template: Lived, tmp_path: Path) -> None:
    for number, (script, name) in enumerate(SCHEMA.items()):
        home = template.copy(tmp_path / str(number))
        home.plant(script)

        found = [one.rows for one in check_home(home.folder, NOW) if one.rule == rules.SCHEMA]

        assert found == [name], script


@pytest.mark.anyio
async def test_what_was_changed_before_the_gateway_went_on_from_it_is_found(home: Lived) -> None:
    home.plant("UPDATE merchant SET fee_bp = 0")
    async with stage(home.folder, trader=merchant(name="Other", fee_bp=0)):
        pass  # the merchant is written anew, with what the intruder left

    found = [one for one in check_home(home.folder, NOW) if one.rule == rules.DECIDED]

    assert [one.rows for one in found] == ["merchant E1000010"]
    assert "was changed before audit row" in found[0].sentence


@pytest.mark.anyio
async def test_removed_seals_are_not_signed_over_by_the_next_payment(home: Lived) -> None:
    home.plant("UPDATE audit SET detail = '{}'; DELETE FROM seal")

    with pytest.raises(ConfigurationError, match="ends at seal 0"):
        await home.go_on()

    assert rules.SEALS in home.found()


FORGED: Final = {
    "the seals": "DELETE FROM seal; UPDATE audit SET detail = '{}' WHERE audit_id = 2",
    "an audit row": "INSERT INTO audit SELECT audit_id + 1, 'x', at, actor, action, order_id,"
    " request_id, detail, '' FROM audit ORDER BY audit_id DESC LIMIT 1",
    "the newest seal and its row": "DELETE FROM audit WHERE audit_id ="
    " (SELECT max(audit_id) FROM audit); DELETE FROM seal WHERE seal_id ="
    " (SELECT max(seal_id) FROM seal)",
}


@pytest.mark.anyio
async def test_what_somebody_else_writes_is_not_sealed_by_a_running_gateway(
    template: Lived, tmp_path: Path
) -> None:
    for name, script in FORGED.items():
        home = template.copy(tmp_path / name)
        async with stage(home.folder, trader=merchant(fee_bp=100)) as shop:
            await create(shop.client, "5.00")
            home.plant(script)

            with pytest.raises(StoreUnavailable, match="Somebody else has written the audit"):
                await shop.gateway.store.reserve_numbers("stan", 1, 1)
            with pytest.raises(StoreUnavailable, match="Somebody else has written the audit"):
                await shop.gateway.store.prove_commits()

        assert "tkkpg audit accept" in home.refused(), name
        assert rules.SEALS in home.found(), name


# ---------------------------------------------------------------- going on


@pytest.mark.anyio
async def test_an_accepted_history_goes_on_above_every_number_of_the_head(
    home: Lived, tmp_path: Path
) -> None:
    older = home.copy(tmp_path / "older")
    await home.go_on()
    before = read_head(home.folder / HEAD, load_keys(home.folder / KEYS, os.urandom))
    shutil.copy(older.folder / DATABASE, home.folder / DATABASE)

    head, trouble = accept_history(home.folder, REASON, os.urandom, NOW)

    assert trouble == ""
    assert head.seal_id > before.seal_id
    assert head.accepted_id > before.audit_id
    for name in Sequence:
        assert home.read(f"SELECT next FROM sequence WHERE name = '{name}'") == before.numbers[name]  # noqa: S608
    assert home.found() == set()
    assert (
        home.read(
            "SELECT json_extract(detail, '$.reason') FROM audit WHERE action = 'audit_accepted'"
        )
        == REASON
    )
    await home.go_on()
    assert home.found() == set()


def test_whatever_is_accepted_is_clean_after_it_and_starts(template: Lived, tmp_path: Path) -> None:
    for number, script in enumerate((*REWRITTEN, *CHANGED)):
        home = template.copy(tmp_path / str(number))
        home.plant(script)

        accept_history(home.folder, REASON, os.urandom, NOW)

        assert not home.found() & {rules.SEALS, rules.DECIDED, rules.HEAD}, script
        assert home.refused() == "", script


def test_a_lost_database_or_head_is_gone_on_from(template: Lived, tmp_path: Path) -> None:
    for name in ("no head", "no database", "an empty database", "an edited head"):
        home = template.copy(tmp_path / name)
        FILES[name][0](home.folder)

        accept_history(home.folder, REASON, os.urandom, NOW)

        assert home.refused() == "", name
        assert home.found() == set(), name
        assert home.read("SELECT count(*) FROM audit WHERE action = 'audit_accepted'") == 1


def test_numbers_do_not_begin_again_after_a_lost_database(home: Lived) -> None:
    before = read_head(home.folder / HEAD, load_keys(home.folder / KEYS, os.urandom)).numbers
    forget_database(home.folder)

    accept_history(home.folder, REASON, os.urandom, NOW)

    following = home.read("SELECT next FROM sequence WHERE name = 'order'")
    assert following == before[Sequence.ORDER]


def test_what_was_accepted_cannot_be_changed_afterwards(home: Lived) -> None:
    accept_history(home.folder, REASON, os.urandom, NOW)
    for script in (
        "UPDATE audit SET actor = 'nobody' WHERE audit_id = 2",
        "UPDATE seal SET mac = 'k1.00' WHERE seal_id = 2",
        "DELETE FROM audit WHERE audit_id = 1",
        "UPDATE audit SET detail = '{}' WHERE action = 'audit_accepted'",
        "DELETE FROM audit WHERE action = 'audit_accepted'",
    ):
        changed = home.copy(home.folder.parent / str(hash(script)))
        changed.plant(script)
        assert rules.SEALS in changed.found(), script


def test_an_acceptance_needs_a_reason_without_card_data(home: Lived) -> None:
    for reason in ("", " ", "x" * 201, "card 4169733213495869"):
        with pytest.raises(PolicyRefusal):
            accept_history(home.folder, reason, os.urandom, NOW)


@pytest.mark.parametrize("table", ["audit", "seal"])
def test_nothing_is_accepted_where_no_number_is_left(home: Lived, table: str) -> None:
    columns = {
        "audit": "'x', at, actor, action, order_id, request_id, detail, written",
        "seal": "first_audit_id, last_audit_id, rows, root, mac",
    }[table]
    home.plant(f"INSERT INTO {table} SELECT {2**63 - 1}, {columns} FROM {table} LIMIT 1")  # noqa: S608

    with pytest.raises(ConfigurationError, match="nothing can be numbered above it"):
        accept_history(home.folder, REASON, os.urandom, NOW)

    home.plant(f"DELETE FROM {table} WHERE {table}_id = {2**63 - 1}")  # noqa: S608
    assert home.refused() == ""


def test_what_is_no_text_is_not_accepted_and_told(home: Lived) -> None:
    home.plant("UPDATE orders SET description = CAST(x'636166ff' AS TEXT)")

    with pytest.raises(ConfigurationError, match="holds text that is no UTF-8"):
        accept_history(home.folder, REASON, os.urandom, NOW)


def test_a_newer_versions_head_is_not_replaced(home: Lived) -> None:
    edited(lambda head: head.update(version=2))(home.folder)
    before = (home.folder / HEAD).read_bytes()

    assert "accept" not in home.refused()
    with pytest.raises(ConfigurationError, match="Install that version"):
        accept_history(home.folder, REASON, os.urandom, NOW)
    assert (home.folder / HEAD).read_bytes() == before
    assert rules.HEAD in home.found()


def test_a_head_whose_key_is_gone_is_a_finding(home: Lived) -> None:
    keys = load_keys(home.folder / KEYS, os.urandom)
    write_keys(home.folder / KEYS, without_head(keys))

    assert rules.HEAD in home.found()


def test_without_keys_nothing_can_be_accepted(home: Lived) -> None:
    (home.folder / KEYS).unlink()

    with pytest.raises(ConfigurationError, match="There is no key file"):
        accept_history(home.folder, REASON, os.urandom, NOW)


# ---------------------------------------------------------------- the home of an older version


def without_head(keys: Keys) -> Keys:
    """Return keys as a version had them that kept no head."""
    older = {purpose: named for purpose, named in keys.by_purpose.items() if purpose != "head"}
    return Keys(older, os.urandom)


def age(home: Lived) -> None:
    """Turn a home into one of the version before the head."""
    keys = load_keys(home.folder / KEYS, os.urandom)
    home.plant("UPDATE audit SET written = ''; DELETE FROM seal")
    with closing(apsw.Connection(str(home.folder / DATABASE))) as db:
        sealed = seals.seal(
            [*seals.leaves_of(db, 1)], seals.FIRST_MAC, lambda text: keys.sign("audit", text)
        )
        db.execute("INSERT INTO seal VALUES (1, ?, ?, ?, ?, ?)", sealed)
    home.plant(
        "ALTER TABLE audit DROP COLUMN written; UPDATE alembic_version SET version_num = '0005'"
    )
    (home.folder / HEAD).unlink()
    write_keys(home.folder / KEYS, without_head(keys))


def test_an_older_home_whose_seals_are_broken_is_taken_over_by_its_operator_alone(
    home: Lived,
) -> None:
    age(home)
    home.plant("UPDATE audit SET detail = '{}' WHERE audit_id = 2")

    assert "were changed after they were sealed" in home.refused()
    accept_history(home.folder, REASON, os.urandom, NOW)

    assert home.refused() == ""
    assert home.found() == set()
    assert home.read("SELECT count(*) FROM audit WHERE action = 'audit_accepted'") == 1


def test_an_older_home_is_taken_over_once_with_all_that_it_holds(home: Lived) -> None:
    age(home)

    assert home.refused() == ""
    assert home.found() == set()
    assert home.read("SELECT count(*) FROM audit WHERE action = 'audit_adopted'") == 1
    home.plant("UPDATE orders SET amount_minor = 1")
    assert rules.DECIDED in home.found()
    assert home.refused() == ""
    (home.folder / HEAD).unlink()
    assert "head.json is missing" in home.refused()


def test_a_takeover_cut_off_before_the_keys_are_written_is_done_again(home: Lived) -> None:
    age(home)
    older = (home.folder / KEYS).read_bytes()
    open_home(home.folder, os.urandom, NOW)
    (home.folder / KEYS).write_bytes(older)

    assert home.refused() == ""
    assert home.found() == set()


def test_a_newer_home_made_to_look_older_is_not_taken_over(home: Lived) -> None:
    home.plant(
        "ALTER TABLE audit DROP COLUMN written; UPDATE alembic_version SET version_num = '0005'"
    )
    (home.folder / HEAD).unlink()

    assert "head.json is missing" in home.refused()
