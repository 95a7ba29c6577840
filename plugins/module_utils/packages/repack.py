# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rebuilds a package file from what is installed, as a way back where no archive has the version any more.

It holds what is on the host: the control fields and scripts dpkg keeps, and the files as they are, with their rights.
What cannot be as the archive had it is named, so that nobody takes it for the archive's file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from . import conffiles
from .commands import run
from .debwriter import Member, write_deb
from .dpkg import INFO, Package
from .errors import PackageError, Refusal

DIVERSIONS = Path("/var/lib/dpkg/diversions")

_OURS = ("Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited")
"""What dpkg's record of an installed package has beyond the fields of its control file (deb-control(5))."""

_SCRIPTS = ("preinst", "postinst", "prerm", "postrm", "config")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]*):")


@dataclass(frozen=True)
class Rebuilt:
    """What differs from the file the archive once had, by path.

    changed are configuration files as somebody changed them, altered other files that differ from the package's own
    list of sums, absent what the package lists and the host has not.
    """

    changed: tuple[str, ...]
    altered: tuple[str, ...]
    absent: tuple[str, ...]

    def to_dict(self) -> dict[str, list[str]]:
        """Return the members as the store keeps them."""
        return {"changed": list(self.changed), "altered": list(self.altered), "absent": list(self.absent)}


def rebuild(package: Package, target: Path, info: Path = INFO, diversions: Path = DIVERSIONS) -> Rebuilt:
    """Write the installed package to a new file and return what differs from the archive's.

    Raises PackageError when dpkg has not finished the package or does not have its list of files, and OSError when
    something cannot be read.
    """
    if package.unfinished:
        refusal = Refusal(f"{package.name} ({package.arch})", package.status, "installed", "finish dpkg's work first")
        raise PackageError("an unfinished package is no way back", (refusal,))
    stem = _stem(package, info)
    fields = _fields(package)
    packaged = {one.path: one.md5 for one in conffiles.read_field(fields) if not one.obsolete}
    listed = [path for path in (info / f"{stem}.list").read_text("utf-8", "surrogateescape").splitlines() if path]
    moved = diverted(package.name, diversions)
    folders = {"/.", *(str(parent) for path in listed for parent in Path(path).parents)}
    members, absent = [], []
    for path in _in_order(listed):
        source = _packaged_copy(Path(moved.get(path, path)), packaged.get(path))
        folder = path in folders
        if source.exists() if folder else (source.is_symlink() or source.exists()):
            members.append(Member("/" if path == "/." else path, source, folder))
        else:
            absent.append(path)
    control = _control(info, stem, fields, set(absent))
    moment = int((info / f"{stem}.list").stat().st_mtime)
    sums = write_deb(target, control, members, moment)
    changed = tuple(sorted(path for path, md5 in packaged.items() if path in sums and sums[path] != md5))
    known = _md5sums(info / f"{stem}.md5sums")
    altered = tuple(sorted(path for path, md5 in known.items() if sums.get(path, md5) != md5 and path not in packaged))
    _refuse_unreadable(target, package)
    return Rebuilt(changed, altered, tuple(sorted(absent)))


def installed_bytes(package: Package) -> int:
    """Return what the package's files need on the disk, by its own word."""
    answer = run(["dpkg-query", "--show", "--showformat", "${Installed-Size}", f"{package.name}:{package.arch}"])
    return int(answer.out) * 1024 if answer.code == 0 and answer.out.isdigit() else 0


def _stem(package: Package, info: Path) -> str:
    """Return how dpkg names the package's files: with the architecture where several may be installed at once."""
    for stem in (f"{package.name}:{package.arch}", package.name):
        if (info / f"{stem}.list").exists():
            return stem
    refusal = Refusal(str(info), f"no list of {package.name}'s files", "one", "reinstall the package by hand")
    raise PackageError("dpkg does not know what is installed", (refusal,))


def _fields(package: Package) -> str:
    """Return dpkg's record of the package."""
    answer = run(["dpkg-query", "--status", f"{package.name}:{package.arch}"])
    if answer.code != 0:
        raise PackageError(f"dpkg-query --status failed: {answer.complaint()}")
    return answer.out


def control_fields(record: str) -> str:
    """Return the control file of an installed package: its record without what dpkg added."""
    kept, keeping = [], True
    for line in record.splitlines():
        field = _FIELD.match(line)
        if field:
            keeping = field.group(1) not in _OURS
        if keeping and line.strip():
            kept.append(line)
    return "\n".join(kept) + "\n"


def _control(info: Path, stem: str, record: str, absent: set[str]) -> dict[str, tuple[bytes, int]]:
    """Return the control archive's files: the fields, and all that dpkg keeps of the package but its list."""
    control = {"control": (control_fields(record).encode(), 0o644)}
    for path in info.glob(f"{stem}.*"):
        name = path.name[len(stem) + 1 :]
        if "." in name or name == "list":
            continue
        content = path.read_bytes()
        if name == "conffiles":
            lines = [line for line in content.decode().splitlines() if line not in absent]
            if not lines:
                continue
            content = ("\n".join(lines) + "\n").encode()
        control[name] = (content, 0o755 if name in _SCRIPTS else 0o644)
    return control


def diverted(name: str, diversions: Path) -> dict[str, str]:
    """Return where the package's own files lie that another package, or an administrator, put aside."""
    try:
        lines = diversions.read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return {}
    entries = zip(lines[0::3], lines[1::3], lines[2::3])  # dpkg keeps three lines for each: from, to, by whom
    return {contested: aside for contested, aside, owner in entries if owner != name}


def _packaged_copy(path: Path, md5: str | None) -> Path:
    """Return the file that has the package's own content of a configuration file: itself, what dpkg left beside it,
    else itself as it was changed."""
    if md5 is None:
        return path
    beside = path.with_name(path.name + ".dpkg-dist")
    return next((one for one in (path, beside) if conffiles.md5_of(one) == md5), path)


def _in_order(listed: list[str]) -> list[str]:
    """Return the paths with every folder before what is in it."""
    return sorted(set(listed), key=lambda path: path.split("/") if path != "/." else [""])


def _md5sums(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except FileNotFoundError:
        return {}
    return {"/" + name: md5 for md5, _blanks, name in (line.partition("  ") for line in lines) if name}


def _refuse_unreadable(target: Path, package: Package) -> None:
    """Let dpkg-deb itself read the whole file: a way back that cannot be installed is none."""
    fields = run(["dpkg-deb", "--show", "--showformat", "${Package} ${Version} ${Architecture}", str(target)])
    content = run(["dpkg-deb", "--contents", str(target)])
    if content.code != 0 or fields.out != f"{package.name} {package.version} {package.arch}":
        found = content.complaint() if content.code != 0 else fields.out or fields.complaint()
        target.unlink()
        raise PackageError(f"{package.name}: dpkg-deb cannot read what was repacked ({found}); report it")
