# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of RPM packages: those that both the host and the new version changed, and what becomes of them.

RPM never asks. It leaves the host's file and writes its own beside it (.rpmnew, %config(noreplace)), or replaces the
file and keeps the host's (.rpmsave, %config). Which of the two a package's maker chose is not what a site decided.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .commands import run
from .errors import Refusal
from .moves import Move
from .stagedir import Stage

_CONFIG = 1  # rpm's RPMFILE_CONFIG
_SHA256 = 64
_FORMAT = "[%{FILENAMES}\t%{FILEDIGESTS}\t%{FILEFLAGS}\n]"
_REMEMBERED = "asked.json"
NEW, SAVED = ".rpmnew", ".rpmsave"


@dataclass(frozen=True)
class Asked:
    """One file that both changed: found is the host's SHA-256, offered the new version's."""

    path: str
    package: str
    decision: str
    found: str
    offered: str

    def to_dict(self) -> dict[str, object]:
        """Return the members as package_apply returns them; the contents stay on the host."""
        return {
            "path": self.path,
            "package": self.package,
            "decision": self.decision,
            "found_sha256": self.found,
            "offered_sha256": self.offered,
            "diff": None,
        }


def digests(text: str) -> dict[str, str]:
    """Read rpm's list of files in our own format: the digest of each configuration file, by path."""
    found = {}
    for line in text.splitlines():
        members = line.split("\t")
        if len(members) == 3 and members[2].isdigit() and int(members[2]) & _CONFIG:
            found[members[0]] = members[1]
    return found


def of_package(name: str, arch: str) -> dict[str, str]:
    """Return the configuration files of an installed package, with the digest each was installed with."""
    answer = run(["rpm", "--query", "--queryformat", _FORMAT, f"{name}.{arch}"])
    return digests(answer.out) if answer.code == 0 else {}


def of_file(path: Path) -> dict[str, str]:
    """Return the configuration files that a package file brings, with their digests."""
    return digests(run(["rpm", "--query", "--package", "--queryformat", _FORMAT, str(path)]).out)


def questions(
    todo: tuple[Move, ...], stage: Stage, decisions: Mapping[str, str] | None
) -> tuple[tuple[Asked, ...], tuple[Refusal, ...]]:
    """Return the files that both the host and the coming version changed, and a refusal for each nobody decided on.

    Without decisions every file is kept. What `package_state` says is changed on the host is the first half of this.
    """
    found, refused = [], []
    for move in todo:
        if move.goal is None:
            continue
        before = of_package(*move.line.key)
        for path, offered in sorted(of_file(stage.file(move.goal)).items()):
            here = sha256(path)
            if path not in before or here is None or here in (before[path], offered) or offered == before[path]:
                continue
            decision = "keep" if decisions is None else decisions.get(path)
            if len(offered) != _SHA256 or decision in (None, "stop"):
                do = "decide it in policy/patching.yml and plan again"
                refused.append(Refusal(path, "changes on this host and in the new version", "a decision", do))
            else:
                found.append(Asked(path, move.line.name, str(decision), here, offered))
    return tuple(found), tuple(refused)


def remember(asked: tuple[Asked, ...], folder: Path) -> None:
    """Write down what was asked and decided, for a run that has to finish what this one may not."""
    text = json.dumps([asdict(one) for one in asked])
    (folder / _REMEMBERED).write_text(text, encoding="utf-8")


def remembered(folder: Path) -> tuple[Asked, ...]:
    """Return what an earlier run of the same plan asked and decided; nothing when there was none."""
    try:
        found = json.loads((folder / _REMEMBERED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    return tuple(Asked(**one) for one in found)


def settle(asked: tuple[Asked, ...], content: Mapping[str, Path]) -> tuple[str, ...]:
    """Give each file the content that was decided on, whatever RPM made of it; return the paths that were kept.

    content has a copy of the host's own file by path. A file that RPM did not come to is as the host had it.
    """
    kept = []
    for one in asked:
        path, new = Path(one.path), Path(one.path + NEW)
        here = sha256(one.path)
        if one.decision == "keep":
            kept.append(one.path)
            if here == one.offered:
                _beside(path, new)
                _copy(content[one.path], path, new)
                if sha256(one.path + SAVED) == one.found:
                    Path(one.path + SAVED).unlink()
        elif here == one.found and sha256(str(new)) == one.offered:
            path.rename(one.path + SAVED)
            new.rename(path)
    return tuple(kept)


def sha256(path: str) -> str | None:
    """Return the SHA-256 of a file; None when there is no file."""
    try:
        if os.path.islink(path):
            path = os.path.realpath(path)
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return None


def _beside(path: Path, new: Path) -> None:
    """Put the new version's file beside, as RPM does for files that are not to be replaced."""
    new.unlink(missing_ok=True)
    path.rename(new)


def _copy(source: Path, path: Path, like: Path) -> None:
    """Write the host's own content back, with the owner and rights of the file that took its place."""
    about = like.stat()
    waiting = path.with_name(f".{path.name}.holdfast")
    waiting.unlink(missing_ok=True)
    with os.fdopen(os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as stream:
        stream.write(source.read_bytes())
        os.fchown(stream.fileno(), about.st_uid, about.st_gid)
        os.fchmod(stream.fileno(), about.st_mode & 0o7777)
        stream.flush()
        os.fsync(stream.fileno())
    waiting.rename(path)
