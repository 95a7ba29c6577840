# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a Holdfast bundle offline: python3 verify.py BUNDLE.zip --genesis SHA256

It needs Python 3.9 and the package `cryptography`, and nothing of Holdfast. Have it from elsewhere than the bundle: who
forges the one forges the other. It leaves with 0 when all holds, 1 when the bundle is refused, 2 for wrong usage.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from functools import reduce
from hashlib import sha256
from typing import Any, NamedTuple

MOST_FILES, MOST_BYTES, SUMS = 200_000, 1 << 29, "SHA256SUMS"
FILES = re.compile(r"(?a)(records|keys|plans|results|evidence|tile)(/\w[\w.-]*)+|checkpoint|SHA256SUMS|\w+\.[a-z]+")
ALL = {"approver", "implementer", "log", "officer", "publisher", "requester", "verifier"}
ROLES = {  # who may sign what
    **{key: {"approver"} for key in ("approve", "review", "assess", "standard", "policy", "exception")},
    **{key: {"implementer"} for key in ("run-open", "deploy", "rollback", "lease", "run-close", "break-glass")},
    "trust": {"root"}, "request": {"requester"}, "hold": {"officer"}, "tombstone": {"officer"}, "verify": {"verifier"},
    "heartbeat": {"log"}, "content": {"publisher"}, "halt": {"requester", "approver", "implementer"}, "amend": ALL,
    "evidence": ALL - {"log", "publisher"},
}  # fmt: skip
KINDS = {  # kind of key: curve (none: Ed25519), and whether its signatures are bare, SSHSIG, or of a FIDO2 token
    "ed25519": ("", "bare"), "ecdsa-p256": ("nistp256", "bare"), "ecdsa-p384": ("nistp384", "bare"),
    "ssh-ed25519": ("", "ssh"), "ecdsa-sha2-nistp256": ("nistp256", "ssh"), "ecdsa-sha2-nistp384": ("nistp384", "ssh"),
    "sk-ssh-ed25519@openssh.com": ("", "token"), "sk-ecdsa-sha2-nistp256@openssh.com": ("nistp256", "token"),
}  # fmt: skip


def _need(good: object, problem: str) -> None:
    if not good:
        raise ValueError(problem)


def read(path: str) -> dict[str, bytes]:
    """Return a bundle's files by name. Nothing is unpacked; what is too large, or no plain file, is refused."""
    files: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        _need(len(infos) <= MOST_FILES and sum(one.file_size for one in infos) <= MOST_BYTES, "it is too large")
        for info in infos:
            good = FILES.fullmatch(info.filename) and info.filename not in files and not info.flag_bits & 1
            plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and info.external_attr >> 28 != 0xA
            _need(good and plain, f"{info.filename!r} has no place in a bundle")
            files[info.filename] = archive.read(info)
    lines = [f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()) if name != SUMS]
    odd = sorted({line[66:].strip() for line in {*lines} ^ {*files[SUMS].decode().splitlines(keepends=True)}})
    _need("".join(lines).encode() == files[SUMS], f"{SUMS} does not say what is there: {odd[:3]}")
    return files


def _exact(data: bytes) -> Any:
    value = json.loads(data)
    _need(_spelt(value) == data, "JSON in a second spelling")
    return value


