# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a site's feeds: the state of each, and the bytes it had before; as data, and back, checked."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import bounds, reading
from .bounds import FeedError
from .kinds import KINDS
from .model import ABSENT, NOT_CHECKED, VERIFIED, FeedState, Rejected
from .reading import BadRecordError

VERSION = 1
EARLIER_MOST = 20_000

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}")


@dataclass(frozen=True, slots=True)
class Earlier:
    """Bytes a feed had before: enough to read them again when a result that rests on them is replayed."""

    sha256: str
    kind: str
    fetched_at: datetime
    parts: bool


@dataclass(frozen=True)
class Index:
    """The state of every feed by id, and what each had before, oldest first."""

    states: Mapping[str, FeedState] = field(default_factory=dict)
    earlier: Mapping[str, tuple[Earlier, ...]] = field(default_factory=dict)

    def with_state(self, state: FeedState) -> Index:
        """Return the index with a feed's new state; what it had is kept as earlier where the bytes are others."""
        earlier = dict(self.earlier)
        old = self.states.get(state.feed)
        if old is not None and old.sha256 != state.sha256:
            before = Earlier(old.sha256, old.kind, old.fetched_at, old.parts)
            earlier[state.feed] = (*earlier.get(state.feed, ()), before)[-EARLIER_MOST:]
        return Index({**self.states, state.feed: state}, earlier)

    def pruned(self, before: datetime) -> Index:
        """Return the index without what was replaced by something newer before a moment."""
        left: dict[str, tuple[Earlier, ...]] = {}
        for name, earlier in self.earlier.items():
            replaced = [*(one.fetched_at for one in earlier), self.states[name].fetched_at][1:]
            left[name] = tuple(one for one, at in zip(earlier, replaced, strict=True) if at >= before)
        return Index(self.states, left)

    def named(self) -> dict[str, bool]:
        """Return the digests of all bytes that are named, each with whether it is a listing of others."""
        found = {one.sha256: one.parts for one in self.states.values()}
        found.update({one.sha256: one.parts for earlier in self.earlier.values() for one in earlier})
        return found

    def to_bytes(self) -> bytes:
        """Return the index as JSON, the same bytes for the same index."""
        feeds = {
            name: {**state_to_dict(state), "earlier": [_earlier_to_dict(one) for one in self.earlier.get(name, ())]}
            for name, state in sorted(self.states.items())
        }
        whole = {"version": VERSION, "feeds": feeds}
        return json.dumps(whole, indent=1, sort_keys=True).encode("ascii") + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> Index:
        """Read an index. Raises FeedError for anything that `to_bytes` does not write."""
        whole = bounds.document(data, where)
        try:
            if reading.mapping(whole, "the index").get("version") != VERSION:
                raise BadRecordError(f"version: expected {VERSION}")
            states: dict[str, FeedState] = {}
            earlier: dict[str, tuple[Earlier, ...]] = {}
            for name, one in reading.mapping(whole.get("feeds"), "feeds").items():
                reading.matching(_SLUG, name, "feeds", "a feed's id")
                member = {**reading.mapping(one, f"feeds.{name}")}
                listed = reading.sequence(member.pop("earlier", None), f"feeds.{name}.earlier", EARLIER_MOST)
                earlier[name] = tuple(_earlier_from_dict(each, f"feeds.{name}.earlier") for each in listed)
                states[name] = _state_from_dict({**member, "feed": name}, f"feeds.{name}")
            return cls(states, earlier)
        except BadRecordError as error:
            raise FeedError(
                f"{where}: {error}; put the index back from a copy, or remove it and take the feeds again"
            ) from error


def state_to_dict(state: FeedState) -> dict[str, Any]:
    """Return a state for machines."""
    data = {one.name: getattr(state, one.name) for one in dataclasses.fields(state)}
    del data["feed"]
    for name in ("fetched_at", "checked_at", "feed_date"):
        data[name] = _written(data[name])
    data["rejected"] = [{"where": one.where, "reason": one.reason} for one in state.rejected]
    data["signed_by"] = list(state.signed_by)
    return data


def _earlier_to_dict(one: Earlier) -> dict[str, Any]:
    return {"sha256": one.sha256, "kind": one.kind, "fetched_at": _written(one.fetched_at), "parts": one.parts}


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _state_from_dict(data: dict[str, Any], where: str) -> FeedState:
    names = {one.name for one in dataclasses.fields(FeedState)}
    if data.keys() != names:
        raise BadRecordError(f"{where}: expected the members {', '.join(sorted(names))}")
    return FeedState(
        feed=data["feed"],
        kind=_kind(data["kind"], where),
        source=reading.text(data["source"], f"{where}.source", 2000),
        fetched_at=reading.moment(data["fetched_at"], f"{where}.fetched_at"),
        checked_at=reading.moment(data["checked_at"], f"{where}.checked_at"),
        feed_date=reading.optional_moment(data["feed_date"], f"{where}.feed_date"),
        feed_version=_optional(data["feed_version"], f"{where}.feed_version"),
        sha256=reading.matching(_SHA256, data["sha256"], f"{where}.sha256", "a SHA-256"),
        bytes=_whole(data["bytes"], f"{where}.bytes"),
        count=_whole(data["count"], f"{where}.count"),
        rejected=tuple(_rejected(one, where) for one in reading.sequence(data["rejected"], f"{where}.rejected", 1000)),
        rejected_count=_whole(data["rejected_count"], f"{where}.rejected_count"),
        etag=_optional(data["etag"], f"{where}.etag"),
        last_modified=_optional(data["last_modified"], f"{where}.last_modified"),
        hash=_proof(data["hash"], f"{where}.hash"),
        signature=_proof(data["signature"], f"{where}.signature"),
        signed_by=tuple(
            reading.matching(_FINGERPRINT, one, f"{where}.signed_by", "a fingerprint")
            for one in reading.sequence(data["signed_by"], f"{where}.signed_by", 100)
        ),
        parts=_truth(data["parts"], f"{where}.parts"),
    )


def _earlier_from_dict(value: Any, where: str) -> Earlier:
    one = reading.mapping(value, where)
    return Earlier(
        reading.matching(_SHA256, one.get("sha256"), f"{where}.sha256", "a SHA-256"),
        _kind(one.get("kind"), where),
        reading.moment(one.get("fetched_at"), f"{where}.fetched_at"),
        _truth(one.get("parts"), f"{where}.parts"),
    )


def _rejected(value: Any, where: str) -> Rejected:
    one = reading.mapping(value, f"{where}.rejected")
    return Rejected(
        reading.words(one.get("where"), f"{where}.rejected.where") or "",
        reading.words(one.get("reason"), f"{where}.rejected.reason") or "",
    )


def _kind(value: Any, where: str) -> str:
    if not isinstance(value, str) or value not in KINDS:
        raise BadRecordError(f"{where}.kind: expected one of {', '.join(KINDS)}")
    return value


def _proof(value: Any, where: str) -> str:
    if value not in (VERIFIED, ABSENT, NOT_CHECKED):
        raise BadRecordError(f"{where}: expected {VERIFIED}, {ABSENT} or {NOT_CHECKED}")
    return str(value)


def _optional(value: Any, where: str) -> str | None:
    return None if value is None else reading.text(value, where, 500)


def _whole(value: Any, where: str) -> int:
    return int(reading.number(value, where, 0, 2**53))


def _truth(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadRecordError(f"{where}: expected true or false")
    return value
