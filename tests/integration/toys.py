# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small packages that do on purpose what a package should not, and the plan lines that name them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WAIT = "while [ -e /run/toy-wait-@ ]; do touch /run/toy-reached-@; sleep 0.1; done"
"""What holds a package up in the middle of a script, as long as a file is there; @ is the script's name."""


@dataclass(frozen=True)
class Toy:
    """One version of one package: control fields beyond the usual, scripts by name, configuration files by path.

    `files` are other files by path: what they hold, and their mode.
    """

    name: str
    version: str
    control: tuple[str, ...] = ()
    scripts: dict[str, str] = field(default_factory=dict)
    conffiles: dict[str, str] = field(default_factory=dict)
    files: dict[str, tuple[bytes, int]] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """The package file's name."""
        return f"{self.name}_{self.version}_all.deb"

    def build(self, folder: Path) -> Path:
        """Build it into `folder`."""
        tree = folder / f"{self.name}-{self.version}"
        debian = tree / "DEBIAN"
        debian.mkdir(parents=True)
        fields = [
            f"Package: {self.name}",
            f"Version: {self.version}",
            "Architecture: all",
            "Maintainer: Holdfast contributors <lab@example.org>",
            *self.control,
            f"Description: toy {self.version}",
        ]
        (debian / "control").write_text("\n".join(fields) + "\n", encoding="utf-8")
        for name, body in self.scripts.items():
            (debian / name).write_text(f"#!/bin/sh\nset -e\n{body}\n", encoding="utf-8")
            (debian / name).chmod(0o755)
        for path, content in self.conffiles.items():
            (tree / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (tree / path.lstrip("/")).write_text(content, encoding="utf-8")
        if self.conffiles:
            (debian / "conffiles").write_text("".join(f"{path}\n" for path in self.conffiles), encoding="utf-8")
        for path, (data, mode) in self.files.items():
            (tree / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (tree / path.lstrip("/")).write_bytes(data)
            (tree / path.lstrip("/")).chmod(mode)
        target = folder / self.file
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "--build", str(tree), str(target)],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        shutil.rmtree(tree)
        return target


def locked(deb: Path) -> dict[str, Any]:
    """What a plan says of a file."""
    data = deb.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "file": deb.name}


def line(name: str, before: Path | None, after: Path) -> dict[str, Any]:
    """A plan's line that brings `name` from one file's version to another's."""
    start = None if before is None else before.name.split("_")[1]
    rollback = None if before is None else {"version": start, **locked(before)}
    return {
        "name": name,
        "arch": "all",
        "from": start,
        "to": after.name.split("_")[1],
        **locked(after),
        "rollback": rollback,
    }
