# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle verifies offline, and not with anything in it altered, removed, added or exchanged."""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import json
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.bundling import VERIFIER, make_bundle, packed
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.asking import Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.bundle import Contents, Scope, sums
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.kinds import KINDS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.statements import SIGNED_BY
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.tiles import tiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, PLAN_DIGEST, Forger, Shop, altered, make_keys, seen
from tests.unit.plugins.plugin_utils.evidence.story import Story, product
from tests.witnessing import NAME, log_key, make_witness, submission

Files = dict[str, bytes]
MAKERS_WORDS = ("index.html", "README.txt", "verify.py", "bundle.json", "keys/", "tile/1/")
"""What no signature binds: whoever makes the bundle writes it; that it arrives as sent is SHA256SUMS' to say."""
DETAIL = b'{"schema":"holdfast/results/v1"}\n'


class Told:
    """A shop with people's SSH keys and a witness, its site, and bundles of it."""

    def __init__(self, folder: Path, keys: dict[str, Signer]) -> None:
        self.shop = Shop(folder, keys)
        self.site: Site = replace(
            Story(folder / "site", product(folder / "product")).site,
            ledger_path=self.shop.ledger.path, plans_dir=self.shop.plans, org=ORG, root=folder,
            reports_dir=folder / "reports",
        )  # fmt: skip
        self.shop.story()
        self.shop.rekey()
        run = self.shop.open(None, (), kind="check", mode="check", plan=None, baseline="0" * 64)
        found = {**seen("lab-1"), "detail_sha256": hashlib.sha256(DETAIL).hexdigest()}
        self.shop.recorder.verify(keys["scanner"], run, kind="drift", phase=None, results=[found])
        self.shop.close(run)
        self.detail = folder / "reports" / "results" / run.run_id / "lab-1.json"
        self.detail.parent.mkdir(parents=True)
        self.detail.write_bytes(DETAIL)
        self.shop.seal()
        witness = make_witness(folder, log_key(ORG, keys["log"]), str(self.shop.ledger.checkpoint()), self.shop.now)
        note = str(self.shop.ledger.checkpoint())
        answer = witness.add_checkpoint(submission(self.shop.ledger, note, self.shop.ledger.size), self.shop.now)
        self.shop.ledger.save_checkpoint(note + answer.body)
        self.witness = witness.key.written

    def bundle(self, ledger: Ledger | None = None, **asked: Any) -> tuple[Contents, Files]:
        """Return a bundle of what is asked for."""
        question = Question(**{name: frozenset(value) for name, value in asked.items()})
        return make_bundle(
            self.site, ledger or self.shop.ledger, Scope("asset", "asset lab-1"), question, self.shop.now, "0.1.0"
        )


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal; those of approvers are SSH keys."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, Signer]) -> Told:
    """The shop, told once; tests only read it."""
    return Told(tmp_path_factory.mktemp("told"), keys)


@pytest.fixture(scope="module")
def whole(told: Told) -> Files:
    """A bundle with plan, results, people's and machines' keys, two versions of trust, a cosigned head."""
    return told.bundle(assets=["lab-1"])[1]


def problem(files: Mapping[str, bytes], genesis: str | None = None, witnesses: tuple[str, ...] = ()) -> str:
    """What the verifier says of files whose list of sums was made to fit; empty where it takes them."""
    try:
        verify.Bundle({**files}, genesis, [*witnesses])
    except Exception as error:  # noqa: BLE001 - as main does: any error is a refusal
        return str(error) or type(error).__name__
    return ""


