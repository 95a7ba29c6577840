# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this controller has read and verified of a ledger, so that a run on a long one need not read it whole again.

A shelf says of each entry what it is and which digest its bytes have; the bytes stay in the ledger. Whatever a decision
looks into is read there, held against that digest, and its signature verified again, by the trust in force at its
index, whose own records are verified each time. So a shelf can say that an entry is of no interest, and nothing else;
and it says that under the signature of the log's key. Whatever is wrong with one, the ledger is read whole instead.
Why, and who could write one: docs/adr/0038.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import HoldfastError, LedgerError, TrustError
from .chain import Chain
from .envelope import Envelope
from .reading import GIST, Record, is_doubted, record_of, verified
from .signers import Signer
from .trust import Trust

if TYPE_CHECKING:
    from .store import Ledger

FORM = 1
WORTH = 1000
"""So many entries that the kept shelf lacks make it worth writing anew: to read them takes a quarter of a second."""
PAGE = 100
"""Entries without a change that are fetched together: who looks into one looks into its neighbours."""

_DOMAIN = b"Holdfast shelf\x00"
"""Stands before what is signed, so that it can be taken for no head: a note's first line holds no such byte."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WORDS = ("step", "principal", "role", "keyid", "change_id")
_GISTS = tuple(name for name in GIST if name != "resumes")
_ABSENT = -1


@dataclass(frozen=True)
class Reading:
    """A ledger's first `size` entries, verified; their root, and the chain of trust after them.

    `trusts` are the chains after each trust record, with its index. `shelved` is how many of the entries a kept shelf
    tells of, and `keyid` names the key of the log that vouches for it.
    """

    records: list[Record]
    chain: Chain
    trusts: tuple[tuple[int, Chain], ...]
    size: int
    root: bytes
    shelved: int = 0
    keyid: str = ""

    @property
    def trust(self) -> Trust | None:
        """The trust document in force at the end."""
        return self.chain.trust


def read_on(ledger: Ledger, before: Reading | None = None) -> Reading:
    """Return a reading of the ledger as it is now: what was read before, where that is its beginning, and what follows.

    Raises LedgerError or TrustError, naming the entry, at the first that does not hold.
    """
    size, root = ledger.head()
    if before is None or before.size > size or ledger.root(before.size) != before.root:
        before = Reading([], Chain(), (), 0, b"")
    if before.size == size:
        return before
    fresh, chain, trusts = [], before.chain, before.trusts
    for expected, (index, data) in enumerate(ledger.entries(before.size), before.size):
        if expected == size:
            break
        if index != expected:
            raise LedgerError(f"{ledger.path}: entry {expected} is missing; run `holdfast audit`")
        try:
            envelope = Envelope.from_bytes(data)
            record = record_of(index, data, envelope)
            chain = verified(record, envelope, chain)
        except HoldfastError as error:
            raise type(error)(f"{ledger.path}: entry {index}: {error}; run `holdfast audit`") from error
        if record.step == "trust":
            trusts = (*trusts, (index, chain))
        fresh.append(record)
    if before.keyid and chain.trust is not None and not _vouches(chain.trust, before.keyid):
        return read_on(ledger)  # the log's key was revoked since
    # A newer trust document may doubt what an older one did not.
    known = before.records if trusts == before.trusts else _doubted(before.records, chain.trust)
    records = [*known, *_doubted(fresh, chain.trust)]
    if len(records) != size:
        raise LedgerError(f"{ledger.path}: entry {len(records)} is missing; run `holdfast audit`")
    return Reading(records, chain, trusts, size, root, before.shelved, before.keyid)


def _vouches(trust: Trust, keyid: str) -> bool:
    return keyid in {key.keyid for key in trust.keys_of("log")}


def _doubted(records: Sequence[Record], trust: Trust | None) -> list[Record]:
    if trust is None:
        return [*records]
    said = ((one, is_doubted(trust, one)) for one in records)
    return [one if one.doubted == doubted else _with_doubt(one, doubted) for one, doubted in said]


def _with_doubt(record: Record, doubted: bool) -> Record:
    """Return the record with another word on doubt; one that was kept is not read for it."""
    if not isinstance(record, Kept):
        return replace(record, doubted=doubted)
    made = Kept.__new__(Kept)
    object.__setattr__(made, "__dict__", {**record.__dict__, "doubted": doubted})
    return made


class Kept(Record):
    """A record of a shelf: what its body says is read, and its signature verified, when somebody looks."""

    def __getattr__(self, name: str) -> Any:
        """Return what is not known yet. Raises LedgerError or TrustError where the ledger holds something else."""
        known = self.__dict__
        if name == "recorded_at":
            known[name] = _EPOCH + known["at"] * _MILLISECOND
        elif name in ("predicate", "subject", "body"):
            full = known["shelf"].full(self)
            known.update(predicate=full.predicate, subject=full.subject, body=full.body)
        else:
            raise AttributeError(name)
        return known[name]

    @property
    def gist(self) -> Mapping[str, Any]:
        """What the shelf tells of the body."""
        told: Mapping[str, Any] = self.__dict__["told"]
        return told


class Shelf:
    """The records of a kept shelf, and the ledger they are looked up in."""

    def __init__(self, ledger: Ledger, trusts: tuple[tuple[int, Chain], ...]) -> None:
        self._ledger = ledger
        self._trusts = trusts
        self._page: dict[int, bytes] = {}
        self.records: list[Record] = []

    def full(self, kept: Record) -> Record:
        """Return a record whole, read from the ledger and verified."""
        data = self._page.get(kept.index) or self._fetched(kept)
        where = f"{self._ledger.path}: entry {kept.index}"
        try:
            envelope = Envelope.from_bytes(data)
            record = record_of(kept.index, data, envelope)
            verified(record, envelope, self._chain_at(kept.index))
        except HoldfastError as error:
            raise type(error)(f"{where}: {error}; run `holdfast audit`") from error
        if any(getattr(kept, name) != getattr(record, name) for name in (*_WORDS, "sha256", "recorded_at")):
            raise LedgerError(f"{where}: is not what this controller verified before; run `holdfast audit`")
        return record

    def _fetched(self, kept: Record) -> bytes:
        """Return an entry's bytes, and keep those of others that will be asked for next."""
        wanted = self._of_change.get(kept.change_id) if kept.change_id is not None else None
        begin = kept.index - kept.index % PAGE
        self._page = self._ledger.some(wanted or range(begin, min(begin + PAGE, len(self.records))))
        if kept.index not in self._page:
            raise LedgerError(f"{self._ledger.path}: entry {kept.index} is missing; run `holdfast audit`")
        return self._page[kept.index]

    def _chain_at(self, index: int) -> Chain:
        return next((chain for at, chain in reversed(self._trusts) if at < index), Chain())

    @cached_property
    def _of_change(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for one in self.records:
            if one.change_id is not None:
                found.setdefault(one.change_id, []).append(one.index)
        return found


def written(reading: Reading, signer: Signer) -> bytes:
    """Return a reading as a shelf's bytes, signed with the log's key."""
    words: dict[str | None, int] = {}
    columns: dict[str, list[int]] = {name: [] for name in (*_WORDS, *_GISTS, "at")}
    resumes: dict[str, list[str]] = {}
    for one in reading.records:
        for name in _WORDS:
            columns[name].append(words.setdefault(getattr(one, name), len(words)))
        gist = one.gist
        for name in _GISTS:
            columns[name].append(words.setdefault(gist[name], len(words)) if name in gist else _ABSENT)
        columns["at"].append(round((one.recorded_at - _EPOCH) / _MILLISECOND))
        if gist.get("resumes"):
            resumes[str(one.index)] = list(gist["resumes"])
    document = {
        "form": FORM,
        "size": reading.size,
        "root": reading.root.hex(),
        "trusts": [index for index, _chain in reading.trusts],
        "words": [*words],
        "columns": columns,
        "resumes": resumes,
        "doubted": [one.index for one in reading.records if one.doubted],
        "digests": "".join(one.sha256 for one in reading.records),
    }
    data = json.dumps(document, separators=(",", ":")).encode("ascii")
    signature = signer.sign(_signed(data))
    return signer.public_key.keyid.encode("ascii") + b" " + base64.b64encode(signature) + b"\n" + data


def _signed(data: bytes) -> bytes:
    return _DOMAIN + hashlib.sha256(data).digest()


def taken_up(data: bytes, ledger: Ledger) -> Reading | None:
    """Return the reading that a shelf tells of; None where it is none, or not of this ledger, or signed by no log.

    The chain of trust is read from the ledger and verified; the key must be one of the log's under it, not revoked.
    """
    try:
        head, _newline, body = data.partition(b"\n")
        named, _space, signature = head.partition(b" ")
        keyid, said = named.decode("ascii"), json.loads(body)
        size = said["size"]
        if said["form"] != FORM or ledger.size < size or ledger.root(size).hex() != said["root"]:
            return None
        trusts = _chains(ledger, said["trusts"])
        trust = trusts[-1][1].trust
        if trust is None or not _vouches(trust, keyid):
            return None
        trust.key(keyid).verify(base64.b64decode(signature, validate=True), _signed(body))
        records = _stood(said, ledger, trusts)
        return Reading(records, trusts[-1][1], trusts, size, bytes.fromhex(said["root"]), size, keyid)
    except (HoldfastError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return None


def _chains(ledger: Ledger, indices: Sequence[int]) -> tuple[tuple[int, Chain], ...]:
    chain = Chain()
    chains = []
    for index, data in sorted(ledger.some(indices).items()):
        envelope = Envelope.from_bytes(data)
        record = record_of(index, data, envelope)
        if record.step != "trust":
            raise TrustError(f"shelf: entry {index} is no trust document")
        chain = verified(record, envelope, chain)
        chains.append((index, chain))
    return tuple(chains)


def _stood(said: Mapping[str, Any], ledger: Ledger, trusts: tuple[tuple[int, Chain], ...]) -> list[Record]:
    """Return the records of a verified shelf. Plain loops: there may be hundreds of thousands."""
    shelf = Shelf(ledger, trusts)
    words, digests, columns, resumes = said["words"], said["digests"], said["columns"], said["resumes"]
    doubted = set(said["doubted"])
    new, stand = Kept.__new__, object.__setattr__
    records = shelf.records
    rows = zip(*(columns[name] for name in (*_WORDS, *_GISTS, "at")), strict=True)
    for index, (step, principal, role, keyid, change_id, run_id, kind, mode, ring, at) in enumerate(rows):
        told: dict[str, Any] = {}
        if run_id >= 0:
            told["run_id"] = words[run_id]
        if kind >= 0:
            told["kind"] = words[kind]
        if mode >= 0:
            told["mode"] = words[mode]
        if ring >= 0:
            told["ring"] = words[ring]
        if words[step] == "run-open":
            told["resumes"] = resumes.get(str(index), [])
        one = new(Kept)
        stand(one, "__dict__", {
            "index": index, "sha256": digests[64 * index : 64 * index + 64], "step": words[step],
            "principal": words[principal], "role": words[role], "keyid": words[keyid], "change_id": words[change_id],
            "at": at, "told": told, "doubted": index in doubted, "shelf": shelf,
        })  # fmt: skip
        records.append(one)
    if len(records) != said["size"] or len(digests) != 64 * said["size"]:
        raise LedgerError("shelf: its columns are of different lengths")
    return records
