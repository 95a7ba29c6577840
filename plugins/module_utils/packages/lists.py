# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holdfast's own package lists on a host: refreshing them, how old they are, which archives they came from."""

from __future__ import annotations

import calendar
import email.utils
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import settings
from .commands import run
from .errors import PackageError

NOT_REFRESHED = "the package lists could not be refreshed: "
"""How the error begins whose rest is apt's own words."""

_REFRESH_SECONDS = 600
_RELEASE_BYTES = 4 * 1024 * 1024  # a Release file of a large archive is some 200 kB


@dataclass(frozen=True)
class Index:
    """One Packages index of one archive, as apt knows it.

    description is what apt-cache policy and madison print; base ends in a slash; filename lies in our lists.
    """

    description: str
    base: str
    repository: str
    filename: str
    key: str
    origin: str
    label: str
    suite: str
    codename: str
    architecture: str
    trusted: bool

    @property
    def security(self) -> bool:
        """Whether this is a security archive: by the end of its suite or codename, or by its label."""
        return (
            self.suite.endswith("-security") or self.codename.endswith("-security") or "security" in self.label.lower()
        )


class RefreshError(PackageError):
    """A refresh that failed; said is all that apt wrote, for whoever reads the reasons out of it."""

    def __init__(self, message: str, said: str) -> None:
        self.said = said
        super().__init__(message)


@dataclass(frozen=True)
class Source:
    """One archive's signed Release file: dates are UTC, ISO 8601; None when the file does not say.

    name is the archive's as the host's sources write it. signature is good, bad, none, or unknown as long as nobody
    looked; keys are those of its signers that the source names: {fingerprint, expires_at}, expires_at None for a key
    without an end.
    """

    uri: str
    suite: str
    codename: str
    origin: str
    label: str
    security: bool
    trusted: bool
    date: str | None
    valid_until: str | None
    expired: bool
    name: str = ""
    signature: str = "unknown"
    keys: tuple[dict[str, str | None], ...] = ()


