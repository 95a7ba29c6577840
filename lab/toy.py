# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The toy package claimsd: 1.0 works, 1.1 starts and then fails its health check, 1.2 works again."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .process import run

NAME = "claimsd"
VERSIONS = ("1.0", "1.1", "1.2")
_RATE_CENTS = {"1.0": 1000, "1.1": 999, "1.2": 1000}  # 1.1 loses a cent in every unit
_SOURCE = Path(__file__).parent / "claimsd"
_EPOCH = "1760000000"  # one fixed build time: the same source gives the same package, byte for byte


@dataclass(frozen=True)
class Package:
    """One built package file, with what an archive index says about it."""

    path: Path
    control: str
    version: str
    size: int
    sha256: str


def source_digest() -> str:
    """Hex SHA-256 over everything claimsd is made from; part of the images' recipe."""
    total = hashlib.sha256()
    for path in sorted(_SOURCE.iterdir()):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    total.update(repr(sorted(_RATE_CENTS.items())).encode())
    return total.hexdigest()


def control(version: str) -> str:
    """The package's control fields, without a final newline."""
    return "\n".join(
        (
            f"Package: {NAME}",
            f"Version: {version}",
            "Architecture: all",
            "Maintainer: Holdfast contributors <lab@example.org>",
            "Depends: python3, init-system-helpers",
            "Section: net",
            "Priority: optional",
            "Description: claim-edit service of the Holdfast lab",
            " A toy that stands for a billing company's own software.",
        )
    )


def build(version: str, folder: Path) -> Package:
    """Build claimsd `version` into `folder` and return it. Needs dpkg-deb."""
    target = folder / f"{NAME}_{version}_all.deb"
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"
        program = (_SOURCE / "claimsd.py").read_text()
        program = program.replace("@VERSION@", version).replace("@RATE_CENTS@", str(_RATE_CENTS[version]))
        changelog = f"{NAME} ({version}) bookworm-security; urgency=high\n\n  * Lab version {version}.\n"
        _write(tree / "usr/bin" / NAME, program, 0o755)
        _write(tree / "lib/systemd/system/claimsd.service", (_SOURCE / "claimsd.service").read_text(), 0o644)
        _write(tree / "usr/share/doc" / NAME / "changelog", changelog, 0o644)
        _write(tree / "DEBIAN/control", control(version) + "\n", 0o644)
        for script in ("postinst", "prerm", "postrm"):
            _write(tree / "DEBIAN" / script, (_SOURCE / script).read_text(), 0o755)
        for path in (tree, *tree.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(tree), str(target)],
            env={"SOURCE_DATE_EPOCH": _EPOCH},
        )
    target.chmod(0o644)
    data = target.read_bytes()
    return Package(target, control(version), version, len(data), hashlib.sha256(data).hexdigest())


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
