# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""policy/feeds.yml: which feeds a site takes, from where, how old they may be, what must prove them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..site.problems import Fault, SiteFilesError, shown
from ..site.reading import read_document
from ..site.structure import Fields, Items, Text, Truth, Whole, Word, slug
from .kinds import KINDS

FILE = "feeds"
PROOFS = ("sha256", "sha512", "signature")
_REMOTE = re.compile(r"https?://[^\s/@?#]+/\S*")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

FEEDS = Fields(
    "the feeds of advisories",
    required={
        "feeds": Items(
            Fields(
                "a feed",
                required={
                    "id": slug("the feed's id"),
                    "kind": Word(tuple(KINDS)),
                    "source": Text(
                        "a path from the site's folder, or an https address without name and password",
                        r"(?!https?://)[^\x00-\x1f\x7f]+|https?://[^\s/@?#]+/\S*",
                        1000,
                        do="take name and password out; nothing here can be kept secret",
                        hide=True,
                    ),
                    "max_age_hours": Whole("how many hours after its last look a feed is stale", 1, 87_600),
                },
                optional={
                    "max_feed_age_hours": Whole("how many hours old a feed may call itself", 1, 876_000),
                    "ecosystems": Items(
                        Text("an ecosystem such as debian:12", r"[a-z][a-z0-9 ._:-]{0,80}"), 1, 50, distinct=True
                    ),
                    "require": Items(Word(PROOFS), least=1, distinct=True),
                    "keyring": Text("a file of OpenPGP keys, from the site's folder", most=1000),
                    "signed_by": Items(
                        Text("a key's fingerprint, 40 or 64 digits of 0-9A-F", r"[0-9A-F]{40}|[0-9A-F]{64}"),
                        1,
                        50,
                        distinct=True,
                    ),
                    "shrink_percent": Whole("by how many percent a feed may lose records", 0, 100),
                    "insecure_http": Truth(),
                },
            ),
            most=200,
        ),
    },
)
"""What policy/feeds.yml may hold."""

SHRINK_PERCENT = 10


@dataclass(frozen=True)
class FeedSettings:
    """One feed as the site wants it."""

    id: str
    kind: str
    source: str
    max_age: timedelta
    max_feed_age: timedelta | None = None
    ecosystems: tuple[str, ...] = ()
    require: tuple[str, ...] = ()
    keyring: str | None = None
    signed_by: tuple[str, ...] = ()
    shrink_percent: int = SHRINK_PERCENT

    @property
    def is_remote(self) -> bool:
        """Say whether the source is an address and no path."""
        return self.source.startswith(("http://", "https://"))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> FeedSettings:
        """Read a checked member of `feeds`."""
        oldest = data.get("max_feed_age_hours")
        return cls(
            id=data["id"],
            kind=data["kind"],
            source=data["source"],
            max_age=timedelta(hours=data["max_age_hours"]),
            max_feed_age=None if oldest is None else timedelta(hours=oldest),
            ecosystems=tuple(data.get("ecosystems", ())),
            require=tuple(data.get("require", ())),
            keyring=data.get("keyring"),
            signed_by=tuple(data.get("signed_by", ())),
            shrink_percent=data.get("shrink_percent", SHRINK_PERCENT),
        )


def feed_faults(data: Any) -> Iterator[Fault]:
    """Yield everything that is wrong with the content of policy/feeds.yml."""
    wrong = [*FEEDS.faults(data)]
    yield from wrong
    if wrong:
        return
    seen: set[str] = set()
    for index, feed in enumerate(data["feeds"]):
        path = ("feeds", index)
        if feed["id"] in seen:
            yield Fault((*path, "id"), f"{shown(feed['id'])} a second time", "each id once", "rename one of the two")
        seen.add(feed["id"])
        yield from _source_faults(feed, path)
        if "signature" in feed.get("require", ()) and "keyring" not in feed:
            yield Fault(path, "no keyring", "keyring, for a signature is required", "name a file with the keys")
        if "signed_by" in feed and "keyring" not in feed:
            yield Fault((*path, "signed_by"), "no keyring", "keyring beside signed_by", "name a file with the keys")
        if feed["kind"] == "debian-support" and len(feed.get("ecosystems", ())) != 1:
            yield Fault(path, "no single release", "one of ecosystems, such as [debian:12]", "add it")


def _source_faults(feed: dict[str, Any], path: tuple[str | int, ...]) -> Iterator[Fault]:
    source = feed["source"]
    if not source.startswith("http://"):
        return
    try:
        host = urlsplit(source).hostname
    except ValueError:
        host = None
    if host not in _LOOPBACK and not feed.get("insecure_http"):
        yield Fault(
            (*path, "source"),
            f"http to {shown(host)}, which anybody between here and there can change",
            "https",
            "write https, or say insecure_http: true where a required signature proves what comes",
        )


def load_settings(root: Path, product: Path) -> tuple[FeedSettings, ...]:
    """Return the feeds of the site at `root`, or those the product names where it has none. Raises SiteFilesError."""
    own = root / "policy" / f"{FILE}.yml"
    path = own if own.exists() else product / "policy" / f"{FILE}.yml"
    name = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    document, problems = read_document(path, name)
    problems = problems or document.problems([*feed_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    return tuple(FeedSettings.from_dict(one) for one in document.data["feeds"])
