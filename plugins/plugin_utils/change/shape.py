# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan's file may hold, declared once: the errors a person reads and the JSON Schema an editor reads.

A plan decides which bytes reach production and is read by people before they sign, so nothing in it may be
mistaken for a path, an option, a terminal control or another field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..site.problems import Fault
from ..site.structure import LARGEST_WHOLE, SLUG, Fields, Items, Path, Shape, Text, Truth, Whole, Word

SCHEMA = "holdfast/plan/v1"
KINDS = ("patch", "config")
DO = "plan again; a plan is never edited by hand"

_UNSEEN = r"\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ud800-\uf8ff\ufeff"
"""Controls, invisible and bidirectional marks, private use. An approver signs what the terminal shows."""
_LINE = rf"(?! )[^{_UNSEEN}]+(?<! )"


@dataclass(frozen=True)
class OrNull:
    """A value of a shape, or null."""

    shape: Shape

    @property
    def words(self) -> str:
        return f"{self.shape.words}, or null"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if value is not None:
            yield from self.shape.faults(value, path)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.shape.schema(), {"type": "null"}]}


# What either package manager may write. What each of them may write alone: MANAGED, which checks.py goes by.
NAME = Text("a package's name such as libssl3", r"[A-Za-z0-9][A-Za-z0-9+._-]{1,127}", do=DO)
VERSION = Text("a version such as 1:2.3-4+deb12u1", r"(?:[0-9]{1,9}:)?[A-Za-z0-9][A-Za-z0-9.+~^_-]{0,127}", do=DO)
ARCH = Text("an architecture such as amd64 or noarch", r"[a-z0-9][a-z0-9_-]{0,31}", do=DO)
RELEASE = Text("a release such as bookworm", r"[a-z0-9][a-z0-9.-]{0,63}", do=DO)
SHA256 = Text("64 lowercase hexadecimal digits", r"[0-9a-f]{64}", do=DO)
# apt writes the colon of an epoch as %3a. No slash, no leading dot: no more than a name in a folder.
FILE = Text(
    "a bare file name such as nginx_1.22.1-9_amd64.deb", r"[A-Za-z0-9][A-Za-z0-9+.~^_%-]{0,250}\.(?:deb|rpm)", do=DO
)
MANAGERS = ("apt", "dnf")
MANAGED = {
    # Debian Policy 5.6.1 (names), 5.6.12 (versions), 5.6.8 (architectures).
    "apt": {
        "name": Text("a Debian package name such as libssl3", r"[a-z0-9][a-z0-9+.-]{1,127}", do=DO),
        "to": Text("a Debian version such as 1:2.3-4+deb12u1", r"(?:[0-9]{1,9}:)?[0-9][A-Za-z0-9.+~-]{0,127}", do=DO),
        "arch": Text("a Debian architecture such as amd64 or all", r"[a-z0-9][a-z0-9-]{0,31}", do=DO),
    },
    # rpm, lib/rpmvercmp and build/parsePreamble.c: no dash in version or release, ~ and ^ sort around a release.
    "dnf": {
        "name": Text("an rpm's name such as openssl-libs", r"[A-Za-z0-9][A-Za-z0-9+._-]{1,127}", do=DO),
        "to": Text(
            "an rpm's version such as 1:3.0.7-28.el9",
            r"(?:[0-9]{1,9}:)?[A-Za-z0-9][A-Za-z0-9.+~^_]{0,99}-[A-Za-z0-9][A-Za-z0-9.+~^_]{0,99}",
            do=DO,
        ),
        "arch": Text("an rpm's architecture such as x86_64 or noarch", r"[a-z0-9][a-z0-9_]{0,31}", do=DO),
    },
}
"""What each package manager calls packages, versions (for `from`, `to` and rollbacks alike) and architectures."""
PATH = Text("an absolute path", rf"/[^{_UNSEEN}]+", 500, do=DO)
UNIT = Text("a systemd unit's name", r"[A-Za-z0-9@._:\\-]{1,255}", do=DO)
# An archive need not name its origin or suite, so a label may be empty.
LABEL = Text(
    "a short label such as Debian-Security",
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9 ._+:/-]{0,98}[A-Za-z0-9])?)?",
    do=DO,
)
CVE = Text("a CVE id such as CVE-2026-12345", r"CVE-[0-9]{4}-[0-9]{4,9}", do=DO)
NAME_OF = Text("small letters, digits and dashes, a letter first, at most 63", SLUG, 63, do=DO)
TIME = Text(
    "a time such as 2026-11-21T22:00:00.000Z",
    r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z",
    do=DO,
)
TITLE = Text("one line of 1 to 120 printable characters, without blanks at its ends", _LINE, 120, do="name it anew")
REASON = Text("one line of 1 to 500 printable characters, without blanks at its ends", _LINE, 500, do="say it anew")
SIZE = Whole("a size in bytes, above 0", 1, LARGEST_WHOLE)

ROLLBACK = Fields(
    "the package file that brings the installed version back",
    {"version": VERSION, "sha256": SHA256, "size": SIZE, "file": FILE, "from": Word(("archive", "pool", "repacked"))},
)

CONFFILE = Fields(
    "a package's settings that were changed on the host, and what becomes of them",
    {"path": PATH, "package": NAME, "decision": Word(("keep", "replace"))},
)

PACKAGE = Fields(
    "one package",
    {
        "name": NAME,
        "arch": ARCH,
        "from": OrNull(VERSION),
        "to": VERSION,
        "sha256": SHA256,
        "size": SIZE,
        "file": FILE,
        "origin": LABEL,
        "suite": LABEL,
        "security": Truth(),
        "source": NAME,
        "cves": Items(CVE, most=2000, distinct=True),
        "rollback": OrNull(ROLLBACK),
    },
)

ASSET = Fields(
    "one asset",
    {
        "asset": NAME_OF,
        "ring": NAME_OF,
        "release": OrNull(RELEASE),
        "arch": OrNull(ARCH),
        "manager": OrNull(Word(MANAGERS)),
        "packages": Items(PACKAGE),
        "conffiles": Items(CONFFILE, most=10_000),
        "restarts": Items(UNIT, most=2000),
        "reboot": Truth(),
    },
)

PLAN = Fields(
    "a plan",
    {
        "schema": Word((SCHEMA,)),
        "kind": Word(KINDS),
        "title": TITLE,
        "reason": REASON,
        "created_at": TIME,
        "site": NAME_OF,
        "assets": Items(ASSET, least=1),
    },
    {"baseline": Fields("the digest of the resolved controls", {"sha256": SHA256})},
)
