# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RPM's own database says is on the host: packages, their versions and sources, and what a killed run tore."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .commands import run
from .dpkg import Package
from .errors import PackageError

_FIELDS = ("NAME", "ARCH", "EPOCHNUM", "VERSION", "RELEASE", "SOURCERPM", "INSTALLTIME")
_FORMAT = "\t".join(f"%{{{field}}}" for field in _FIELDS) + "\n"
_BESIDE = ("installonlypkg(kernel)", "installonlypkg(kernel-module)", "installonlypkg(vm)", "multiversion(kernel)")
# rpm(8), VERIFY OPTIONS: nine marks (5: the content differs), the file's kind, its path.
_VERIFIED = re.compile(r"^(?:(?P<marks>[A-Z0-9.?]{8,10})|missing) +(?:(?P<kind>[a-z]) +)?(?P<path>/.*?)(?: \(.*\))?$")
_BATCH = 500

TORN = "half-installed"
"""The status of a package that is there in two versions, or whose files are not its own: dpkg's word for the same."""


def parse_inventory(text: str) -> dict[tuple[str, str], list[tuple[int, Package]]]:
    """Read rpm's answer in our own format: every version of each package with the time it came.

    Raises PackageError on a line of another form.
    """
    known: dict[tuple[str, str], list[tuple[int, Package]]] = {}
    for line in text.splitlines():
        members = line.split("\t")
        if len(members) != len(_FIELDS) or not members[6].isdigit():
            raise PackageError(f"rpm said {line[:120]!r}; expected {len(_FIELDS)} fields; look at RPM's database")
        name, arch, epoch, version, release, source, moment = members
        if name == "gpg-pubkey":
            continue
        origin, origin_version = split_source(source, name, f"{version}-{release}")
        evr = join_version(epoch, version, release)
        package = Package(name, arch, evr, origin, origin_version, "install", "ok", "installed")
        known.setdefault((name, arch), []).append((int(moment), package))
    return known


def every_version() -> dict[tuple[str, str], list[tuple[int, Package]]]:
    """Return every installed version of every package with the time it came. Raises PackageError."""
    answer = run(["rpm", "--query", "--all", "--queryformat", _FORMAT])
    if answer.code != 0:
        raise PackageError(f"rpm --query --all failed: {answer.complaint()}")
    return parse_inventory(answer.out)


def inventory() -> dict[tuple[str, str], Package]:
    """Return every installed package by name and architecture.

    Of a package that is there more than once the latest counts; it is torn, unless it is one that hosts keep beside
    its earlier versions (kernels).
    """
    known = every_version()
    double = [key for key, found in known.items() if len(found) > 1]
    torn = set(double) - _kept_beside(double)
    found = {}
    for key, versions in known.items():
        package = max(versions, key=lambda one: one[0])[1]
        found[key] = mark_torn(package) if key in torn else package
    return found


def versions(name: str, arch: str) -> tuple[str, ...]:
    """Return every installed version of one package."""
    answer = run(["rpm", "--query", "--queryformat", _FORMAT, f"{name}.{arch}"])
    if answer.code != 0:
        return ()
    return tuple(package.version for found in parse_inventory(answer.out).values() for _when, package in sorted(found))


def mark_torn(package: Package) -> Package:
    """Return the package as one that needs to be installed again."""
    return Package(
        package.name, package.arch, package.version, package.source, package.source_version, package.want,
        "reinstreq", TORN,
    )  # fmt: skip


def native_architecture() -> str:
    """Return RPM's own architecture, for example x86_64."""
    answer = run(["rpm", "--eval", "%{_arch}"])
    if answer.code != 0 or not answer.out.strip():
        raise PackageError(f"rpm --eval failed: {answer.complaint()}")
    return answer.out.strip()


def database() -> Path:
    """Return the folder of RPM's database."""
    answer = run(["rpm", "--eval", "%{_dbpath}"])
    if answer.code != 0 or not answer.out.startswith("/"):
        raise PackageError(f"rpm --eval failed: {answer.complaint()}")
    return Path(answer.out.strip())


def differing(name: str, arch: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the package's files whose content is not as installed: configuration files, and others.

    A file that is gone counts as differing.
    """
    quiet = ["--nodeps", "--noscripts", "--nomtime", "--nomode", "--nouser", "--nogroup", "--nordev", "--nocaps"]
    return parse_verified(run(["rpm", "--verify", *quiet, f"{name}.{arch}"]).out)


def parse_verified(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read rpm --verify into configuration files and other files whose content differs."""
    settings, others = [], []
    for line in text.splitlines():
        said = _VERIFIED.match(line)
        if said is None or (said["marks"] is not None and said["marks"][2] != "5"):
            continue
        (settings if said["kind"] == "c" else others).append(said["path"])
    return tuple(settings), tuple(others)


def settings_of(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the configuration files of installed packages: by path, the package's name."""
    found: dict[str, str] = {}
    for name, arch in names:
        answer = run(["rpm", "--query", "--configfiles", f"{name}.{arch}"])
        if answer.code == 0:
            found.update({path: name for path in answer.out.splitlines() if path.startswith("/")})
    return found


def settings_in(file: Path) -> tuple[str, ...]:
    """Return the configuration files that a package file brings."""
    answer = run(["rpm", "--query", "--configfiles", "--package", str(file)])
    return tuple(path for path in answer.out.splitlines() if path.startswith("/"))


def join_version(epoch: str, version: str, release: str) -> str:
    """Return epoch:version-release, without the epoch where it is 0."""
    return f"{version}-{release}" if epoch in ("0", "(none)", "") else f"{epoch}:{version}-{release}"


def split_source(file: str, name: str, version: str) -> tuple[str, str]:
    """Return name and version of the source a package says it was built from; its own where it says none."""
    parts = file.partition(".src.rpm")[0].rsplit("-", 2)
    return (parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 else (name, version)


def _kept_beside(keys: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the packages that hosts keep in several versions, by what they provide (dnf.conf(5))."""
    found = set()
    for start in range(0, len(keys), _BATCH):
        named = [f"{name}.{arch}" for name, arch in keys[start : start + _BATCH]]
        answer = run(["rpm", "--query", "--queryformat", "%{NAME}\t%{ARCH}\t[%{PROVIDENAME} ]\n", *named])
        for line in answer.out.splitlines():
            name, _tab, rest = line.partition("\t")
            arch, _tab, provides = rest.partition("\t")
            if name == "kernel" or set(_BESIDE) & set(provides.split()):
                found.add((name, arch))
    return found
