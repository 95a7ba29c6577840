# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking feeds: fetch, prove, read, compare with what is there, keep; and giving all of them as one library.

A feed that is refused changes nothing: its old bytes stay, and grow old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from ..advisories.bounds import FeedError
from ..advisories.freshness import DAMAGED, Standing, impossible, objections, standing
from ..advisories.index import Index
from ..advisories.kinds import contents_of
from ..advisories.library import Library, library, wanted
from ..advisories.model import FeedState
from ..advisories.parts import Options
from ..advisories.reading import Contents
from ..advisories.settings import FeedSettings, load_settings
from ..errors import UsageError
from .environment import PRODUCT, utc_now
from .feed_fetching import Fetched, UnreachableError, fetch, local
from .feed_proofs import prove
from .feed_store import FOLDER, FeedStore

TAKEN, UNCHANGED, REFUSED, UNREACHABLE = "taken", "unchanged", "refused", "unreachable"

FACTS = ("kev", "epss", "cve", "enrichment")
"""Kinds that say something of CVEs, and nothing of packages; read last, and of no other CVEs than are asked for."""


@dataclass(frozen=True)
class Outcome:
    """What became of one feed in an update; `state` is what is in force afterwards."""

    feed: str
    result: str
    reason: str
    state: FeedState | None


@dataclass(frozen=True)
class Feeds:
    """The feeds of one site."""

    root: Path
    settings: tuple[FeedSettings, ...]
    store: FeedStore
    now: Callable[[], datetime] = utc_now

    @classmethod
    def of(cls, root: Path) -> Feeds:
        """Return the feeds of the site at `root`. Raises SiteFilesError where policy/feeds.yml is not acceptable."""
        return cls(root, load_settings(root, PRODUCT), FeedStore(root / FOLDER))

    def named(self, feed: str) -> FeedSettings:
        """Return the feed of that id. Raises UsageError."""
        for one in self.settings:
            if one.id == feed:
                return one
        known = ", ".join(one.id for one in self.settings) or "none"
        raise UsageError(f"{feed}: policy/feeds.yml names no such feed; expected one of: {known}")

    def update(self, feed: FeedSettings, tell: Callable[[str], None], *, older: bool = False) -> Outcome:
        """Take one feed from its source; `older` allows what goes back in time or shrank."""
        return self._take(feed, lambda state: fetch(feed, self.root, state, tell), tell, older=older)

    def take_file(self, feed: FeedSettings, path: Path, tell: Callable[[str], None], *, older: bool = False) -> Outcome:
        """Take one feed from a file or folder that somebody carried here."""
        return self._take(feed, lambda _state: local(path, feed.kind), tell, older=older)

    def _take(
        self,
        feed: FeedSettings,
        get: Callable[[FeedState | None], Fetched],
        tell: Callable[[str], None],
        *,
        older: bool,
    ) -> Outcome:
        with self.store.held():
            index = self.store.index()
            state = index.states.get(feed.id)
            whole = state is not None and self.store.damage(state) is None
            try:
                # What is damaged here must come whole, whatever the server says of its own.
                fetched = get(state if whole else None)
                if fetched.unchanged and state is not None:
                    return self._looked(index, state, state.etag, state.last_modified)
                proven = prove(fetched, feed, self.root)
                tell("reading")
                contents = contents_of(feed.id, feed.kind, fetched.files, Options(feed.ecosystems, wanted=()), tell)
                now = self.now()
                against = [*impossible(contents, now)]
                against += [] if older else objections(feed, state, contents)
                if against:
                    raise FeedError(f"{feed.id}: {'; '.join(against)}; what is kept stays")
            except FeedError as error:
                return Outcome(feed.id, REFUSED, str(error), state)
            except UnreachableError as error:
                return Outcome(feed.id, UNREACHABLE, str(error), state)
            sha256, size, several = self.store.keep(fetched.files)
            same = whole and state is not None and state.sha256 == sha256
            new = FeedState(
                feed=feed.id,
                kind=feed.kind,
                source=fetched.source,
                fetched_at=state.fetched_at if same and state is not None else now,
                checked_at=now,
                feed_date=contents.feed_date,
                feed_version=contents.feed_version,
                sha256=sha256,
                bytes=size,
                count=contents.count,
                rejected=tuple(contents.rejected),
                rejected_count=contents.rejected_count,
                etag=fetched.etag,
                last_modified=fetched.last_modified,
                hash=proven.hash,
                signature=proven.signature,
                signed_by=proven.signed_by,
                parts=several,
            )
            self.store.commit(index.with_state(new))
            return Outcome(feed.id, UNCHANGED if same else TAKEN, _told(new), new)

    def _looked(self, index: Index, state: FeedState, etag: str | None, last_modified: str | None) -> Outcome:
        new = replace(state, checked_at=self.now(), etag=etag, last_modified=last_modified)
        self.store.commit(index.with_state(new))
        return Outcome(state.feed, UNCHANGED, "the source has nothing newer", new)

    def prune(self, days: int, *, dry: bool) -> tuple[int, int]:
        """Remove the bytes that were replaced more than `days` ago, and return how many files and bytes those are.

        A result that rests on them cannot be replayed afterwards. The bytes in force always stay.
        """
        with self.store.held():
            index = self.store.index()
            left = index.pruned(self.now() - timedelta(days=days))
            gone = self.store.needless(left)
            if not dry and gone:
                # The index first: a file that nothing names is harmless, a name without its file is not.
                self.store.commit(left)
                for path, _size in gone:
                    self.store.remove(path)
            return len(gone), sum(size for _path, size in gone)

    def standings(self) -> tuple[Standing, ...]:
        """Return how every feed of the policy stands now, its bytes read and compared with their digests."""
        states, now = self.store.index().states, self.now()
        found = []
        for one in self.settings:
            state = states.get(one.id)
            found.append(standing(one, state, self.store.damage(state) if state else None, now))
        return tuple(found)


