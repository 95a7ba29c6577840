# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scanning a site: its register, what was read of its hosts, its feeds, and the clocks of the scan kept last.

A scan that is kept is sealed evidence of kind scan, signed in the role of the verifier. The newest of those is where
clocks go on from; nothing else remembers them.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..advisories.model import Advisory
from ..errors import HoldfastError, LedgerError
from ..evidence.kept import keep_until
from ..ledger import keeping
from ..ledger.parts import Receipt
from ..ledger.reading import Record, officers_of
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..policy.permits import left_alone, permitted
from ..risk.finding import Finding
from ..risk.installed import Host, host_of
from ..risk.kept import before_of, chunks
from ..risk.model import FILES, Model, RiskError, read_model
from ..risk.pending import advisories
from ..risk.scan import Before, Feed, Inputs, Scan, evaluate
from ..site.site import Site
from .environment import PRODUCT
from .feeding import Feeds, Loaded, load
from .observing import each_sight
from .sealing import Sealing, folder_of

FIRST = b"holdfast-findings-v1\n"
"""What a kept scan begins with, before it is sealed; the rest is gzip (RFC 1952) without time and name."""
LARGEST = 1024 * 1024 * 1024
"""Bytes of an unpacked scan: more than a million findings."""
ROLES = ("verifier",)
"""Who may sign a scan from which clocks go on: somebody else's could move deadlines back."""


@dataclass(frozen=True)
class Scanned:
    """A scan, and what it was made from; `findings` are its own, with what exceptions make of them now."""

    scan: Scan
    findings: tuple[Finding, ...]
    model: Model
    loaded: Loaded
    ecosystems: dict[str, str]
    """By asset, such as debian:12."""


def risk_model() -> Model:
    """Return the product's risk model. Raises RiskError where a table is not as it was shipped."""
    found = {}
    for name in FILES:
        path = PRODUCT / "policy" / "risk" / name
        try:
            found[name] = path.read_bytes()
        except OSError as error:
            raise RiskError(f"{path}: {error.strerror}; install the collection again") from error
    return read_model(found)


