# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tools that are not ours read what we hand out, and refuse it with one byte changed: Go's x/mod, and OpenSSL."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import cosigned_text
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.exporting import export
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.receipt import receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.tiles import tile_path, tiles

from tests.ledger_cases import ORG, Shop
from tests.witnessing import log_key, make_witness, submission

SOURCE = Path(__file__).resolve().parents[3] / "cases" / "tlog" / "reader.go"
GO = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts its source."""
ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before a raw Ed25519 key in a public key as OpenSSL reads it (RFC 8410)."""
MANY = 70_000
"""Entries of the example in c2sp.org/tlog-tiles, which has full and partial tiles at three levels."""

Reader = Callable[..., tuple[bool, str]]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """The Go program, built; whether it accepts, and what it says."""
    if not shutil.which("go") or not (GO / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev (.ci/setup installs them)")
    folder = tmp_path_factory.mktemp("go")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GOCACHE": str(folder / "cache")}
    environment |= {"GO111MODULE": "off", "GOPATH": str(GO), "GOFLAGS": "-p=1"}
    built = subprocess.run(
        ["go", "build", "-o", str(folder / "reader"), str(SOURCE)],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr

    def read(*words: object) -> tuple[bool, str]:
        done = subprocess.run(
            [str(folder / "reader"), *map(str, words)], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode in (0, 1), done.stderr
        return done.returncode == 0, done.stdout

    return read


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Shop:
    """A shop whose story is told."""
    shop = Shop(tmp_path_factory.mktemp("told"), keys)
    shop.story()
    return shop


@pytest.fixture
def folder(told: Shop, tmp_path: Path) -> Path:
    """The ledger as it is handed out, with an older head, the proof from there, and a receipt."""
    note = str(told.ledger.checkpoint())
    export(told.ledger, note, log_key(ORG, told.keys["log"]).written + "\n", tmp_path)
    (tmp_path / "older").write_text(checkpoint.note(ORG, 13, told.ledger.root(13), told.keys["log"]))
    proof = told.ledger.consistency(13, 18)
    (tmp_path / "proof").write_text("".join(base64.b64encode(one).decode() + "\n" for one in proof))
    (tmp_path / "5.tlog-proof").write_text(receipt(told.ledger, 5, note))
    (tmp_path / "5.json").write_bytes(told.ledger.entry(5))
    return tmp_path


def test_go_accepts_entries_tiles_head_proof_and_receipt(folder: Path, reader: Reader) -> None:
    assert reader(folder) == (True, "accepted 18\n")
    assert reader(folder, "tree", folder / "older", folder / "proof") == (True, "accepted 18\n")
    assert reader(folder, "record", folder / "5.tlog-proof", folder / "5.json") == (True, "accepted 18\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("checkpoint", ()),
        ("log.vkey", ()),
        ("tile/0/000.p/18", ()),
        ("tile/entries/000.p/18", ()),
        ("older", ("tree", "older", "proof")),
        ("proof", ("tree", "older", "proof")),
        ("5.tlog-proof", ("record", "5.tlog-proof", "5.json")),
        ("5.json", ("record", "5.tlog-proof", "5.json")),
    ],
)
def test_go_refuses_a_changed_byte(folder: Path, reader: Reader, name: str, words: tuple[str, ...]) -> None:
    path = folder / name
    original = path.read_bytes()
    last = len(original.rstrip()) - 1  # a line's end is how files end, not what they say
    for place in sorted({*range(0, last, max(1, last // 15)), last}):
        path.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
        accepted, said = reader(folder, *(words[:1] + tuple(str(folder / word) for word in words[1:])))
        assert not accepted, f"byte {place}: {said}"
    path.write_bytes(original)
    assert reader(folder, *(words[:1] + tuple(str(folder / word) for word in words[1:])))[0]


def test_go_reads_full_and_partial_tiles_of_a_large_log(
    tmp_path: Path, keys: dict[str, Signer], reader: Reader
) -> None:
    entries = [b"entry %d" % number for number in range(MANY)]
    names = []
    for name, data in tiles(entries):
        names.append(name)
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert len([name for name in names if name.startswith("tile/0/") and ".p" not in name]) == 273
    assert {name for name in names if ".p" in name} == {
        "tile/entries/273.p/112", "tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"
    }  # fmt: skip
    nodes: dict[tuple[int, int], bytes] = {}
    for index, entry in enumerate(entries):
        for level, position, hashed in merkle.grown(index, entry, lambda *at: nodes[at]):
            nodes[level, position] = hashed
    root = merkle.root(MANY, lambda *at: nodes[at])
    (tmp_path / "checkpoint").write_text(checkpoint.note(ORG, MANY, root, keys["log"]))
    (tmp_path / "log.vkey").write_text(log_key(ORG, keys["log"]).written)
    assert reader(tmp_path) == (True, f"accepted {MANY}\n")
    data = (tmp_path / "tile/1/000").read_bytes()
    (tmp_path / "tile/1/000").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert not reader(tmp_path)[0]


def test_tile_paths_are_those_of_the_document() -> None:
    assert tile_path("0", 1_234_067) == "tile/0/x001/x234/067"
    assert tile_path("entries", 5, 17) == "tile/entries/005.p/17"
    assert [*tiles([])] == []
    assert [name for name, _data in tiles([b""] * 256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]


def test_openssl_accepts_a_cosignature_and_no_other_time(told: Shop, tmp_path: Path) -> None:
    note = str(told.ledger.checkpoint())
    witness = make_witness(tmp_path, log_key(ORG, told.keys["log"]), note, told.now)
    answer = witness.add_checkpoint(submission(told.ledger, note, 18), told.now)
    head = parse(note + answer.body)
    _name, _hint, data = head.signatures[-1]
    seconds = int.from_bytes(data[:8], "big")
    (tmp_path / "key.der").write_bytes(ED25519 + witness.key.raw)
    (tmp_path / "sig").write_bytes(data[8:])
    for text, code in (
        (cosigned_text(head.text, seconds), 0),
        (cosigned_text(head.text, seconds + 1), 1),
        (cosigned_text(head.text.replace(b"18", b"19"), seconds), 1),
        (head.text, 1),
    ):
        (tmp_path / "text").write_bytes(text)
        done = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "text",
             "-sigfile", "sig"],
            cwd=tmp_path, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
