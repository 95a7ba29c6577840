# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents in what was fetched: one file, lines of JSON, a folder of files or an archive, packed or not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from . import bounds
from .bounds import BOUNDS, FeedError, shown
from .reading import BadRecordError, Contents

Part = tuple[str, bytes]
"""A file's name as it was found, and its bytes."""

_LINES = re.compile(rb"\s*\{[^\n]*\}[ \t\r]*\n\s*\{")


TOLD = 20_000
"""After how many records each time somebody is told."""


@dataclass(frozen=True, slots=True)
class Options:
    """What an importer is told besides the bytes."""

    ecosystems: tuple[str, ...] = ()
    """Only packages of these are kept, such as debian:12; none named: all."""
    wanted: Collection[str] | None = None
    """Only these CVEs are kept; None: all. They are read and counted all the same."""
    checked: bool = False
    """These very bytes were taken before, so that schemas need not be looked at again."""

    def wants(self, cve: str) -> bool:
        """Say whether facts of a CVE are to be kept."""
        return self.wanted is None or cve in self.wanted

    def keeps(self, ecosystem: str) -> bool:
        """Say whether packages of an ecosystem are to be kept."""
        return not self.ecosystems or ecosystem in self.ecosystems


def files(feed: str, parts: Iterable[Part], suffixes: tuple[str, ...]) -> Iterator[Part]:
    """Yield each file of a feed, unpacked; of archives the members that end so. Raises FeedError."""
    left, count = BOUNDS.unpacked, 0
    for name, data in parts:
        where = f"{feed}: {shown(name)}"
        if len(data) > BOUNDS.packed:
            raise FeedError(f"{where}: {len(data)} bytes; expected at most {BOUNDS.packed}")
        for inner, content in _unpacked(name, data, where, suffixes, left):
            left, count = left - len(content), count + 1
            if left < 0 or count > BOUNDS.files:
                raise FeedError(f"{feed}: more than {BOUNDS.unpacked} bytes or {BOUNDS.files} files; it was not taken")
            yield inner, content


def _unpacked(name: str, data: bytes, where: str, suffixes: tuple[str, ...], left: int) -> Iterator[Part]:
    if bounds.is_zip(data):
        yield from bounds.unzip(data, where, suffixes)
    elif bounds.is_gzip(data):
        yield name.removesuffix(".gz"), bounds.gunzip(data, where, min(left, BOUNDS.packed))
    else:
        yield name, data


def documents(feed: str, parts: Iterable[Part], contents: Contents) -> Iterator[tuple[str, Any]]:
    """Yield each JSON document of a feed and where it stands; one that is no JSON is rejected, a lone one refused."""
    every = list(files(feed, parts, (".json", ".jsonl", ".ndjson")))
    for name, data in every:
        if name.endswith((".jsonl", ".ndjson")) or _LINES.match(data, 0, BOUNDS.document):
            yield from _lines(name, data, contents)
            continue
        try:
            found = bounds.document(data, shown(name))
        except FeedError as error:
            if len(every) == 1:
                raise FeedError(f"{feed}: {error}") from error
            contents.reject(name, str(error).partition(": ")[2])
            continue
        if isinstance(found, list):
            yield from ((f"{name}[{index}]", member) for index, member in enumerate(found))
        else:
            yield name, found


def _lines(name: str, data: bytes, contents: Contents) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            try:
                yield f"{name}:{number}", bounds.document(line, "line")
            except FeedError as error:
                contents.reject(f"{name}:{number}", str(error).partition(": ")[2])


def each(found: Iterable[tuple[str, Any]], contents: Contents, take: Callable[[Any], None]) -> None:
    """Give every record to `take`, which raises BadRecordError before it changes anything; count and reject."""
    for where, record in found:
        if contents.count + contents.rejected_count >= BOUNDS.records:
            raise FeedError(f"{contents.feed}: more than {BOUNDS.records} records; it was not taken")
        try:
            take(record)
            contents.count += 1
            if contents.tell is not None and contents.count % TOLD == 0:
                contents.tell(f"{contents.count} records read")
        except BadRecordError as error:
            contents.reject(where, error)


def only(feed: str, parts: Iterable[Part], suffixes: tuple[str, ...]) -> Part:
    """Return the one file of a feed that consists of one. Raises FeedError for none and for several."""
    found = list(files(feed, parts, suffixes))
    if len(found) != 1:
        raise FeedError(f"{feed}: {len(found)} files; expected one; name the file itself")
    return found[0]


def listing(names: Iterable[tuple[str, str, int]]) -> bytes:
    """Return the bytes that stand for a feed of several files: name, SHA-256 and size of each, by name."""
    rows = [{"name": name, "sha256": sha256, "bytes": size} for name, sha256, size in sorted(names)]
    return json.dumps(rows, indent=0, sort_keys=True, ensure_ascii=True).encode("ascii") + b"\n"