@dataclass(frozen=True)
class Loaded:
    """A site's library, and how each of its feeds stands: what follows from a missing or stale one is for others."""

    library: Library
    standings: tuple[Standing, ...]


def load(feeds: Feeds, digests: Mapping[str, str] | None = None, cves: Iterable[str] = ()) -> Loaded:
    """Return the library of a site's feeds as they are, or as they were: `digests` names the bytes of each feed.

    A feed that was never taken, or whose bytes are damaged, is not in the library, and its standing says so. With
    `digests` only the feeds named there are read, and one that cannot be is an error (FeedError). Facts are kept of the
    CVEs that advisories name, of all in KEV, and of `cves`, which hosts and vendors may know besides.
    """
    index, standings = feeds.store.index(), feeds.standings()
    chosen: dict[str, FeedState] = {}
    for one in standings:
        if digests is None and one.state is not None and one.verdict != DAMAGED:
            chosen[one.settings.id] = one.state
    for name, sha256 in (digests or {}).items():
        chosen[name] = _at(index, name, sha256)
    settings = {one.id: one for one in feeds.settings}
    read: list[tuple[str, Contents]] = []
    for facts in (False, True):
        known = {*wanted(contents for _kind, contents in read), *cves} if facts else None
        for name, state in sorted(chosen.items()):
            if (state.kind in FACTS) is facts:
                limits = settings[name].ecosystems if name in settings else ()
                files = feeds.store.files(_file_name(state), state.sha256, several=state.parts)
                options = Options(limits, wanted=None if state.kind == "kev" else known, checked=True)
                read.append((state.kind, contents_of(name, state.kind, files, options)))
    return Loaded(library(read, chosen), standings)


def _at(index: Index, name: str, sha256: str) -> FeedState:
    state = index.states.get(name)
    if state is not None and state.sha256 == sha256:
        return state
    for one in index.earlier.get(name, ()):
        if one.sha256 == sha256 and state is not None:
            return replace(state, sha256=sha256, kind=one.kind, fetched_at=one.fetched_at, parts=one.parts)
    raise FeedError(f"{name}: bytes with SHA-256 {sha256} were never taken here; expected one of its earlier states")


def _file_name(state: FeedState) -> str:
    """Return the name a lone file had, which says of some kinds what they hold."""
    return state.source.rpartition("/")[2] or state.feed


def _told(state: FeedState) -> str:
    of = f", of {state.feed_date:%Y-%m-%d}" if state.feed_date else ""
    rejected = f", {state.rejected_count} rejected" if state.rejected_count else ""
    return f"{state.count} records{rejected}{of}"
