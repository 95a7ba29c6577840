# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening what a stranger sent: gzip, zip, text and JSON, each bounded before anything is built from it.

Nothing here is unpacked to disk. What is too large, too deep, or has too many parts is refused before a parser sees it;
JSON that could mean two things to two readers (a key twice, NaN, a lone surrogate) is refused too (RFC 8259, RFC 7493).
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import HoldfastError

MIB = 1024 * 1024


class FeedError(HoldfastError):
    """A feed is not acceptable as a whole; nothing of it was taken. The text says where, what was found, expected."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of anything a feed may hold; far above what the real feeds have (docs/reference/feeds.md)."""

    packed: int = 256 * MIB
    """Bytes of one file as fetched."""
    unpacked: int = 1024 * MIB
    """Bytes of everything in one feed once unpacked."""
    document: int = 64 * MIB
    """Bytes of one JSON document, changelog or list."""
    files: int = 500_000
    """Members of an archive or a folder."""
    records: int = 2_000_000
    depth: int = 48
    containers: int = 1_000_000
    """Objects and lists in one JSON document."""
    values: int = 4_000_000
    """Commas in one JSON document."""


BOUNDS = Bounds()

# Possessive, and content with a string that never ends: else a text of escaped quotes would take hours.
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_ENTRY = b"PK\x01\x02"


def is_gzip(data: bytes) -> bool:
    """Say whether bytes begin as gzip does (RFC 1952, 2.3.1)."""
    return data[:2] == b"\x1f\x8b"


def is_zip(data: bytes) -> bool:
    """Say whether bytes begin as a zip archive does, an empty one too."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def gunzip(data: bytes, where: str, most: int) -> bytes:
    """Return what gzip packed; raises FeedError beyond `most` bytes, or where it is damaged or cut off."""
    whole = io.BytesIO()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            while part := packed.read(MIB):
                if whole.tell() + len(part) > most:
                    raise FeedError(f"{where}: unpacks to more than {most} bytes; expected less; it was not taken")
                whole.write(part)
    except (OSError, EOFError, zlib.error) as error:
        raise FeedError(f"{where}: is no whole gzip file ({error}); fetch it again") from error
    return whole.getvalue()


def unzip(data: bytes, where: str, suffixes: tuple[str, ...], bounds: Bounds = BOUNDS) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each member with one of these suffixes, by name.

    Raises FeedError for an archive that is damaged, encrypted, holds too many members, or unpacks to too much; sizes
    are counted while unpacking, for an archive can say any size of itself.
    """
    # Its directory is read at once, so its length is bounded before: each entry bears this mark.
    if data.count(_ENTRY) > bounds.files:
        raise FeedError(f"{where}: more than {bounds.files} members; it was not taken")
    left = bounds.unpacked
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise FeedError(f"{where}: two members of one name; it was not taken")
            for name in sorted(one for one in names if one.endswith(suffixes)):
                most = min(left, bounds.document)
                with archive.open(name) as packed:
                    content = packed.read(most + 1)
                if len(content) > most:
                    raise FeedError(f"{where}: {shown(name)}: unpacks to more than {most} bytes; it was not taken")
                left -= len(content)
                yield name, content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise FeedError(f"{where}: is no whole zip archive ({error}); fetch it again") from error


def decoded(data: bytes, where: str) -> str:
    """Return UTF-8 text; a byte order mark is taken off. Raises FeedError."""
    try:
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        raise FeedError(f"{where}: byte {error.start} is no UTF-8; expected UTF-8 text") from error


def document(data: bytes, where: str, bounds: Bounds = BOUNDS) -> Any:
    """Return one JSON document; raises FeedError for one that is too large, too deep, ambiguous, or no JSON."""
    if len(data) > bounds.document:
        raise FeedError(f"{where}: {len(data)} bytes; expected a document of at most {bounds.document}")
    _measure(data, where, bounds)
    try:
        return json.loads(
            decoded(data, where), object_pairs_hook=_members, parse_constant=_constant, parse_float=_float
        )
    except RecursionError as error:
        raise FeedError(f"{where}: nests deeper than {bounds.depth} levels; it was not taken") from error
    except ValueError as error:
        raise FeedError(f"{where}: found no JSON to rely on ({error}); expected one whole document") from error


def _measure(data: bytes, where: str, bounds: Bounds) -> None:
    """Refuse a document by its marks alone, those in strings counted too: a parser would build first and fail later."""
    containers, values = data.count(b"{") + data.count(b"["), data.count(b",")
    if containers > bounds.containers or values > bounds.values:
        raise FeedError(
            f"{where}: {containers} objects and lists, {values} commas; "
            f"expected at most {bounds.containers} and {bounds.values}; it was not taken"
        )
    marks = _STRINGS.sub(b"", data).translate(_BRACKETS, _OTHERS)
    # Each turn takes the innermost level away.
    for _turn in range(bounds.depth):
        fewer = marks.replace(b"[]", b"")
        if len(fewer) == len(marks):
            break
        marks = fewer
    if b"[]" in marks:
        raise FeedError(f"{where}: nests deeper than {bounds.depth} levels; it was not taken")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise ValueError(f"the key {shown(key)} stands twice in one object")
            seen.add(key)
    return members


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond any number of JSON")
    return number


def shown(text: object, most: int = 60) -> str:
    """Return a piece of a stranger's text as it may stand in a message: quoted, short, printable ASCII."""
    return ascii(text if not isinstance(text, str) else text[:most])[: most + 20]
