# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting a feed from where policy/feeds.yml says: a file, a folder, a web server; bounded, and from nowhere else."""

from __future__ import annotations

import os
import stat
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from ..advisories.bounds import BOUNDS, FeedError, gunzip, shown
from ..advisories.kinds import KINDS
from ..advisories.model import FeedState
from ..advisories.parts import Part
from ..advisories.settings import FeedSettings
from ..errors import HoldfastError
from .no_redirect import OPENER

PATIENCE = 30
"""Seconds that a server may be silent."""

LONGEST = 1800
"""Seconds that one file may take altogether, however steadily it trickles."""

_CHUNK = 1024 * 1024
_SIDECARS = (".sha256", ".sha512", ".asc", ".sig")
_SIDECAR_BYTES = 64 * 1024
_TOLD_BYTES = 8 * _CHUNK

Tell = Callable[[str], None]


class UnreachableError(HoldfastError):
    """A feed's source did not answer; that says nothing of the feed."""


@dataclass(frozen=True)
class Fetched:
    """What a source gave. `proofs` are the hashes and signatures beside the files, by name: `list.sha256`."""

    source: str
    files: tuple[Part, ...]
    proofs: dict[str, bytes]
    asked: bool = True
    """Whether proofs were looked for."""
    unchanged: bool = False
    """The server says that nothing is newer than what is kept."""
    etag: str | None = None
    last_modified: str | None = None


def fetch(settings: FeedSettings, root: Path, state: FeedState | None, tell: Tell) -> Fetched:
    """Return what the feed's source has now. Raises UnreachableError, or FeedError for what is beyond all bounds."""
    if settings.is_remote:
        return _remote(settings, state, tell)
    return local(root / settings.source, settings.kind)


def local(path: Path, kind: str) -> Fetched:
    """Return a file, or all files of its kind in a folder, with the proofs beside them."""
    if not str(path).isprintable():
        raise FeedError(f"{shown(str(path), 200)}: has what cannot be printed in its name; rename it")
    try:
        if path.is_dir():
            return _folder(path, kind)
        proofs = {}
        for suffix in _SIDECARS:
            beside = path.with_name(path.name + suffix)
            if beside.is_file():
                proofs[beside.name] = _read(beside, _SIDECAR_BYTES)
        return Fetched(str(path), ((path.name, _read(path, _most(path.name))),), proofs)
    except OSError as error:
        raise UnreachableError(
            f"{path}: {error.strerror}; expected a file or a folder of {KINDS[kind].words}"
        ) from error


def _folder(folder: Path, kind: str) -> Fetched:
    files: list[Part] = []
    proofs: dict[str, bytes] = {}
    left = BOUNDS.unpacked
    for count, path in enumerate(_walk(folder)):
        if count > BOUNDS.files:
            raise FeedError(f"{folder}: more than {BOUNDS.files} files; it was not taken")
        name = path.relative_to(folder).as_posix()
        if name.endswith(_SIDECARS):
            proofs[name] = _read(path, _SIDECAR_BYTES)
        elif name.endswith(KINDS[kind].suffixes):
            data = _read(path, min(left, _most(name)))
            left -= len(data)
            files.append((name, data))
    if not files:
        raise FeedError(f"{folder}: holds no file that ends in {' or '.join(KINDS[kind].suffixes)}")
    return Fetched(f"{folder}/", tuple(files), proofs)


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the regular files beneath a folder, in order; no link is followed, nothing hidden is looked at."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _walk(path)
        elif path.is_file():
            yield path


def _most(name: str) -> int:
    """Return how many bytes a file may have by its name: a document that nobody would read is not fetched either."""
    return BOUNDS.document if name.endswith(".json") else BOUNDS.packed


def _read(path: Path, most: int) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FeedError(f"{path}: is no regular file; expected one")
        data = file.read(most + 1)
    if len(data) > most:
        raise FeedError(f"{path}: more than {most} bytes; the rest was not read")
    return data


