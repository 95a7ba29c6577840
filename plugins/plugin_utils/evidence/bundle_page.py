# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle shows to people: one HTML page that needs nothing else, and a README that says how to verify it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger.reading import Record
from .asking import facts, run_of
from .bundle import Contents, Scope
from .citations import CITATIONS
from .page import rendered
from .reading import utc

WHOLE = 500
"""Records that the page shows word by word; a bundle of more has them in records/ alone."""
STEPS = {
    "approve": "approved",
    "assess": "assessed",
    "standard": "agreed to a template",
    "deploy": "carried out",
    "rollback": "took back",
    "verify": "verified",
    "halt": "halted",
}


@dataclass(frozen=True)
class Line:
    """One record on the page: what it says in a few words, and, unless there are too many, all its words."""

    record: Record
    belongs: str
    asked: bool
    said: str
    whole: str


@dataclass(frozen=True)
class Story:
    """One change: its plan's title and reason, and who did what to it, in the order of their first records."""

    change_id: str
    title: str
    reason: str
    deeds: tuple[tuple[str, str, int, datetime], ...]


@dataclass(frozen=True)
class Measured:
    """The newest answer that the bundle has of one control on one asset."""

    asset: str
    control: str
    result: str
    index: int
    at: datetime


def render_bundle(contents: Contents, stored: Mapping[int, bytes]) -> str:
    """Return the index page of a bundle; the template engine escapes all that comes from records, plans and site."""
    records, scope = contents.gathered.records, contents.scope
    lines = [
        Line(
            one,
            one.change_id or run_of(one) or "",
            one.index in contents.gathered.asked,
            told(one),
            _whole(stored[one.index]) if len(records) <= WHOLE else "",
        )
        for one in records
    ]
    cited = scope.words.split(" ")[1] if scope.kind == "citation" else ""
    foot = f"Holdfast bundle, {scope.words}, {utc(contents.about.made_at)}"
    return rendered(
        "bundle.html.j2",
        foot,
        contents=contents,
        about=contents.about,
        scope=scope,
        lines=lines,
        stories=stories(contents),
        measured=measured(records, scope),
        cited=cited,
        heading=CITATIONS.get(cited, ("", ""))[0],
    )


def told(record: Record) -> str:
    """Return in a few words what a record says of assets: lab-1 changed; prod-1 fail."""
    said: dict[str, dict[str, None]] = {}
    for fact in facts(record.body):
        if fact.control is None and (fact.words or fact.asset):
            said.setdefault(fact.asset or "", {}).update(dict.fromkeys(sorted(fact.words)))
    return "; ".join(f"{asset} {', '.join(words)}".strip() for asset, words in said.items())


def stories(contents: Contents) -> tuple[Story, ...]:
    """Return the changes of a bundle, in the order of their first records."""
    found: dict[str, list[Record]] = {}
    for one in contents.gathered.records:
        if one.change_id:
            found.setdefault(one.change_id, []).append(one)
    return tuple(_story(change, records, contents.plans) for change, records in found.items())


def measured(records: Iterable[Record], scope: Scope) -> tuple[Measured, ...]:
    """Return the newest answer for each asset and control that the bundle is about, of those that a verifier gave."""
    newest: dict[tuple[str, str], Measured] = {}
    for one in records:
        if one.step != "verify" or one.body["kind"] != "drift":
            continue
        for fact in facts(one.body):
            if not fact.asset or not fact.control or (scope.assets and fact.asset not in scope.assets):
                continue
            if scope.controls and fact.control not in scope.controls:
                continue
            (result,) = fact.words
            at = (fact.asset, fact.control)
            newest[at] = Measured(fact.asset, fact.control, result, one.index, one.recorded_at)
    return tuple(newest[at] for at in sorted(newest))


def _story(change: str, records: list[Record], plans: Mapping[str, bytes]) -> Story:
    plan: dict[str, Any] = {}
    for one in records:
        if one.subject[0]["name"] == "plan" and one.subject_sha256 in plans:
            plan = json.loads(plans[one.subject_sha256])
            break
    deeds: dict[tuple[str, str], tuple[str, str, int, datetime]] = {}
    for one in records:
        word = one.body["decision"] if one.step == "approve" else one.step
        did = STEPS.get(word, word)
        deeds.setdefault((did, one.principal), (did, one.principal, one.index, one.recorded_at))
    return Story(change, str(plan.get("title", "")), str(plan.get("reason", "")), tuple(deeds.values()))


def _whole(stored: bytes) -> str:
    payload = base64.b64decode(json.loads(stored)["payload"])
    return json.dumps(json.loads(payload), indent=1, ensure_ascii=False)


def readme(contents: Contents) -> str:
    """Return README.txt: what is here, and how to verify it with and without a program of ours."""
    about = contents.about
    missing = "".join(f"  - {one}\n" for one in contents.missing) or "  nothing that these records name\n"
    return f"""Holdfast bundle: {contents.scope.words}
Site {about.site}, organisation {about.org}, made {utc(about.made_at)} by holdfast {about.version}

index.html    the page to begin with: its maker's reading of the records
records/      the records, each in the very bytes that the log has; N.json is entry N
tile/         the hashes of all {about.size} entries of the log (c2sp.org/tlog-tiles), and the tree above them
checkpoint    the log's signed head over them, with the cosignatures of witnesses (c2sp.org/signed-note)
keys/         the keys of the newest trust document: PEM for OpenSSL, allowed_signers for ssh-keygen, log.vkey
plans/        plans that the records name by their SHA-256
results/      what was measured, asset by asset, named by the records by SHA-256
evidence/     sealed evidence, named by the records by SHA-256; its keys are not here
bundle.json   what this bundle is for, for machines
SHA256SUMS    the SHA-256 of every file
verify.py     the verifier: 300 lines, Python and the package `cryptography`

Verify
  Have verify.py from somewhere else than this bundle (`holdfast bundle verifier`, or the project's release), and know
  the first trust document's digest and the witnesses' keys by another way. Then, without unpacking:

    python3 verify.py THIS.zip --genesis SHA256 --witness VKEY

  The first trust document here has the digest {about.genesis}.

Without Python's `cryptography`
  Unpack into an empty folder; `sha256sum -c SHA256SUMS` there. Then, for a record of yours:

python3 -c 'import base64, json, sys
e = json.load(open(sys.argv[1])); k = e["payloadType"].encode(); p = base64.b64decode(e["payload"])
open("pae.bin", "wb").write(b"DSSEv1 %d %b %d %b" % (len(k), k, len(p), p))
open("sig.bin", "wb").write(base64.b64decode(e["signatures"][0]["sig"]))' records/N.json
openssl pkeyutl -verify -pubin -inkey keys/WHO-KEYID.pem -rawin -in pae.bin -sigfile sig.bin    (Ed25519)
openssl dgst -sha256 -verify keys/WHO-KEYID.pem -signature sig.bin pae.bin            (P-256; P-384: -sha384)
( echo '-----BEGIN SSH SIGNATURE-----'; base64 -w70 sig.bin; echo '-----END SSH SIGNATURE-----' ) > v.sig
ssh-keygen -Y verify -f keys/allowed_signers -I WHO -n dsse@holdfast.example -s v.sig < pae.bin (SSH)
(printf '\\000'; cat records/N.json) | openssl dgst -sha256      is the Nth 32 bytes of tile/0/...

What cannot be seen here
  What else the log has: a bundle holds what its maker chose, though whole runs and whole changes. Whether the log was
  rewritten: a witness's cosignature, or a head that you kept, tells. What index.html says beyond the records.

Not here
{missing}"""
