# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a new version of the trust document, in words, before anybody signs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .bodies import OFFICES, ROLES
from .reading import Record
from .trust import Principal, Trust

OPTIONAL = ("officer", "publisher", *OFFICES)
"""Roles and offices that nobody misses at first."""
SHOWN = 12
"""Entries that are listed by number; of more only the count is said."""


def consequences(before: Trust | None, after: Trust, records: Iterable[Record] = ()) -> tuple[str, ...]:
    """Return what publishing `after` will do, one sentence each; `records` are those of the ledger so far."""
    said = [*_signatures(before, after), *_principals(before, after), *_roles(before, after)]
    return (*said, *_doubts(before, after, records))


def _signatures(before: Trust | None, after: Trust) -> Iterator[str]:
    if before is not None:
        yield f"it follows version {before.version}, and needs {_of(before)} of that version to sign"
    needs = "it needs" if before is None else "and"
    if before is None or (before.roots, before.root_threshold) != (after.roots, after.root_threshold):
        yield f"{needs} {_of(after)} of its own to sign"


def _of(trust: Trust) -> str:
    return f"{trust.root_threshold} of {', '.join(trust.roots)}"


def _principals(before: Trust | None, after: Trust) -> Iterator[str]:
    old = {one.id: one for one in before.principals} if before else {}
    for one in after.principals:
        was = old.pop(one.id, None)
        if was is None:
            yield f"{one.id} becomes {', '.join(one.roles)}"
        elif set(was.roles) != set(one.roles):
            yield f"{one.id} becomes {', '.join(one.roles)}; was {', '.join(was.roles)}"
        yield from _keys(was, one)
    for one in old.values():
        yield (
            f"{one.id} is gone; what they signed verifies by version {before.version if before else 0} alone; " + _KEEP
        )


_KEEP = "to keep it verifiable by the newest version, revoke their keys instead (`holdfast trust revoke`)"


def _keys(was: Principal | None, one: Principal) -> Iterator[str]:
    known = {key.keyid for key in was.keys} if was else set()
    for key in one.keys:
        term = one.term(key.keyid)
        if key.keyid not in known:
            when = f", {term}" if str(term) else ""
            yield f"{one.id} gets the {key.kind} key {key.keyid[:16]}...{when}"
        elif was is not None and term != was.term(key.keyid):
            yield f"{one.id}'s key {key.keyid[:16]}... is {term}"
    for keyid in sorted(known - {key.keyid for key in one.keys}):
        yield f"{one.id} loses the key {keyid[:16]}...; " + _KEEP


def _roles(before: Trust | None, after: Trust) -> Iterator[str]:
    for role in ROLES:
        if not after.keys_of(role) and (role not in OPTIONAL if before is None else before.keys_of(role)):
            yield f"nobody is {role} any more" if before else f"nobody is {role} yet"


def _doubts(before: Trust | None, after: Trust, records: Iterable[Record]) -> Iterator[str]:
    found: dict[str, list[Record]] = {}
    for one in records:
        if after.doubts(one.keyid, one.index) and not (before and before.doubts(one.keyid, one.index)):
            found.setdefault(one.principal, []).append(one)
    for principal, doubted in found.items():
        listed = ", ".join(f"{one.index} ({one.step})" for one in doubted[:SHOWN])
        more = f" and {len(doubted) - SHOWN} more" if len(doubted) > SHOWN else ""
        yield (
            f"{len(doubted)} records of {principal} come into doubt: {listed}{more}; approvals among them "
            "count no more, and the audit names each until the root attests it"
        )
