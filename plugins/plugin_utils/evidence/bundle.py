# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's files, all but the verifier: records, tiles, head, keys, what stands behind digests, and words about them.

docs/reference/bundle.md lists them. The names are those that edge/verifier/verify.py knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger import canonical
from ..ledger.kinds import KINDS
from ..ledger.reading import Record
from ..ledger.tiles import tiles
from ..ledger.trust import Trust
from .gathering import Gathered

SCHEMA = "holdfast/bundle/v1"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Scope:
    """What a bundle is for: `kind` is change, asset, citation or period; `words` say it to people.

    `controls` and `assets` are those it is about; empty where it is about all that its records name.
    """

    kind: str
    words: str
    controls: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()


@dataclass(frozen=True)
class About:
    """The circumstances under which a bundle was made; `note` is the head it rests on, with all cosignatures."""

    site: str
    org: str
    made_at: datetime
    version: str
    note: str
    size: int
    root: str
    genesis: str
    log_keys: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """All that goes in: `plans` and sealed `evidence` by digest, `results` by run and asset; `missing` in sentences."""

    scope: Scope
    about: About
    gathered: Gathered
    plans: Mapping[str, bytes]
    evidence: Mapping[str, bytes]
    results: Mapping[tuple[str, str], bytes]
    missing: tuple[str, ...]


def details_of(records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """Return the digest of the results file of each run and asset, as the newest record of it names it."""
    return {
        (str(one.body["run_id"]), result["asset"]): result["detail_sha256"]
        for one in records
        if one.step == "verify"
        for result in one.body["results"]
        if "detail_sha256" in result
    }


def digests_of(name: str, records: Iterable[Record]) -> list[str]:
    """Return the digests of the plans, or of the evidence, that records are about, each once."""
    return list(dict.fromkeys(one["digest"]["sha256"] for r in records for one in r.subject if one["name"] == name))


def files_of(
    contents: Contents, entries: Iterable[bytes], stored: Mapping[int, bytes], trust: Trust
) -> dict[str, bytes]:
    """Return files by name; `entries` are all that the head covers, `stored` the records' own, `trust` the newest."""
    files = {path: data for path, data in tiles(entries) if not path.startswith("tile/entries/")}
    files |= {f"records/{index}.json": data for index, data in stored.items()}
    files |= {f"plans/{digest}.json": data for digest, data in contents.plans.items()}
    files |= {f"evidence/{digest}.sealed": data for digest, data in contents.evidence.items()}
    files |= {f"results/{run}/{asset}.json": data for (run, asset), data in contents.results.items()}
    files |= {f"keys/{name}": text.encode() for name, text in _keys(trust)}
    files["keys/log.vkey"] = "".join(f"{key}\n" for key in contents.about.log_keys).encode()
    files["checkpoint"] = contents.about.note.encode()
    files["bundle.json"] = (json.dumps(to_dict(contents), indent=1, sort_keys=True) + "\n").encode()
    return files


def to_dict(contents: Contents) -> dict[str, Any]:
    """Return what a bundle says of itself, for machines."""
    about, scope = contents.about, contents.scope
    return {
        "schema": SCHEMA,
        "scope": {
            "kind": scope.kind,
            "words": scope.words,
            "controls": sorted(scope.controls),
            "assets": sorted(scope.assets),
        },
        "site": about.site,
        "org": about.org,
        "made_at": canonical.timestamp(about.made_at),
        "producer": about.version,
        "head": {"size": about.size, "root": about.root},
        "genesis": about.genesis,
        "records": [one.index for one in contents.gathered.records],
        "asked": sorted(contents.gathered.asked),
        "newer": contents.gathered.newer,
        "missing": list(contents.missing),
    }


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return the list of all files that `sha256sum -c` reads."""
    return "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())).encode()


def _keys(trust: Trust) -> Iterable[tuple[str, str]]:
    """Yield the keys of the trust in force as OpenSSL (PEM) and ssh-keygen (allowed_signers) read them."""
    signers = []
    for principal in trust.principals:
        for key in principal.keys:
            yield f"{principal.id}-{key.keyid[:16]}.pem", key.pem
            if KINDS[key.kind].ssh:
                signers.append(f"{principal.id} {key.written}\n")
    yield "allowed_signers", "".join(signers)
