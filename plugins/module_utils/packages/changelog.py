# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the CVE ids a package's own changelog names, from a package file whose digest was verified.

Even so the file is treated as hostile: sizes and counts are bounded, nothing is unpacked to disk.
"""

from __future__ import annotations

import gzip
import io
import re
import subprocess
import tarfile
import threading
import zlib
from pathlib import Path
from typing import IO

from .commands import environment
from .versions import newer

_ENTRY = re.compile(r"^([a-z0-9][a-z0-9+.-]+) \(([A-Za-z0-9.+~:-]+)\) [^;]*;")
_CVE = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,7}\b")
_PATH = re.compile(r"^(?:\./)?usr/share/doc/[^/]+/changelog(\.Debian)?(\.gz)?$")

UNPACKED_BYTES = 1024 * 1024 * 1024
_MEMBERS = 200_000
_PACKED_BYTES = 4 * 1024 * 1024
TEXT_BYTES = 16 * 1024 * 1024
_SECONDS = 120


class _Bounded(io.RawIOBase):
    """A stream that ends with an error once more was read than any package should hold."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, 1024 * 1024) if size >= 0 else 1024 * 1024)
        self._left -= len(data)
        if self._left < 0:
            raise tarfile.ReadError("larger than any package should be")
        return data


def changelog_of(deb: Path, unpacked: int = UNPACKED_BYTES) -> str | None:
    """Return the Debian changelog inside a package file, or None when it has none that can be read in bounds.

    unpacked is how many bytes the package may unpack to before it is left unread.

    changelog.Debian.gz wins over changelog.gz, which native packages have; either may be unpacked.
    """
    process = subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    watchdog = threading.Timer(_SECONDS, process.kill)
    watchdog.start()
    try:
        if process.stdout is None:
            return None
        return _search(process.stdout, unpacked)
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return None
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def cves_since(changelog: str, before: str) -> list[str]:
    """Return the CVE ids, sorted, that the entries of versions later than before name.

    Entries stand newest first; reading ends at the first that is not later.
    """
    found: set[str] = set()
    for line in changelog.splitlines():
        entry = _ENTRY.match(line)
        if entry and not newer(entry.group(2), before):
            break
        found.update(_CVE.findall(line))
    return sorted(found)


def _search(stream: IO[bytes], unpacked: int) -> str | None:
    second_best = None
    with tarfile.open(fileobj=_Bounded(stream, unpacked), mode="r|") as archive:
        for count, member in enumerate(archive):
            if count > _MEMBERS:
                break
            path = _PATH.match(member.name)
            if path is None or not member.isreg() or member.size > _PACKED_BYTES:
                continue
            content = _text(archive.extractfile(member), packed=bool(path.group(2)))
            if content is not None and path.group(1):
                return content
            if content is not None and _ENTRY.match(content):
                second_best = content
    return second_best


def _text(member: IO[bytes] | None, *, packed: bool) -> str | None:
    """Return a member's text, or None when it is longer than a changelog should be."""
    if member is None:
        return None
    if packed:
        with gzip.open(member) as text:
            data = text.read(TEXT_BYTES + 1)
    else:
        data = member.read(TEXT_BYTES + 1)
    return data.decode("utf-8", "replace") if len(data) <= TEXT_BYTES else None