def scan_site(
    site: Site,
    records: Sequence[Record],
    now: datetime,
    only: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
    pending: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> Scanned:
    """Return what is found on a site's items at `now`, on all or on those named; reads much, and writes nothing.

    `pending` is by asset what `reported` of risk/pending.py gives.
    """
    model = risk_model()
    before = last_kept(site, records)
    loaded = load(replace(Feeds.of(site.root), now=lambda: now))
    hosts: dict[str, Host] = {}
    unseen: dict[str, str] = {}
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for one in each_sight(site, records, [one.id for one in site.assets if not only or one.id in only]):
        if one.observation is None:
            unseen[one.asset] = one.why
        else:
            hosts[one.asset] = host_of(one.observation, known)
    ecosystems = {name: one.ecosystem for name, one in hosts.items()}
    items = tuple(one for one in site.items if not only or one.id in only)
    inputs = Inputs(
        site=site.name,
        items=items,
        data_flows=site.data_flows,
        vendors=site.vendors,
        policy=site.policy.risk,
        model=model,
        advisories=loaded.library.advisories,
        supports=loaded.library.support,
        vendor_advisories=loaded.library.vendor,
        flaws=loaded.library.vulnerability,
        feeds=_feeds(loaded),
        hosts=hosts,
        limit_hours=site.policy.inventory.max_age_hours,
        lists_hours=site.policy.patching.lists_max_age_hours,
        before=before,
        unseen=unseen,
        pending=advisories(pending or {}, ecosystems, loaded.library.advisories),
    )
    scan = evaluate(inputs, now, progress)
    findings = permitted(scan.findings, site, records, officers_of(records), now)
    return Scanned(scan, findings, model, loaded, ecosystems)


def kept_back(
    site: Site, records: Sequence[Record], now: datetime, assets: Collection[str]
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return, by asset and installed package, the exceptions by which no plan may update it now.

    These are the packages of which every flaw on the asset may stay: an update mends all of them at once. Without an
    exception of a flaw nothing is scanned. Raises as `scan_site` does: what may stay must be known before it is left.
    """
    if not any(one.vulnerability and one.in_force(now) for one in site.exceptions):
        return {}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for asset, package, names in left_alone(scan_site(site, records, now, assets).findings):
        found.setdefault(asset, {})[package] = names
    kept: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in each_sight(site, records, sorted(found)):
        for row in one.observation.packages if one.observation is not None else ():
            # Advisories of Debian name sources, those of others what is installed.
            its = found[one.asset]
            if by := its.get(row.source) or its.get(row.name):
                kept.setdefault(one.asset, {})[row.name] = by
    return kept


def _feeds(loaded: Loaded) -> tuple[Feed, ...]:
    return tuple(
        Feed(
            one.settings.id,
            one.state.sha256 if one.state and one.is_known else None,
            one.state.feed_date.date().isoformat() if one.state and one.state.feed_date else None,
            one.reasons,
        )
        for one in sorted(loaded.standings, key=lambda one: one.settings.id)
    )


def packed(scan: Scan) -> tuple[bytes, str]:
    """Return the bytes that are sealed, and the SHA-256 of the scan in them."""
    digest, engine = hashlib.sha256(), zlib.compressobj(6, wbits=31)
    told = [FIRST]
    for piece in chunks(scan):
        digest.update(piece)
        told.append(engine.compress(piece))
    return b"".join((*told, engine.flush())), digest.hexdigest()


def unpacked(plain: bytes) -> bytes | None:
    """Return the scan in what was sealed, None where that is something else. Raises RiskError for a damaged one."""
    if not plain.startswith(FIRST):
        return None
    try:
        engine = zlib.decompressobj(wbits=31)
        data = engine.decompress(plain[len(FIRST) :], LARGEST)
    except zlib.error as error:
        raise RiskError(f"the scan kept last cannot be unpacked ({error}); put it back from a copy") from error
    if not engine.eof:
        raise RiskError(f"the scan kept last is cut short, or larger than {LARGEST} bytes; put it back from a copy")
    return data


def last_kept(site: Site, records: Sequence[Record]) -> Before:
    """Return the clocks of the newest scan on record, none before the first.

    Raises LedgerError or RiskError where it is not at hand: clocks that begin anew would be deadlines moved back.
    """
    erased = {one.subject_sha256 for one in records if one.step == "tombstone"}
    sealing = Sealing(folder_of(site))
    for one in reversed(records):
        if one.step != "evidence" or one.body["kind"] != "scan" or one.role not in ROLES or one.doubted:
            continue
        if one.subject_sha256 in erased:
            continue
        try:
            data = unpacked(sealing.open(one.subject_sha256))
        except HoldfastError as error:
            raise LedgerError(f"{error}; record {one.index} says that clocks of findings may be in it") from error
        if data is not None:
            return before_of(data, hashlib.sha256(data).hexdigest(), site.name)
    return Before()


def keep(site: Site, recorder: Recorder, signer: Signer, scan: Scan) -> tuple[Receipt, str]:
    """Seal a scan and put it on record; return the receipt, and the SHA-256 of the scan."""
    plain, digest = packed(scan)
    sealing = Sealing(folder_of(site))
    name, size = sealing.put(plain)
    try:
        receipt = keeping.evidence(
            recorder, signer, sha256=name, kind="scan", size=size, keep_until=keep_until(scan.at), roles=ROLES
        )
    except BaseException:
        sealing.destroy(name)  # what is on no record is not kept
        raise
    return receipt, digest


def advisories_of(loaded: Loaded, flaw: str) -> tuple[Advisory, ...]:
    """Return the advisories that name a flaw, each once, in order of id."""
    found = {
        one.id: one
        for several in loaded.library.advisories.values()
        for one in several
        if flaw in one.cves or flaw == one.id
    }
    return tuple(found[name] for name in sorted(found))