def _spelt(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _ssh(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class Record:
    """One entry taken apart: an in-toto Statement v1 in a DSSE envelope with exactly one signature."""

    def __init__(self, index: int, stored: bytes) -> None:
        outer = _exact(stored)
        (one,), kind, payload = outer["signatures"], outer["payloadType"].encode(), b64decode(outer["payload"])
        _need(kind == b"application/vnd.in-toto+json", f"entry {index}: an envelope of something else")
        statement = _exact(payload)
        self.index, self.sha256, self.leaf = index, sha256(stored).hexdigest(), sha256(b"\0" + stored).digest()
        self.step = statement["predicateType"][len("https://holdfast.example/") : -len("/v1")]
        known = self.step in ROLES and statement["predicateType"] == f"https://holdfast.example/{self.step}/v1"
        _need(known, f"entry {index}: {self.step!r} is no step that this verifier knows; have a newer one")
        self.subject = [(about["name"], about["digest"]["sha256"]) for about in statement["subject"]]
        self.said, self.body = statement["predicate"], statement["predicate"]["step"]
        self.who, self.run = self.said["actor"]["principal"], self.body.get("run_id")
        self.keyid, self.signature = one["keyid"], b64decode(one["sig"])
        self.message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


class Key(NamedTuple):
    """A key, whose it is, and what the trust document says of the entries it may sign."""

    who: str
    roles: set[str]
    kind: str
    raw: bytes
    term: dict[str, Any]

    def _may(self, roles: set[str], index: int) -> bool:
        first, end = self.term.get("valid_from", 0), self.term.get("revoked_from", index + 1)
        return bool(roles & self.roles) and first <= index < end

    def _made(self, signature: bytes, message: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        curve, form = KINDS[self.kind]
        if form != "bare":
            signature, message = self._unwrapped(signature, message)
        try:
            if curve:
                ours, hashed = (ec.SECP256R1, hashes.SHA256) if "256" in curve else (ec.SECP384R1, hashes.SHA384)
                point = ec.EllipticCurvePublicKey.from_encoded_point(ours(), self.raw)
                point.verify(signature, message, ec.ECDSA(hashed()))
            else:
                ed25519.Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def _unwrapped(self, blob: bytes, message: bytes) -> tuple[bytes, bytes]:
        """Return the signature in an SSHSIG blob and what it covers (OpenSSH: PROTOCOL.sshsig, PROTOCOL.u2f)."""
        curve, form = KINDS[self.kind]
        kind, token = _ssh(self.kind.encode()), b"ssh:" if form == "token" else b""
        public = kind + (_ssh(curve.encode()) if curve else b"") + _ssh(self.raw) + (_ssh(token) if token else b"")
        algorithm = "sha256" if b"\0\0\0\6sha256" in blob[len(public) :][:60] else "sha512"
        fields = _ssh(b"dsse@holdfast.example") + _ssh(b"") + _ssh(algorithm.encode())
        inner = blob[len(b"SSHSIG\0\0\0\1" + _ssh(public) + fields) + 4 :]
        _need(blob == b"SSHSIG\0\0\0\1" + _ssh(public) + fields + _ssh(inner), "an SSHSIG of another key or purpose")
        end = len(kind) + 4 + int.from_bytes(inner[len(kind) :][:4], "big")
        made, rest = inner[len(kind) + 4 : end], inner[end:]
        _need(inner == kind + _ssh(made) + rest and len(rest) == (5 if token else 0), "an SSHSIG of another form")
        covered = b"SSHSIG" + fields + _ssh(hashlib.new(algorithm, message).digest())
        if token:
            _need(rest[0] & 1, "nobody touched the token")
            covered = sha256(token).digest() + rest + sha256(covered).digest()
        if curve:  # two numbers after their lengths; DER has the same digits after shorter ones
            half = 4 + int.from_bytes(made[:4], "big")
            pair = (made[4:half], made[half + 4 :])
            _need(made == _ssh(pair[0]) + _ssh(pair[1]), "an SSHSIG without its two numbers")
            made = b"\x30%c" % (len(made) - 4) + b"".join(b"\2%c%b" % (len(one), one) for one in pair)
        return made, covered


class Trust:
    """A version of the trust document, in force for entries after `index`."""

    def __init__(self, record: Record) -> None:
        self.index, self.body, self.keys = record.index, record.body, dict[str, Key]()
        self.sha256 = sha256(_spelt(self.body)).hexdigest()
        _need(record.subject == [("trust", self.sha256)], f"entry {self.index}: it is about another trust document")
        for who, term in ((one, term) for one in self.body["principals"] for term in one["keys"]):
            key = Key(who["id"], set(who["roles"]), term["keytype"], b64decode(term["public"]), term)
            name = sha256(key.raw).hexdigest()
            _need(name == term["keyid"] and name not in self.keys and key.kind in KINDS, f"key {name} is not sound")
            self.keys[name] = key


class Bundle:
    """What a bundle says, verified; raises an error that says what does not hold."""

    def __init__(self, files: dict[str, bytes], genesis: str | None, witnesses: Sequence[str]) -> None:
        self.files, self.notes = files, list[str]()
        names = sorted((int(name[8:-5]), name) for name in files if re.fullmatch(r"records/\d{1,12}\.json", name))
        self.records = [Record(index, files[name]) for index, name in names]
        text, _gap, self.lines = files["checkpoint"].decode().partition("\n\n")
        self.text = f"{text}\n".encode()
        self.origin, size, root = text.split("\n")
        self.size = int(size)
        row = b"".join(files[name] for name in sorted(files) if name.startswith("tile/0/"))  # C2SP tlog-tiles
        _need(len(row) == 32 * self.size > 0, "tile/0 has not one hash for each entry")
        self.levels = [[row[at : at + 32] for at in range(0, len(row), 32)]]
        while len(low := self.levels[-1]) > 1:  # RFC 6962, 2.1; the last of an odd number has no pair yet
            self.levels.append([sha256(b"\1" + low[at] + low[at + 1]).digest() for at in range(0, len(low) - 1, 2)])
        _need(bytes.fromhex(self._root(self.size)) == b64decode(root), "the tiles are not those of the checkpoint")
        self.versions = list(self._trust())
        first = self.versions[0].sha256 if self.versions else None
        _need(first and genesis in (None, first), f"the first trust document is {first}; expected {genesis or 'one'}")
        for record in self.records:
            self._judge(record)
        self._check_head(witnesses)
        self._check_links({record.sha256 for record in self.records})

    def _root(self, size: int) -> str:
        parts = [self.levels[at][(size >> at) - 1] for at in range(size.bit_length()) if size >> at & 1]
        return reduce(lambda low, part: sha256(b"\1" + part + low).digest(), parts or [sha256(b"").digest()]).hex()

    def _trust(self) -> Iterator[Trust]:
        """Yield the versions of the trust document that came into force; TUF's rules, with indices for dates."""
        now: Trust | None = None
        votes: dict[str, tuple[set[str], set[str]]] = {}
        for record in (one for one in self.records if one.step == "trust"):
            offered, at = Trust(record), f"entry {record.index}: "
            expected = (now.body["version"] + 1, now.sha256) if now else (1, None)
            _need((offered.body["version"], offered.body["previous"]) == expected, f"{at}no version that follows")
            for name, was in now.keys.items() if now else ():
                for word in {"revoked_from", "distrust_from"} & set(was.term):
                    _need(offered.keys[name].term[word] <= was.term[word], f"{at}{word} of {name} was taken back")
            keys = [trust and trust.keys.get(record.keyid) for trust in (now, offered)]
            old, own = ({key.who} if key and key._may({"root"}, record.index) else set() for key in keys)
            _need(old | own == {record.who}, f"{at}not signed by a root principal")
            key = keys[0 if old else 1]
            _need(key and key._made(record.signature, record.message), f"{at}the signature does not hold")
            before, mine = votes.setdefault(offered.sha256, (set(), set()))
            before.update(old)
            mine.update(own)
            enough = now is None or len(before) >= now.body["root_threshold"]
            if enough and len(mine) >= offered.body["root_threshold"]:
                now = offered
                yield offered

    def _in_force(self, index: int) -> Trust:
        return [one for one in self.versions if one.index < index][-1]

    def _judge(self, record: Record) -> None:
        """Refuse a record that is not in the log, or not signed by one who might, seeing this log and its trust."""
        at, head, named = f"entry {record.index}: ", record.said["ledger_head"], record.said["trust"]
        _need(self.levels[0][record.index : record.index + 1] == [record.leaf], f"{at}not the log's entry there")
        _need(record.said["org"] == self.origin, f"{at}of another organisation")
        _need(head["size"] <= record.index and self._root(head["size"]) == head["root"], f"{at}it saw another log")
        term = getattr(self.versions[-1].keys.get(record.keyid), "term", {})
        if record.index >= term.get("distrust_from", self.size) and record.index not in term.get("attested", []):
            self.notes.append(f"IN DOUBT: {at}somebody else may have signed it, says the newest trust document")
        if record.step == "trust":
            return  # _trust has judged it
        trust, seen = self._in_force(record.index), self._in_force(head["size"])
        _need((named["version"], named["sha256"]) == (seen.body["version"], seen.sha256), f"{at}it names another trust")
        key = trust.keys.get(record.keyid)
        may = key and key._may(ROLES[record.step] & {record.said["actor"]["role"]}, record.index)
        _need(key and may and key.who == record.who, f"{at}{record.who} may not sign a {record.step} with that key so")
        _need(key and key._made(record.signature, record.message), f"{at}the signature does not hold")

    def _check_head(self, witnesses: Sequence[str]) -> None:
        """Refuse a head that the log's key did not sign, or a witness did not cosign (C2SP signed-note)."""
        lines = re.findall("^\u2014 \\S+ (\\S+)$", self.lines, re.MULTILINE)
        spoken = {raw[:4]: raw[4:] for data in lines if b64encode(raw := b64decode(data)).decode() == data}
        logs = [key for key in self._in_force(self.size).keys.values() if key._may({"log"}, self.size - 1)]
        made = [(key, spoken.get(sha256(f"{self.origin}\n\1".encode() + key.raw).digest()[:4], b"")) for key in logs]
        _need(any(key._made(one, self.text) for key, one in made), "the checkpoint is not signed by the log's key")
        for name, hint, data in (vkey.split("+", 2) for vkey in witnesses):
            one = spoken.get(bytes.fromhex(hint), b"")
            text = b"cosignature/v1\ntime %d\n%b" % (int.from_bytes(one[:8], "big"), self.text)
            key = Key(name, set(), "ed25519", b64decode(data)[1:], {})
            _need(key._made(one[8:], text), f"{name} did not cosign the head")

    def _check_links(self, known: set[str]) -> None:
        """Refuse records without those they rest on, runs without all their records, and files that no record names."""
        runs: dict[str, list[Record]] = {}
        for one in self.records:
            rests = [digest for name, digest in one.subject if name == "request"]
            for digest in (*rests, *(cited["sha256"] for cited in one.body.get("approvals", []))):
                _need(digest in known, f"entry {one.index} rests on a record that is missing, {digest}")
            if one.run:
                runs.setdefault(one.run, []).append(one)
        for run, told in runs.items():
            _need(told[0].step == "run-open", f"the beginning of {run} is missing")
            closed = told[-1].step == "run-close"
            counts = {"first": told[0].index, "last": told[-2:][0].index, "count": len(told) - 1}
            _need(not closed or told[-1].body["entries"] == counts, f"records of {run} are missing")
            self.notes += [] if closed else [f"{run} was not closed when this head was signed"]
        about = {digest for one in self.records for name, digest in one.subject if name in ("plan", "evidence")}
        looks = [(one.run, seen) for one in self.records if one.step == "verify" for seen in one.body["results"]]
        details = {f"results/{run}/{seen['asset']}.json": seen.get("detail_sha256") for run, seen in looks}
        for name in (name for name in self.files if name.startswith(("plans/", "results/", "evidence/"))):
            digest = sha256(self.files[name]).hexdigest()
            named = digest in about and name in (f"plans/{digest}.json", f"evidence/{digest}.sealed")
            _need(named or details.get(name) == digest, f"{name}: no record names these bytes")


def main(words: list[str] | None = None) -> int:
    """Verify the bundle that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", help="the .zip file")
    parser.add_argument("--genesis", metavar="SHA256", help="the first trust document's digest, as you know it")
    parser.add_argument("--witness", action="append", default=[], metavar="VKEY", help="who must have cosigned")
    args = parser.parse_args(words)
    try:
        found = Bundle(read(args.bundle), args.genesis, args.witness)
    except Exception as error:  # noqa: BLE001 - whatever a hostile bundle brings about is a refusal
        print(f"REFUSED: {error or type(error).__name__}")
        return 1
    for one in found.records:
        print(one.index, one.said["recorded_at"], one.step, one.who, one.said["change_id"] or one.run or "-")
    first, sums = found.versions[0].sha256, sha256(found.files[SUMS]).hexdigest()
    limits = ["what was left out, and index.html, which is its maker's reading of these records"]
    limits += [] if args.genesis else [f"who the root is: is {first} the first trust document? (--genesis)"]
    limits += [] if args.witness else ["whether others saw this log (--witness)"]
    print(*found.notes, *(f"not checked: {limit}" for limit in limits), sep="\n")
    print(f"VERIFIED: {len(found.records)} of the {found.size} entries of {found.origin}; {SUMS} has SHA-256 {sums}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