def _remote(settings: FeedSettings, state: FeedState | None, tell: Tell) -> Fetched:
    url = settings.source
    # What is kept of another address says nothing of this one.
    known = state if state is not None and state.source == _bare(url) and state.kind == settings.kind else None
    headers = {}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    if known is not None and known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    got = _get(url, headers, _most(urlsplit(url).path), tell)
    if got is None:
        return Fetched(_bare(url), (), {}, unchanged=True)
    data, answer = got
    name = urlsplit(url).path.rpartition("/")[2] or settings.id
    wanted = {".sha256": "sha256" in settings.require, ".sha512": "sha512" in settings.require}
    wanted[".asc"] = settings.keyring is not None
    proofs = {}
    for suffix, asked in wanted.items():
        if asked:
            found = _get(_beside(url, suffix), {}, _SIDECAR_BYTES, tell)
            if found is not None:
                proofs[name + suffix] = found[0]
    return Fetched(
        _bare(url),
        ((name, data),),
        proofs,
        asked=any(wanted.values()),
        etag=_header(answer, "ETag"),
        last_modified=_header(answer, "Last-Modified"),
    )


def _get(url: str, headers: dict[str, str], most: int, tell: Tell) -> tuple[bytes, HTTPMessage] | None:
    """Return one answer's body and headers; None when nothing is newer. Raises UnreachableError or FeedError."""
    said = {"User-Agent": "holdfast", "Accept-Encoding": "gzip", **headers}
    request = urllib.request.Request(url, headers=said)  # noqa: S310 - settings.py allows http and https only
    try:
        with OPENER.open(request, timeout=PATIENCE) as answer:
            return _body(answer, answer.headers, _bare(url), most, tell), answer.headers
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304 and headers:
            return None
        if 300 <= error.code < 400:
            to = _bare(error.headers.get("Location", "")) or "nowhere"
            raise UnreachableError(
                f"{_bare(url)}: redirects to {shown(to, 200)}; expected the feed itself; if that is where it lies now, "
                "name it in policy/feeds.yml"
            ) from error
        raise UnreachableError(f"{_bare(url)}: answered {error.code}; expected the feed; try again later") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(f"{_bare(url)}: {reason}; expected the feed; try again later") from error


def _body(answer: IO[bytes], headers: HTTPMessage, where: str, most: int, tell: Tell) -> bytes:
    stated = headers.get("Content-Length", "")
    length = int(stated) if stated.isascii() and stated.isdigit() else None
    if length is not None and length > most:
        raise FeedError(f"{where}: {length} bytes; expected at most {most}; it was not fetched")
    parts: list[bytes] = []
    size, told, until = 0, 0, time.monotonic() + LONGEST
    while part := answer.read(_CHUNK):
        parts.append(part)
        size += len(part)
        if size > most:
            raise FeedError(f"{where}: more than {most} bytes; the rest was not fetched")
        if time.monotonic() > until:
            raise UnreachableError(f"{where}: took more than {LONGEST} s; {size} bytes came; try again later")
        if size - told >= _TOLD_BYTES:
            told = size
            tell(f"{size // _CHUNK}{f' of {length // _CHUNK}' if length else ''} MiB")
    if length is not None and size != length:
        raise UnreachableError(f"{where}: was cut off after {size} of {length} bytes; try again")
    data = b"".join(parts)
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        return gunzip(data, where, most)
    if encoding not in ("identity", ""):
        raise FeedError(f"{where}: came packed as {shown(encoding)}; expected gzip or nothing")
    return data


def _bare(url: str) -> str:
    """Return an address as it may stand in messages and in the index: without what could be a secret."""
    try:
        part = urlsplit(url)
    except ValueError:
        return ""
    host = part.netloc.rpartition("@")[2]
    return urlunsplit((part.scheme, host, part.path, "", ""))


def _beside(url: str, suffix: str) -> str:
    part = urlsplit(url)
    return urlunsplit((part.scheme, part.netloc, part.path + suffix, part.query, ""))


def _header(headers: HTTPMessage, name: str) -> str | None:
    """Return a header that may be sent back and kept: short and printable, else None."""
    value = headers.get(name)
    return value if value and len(value) <= 300 and value.isascii() and value.isprintable() else None