@dataclass(frozen=True)
class Lists:
    """The state of our lists: measured is False when there is nothing to judge by, and why then says so."""

    measured: bool
    why: str
    refreshed: bool
    refreshed_at: str | None
    age_seconds: int | None
    sources: tuple[Source, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return {**asdict(self), "sources": [asdict(source) for source in self.sources]}


def refresh() -> None:
    """Fetch and verify the lists of every archive the host is configured for, into Holdfast's own folder.

    Raises RefreshError with apt's own words when any archive cannot be fetched or its signature does not hold; the
    lists then stay as they were.
    """
    prepare()
    with settings.REFRESH_LOCK.open("w") as lock:
        _lock(lock.fileno())
        answer = run(["apt-get", *settings.refreshing(), "-q", "update"], seconds=_REFRESH_SECONDS)
    if answer.code != 0:
        raise RefreshError(
            f"{NOT_REFRESHED}{answer.complaint()}; mend the host's sources or its way to the archive, then plan again",
            f"{answer.out}\n{answer.err}",
        )
    settings.STAMP.touch()
    os.utime(settings.STAMP)


def prepare() -> None:
    """Make Holdfast's folders for apt; the download user must be able to enter them, nobody may change them."""
    for folder in (settings.HOME, settings.HOME / "apt", settings.LISTS, settings.CACHE, settings.EMPTY):
        _make(folder)
    for folder in (settings.LISTS, settings.CACHE / "archives", settings.EMPTY / "archives"):
        _make(folder)
        (folder / "partial").mkdir(mode=0o700, exist_ok=True)  # apt gives it to its download user
    settings.REFRESH_CONF.write_text(settings.REFRESH_TEXT, encoding="utf-8")


def _make(folder: Path) -> None:
    """Make a folder anybody may enter, whatever the umask: a hardened one would lock apt's download user out."""
    folder.mkdir(exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) != 0o755:
        folder.chmod(0o755)


def indexes(reading: Sequence[str] | None = None) -> tuple[Index, ...]:
    """Return the Packages indexes of the host's sources that lie in our lists, or in those that `reading` names."""
    if reading is None and not settings.LISTS.is_dir():
        return ()
    options = settings.reading() if reading is None else reading
    answer = run(["apt-get", *options, "indextargets", "Created-By: Packages"])
    if answer.code != 0:
        raise PackageError(f"apt-get indextargets failed: {answer.complaint()}")
    return tuple(index for index in parse_indexes(answer.out) if Path(index.filename).exists())


def parse_indexes(text: str) -> tuple[Index, ...]:
    """Read apt-get indextargets: blocks of "Key: value", an empty line between them."""
    found = []
    for block in text.split("\n\n"):
        pairs = [line.partition(": ") for line in block.splitlines()]
        said = {key: value for key, _colon, value in pairs}
        if said.get("Filename"):
            found.append(
                Index(
                    description=said.get("Description", ""),
                    base=said.get("Base-URI", ""),
                    repository=said.get("Repo-URI", ""),
                    filename=said["Filename"],
                    key=said.get("MetaKey", ""),
                    origin=said.get("Origin", ""),
                    label=said.get("Label", ""),
                    suite=said.get("Suite", ""),
                    codename=said.get("Codename", ""),
                    architecture=said.get("Architecture", ""),
                    trusted=said.get("Trusted", "") == "yes",
                )
            )
    return tuple(found)


def look(now: float, known: tuple[Index, ...], *, refreshed: bool, why: str = "") -> Lists:
    """Return the state of our lists at now (seconds since the epoch)."""
    stamped = settings.STAMP.stat().st_mtime if settings.STAMP.exists() else None
    sources: dict[str, Source] = {}
    for index in known:
        sources.setdefault(index.base, source_of(index, now))
    measured = bool(sources) and stamped is not None
    if not measured:
        why = "Holdfast has no package lists on this host yet; run package_state with refresh, outside check mode"
    return Lists(
        measured=measured,
        why=why,
        refreshed=refreshed,
        refreshed_at=None if stamped is None else iso(stamped),
        age_seconds=None if stamped is None else max(0, int(now - stamped)),
        sources=tuple(sources.values()),
    )


def iso(seconds: float) -> str:
    """Return a time since the epoch as UTC, ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def source_of(index: Index, now: float) -> Source:
    """Return the archive an index comes from, with the dates its Release file gives."""
    source = Source(
        uri=index.repository or index.base,
        suite=index.suite,
        codename=index.codename,
        origin=index.origin,
        label=index.label,
        security=index.security,
        trusted=index.trusted,
        date=None,
        valid_until=None,
        expired=False,
    )
    release = release_file(index)
    if release is None:
        return source
    with release.open(encoding="utf-8", errors="replace") as text:
        dates = release_dates(text.read(_RELEASE_BYTES))
    until = dates.get("Valid-Until")
    return replace(
        source,
        date=iso(dates["Date"]) if "Date" in dates else None,
        valid_until=None if until is None else iso(until),
        expired=until is not None and until < now,
    )


def release_file(index: Index) -> Path | None:
    """Return the Release file beside an index: apt names all files of an archive by one prefix."""
    prefix, mangled, _rest = index.filename.rpartition(index.key.replace("_", "%5f").replace("/", "_"))
    if not mangled:
        return None
    for name in ("InRelease", "Release"):
        path = Path(prefix + name)
        if path.is_file():
            return path
    return None


def release_dates(text: str) -> dict[str, float]:
    """Return Date and Valid-Until of a Release file (always UTC), in seconds since the epoch."""
    dates: dict[str, float] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key in ("Date", "Valid-Until"):
            parsed = email.utils.parsedate(value.strip())
            if parsed is not None:
                dates.setdefault(key, calendar.timegm(parsed))
    return dates


def _lock(descriptor: int) -> None:
    """Let one refresh of a host run at a time; raises PackageError when another holds the lock for too long."""
    deadline = time.monotonic() + _REFRESH_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise PackageError(
                    f"another refresh of Holdfast's lists has run for {_REFRESH_SECONDS} s; look at the host"
                ) from None
            time.sleep(0.5)
        else:
            return


def free_bytes(folder: Path) -> int:
    """Return how many bytes root may still write in the folder's file system."""
    return shutil.disk_usage(folder).free
