# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Debian archive this machine uses: read from its own apt sources, or from LAB_MIRROR and LAB_SECURITY_MIRROR."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import MissingError
from .hosts import RELEASES
from .process import run

_APT = Path("/etc/apt")
_PROXIES = ("Acquire::http::Proxy", "Acquire::https::Proxy")


@dataclass(frozen=True)
class Mirrors:
    """Addresses of the main and the security archive, and the apt options (a proxy) needed to reach them."""

    main: str
    security: str
    apt_options: tuple[str, ...] = ()


def find(environment: Mapping[str, str] | None = None, apt: Path = _APT) -> Mirrors:
    """The archives to use. Raises MissingError when neither the settings nor apt's sources name them."""
    settings = os.environ if environment is None else environment
    named: dict[str, list[str]] = {"main": [], "security": []}
    for uri, suite, components in sources(apt):
        base, _, pocket = suite.partition("-")
        if "main" in components and base in (*RELEASES, "stable", "oldstable") and pocket in ("", "security"):
            named[pocket or "main"].append(uri)
    # Other vendors also publish a suite called after the release; Debian's archive lies under /debian.
    named["main"].sort(key=lambda uri: not uri.rstrip("/").endswith("/debian"))
    main = settings.get("LAB_MIRROR") or next(iter(named["main"]), "")
    security = settings.get("LAB_SECURITY_MIRROR") or next(iter(named["security"]), "")
    missing = [name for name, value in (("LAB_MIRROR", main), ("LAB_SECURITY_MIRROR", security)) if not value]
    if missing:
        raise MissingError(
            f"the apt sources of this machine name no Debian archive for {' and '.join(missing)}; "
            "set it to the address of one"
        )
    return Mirrors(main.rstrip("/"), security.rstrip("/"), _proxies())


def sources(apt: Path) -> Iterable[tuple[str, str, list[str]]]:
    """Every (address, suite, components) that apt would fetch from http or https, in both of apt's notations."""
    for path in sorted([apt / "sources.list", *apt.glob("sources.list.d/*")]):
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = path.read_text(errors="replace")
        yield from _deb822(text) if path.suffix == ".sources" else _one_line(text)


def _one_line(text: str) -> Iterable[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        kind, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if kind != "deb":
            continue
        if rest.startswith("["):
            rest = rest.partition("]")[2].strip()
        words = rest.split()
        if len(words) >= 2 and words[0].startswith("http"):
            yield words[0], words[1], words[2:]


def _deb822(text: str) -> Iterable[tuple[str, str, list[str]]]:
    for stanza in text.split("\n\n"):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            if uri.startswith("http"):
                components = fields.get("components", "").split()
                yield from ((uri, suite, components) for suite in fields.get("suites", "").split())


def _proxies() -> tuple[str, ...]:
    found = []
    for name in _PROXIES:
        said = run(["apt-config", "shell", "VALUE", name], check=False).stdout.strip()
        if said.startswith("VALUE='") and said != "VALUE=''":
            found.append(f'{name} "{said[7:-1]}";')
    return tuple(found)
