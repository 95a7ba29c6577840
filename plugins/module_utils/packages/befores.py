# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of configuration files as they were before a plan, in its stage, and the way back to them.

Packages, dpkg and ucf rewrite configuration while versions change, in both directions. What is kept here is the file:
bytes, owner and rights. What somebody else changed after the plan is a conflict: it stays, and is named.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .conffiles import Question
from .stagedir import Stage

BESIDE = (
    ".dpkg-dist", ".dpkg-old", ".dpkg-new", ".dpkg-tmp", ".ucf-dist", ".ucf-old", ".ucf-new", ".rpmnew", ".rpmsave",
)  # fmt: skip
"""What dpkg, ucf and rpm leave beside a configuration file."""

_DIFF_BYTES = 1024 * 1024

Entry = dict[str, Any]
"""One path: {} when nothing is there; link; or sha256, mode, uid and gid."""


class Befores:
    """One plan's copies. Everything lies in the stage, which only root may enter."""

    def __init__(self, stage: Stage) -> None:
        self.folder = stage.path / "conffiles"
        self._before = self.folder / "before.json"
        self._after = self.folder / "after.json"
        self._conflicts = self.folder / "conflicts.json"

    @property
    def open(self) -> bool:
        """Whether a change was begun whose way back has not been gone to its end."""
        return self._before.exists()

    def take(self, paths: Iterable[str]) -> None:
        """Copy these files, and what lies beside them, before anything changes.

        When an earlier run already changed them, its copies stay: of each path that is as that run left it, or of
        every path when that run was killed and nobody knows how it left them.
        """
        self.folder.mkdir(mode=0o700, exist_ok=True)
        earlier, left = _read(self._before), _read(self._after)
        now = {path: self._copied(path) for path in sorted(_all(paths))}
        kept = {
            path: entry for path, entry in (earlier or {}).items() if left is None or now.get(path) == left.get(path)
        }
        _write(self._before, {**now, **kept})
        self._after.unlink(missing_ok=True)
        self._conflicts.unlink(missing_ok=True)

    def settle(self) -> None:
        """Remember how the change left the files: what differs later was changed by somebody else."""
        before = _read(self._before)
        if before is not None:
            _write(self._after, {path: look(path) for path in before})

    def conflicts(self) -> tuple[str, ...]:
        """Return the paths that somebody changed after the change, as judged when the way back was first begun."""
        judged = _read(self._conflicts)
        if judged is None:
            before, after = _read(self._before) or {}, _read(self._after)
            judged = {
                path: {}
                for path, entry in before.items()
                if after is not None and look(path) not in (entry, after.get(path)) and not path.endswith(BESIDE)
            }
        return tuple(sorted(judged))

    def put_back(self) -> tuple[str, ...]:
        """Make every file as it was before, but for conflicts; return the paths that were changed for it.

        It is done twice on the way back: before the earlier packages start their services with these files, and after,
        for their scripts may rewrite them.
        """
        before = _read(self._before)
        if before is None:
            return ()
        conflicts = self.conflicts()
        _write(self._conflicts, {path: {} for path in conflicts})
        changed = []
        for path, entry in sorted(before.items()):
            if path in conflicts or look(path) == entry:
                continue
            self._copied(path)  # what is overwritten is kept, whoever wrote it
            self._restore(path, entry)
            changed.append(path)
        return tuple(changed)

    def close(self) -> None:
        """Forget that a way back is open; the copies themselves stay with the stage."""
        for path in (self._before, self._after, self._conflicts):
            path.unlink(missing_ok=True)

    def keep_diff(self, question: Question) -> str:
        """Keep a unified diff from the host's version of a file to the package's; return where."""
        found = Path(question.path).read_bytes() if question.found else b""
        name = f"{hashlib.sha256(question.path.encode()).hexdigest()[:8]}-{Path(question.path).name}.diff"
        text = "too large to compare\n"
        if max(len(found), len(question.content.data)) <= _DIFF_BYTES:
            text = "\n".join(
                difflib.unified_diff(
                    found.decode("utf-8", "replace").splitlines(),
                    question.content.data.decode("utf-8", "replace").splitlines(),
                    f"{question.path} (this host)",
                    f"{question.path} ({question.package}, new version)",
                    lineterm="",
                )
            )
        _place(self.folder / name, (text + "\n").encode(), {"mode": 0o600, "uid": os.geteuid(), "gid": os.getegid()})
        return str(self.folder / name)

    def replace(self, question: Question) -> None:
        """Give the host the new version's file, with the rights of the one it had: dpkg then finds nothing to ask.

        It is done just before the packages change, so that they start with it, and after take() has copied it.
        """
        path = Path(os.path.realpath(question.path))
        rights = look(str(path)) or {"mode": question.content.mode, "uid": 0, "gid": 0}
        _place(path, question.content.data, rights)

    def _copied(self, path: str) -> Entry:
        entry = look(path)
        if "sha256" in entry and not (self.folder / entry["sha256"]).exists():
            own = {"mode": 0o600, "uid": os.geteuid(), "gid": os.getegid()}
            _place(self.folder / entry["sha256"], Path(path).read_bytes(), own)
        return entry

    def _restore(self, path: str, entry: Entry) -> None:
        if "sha256" in entry:
            _place(Path(path), (self.folder / entry["sha256"]).read_bytes(), entry)
            return
        Path(path).unlink(missing_ok=True)
        if "link" in entry:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).symlink_to(entry["link"])


def look(path: str) -> Entry:
    """Return what is at a path: a link, a file, or nothing that a package would call configuration."""
    try:
        about = os.lstat(path)
        if stat.S_ISLNK(about.st_mode):
            return {"link": os.readlink(path)}
        if not stat.S_ISREG(about.st_mode):
            return {}
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {"sha256": digest, "mode": stat.S_IMODE(about.st_mode), "uid": about.st_uid, "gid": about.st_gid}


def _all(paths: Iterable[str]) -> set[str]:
    """Return the paths, where their links lead, and what dpkg and ucf may leave beside each."""
    files = set()
    for path in paths:
        files |= {path, os.path.realpath(path)}
    return files | {path + ending for path in files for ending in BESIDE}


def _place(path: Path, data: bytes, rights: Entry) -> None:
    """Write a file whole or not at all, with these rights from the first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = path.with_name(f".{path.name}.holdfast")
    waiting.unlink(missing_ok=True)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as stream:
        stream.write(data)
        os.fchown(stream.fileno(), rights["uid"], rights["gid"])
        os.fchmod(stream.fileno(), rights["mode"])
        stream.flush()
        os.fsync(stream.fileno())
    waiting.rename(path)


def _read(path: Path) -> dict[str, Entry] | None:
    try:
        data: dict[str, Entry] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    return data


def _write(path: Path, entries: dict[str, Entry]) -> None:
    own = {"mode": 0o600, "uid": os.geteuid(), "gid": os.getegid()}
    _place(path, json.dumps(entries, sort_keys=True).encode(), own)