def flipped(data: bytes, place: int, bit: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def test_bundle_holds_and_says_what_it_is(told: Told, whole: Files) -> None:
    found = verify.Bundle(whole, None, [told.witness])
    assert (found.origin, found.size) == (ORG, told.shop.ledger.size)
    assert {one.step for one in found.records} >= {"trust", "request", "approve", "run-open", "deploy", "rollback"}
    assert [one for one in found.notes if "IN DOUBT" in one]  # `rekey` says that security's key was stolen
    assert not problem(whole, found.versions[0].sha256, (told.witness,))
    for index, stored in told.shop.ledger.entries():
        assert whole.get(f"records/{index}.json", stored) == stored
    assert f"plans/{PLAN_DIGEST}.json" in whole
    assert [whole[name] for name in whole if name.startswith("results/")] == [DETAIL]


def test_whole_runs_and_whole_changes_come_along(told: Told) -> None:
    contents, _files = told.bundle(assets=["prod-1"], steps=["rollback"])
    (asked,) = contents.gathered.asked
    records = {one.index: one for one in contents.gathered.records}
    assert records[asked].step == "rollback"
    run, change = records[asked].body["run_id"], records[asked].change_id
    everything = [one.index for one in told.bundle()[0].gathered.records]
    theirs = [one for one in told.bundle()[0].gathered.records if one.change_id == change]
    assert {one.index for one in theirs if one.body.get("run_id") == run} <= set(records)
    assert {one.index for one in theirs} | {one for one in records if records[one].step == "trust"} == set(records)
    assert everything == list(range(told.shop.ledger.size))


def test_every_signed_byte_counts(told: Told, whole: Files) -> None:
    """Also for one who makes SHA256SUMS fit."""
    accepted = []
    for name, data in whole.items():
        if name.startswith(MAKERS_WORDS) or name in ("checkpoint", "SHA256SUMS"):
            continue
        for place in {0, len(data) - 1, *range(7, len(data), max(1, len(data) // 12))}:
            if not problem({**whole, name: flipped(data, place)}):
                accepted.append((name, place))
    assert accepted == []


def test_every_byte_of_the_head_counts(told: Told, whole: Files) -> None:
    """All but the name before a signature: the key's own digest follows it, and that names the key."""
    note = whole["checkpoint"]
    labels = {at for found in re.finditer("\u2014 (\\S+)".encode(), note) for at in range(*found.span(1))}
    for place in range(len(note) - 1):
        taken = not problem({**whole, "checkpoint": flipped(note, place)}, witnesses=(told.witness,))
        assert not taken or place in labels


def test_every_file_is_in_the_sums(whole: Files, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    for name, data in whole.items():
        for changed in ({name: flipped(data, len(data) // 2)}, {f"{name}.txt".replace("/", "_"): data}):
            path.write_bytes(packed({**whole, **changed}))
            with pytest.raises(ValueError, match=r"SHA256SUMS does not say|no place in a bundle|codec"):
                verify.read(str(path))
        path.write_bytes(packed({other: whole[other] for other in whole if other != name}))
        with pytest.raises((ValueError, KeyError)):
            verify.read(str(path))
    path.write_bytes(packed(whole))
    assert verify.read(str(path)) == whole


def without(files: Files, name: str) -> Files:
    return {other: data for other, data in files.items() if other != name}


def test_no_record_can_be_left_out_of_a_run_or_a_change(told: Told, whole: Files) -> None:
    contents, _files = told.bundle(assets=["lab-1"])
    free = []
    for one in contents.gathered.records:
        if not problem(without(whole, f"records/{one.index}.json")):
            free.append((one.step, one.index))
    # A request's rejection, an approval that no run was opened with, a stop: these no other record counts.
    # The end of a run cannot hide: without it the run stands as one never closed.
    assert {step for step, _index in free} <= {"run-close", "trust"}
    for step, index in free:
        left = verify.Bundle(without(whole, f"records/{index}.json"), None, [])
        assert step == "trust" or any("was not closed" in note for note in left.notes)


def test_second_version_of_trust_cannot_be_left_out_where_it_is_used(told: Told, whole: Files) -> None:
    (first, second) = (one.index for one in told.bundle(assets=["lab-1"])[0].gathered.records if one.step == "trust")
    assert first == 0
    assert "names another trust" in problem(without(whole, f"records/{second}.json"))
    assert problem(without(whole, "records/0.json"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda files: {**files, "records/3.json": files["records/4.json"]}, "not the log's entry there"),
        (lambda files: {**files, "records/99.json": files["records/4.json"]}, "not the log's entry there"),
        (lambda files: {**files, "plans/" + "0" * 64 + ".json": files[f"plans/{PLAN_DIGEST}.json"]}, "no record names"),
        (lambda files: {**files, f"plans/{PLAN_DIGEST}.json": b"{}"}, "no record names"),
        (lambda files: {**files, f"evidence/{PLAN_DIGEST}.sealed": b"x"}, "no record names"),
        (lambda files: {**files, "results/run_0000000000/lab-1.json": DETAIL}, "no record names"),
        (lambda files: without(files, "checkpoint"), "checkpoint"),
        (lambda files: {**files, "tile/0/000.p/31": b""}, ""),
        (lambda files: {**files, "tile/0/001": bytes(32)}, "one hash for each entry"),
        (lambda files: {name: data for name, data in files.items() if "tile" not in name}, "one hash for each entry"),
        (lambda files: {name: data for name, data in files.items() if "records" not in name}, "trust document is None"),
    ],
)  # fmt: skip
def test_exchanged_parts_are_refused(whole: Files, change: Callable[[Files], Files], expected: str) -> None:
    found = problem(change(whole))
    assert (expected in found) if expected else not found


def test_reader_names_root_and_witness(told: Told, whole: Files) -> None:
    assert "expected " + "0" * 64 in problem(whole, "0" * 64)
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    hint = hashlib.sha256(f"{NAME}\n".encode() + b"\x04" + other).digest()[:4].hex()
    stranger = f"{NAME}+{hint}+{base64.b64encode(bytes([4]) + other).decode()}"
    assert "did not cosign" in problem(whole, witnesses=(stranger,))
    name, hint, _key = told.witness.split("+", 2)
    assert "did not cosign" in problem(
        whole, witnesses=(f"{name}+{hint}+{base64.b64encode(bytes([4]) + other).decode()}",)
    )


def rewritten(told: Told, keys: dict[str, Signer], index: int, stored: bytes, log: Signer) -> Files:
    """The whole bundle after somebody with a log key put another record into the log and signed it anew."""
    files = {**told.bundle()[1]}
    entries = [data for _index, data in told.shop.ledger.entries()]
    entries[index] = stored
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, place: int) -> bytes:
        return nodes[level, place]

    for at, data in enumerate(entries):
        nodes.update({(level, place): one for level, place, one in merkle.grown(at, data, node)})
    root = merkle.root(len(entries), node)
    files |= {path: data for path, data in tiles(entries) if "entries" not in path}
    files[f"records/{index}.json"] = stored
    files["checkpoint"] = checkpoint.note(ORG, len(entries), root, log).encode()
    return files


def one_of(told: Told, step: str) -> tuple[int, bytes]:
    """Index and bytes of the newest record of a step: nobody signed after it who saw it, or the tree tells."""
    index = max(one.index for one in told.bundle()[0].gathered.records if one.step == step)
    return index, told.shop.ledger.entry(index)


def test_log_key_alone_rewrites_nothing(told: Told, keys: dict[str, Signer]) -> None:
    last = told.shop.ledger.size - 1
    stored = told.shop.ledger.entry(last)
    assert not problem(rewritten(told, keys, last, stored, keys["log"]))
    stranger = FileSigner(Ed25519PrivateKey.generate())
    assert "not signed by the log's key" in problem(rewritten(told, keys, last, stored, stranger))
    assert "not signed by the log's key" in problem(rewritten(told, keys, last, stored, keys["root"]))
    forged = altered(stored, stranger, lambda one: one["predicate"]["step"].update(outcome="failed"))
    assert "may not sign" in problem(rewritten(told, keys, last, forged, keys["log"]))
    envelope = json.loads(forged)
    envelope["signatures"][0]["keyid"] = keys["controller"].public_key.keyid
    claimed = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    assert "the signature does not hold" in problem(rewritten(told, keys, last, claimed, keys["log"]))


@pytest.mark.parametrize(
    ("signer", "change", "expected"),
    [
        ("scanner", lambda one: None, "may not sign"),
        ("scanner", lambda one: one["predicate"]["actor"].update(principal="scanner"), "may not sign"),
        ("controller", lambda one: one["predicate"]["actor"].update(role="verifier"), "may not sign"),
        ("controller", lambda one: one["predicate"].update(org="org-other"), "another organisation"),
        ("controller", lambda one: one["predicate"]["trust"].update(version=1), "names another trust"),
        ("controller", lambda one: one["predicate"]["ledger_head"].update(root="0" * 64), "saw another log"),
        ("controller", lambda one: one["predicate"]["ledger_head"].update(size=10**6), "saw another log"),
        ("controller", lambda one: one["predicate"]["step"]["entries"].update(count=9), "records of run"),
        ("controller", lambda one: one["predicate"]["step"].update(run_id="run_0000000000"), "the beginning of run"),
        ("controller", lambda one: one.update(predicateType="https://holdfast.example/nothing/v1"), "no step"),
        ("controller", lambda one: one.update(predicateType="https://evil.example/run-close/v1"), "no step"),
    ],
)
def test_insider_with_a_key_and_the_log_is_caught(
    told: Told, keys: dict[str, Signer], signer: str, change: Callable[[dict[str, Any]], object], expected: str
) -> None:
    """The log's keeper puts in what one principal signed: each rule that the signature itself does not enforce."""
    index, stored = one_of(told, "run-close")
    forged = altered(stored, keys[signer], change)
    assert expected in problem(rewritten(told, keys, index, forged, keys["log"]))


def test_ambiguous_json_is_refused(told: Told, keys: dict[str, Signer]) -> None:
    index, stored = one_of(told, "run-close")
    twice = stored[:-1] + b',"signatures":[]}'
    assert "second spelling" in problem(rewritten(told, keys, index, twice, keys["log"]))
    spaced = stored.replace(b'"payloadType":', b'"payloadType": ')
    assert "second spelling" in problem(rewritten(told, keys, index, spaced, keys["log"]))
    other = stored.replace(b"application/vnd.in-toto+json", b"application/vnd.in-toto-json")
    assert "something else" in problem(rewritten(told, keys, index, other, keys["log"]))


def test_request_and_approvals_must_be_there(told: Told, whole: Files) -> None:
    steps = {one.step: one.index for one in told.bundle(assets=["lab-1"])[0].gathered.records}
    for step in ("request", "approve"):
        assert "rests on a record that is missing" in problem(without(whole, f"records/{steps[step]}.json"))


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "ecdsa-384", "p256", "p384"])
def test_keys_of_every_kind_are_verified(tmp_path: Path, kind: str) -> None:
    signer: Signer
    if kind.startswith("p"):
        signer = FileSigner(generate_private_key(SECP256R1() if kind == "p256" else SECP384R1()))
    else:
        name, _dash, bits = kind.partition("-")
        words = ["ssh-keygen", "-q", "-t", name, *(["-b", bits] if bits else []), "-N", "", "-f", str(tmp_path / "k")]
        subprocess.run(words, check=True, timeout=30, stdin=subprocess.DEVNULL)
        signer = SshSigner(tmp_path / "k")
    public = signer.public_key
    key = verify.Key("somebody", set(), public.kind, public.raw, {})
    for number in range(8):  # ECDSA's numbers come in several lengths
        signature = signer.sign(b"message %d" % number)
        assert key._made(signature, b"message %d" % number)
        assert not refused_or(key, signature, b"another")
        for place in range(0, len(signature), 3):
            assert not refused_or(key, flipped(signature, place), b"message %d" % number)


def refused_or(key: verify.Key, signature: bytes, message: bytes) -> bool:
    try:
        return key._made(signature, message)
    except ValueError:
        return False


def test_verifier_knows_the_product_and_needs_nothing_of_it() -> None:
    assert {step: set(roles) for step, roles in SIGNED_BY.items()}.items() <= verify.ROLES.items()
    assert set(verify.KINDS) == set(KINDS)
    source = VERIFIER.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            modules.add(str(node.module).split(".")[0])
    assert modules <= {*sys.stdlib_module_names, "cryptography"}


def run(path: Path, *words: str) -> tuple[int, str]:
    """Run the verifier as its reader does, isolated from the product."""
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_verifier_runs_alone(told: Told, whole: Files, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(packed(whole))
    code, said = run(path)
    assert code == 0
    assert "not checked: who the root is" in said
    assert "not checked: whether others saw this log" in said
    genesis = verify.Bundle(whole, None, []).versions[0].sha256
    code, said = run(path, "--genesis", genesis, "--witness", told.witness)
    assert (code, "who the root is" in said, "others saw" in said) == (0, False, False)
    assert said.splitlines()[-1].endswith(hashlib.sha256(whole["SHA256SUMS"]).hexdigest())
    assert run(path, "--genesis", "0" * 64)[0] == 1
    assert whole["verify.py"] == VERIFIER.read_bytes()


def hostile(path: Path, build: Callable[[zipfile.ZipFile], object]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        build(archive)
    return path


def linked() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("records/1.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/etc/evil.txt", "records/../../evil.txt", "records/..", "evil/", "records//1.json", "a\\b.txt",
     "C:evil.txt", ".hidden", "records/.hidden", "\u00e4.txt", "records/1.json\n", ""],
)  # fmt: skip
def test_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    path = hostile(tmp_path / "bundle.zip", lambda archive: archive.writestr(zipfile.ZipInfo(name or "x"), b"x"))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["bundle.zip"]


@pytest.mark.filterwarnings("ignore:Duplicate name")  # the second of a name is what is tested
def test_archive_that_is_hostile_is_refused(tmp_path: Path, whole: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bundle.zip"
    hostile(path, lambda archive: [archive.writestr("checkpoint", data) for data in (b"a", b"b")])
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    hostile(path, lambda archive: archive.writestr(linked(), b"/etc/passwd"))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    hostile(path, lambda archive: archive.writestr("checkpoint", b"x", zipfile.ZIP_LZMA))
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    data = bytearray(packed({"checkpoint": b"x" * 50}))
    data[data.index(b"PK\x01\x02") + 8] |= 1  # encrypted, says the directory
    path.write_bytes(data)
    with pytest.raises(ValueError, match="no place in a bundle"):
        verify.read(str(path))
    # A file of a gigabyte of zeros is a megabyte here: refused by what it says it is, and cut at that if it lies.
    path.write_bytes(packed({"checkpoint": bytes(1 << 20)}))
    monkeypatch.setattr(verify, "MOST_BYTES", 1 << 19)
    with pytest.raises(ValueError, match="too large"):
        verify.read(str(path))
    monkeypatch.undo()
    monkeypatch.setattr(verify, "MOST_FILES", 5)
    path.write_bytes(packed(whole))
    with pytest.raises(ValueError, match="too large"):
        verify.read(str(path))


def test_archive_that_is_damaged_is_refused_or_says_the_same(tmp_path: Path, whole: Files) -> None:
    data, path = packed(whole), tmp_path / "bundle.zip"
    for size in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:size])
        assert run_in(path) is None
    for place in range(0, len(data), len(data) // 150):
        path.write_bytes(flipped(data, place))
        assert run_in(path) in (None, whole)


def run_in(path: Path) -> Files | None:
    try:
        return verify.read(str(path))
    except Exception:  # noqa: BLE001 - as main does: any error is a refusal
        return None


def test_what_was_tampered_with_is_left_out_and_said(told: Told) -> None:
    told.detail.write_bytes(b"other")
    try:
        contents, files = told.bundle(assets=["lab-1"])
    finally:
        told.detail.write_bytes(DETAIL)
    assert [one for one in contents.missing if "is not the one that was signed" in one]
    assert not [name for name in files if name.startswith("results/")]
    assert "is not the one that was signed" in files["index.html"].decode()
    assert not problem(files)


def test_ledger_that_does_not_hold_gives_no_bundle(told: Told, keys: dict[str, Signer], tmp_path: Path) -> None:
    forger = Forger(told.shop.ledger, tmp_path)
    forger.entries[5] = altered(forger.entries[5], keys["scanner"], lambda one: None)
    with pytest.raises(HoldfastError, match="are not those whose head was signed"):
        told.bundle(Ledger(forger.write(forger.entries)), assets=["lab-1"])
    with pytest.raises(UsageError, match="no record under the newest signed head answers"):
        told.bundle(assets=["nowhere"])


def test_page_needs_nothing_and_runs_nothing(told: Told, whole: Files) -> None:
    page = html.unescape(whole["index.html"].decode())
    assert "default-src 'none'" in page
    assert not re.search(
        r"<script|<img|<link|https?://(?!holdfast\.example|in-toto\.io)|\son\w+=", page.partition("</style>")[2]
    )
    assert "asset lab-1" in page.lower()
    assert "IN DOUBT" not in page
    assert "in doubt" in page


def test_other_tools_read_it(told: Told, whole: Files, tmp_path: Path) -> None:
    """The README's own lines: sha256sum, OpenSSL, ssh-keygen, and no program of ours."""
    for name, data in whole.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    text = whole["README.txt"].decode()
    snippet = text[text.index("python3 -c 'import base64") : text.index(" records/N.json\n")]
    ssh = next(line.split("(SSH)")[0] for line in text.splitlines() if "ssh-keygen -Y verify" in line)
    armour = next(line for line in text.splitlines() if "BEGIN SSH SIGNATURE" in line)
    openssl = next(line.split("(Ed25519)")[0] for line in text.splitlines() if "pkeyutl" in line)
    records = {one.step: one for one in told.bundle(assets=["lab-1"])[0].gathered.records}
    assert shell(tmp_path, "sha256sum --quiet -c SHA256SUMS") == 0
    for step, lines in (("approve", [armour, ssh]), ("deploy", [openssl])):
        one = records[step]
        steps = [f"{snippet} records/{one.index}.json", *lines]
        script = (
            "\n".join(steps).replace("WHO-KEYID", f"{one.principal}-{one.keyid[:16]}").replace("WHO", one.principal)
        )
        assert shell(tmp_path, script) == 0
        assert shell(tmp_path, script.replace(f"records/{one.index}.json", "records/0.json")) != 0


def shell(folder: Path, script: str) -> int:
    done = subprocess.run(
        ["sh", "-e"], input=script, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode


def test_sums_are_those_of_sha256sum(whole: Files) -> None:
    assert whole["SHA256SUMS"] == sums({name: data for name, data in whole.items() if name != "SHA256SUMS"})
