# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger on disk: whole or not at all, with several writers, killed writers, and a disk that says no."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import LARGEST_PAYLOAD, Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.parts import new_id
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.ledger_cases import Shop, altered, codes, warned

ROOT = Path(__file__).resolve().parents[5]
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

ledger = Ledger(Path(sys.argv[1]), patience=60)
recorder = Recorder(ledger, trust_in_force(ledger), "org-demo", "0.1.0", lambda: datetime(2026, 11, 21, 23, tzinfo=UTC))
signer = FileSigner.load(Path(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    more = {"kind": "patch", "rings": ["lab"], "assets": ["lab-1"], "expires_at": datetime(2027, 1, 1, tzinfo=UTC)}
    receipt = recorder.request(signer, plan="0" * 64, **more)
    print(receipt.index, receipt.sha256, flush=True)
"""


def private_key_file(shop: Shop, keys: dict[str, Signer]) -> Path:
    """Return a file with the private key of operations, for a process of its own."""
    path = shop.folder / "operations.pem"
    if not path.exists():
        private = keys["operations"]._private  # type: ignore[attr-defined]  # a test may look inside
        path.touch(mode=0o600)
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def writer(shop: Shop, keys: dict[str, Signer], count: int) -> subprocess.Popen[str]:
    """Start another process that appends requests and says so after each."""
    path = private_key_file(shop, keys)
    command = [sys.executable, "-c", WRITER, str(shop.ledger.path), str(path), str(count)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def another(shop: Shop, keys: dict[str, Signer]) -> bytes:
    """Return a request that is not in the ledger yet."""
    request = shop.request()
    fresh = {"record_id": new_id("rec"), "change_id": new_id("chg")}
    return altered(shop.ledger.entry(request.index), keys["operations"], lambda s: s["predicate"].update(fresh))


def test_append_is_idempotent_and_an_id_is_used_once(shop: Shop, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    index = shop.ledger.append(envelope)
    assert shop.ledger.append(envelope) == index
    assert shop.ledger.size == index + 1
    assert shop.ledger.entry(index) == envelope
    other = altered(envelope, keys["operations"], lambda s: s["predicate"]["step"].update(kind="config"))
    with pytest.raises(LedgerError, match=f"is already entry {index} with other bytes"):
        shop.ledger.append(other)
    assert shop.ledger.size == index + 1


def test_only_records_of_closed_form_are_stored(shop: Shop, keys: dict[str, Signer]) -> None:
    free = altered(another(shop, keys), keys["operations"], lambda s: s["predicate"]["step"].update(comment="why not"))
    size = shop.ledger.size
    for data in (b"", b"{}", b"text", free):
        with pytest.raises(LedgerError):
            shop.ledger.append(data)
    assert shop.ledger.size == size


def test_root_and_proofs_are_those_of_the_stored_bytes(shop: Shop) -> None:
    shop.story()
    ledger = shop.ledger
    leaves = [merkle.leaf_hash(envelope) for _, envelope in ledger.entries()]
    assert [index for index, _ in ledger.entries(5)] == list(range(5, ledger.size))
    assert merkle.node_hash(leaves[0], leaves[1]) == ledger.root(2)
    assert ledger.inclusion(0, 2) == [leaves[1]]
    assert ledger.consistency(1, 2) == [leaves[1]]
    assert ledger.head() == (ledger.size, ledger.root())
    for refused in (lambda: ledger.root(99), lambda: ledger.inclusion(18), lambda: ledger.consistency(9, 8)):
        with pytest.raises(LedgerError):
            refused()
    with pytest.raises(LedgerError, match="has no entry 99"):
        ledger.entry(99)


def test_long_ledger_is_read_in_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import reading, store

    shop.story()
    monkeypatch.setattr(store, "PAGE", 4)
    monkeypatch.setattr(reading, "WINDOW", 3)
    assert [index for index, _ in shop.ledger.entries(1)] == list(range(1, 18))
    run = shop.open(shop.last_request)
    assert reading.find_open_run(shop.ledger, run.run_id, run.nonce) == run


def test_four_writers_lose_nothing(shop: Shop, keys: dict[str, Signer]) -> None:
    before = shop.ledger.size
    processes = [writer(shop, keys, 15) for _ in range(4)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    indices = sorted(int(line.split()[0]) for lines in said for line in lines)
    assert indices == list(range(before, before + 60))
    shop.seal()
    report = shop.audit()
    assert report, report.findings


def test_killed_writers_leave_a_good_ledger_and_keep_what_they_reported(shop: Shop, keys: dict[str, Signer]) -> None:
    reported: list[list[str]] = []
    for _ in range(4):
        processes = [writer(shop, keys, 1000) for _ in range(2)]
        lines = [process.stdout.readline() for process in processes if process.stdout]  # both are at work
        for process in processes:
            process.send_signal(signal.SIGKILL)
        rest = [process.communicate(timeout=60)[0] for process in processes]
        reported += [line.split() for line in "".join([*lines, *rest]).splitlines()]
    stored = {str(index): sha for index, sha in _digests(shop.ledger)}
    complete = [words for words in reported if len(words) == 2 and len(words[1]) == 64]
    assert len(complete) >= 8
    assert all(stored[index] == sha for index, sha in complete)
    shop.seal()
    report = shop.audit()
    assert report, report.findings


def _digests(ledger: Ledger) -> list[tuple[int, str]]:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.canonical import digest

    return [(index, digest(envelope)) for index, envelope in ledger.entries()]


def test_locked_ledger_says_so(shop: Shop, keys: dict[str, Signer]) -> None:
    envelope = another(shop, keys)
    impatient = Ledger(shop.ledger.path, patience=0.1)
    holder = sqlite3.connect(shop.ledger.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="another process holds the ledger locked"):
        impatient.append(envelope)
    assert impatient.size == shop.ledger.size  # readers are not locked out
    holder.execute("ROLLBACK")
    holder.close()
    assert impatient.append(envelope) == impatient.size - 1


def test_missing_and_foreign_files_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger; make it with `holdfast trust publish`"):
        Ledger(tmp_path / "none")
    text = tmp_path / "text"
    text.write_text("no database, and longer than the header of a database file " * 4)
    with pytest.raises(LedgerError, match=r"correct `ledger:` in site\.yml"):
        assert Ledger(text).size
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(LedgerError, match="no such table"):
        assert Ledger(empty).size
    with pytest.raises(LedgerError, match="never overwritten"):
        Ledger.create(text)
    with pytest.raises(LedgerError, match="a ledger needs a folder"):
        Ledger.create(text / "below.sqlite")
    made = Ledger.create(tmp_path / "new folder?" / "a%20b.sqlite")
    assert [path.name for path in made.path.parent.iterdir()] == ["a%20b.sqlite"]
    assert made.size == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def test_unwritable_ledger_says_so_and_can_still_be_audited(open_folder: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(open_folder, keys)
    envelope = another(shop, keys)
    shop.seal()
    shop.ledger.close()  # a writer's end leaves the one file; what follows shall find no others
    assert [path.name for path in open_folder.glob("ledger*")] == ["ledger.sqlite"]
    shop.ledger.path.chmod(0o444)
    open_folder.chmod(0o555)

    def write_and_audit() -> str:
        try:
            Ledger(shop.ledger.path).append(envelope)
        except LedgerError as error:
            report = shop.audit()
            return f"{error}\n{codes(report)} {warned(report)}"
        return "appended"

    said, audited = as_another_user(write_and_audit).split("\n")
    assert "correct owner and mode" in said
    assert audited == "set() {'read-as-copy'}"
    assert shop.ledger.size == 2


def test_full_disk_stores_nothing_and_breaks_nothing(open_folder: Path, keys: dict[str, Signer]) -> None:
    """A limit on the size of files, as a full disk would have it; no process that it binds may leave a half record."""
    shop = Shop(open_folder, keys)
    envelopes = [another(shop, keys) for _ in range(20)]

    def fill() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        for count, envelope in enumerate(envelopes):
            try:
                shop.ledger.append(envelope)
            except LedgerError as error:
                return f"{count} {error}"
        return "all were stored"

    before = shop.ledger.size
    count, said = in_child(fill).split(" ", 1)
    assert said.startswith(str(shop.ledger.path))
    assert "; the disk" in said
    assert shop.ledger.size == before + int(count)
    assert shop.ledger.append(envelopes[-1]) == before + int(count)
    shop.seal()
    assert shop.audit(), shop.audit().findings


def as_another_user(act: Callable[[], str]) -> str:
    """Return what `act` says in a child process for whom modes count, which root's do not."""

    def act_without_rights() -> str:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        return act()

    return in_child(act_without_rights)


def in_child(act: Callable[[], str]) -> str:
    """Return what `act` says in a child process of its own."""
    reader, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = act()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the parent must hear of it
            said = f"failed\n{error!r}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return said


def test_largest_record_and_one_beyond(shop: Shop, keys: dict[str, Signer]) -> None:
    assets = [f"asset-{number:057d}" for number in range(740)]
    with pytest.raises(LedgerError, match=f"at most {LARGEST_PAYLOAD} may be; split its results"):
        shop.request(assets=assets)
    request = shop.request(assets=assets[:700])
    envelope = shop.ledger.entry(request.index)
    assert 46_000 < len(Envelope.from_bytes(envelope).payload) <= LARGEST_PAYLOAD
    assert len(envelope) <= 65_535
    shop.seal()
    assert shop.audit()
