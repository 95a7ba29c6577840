# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of what strangers hand us, each as one function over bytes, with true inputs to start from.

A target gives what an input was taken for, or None where it was refused as the parser says it refuses. Any other error
is a crash. An input that is none of the true ones, and is taken for something that none of them is, is an acceptance.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit import heads
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.documents import UnsoundError, read_document
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.envelopes import MalformedError, take_apart
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.keyring import Keyring
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.proofs import continues, included
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.receipts import check_receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.report import Notes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.exporting import export
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.receipt import receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.tiles import tiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import Submission

from tests.ledger_cases import ORG, Shop, make_keys, statement_of
from tests.witnessing import log_key, make_witness, submission

Meaning = object


@dataclass(frozen=True)
class Target:
    """A parser; `seeds` are true inputs, `take` gives an input's meaning or None."""

    name: str
    seeds: tuple[bytes, ...]
    take: Callable[[bytes], Meaning | None]

    def fault(self, data: bytes) -> str | None:
        """Return what is wrong with what an input was taken for, if anything; errors of the parser come through."""
        meaning = self.take(data)
        if meaning is None or data in self.seeds or meaning in {self.take(seed) for seed in self.seeds}:
            return None
        return f"{self.name}: {data!r} was taken for {meaning!r}"


def targets(folder: Path) -> list[Target]:
    """Return the targets, over a ledger made in `folder`."""
    shop = Shop(folder, make_keys(folder))
    shop.story()
    entries = [stored for _index, stored in shop.ledger.entries()]
    note = shop.ledger.checkpoint() or ""
    log = log_key(ORG, shop.keys["log"])
    witness = make_witness(folder, log, note, shop.now)
    cosigned = note + witness.add_checkpoint(submission(shop.ledger, note, len(entries)), shop.now).body
    keyring = Keyring()
    for index, stored in enumerate(entries):
        keyring.judge(take_apart(index, stored), Notes())

    def envelope(data: bytes) -> Meaning | None:
        try:
            entry = take_apart(5, data)
        except MalformedError:
            return None
        known = Keyring([version for version in keyring.versions if version.index < 5])
        return data if known.judge(entry, Notes()) else None

    def stored_envelope(data: bytes) -> Meaning | None:
        try:
            return data if Envelope.from_bytes(data).to_bytes() != data else None  # there is one spelling
        except LedgerError:
            return None

    def checkpoint(data: bytes) -> Meaning | None:
        try:
            head = heads.parse(data.decode("utf-8"))
        except ValueError:
            return None
        return head.text if log.signed(head) else None

    def cosignature(data: bytes) -> Meaning | None:
        try:
            head = heads.parse(data.decode("utf-8"))
        except ValueError:
            return None
        return head.text if witness.key.cosigned_at(head) else None

    def receipts(data: bytes) -> Meaning | None:
        try:
            report = check_receipt(data.decode("utf-8"), entries[5], log, [witness.key], 1)
        except ValueError:
            return None
        return (report.index, report.size, report.origin) if report else None

    def request(data: bytes) -> Meaning | None:
        answer = witness.add_checkpoint(data, shop.now)
        assert answer.status in (200, 400, 403, 404, 409, 422), answer
        return heads.parse(Submission.parse(data).note).text if answer.status == 200 else None

    leaf, root = sha256(b"\0" + entries[5]).digest(), shop.ledger.root()
    old, old_root = 11, shop.ledger.root(11)

    def inclusion(data: bytes) -> Meaning | None:
        return data if included(data[0] if data else -1, 18, leaf, root, _hashes(data[1:])) else None

    def consistency(data: bytes) -> Meaning | None:
        return data if continues(old, old_root, len(entries), root, _hashes(data)) else None

    export(shop.ledger, note, log.written, folder / "tiles")
    bundle = next(data for path, data in tiles(entries) if path.startswith("tile/entries/"))

    def tile(data: bytes) -> Meaning | None:
        (place,) = (folder / "tiles" / "tile" / "entries").rglob("18")
        place.write_bytes(data)
        try:
            export(shop.ledger, note, log.written, folder / "tiles")
        except LedgerError:
            return None
        finally:
            place.write_bytes(bundle)
        return data

    document = statement_of(entries[0])["predicate"]["step"]

    def trust(data: bytes) -> Meaning | None:
        try:
            body = canonical.decode(data)
            taken = Trust.from_dict(body)
        except HoldfastError:
            return None
        # Another document is no swapped one as long as it has another digest: that is what is signed and pinned.
        return None if canonical.encode(taken.to_dict()) == data and taken.sha256 == sha256(data).hexdigest() else data

    def audited_trust(data: bytes) -> Meaning | None:
        statement = statement_of(entries[0])
        try:
            statement["predicate"]["step"] = canonical.decode(data)
            payload = json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            good = Envelope.from_bytes(entries[0])
            found = read_document(take_apart(0, Envelope(payload, good.keyid, good.signature).to_bytes()))
        except (HoldfastError, MalformedError, UnsoundError):
            return None
        return found.sha256

    seeds = {
        "envelope": (envelope, (entries[5],)),
        "stored-envelope": (stored_envelope, (entries[5], entries[0])),
        "checkpoint": (checkpoint, (note.encode(), cosigned.encode())),
        "cosignature": (cosignature, (cosigned.encode(),)),
        "receipt": (receipts, (receipt(shop.ledger, 5, cosigned).encode(),)),
        "request": (request, (submission(shop.ledger, note, len(entries)),)),
        "inclusion": (inclusion, (bytes([5]) + b"".join(shop.ledger.inclusion(5)),)),
        "consistency": (consistency, (b"".join(shop.ledger.consistency(old)),)),
        "tile": (tile, (bundle,)),
        "trust": (trust, (canonical.encode(document),)),
        "audited-trust": (audited_trust, (canonical.encode(document),)),
    }
    return [Target(name, true, take) for name, (take, true) in seeds.items()]


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, len(data), 32)]
