# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a Debian package file (deb(5)): an ar archive of a control and a data archive, the same bytes each time.

dpkg-deb --build would need a second copy of every file; this one reads each file of the host once.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_HEADER = "{name:<16}{time:<12}{owner:<6}{owner:<6}{mode:<8}{size:<10}`\n"
_HEADER_BYTES = 60
_FAST = 1  # gzip: the file serves one host for a while, so the processor's time counts more than its size


@dataclass(frozen=True)
class Member:
    """One entry of the data archive: its path in the package, and where its bytes lie on the host.

    folder says that it is one for the package, whatever links lead there on the host.
    """

    path: str
    source: Path
    folder: bool


class _Hashing(io.RawIOBase):
    """A file whose MD5 is known when it was read: what dpkg's own lists of files hold."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.md5 = hashlib.md5(usedforsecurity=False)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.md5.update(data)
        return data


def write_deb(
    target: Path, control: dict[str, tuple[bytes, int]], members: list[Member], moment: int
) -> dict[str, str]:
    """Write a package file for root alone, and return the MD5 of each regular file it holds, by its path.

    control maps the names of control files to content and mode; moment (seconds since 1970) dates what has no date of
    its own, so that the same host gives the same bytes. Raises OSError when a file cannot be read to its end.
    """
    with os.fdopen(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w+b") as deb:
        deb.write(b"!<arch>\n")
        _add(deb, "debian-binary", moment, lambda part: part.write(b"2.0\n"))
        _add(deb, "control.tar.gz", moment, lambda part: _write_control(part, control, moment))
        sums: dict[str, str] = {}
        _add(deb, "data.tar.gz", moment, lambda part: sums.update(_write_data(part, members)))
        deb.flush()
        os.fsync(deb.fileno())
    return sums


def _add(deb: IO[bytes], name: str, moment: int, write: Callable[[IO[bytes]], object]) -> None:
    """Append one part; its size is known, and its header written, when it is there."""
    start = deb.tell()
    deb.write(b" " * _HEADER_BYTES)
    write(deb)
    end = deb.tell()
    size = end - start - _HEADER_BYTES
    deb.seek(start)
    deb.write(_HEADER.format(name=name, time=moment, owner=0, mode="100644", size=size).encode("ascii"))
    deb.seek(end)
    if size % 2:
        deb.write(b"\n")


def _write_control(part: IO[bytes], control: dict[str, tuple[bytes, int]], moment: int) -> None:
    with gzip.GzipFile("", "wb", 9, part, 0) as packed, _tar(packed) as tar:
        for name, (content, mode) in sorted({"": (b"", 0o755), **control}.items()):
            info = tarfile.TarInfo(f"./{name}")
            info.type = tarfile.REGTYPE if name else tarfile.DIRTYPE
            info.size, info.mode, info.mtime = len(content), mode, moment
            info.uname = info.gname = "root"
            tar.addfile(info, io.BytesIO(content))


def _write_data(part: IO[bytes], members: list[Member]) -> dict[str, str]:
    sums: dict[str, str] = {}
    written: dict[tuple[int, int], str] = {}
    with gzip.GzipFile("", "wb", _FAST, part, 0) as packed, _tar(packed) as tar:
        for member in members:
            about = member.source.stat() if member.folder else member.source.lstat()
            info = tar.gettarinfo(str(member.source.resolve() if member.folder else member.source))
            info.name = "." + member.path
            info.mtime = int(about.st_mtime)
            if info.isreg() or info.islnk():
                twin = written.setdefault((about.st_dev, about.st_ino), info.name)
                if twin != info.name:
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, twin, 0
                    tar.addfile(info)
                    sums[member.path] = sums[twin[1:]]
                    continue
                info.type, info.size = tarfile.REGTYPE, about.st_size
                with member.source.open("rb") as stream:
                    reading = _Hashing(stream)
                    tar.addfile(info, reading)  # type: ignore[arg-type]  # typeshed wants IO[bytes]; it only reads
                sums[member.path] = reading.md5.hexdigest()
            else:
                tar.addfile(info)
    return sums


def _tar(packed: gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT)
