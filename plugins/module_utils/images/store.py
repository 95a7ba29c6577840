# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of its images, readable by root alone: contents by digest, manifests, differences. Bounded.

Below /var/lib/holdfast lie:
images/blobs/ab/abcdef...     contents
images/<digest>.json          manifests that something still needs
changes/<change>.<run>.json   differences of changes; without "after" while the run goes on
guards/<id>/                  guards, see guards.py
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import time
from collections.abc import Iterator
from typing import Any

from .errors import ImageError

BASE = "/var/lib/holdfast"
MOST_DIFFERENCES = 50
"""Differences a host keeps; the oldest go first."""


class Store:
    """The folder below `base`; made when something is written."""

    def __init__(self, base: str = BASE) -> None:
        self.base = base
        self.images, self.changes, self.guards = (os.path.join(base, n) for n in ("images", "changes", "guards"))
        self._blobs = os.path.join(self.images, "blobs")

    def prepare(self) -> None:
        """Make the folders, for root alone. What holds them is not ours alone: apt's download user passes through."""
        os.makedirs(self.base, mode=0o755, exist_ok=True)
        for folder in (self.images, self._blobs, self.changes, self.guards):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes the store or puts something back."""
        self.prepare()
        with open(
            os.open(os.path.join(self.base, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "ab"
        ) as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def keep(self, digest: str, data: bytes) -> None:
        """Keep a content under its digest; one that is there already costs nothing."""
        path = self._path(digest)
        if os.path.exists(path):
            return
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _write(path, data)

    def content(self, digest: str) -> bytes | None:
        """Return a kept content, None when it was never kept (too large) or is gone."""
        try:
            with open(self._path(digest), "rb") as source:
                return source.read()
        except FileNotFoundError:
            return None

    def save(self, path: str, value: Any) -> None:
        """Write a small file of the store as JSON; it is there whole or not at all."""
        self.write(path, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    def write(self, path: str, data: bytes) -> None:
        """Write a small file of the store, and have it on the disk before this returns."""
        _write(path, data, sync=True)

    def load(self, path: str) -> Any:
        """Return a small file's value, None when it is not there."""
        try:
            with open(path, encoding="utf-8") as source:
                return json.load(source)
        except FileNotFoundError:
            return None

    def save_manifest(self, digest: str, manifest: dict[str, Any]) -> None:
        """Keep a manifest, and have everything it names on the disk before this returns."""
        self.save(self._manifest(digest), manifest)
        _sync(self.images)

    def manifest(self, digest: str) -> dict[str, Any]:
        """Return a manifest. Raises ImageError when it is not kept."""
        found = self.load(self._manifest(digest))
        if found is None:
            raise ImageError(f"{self._manifest(digest)}: this image is not on the host; the store was emptied by hand")
        return dict(found)

    def difference_path(self, change: str, run: str) -> str:
        """Where the difference of a change's run is kept."""
        return os.path.join(self.changes, f"{change}.{run}.json")

    def differences(self) -> list[dict[str, Any]]:
        """Return every difference, oldest first."""
        found = [self.load(os.path.join(self.changes, name)) for name in _listed(self.changes, ".json")]
        return sorted((one for one in found if one), key=lambda one: (one["at"], one["run"]))

    def guard_files(self, name: str) -> list[dict[str, Any]]:
        """Return every guard's file of that name, where there is one."""
        found = [self.load(os.path.join(self.guards, guard, name)) for guard in _listed(self.guards, "")]
        return [one for one in found if one]

    def prune(self, newest: str) -> None:
        """Drop what nothing needs: the newest image, open runs, guards of the last hour, the last differences."""
        known = self.differences()
        for one in known[: max(0, len(known) - MOST_DIFFERENCES)]:
            os.unlink(self.difference_path(one["change"], one["run"]))
        known = known[-MOST_DIFFERENCES:]
        ended = {one["id"] for one in self.guard_files("outcome.json") if time.time() - one["at"] > 3600}
        armed = [one for one in self.guard_files("guard.json") if one["id"] not in ended]
        images = {newest, *(one["before"] for one in known if not one["after"]), *(one["before"] for one in armed)}
        blobs = {
            entry["before"][4]
            for one in known
            for entry in one.get("files", {}).values()
            if entry["before"] is not None
        }
        for digest in images:
            manifest = self.load(self._manifest(digest)) or {"files": {}}
            blobs.update(entry[4] for entry in manifest["files"].values())
        for name in _listed(self.images, ".json"):
            if name[: -len(".json")] not in images:
                os.unlink(os.path.join(self.images, name))
        for folder in _listed(self._blobs, ""):
            for name in _listed(os.path.join(self._blobs, folder), ""):
                if name not in blobs:
                    os.unlink(os.path.join(self._blobs, folder, name))

    def _path(self, digest: str) -> str:
        return os.path.join(self._blobs, digest[:2], digest)

    def _manifest(self, digest: str) -> str:
        return os.path.join(self.images, digest + ".json")


def _listed(folder: str, ending: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(ending))
    except FileNotFoundError:
        return []


def _write(path: str, data: bytes, *, sync: bool = False) -> None:
    fresh = f"{path}.{os.getpid()}.new"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as target:
        target.write(data)
        if sync:
            target.flush()
            os.fsync(descriptor)
    os.rename(fresh, path)


def _sync(folder: str) -> None:
    """Put one file system on its disk: a thousand single fsyncs would take seconds."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        ctypes.CDLL(None).syncfs(descriptor)
    except (AttributeError, OSError):
        os.sync()
    finally:
        os.close(descriptor)
