# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration files of packages: what dpkg knows of them, what it would have to ask about, and what was decided.

dpkg asks when both the host and the new version changed a file (deb-conffiles(5), dpkg(1) on --force-conf*). Every such
question is found beforehand and answered path by path; none is left to dpkg's own judgement.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import debreader
from .commands import run
from .errors import PackageError, Refusal
from .moves import Move
from .promised import Promised

_LINE = re.compile(r"^ (/.*) ([0-9a-f]{32}|newconffile)((?: [a-z-]+)*)$")
_BLOCK = re.compile(r"^Conffiles:\n((?: .*\n?)*)", re.MULTILINE)
_BATCH = 500
_UCF = Path("/var/lib/ucf/registry")


@dataclass(frozen=True)
class Conffile:
    """One file dpkg asks about: md5 is that of the content the package brought; None where dpkg has not got so far."""

    path: str
    md5: str | None
    obsolete: bool


@dataclass(frozen=True)
class Question:
    """A file that both the host and the new version changed, and the answer.

    found is the SHA-256 of the host's content, None where somebody deleted the file; offered that of the package's.
    """

    path: str
    package: str
    decision: str
    found: str | None
    offered: str
    content: debreader.Content

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_apply returns them; the contents stay on the host."""
        return {
            "path": self.path,
            "package": self.package,
            "decision": self.decision,
            "found_sha256": self.found,
            "offered_sha256": self.offered,
        }


def read_field(record: str) -> tuple[Conffile, ...]:
    """Read the field Conffiles of dpkg's record of a package, or the value of it alone."""
    block = _BLOCK.search(record)
    found = []
    for line in (block.group(1) if block else record).splitlines():
        told = _LINE.match(line)
        if told:
            md5 = None if told.group(2) == "newconffile" else told.group(2)
            found.append(Conffile(told.group(1), md5, bool(told.group(3).strip())))
    return tuple(found)


def of_packages(keys: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[Conffile, ...]]:
    """Ask dpkg for the configuration files of these packages; one it does not know has none."""
    known: dict[tuple[str, str], tuple[Conffile, ...]] = {}
    for start in range(0, len(keys), _BATCH):
        named = [f"{name}:{arch}" for name, arch in keys[start : start + _BATCH]]
        form = "\f${Package} ${Architecture}\n${Conffiles}\n"
        answer = run(["dpkg-query", "--show", "--showformat", form, *named])
        if answer.code > 1:  # 1: some of them are not there
            raise PackageError(f"dpkg-query failed: {answer.complaint()}")
        for part in answer.out.split("\f")[1:]:
            head, _newline, value = part.partition("\n")
            name, arch = head.split(" ")
            known[name, arch] = read_field(value)
    return known


def of_ucf(packages: set[str], registry: Path = _UCF) -> tuple[str, ...]:
    """Return the files ucf keeps for these packages, which dpkg knows nothing of (ucfr(1))."""
    try:
        lines = registry.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ()
    pairs = (line.split(None, 1) for line in lines)
    return tuple(sorted(pair[1].strip() for pair in pairs if len(pair) == 2 and pair[0] in packages))


def md5_of(path: Path) -> str | None:
    """Return the MD5 of a file's content, as dpkg compares it; None when there is no such file."""
    try:
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def read_decisions(decisions: list[dict[str, Any]] | None) -> dict[str, str] | None:
    """Return the decision of each path; None when none were given at all, and then everything is kept.

    Raises PackageError on a path that is not absolute, and on one decided twice.
    """
    if decisions is None:
        return None
    decided: dict[str, str] = {}
    refused = []
    for one in decisions:
        path, decision = one["path"], one["decision"]
        if not path.startswith("/"):
            refused.append(Refusal(path, "no absolute path", "one", "make the plan again"))
        elif decided.setdefault(path, decision) != decision:
            refused.append(Refusal(path, f"{decided[path]} and {decision}", "one decision", "make the plan again"))
    if refused:
        raise PackageError("the decisions on configuration files are not in order", tuple(refused))
    return decided


def questions(
    moves: tuple[Move, ...],
    known: dict[tuple[str, str], tuple[Conffile, ...]],
    coming: Promised,
    decisions: dict[str, str] | None,
) -> tuple[tuple[Question, ...], tuple[Refusal, ...]]:
    """Return what dpkg would ask when these lines move, with the answers, and a refusal for each without a usable one.

    known is what dpkg says now, coming what the staged packages bring.
    """
    found, refused = [], []
    for move in moves:
        key = move.line.key
        if key not in coming.files:
            continue
        recorded = {one.path: one.md5 for one in known.get(key, ())}
        asked = [path for path in coming.conffiles[key] if _changed(path, recorded)]
        contents = debreader.contents(coming.files[key], set(asked)) if asked else {}
        for path in asked:
            question = _question(path, move.line.label, recorded.get(path), contents, decisions)
            if isinstance(question, Refusal):
                refused.append(question)
            elif question is not None:
                found.append(question)
    return tuple(found), tuple(refused)


def _changed(path: str, recorded: dict[str, str | None]) -> bool:
    """Return whether the host has another content than the package brought; a new path is changed when it exists."""
    if path in recorded and recorded[path] is None:
        return False  # dpkg was killed before it looked at this one, and will compare it with the new content alone
    return md5_of(Path(path)) != recorded.get(path)


def _question(
    path: str,
    package: str,
    recorded: str | None,
    contents: dict[str, debreader.Content],
    decisions: dict[str, str] | None,
) -> Question | Refusal | None:
    content = contents.get(path)
    now = md5_of(Path(path))
    if content is None or hashlib.md5(content.data, usedforsecurity=False).hexdigest() in (recorded, now):
        return None
    # No plan can name a file that no package had when it was made; what the host has there is not ours to refuse.
    default = "keep" if decisions is None or recorded is None else None
    decision = (decisions or {}).get(path, default)
    label = f"{package} {path}"
    here = "deleted on this host" if now is None else "changed on this host"
    if decision is None:
        do = "make the plan again: the host was changed since"
        return Refusal(label, f"{here} and by the new version", "no change the plan does not name", do)
    if decision == "stop":
        do = "merge it by hand, or let policy/patching.yml say keep or replace"
        return Refusal(label, f"{here} and by the new version", "no such change: policy says stop", do)
    found = None if now is None else hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Question(path, package, decision, found, hashlib.sha256(content.data).hexdigest(), content)
