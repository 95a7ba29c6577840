# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles for tests: a shop with people's keys, two versions of trust and a witness; and those who alter its log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.bundling import make_bundle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.asking import Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.bundle import Contents, Scope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import checkpoint, merkle
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.tiles import tiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site

from tests.ledger_cases import ORG, Shop, altered, seen
from tests.unit.plugins.plugin_utils.evidence.story import Story, product
from tests.witnessing import log_key, make_witness, submission

Files = dict[str, bytes]
DETAIL = b'{"schema":"holdfast/results/v1"}\n'
MAKERS_WORDS = ("index.html", "README.txt", "verify.py", "bundle.json", "keys/", "tile/1/")
"""What no signature binds: whoever makes the bundle writes it; that it arrives as sent is SHA256SUMS' to say."""
Change = Callable[[dict[str, Any]], object]


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


def problem(files: Mapping[str, bytes], genesis: str | None = None, witnesses: tuple[str, ...] = ()) -> str:
    """What the verifier says of files whose list of sums was made to fit; empty where it takes them."""
    try:
        verify.Bundle({**files}, genesis, [*witnesses])
    except Exception as error:  # noqa: BLE001 - as main does: any error is a refusal
        return str(error) or type(error).__name__
    return ""


def flipped(data: bytes, place: int, bit: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def without(files: Files, name: str) -> Files:
    return {other: data for other, data in files.items() if other != name}


def of_entries(entries: Sequence[bytes], log: Signer) -> Files:
    """A bundle of a log of these entries, all of them, signed by its keeper."""
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, place: int) -> bytes:
        return nodes[level, place]

    for at, data in enumerate(entries):
        nodes.update({(level, place): one for level, place, one in merkle.grown(at, data, node)})
    note = checkpoint.note(ORG, len(entries), merkle.root(len(entries), node), log)
    files = {path: data for path, data in tiles(entries) if "entries" not in path}
    files |= {f"records/{index}.json": data for index, data in enumerate(entries)}
    return {**files, "checkpoint": note.encode()}


def rewritten(told: Told, index: int, stored: bytes, log: Signer) -> Files:
    """The bundle after somebody with a log key put another record into the log and signed it anew."""
    entries = [data for _index, data in told.shop.ledger.entries()]
    entries[index] = stored
    return of_entries(entries, log)


def one_of(told: Told, step: str) -> tuple[int, bytes]:
    """Index and bytes of the newest record of a step: nobody signed after it who saw it, or the tree tells."""
    index = max(one.index for one in told.bundle()[0].gathered.records if one.step == step)
    return index, told.shop.ledger.entry(index)


def seeing(entries: Sequence[bytes]) -> dict[str, Any]:
    """What a record's signer says of a log of these entries."""
    tree = verify.Bundle.__new__(verify.Bundle)
    tree.levels = [[hashlib.sha256(b"\0" + data).digest() for data in entries]]
    while len(low := tree.levels[-1]) > 1:
        pairs = zip(low[::2], low[1::2], strict=False)
        tree.levels.append([hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs])
    return {"size": len(entries), "root": tree._root(len(entries))}


def followed(entries: Sequence[bytes], signer: Signer, change: Change, new: bool = True) -> list[bytes]:
    """Entries, and after them a next version of trust, changed and signed by one; or the newest version once more."""
    newest = max(index for index, data in enumerate(entries) if verify.Record(index, data).step == "trust")

    def follow(statement: dict[str, Any]) -> None:
        body, before = statement["predicate"]["step"], statement["subject"][0]["digest"]["sha256"]
        if new:
            body |= {"version": body["version"] + 1, "previous": before}
        statement["predicate"]["ledger_head"] = seeing(entries)
        change(body)
        statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(verify._spelt(body)).hexdigest()
        change(statement)

    return [*entries, altered(entries[newest], signer, follow)]


def with_trust(shop: Shop, signer: str, change: Change) -> Files:
    """The log of a shop, and after it a next version of its trust, changed and signed by one principal."""
    entries = [data for _index, data in shop.ledger.entries()]
    return of_entries(followed(entries, shop.keys[signer], change), shop.keys["log"])


def of_security(statement: dict[str, Any]) -> dict[str, Any]:
    """The keys' entry of the approver whose key version 2 revokes; nothing where it is no document."""
    people = statement.get("principals", [])
    return next((one["keys"][0] for one in people if one["id"] == "security"), {})


def refused_or(key: verify.Key, signature: bytes, message: bytes) -> bool:
    try:
        return key._made(signature, message)
    except ValueError:
        return False


def shop_files(shop: Shop) -> Files:
    return of_entries([data for _index, data in shop.ledger.entries()], shop.keys["log"])
