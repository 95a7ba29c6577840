# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt_sources: where apt takes software from: believed unverified, without a key of its own, from whom, how old."""

from __future__ import annotations

import glob
import os
import re
import time
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, not_applicable, observed

ASKS = ("list_age", "origins", "unpinned", "unverified")
LISTS = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list")
STANZAS = ("/etc/apt/sources.list.d/*.sources",)
STATE = "/var/lib/apt/lists"
# sources.list(5): these options, set to yes, switch the verification of a source off.
OPTION = re.compile(r"\b(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)\s*=\s*(yes|true|1|on)\b", re.I)
FIELD = re.compile(r"^(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)\s*:\s*(yes|true|1|on)\s*$", re.I)
LINE = re.compile(r"^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)")
LOCAL = ("file:", "copy:", "cdrom:")


class Source(NamedTuple):
    """One archive that apt reads: the file's name, address and suite, and whether a key is named for it."""

    file: str
    uri: str
    suite: str
    pinned: bool

    def __str__(self) -> str:
        return f"{self.file} {self.uri} {self.suite}"


class State(NamedTuple):
    """What the files say, and what apt last fetched."""

    unverified: list[str]
    sources: list[Source]


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def scan_list(lines: list[str]) -> list[str]:
    """The options of one-line sources that switch verification off."""
    found = []
    for line in lines:
        text = line.split("#", 1)[0].strip()
        if text.startswith(("deb ", "deb-src ", "deb\t", "deb-src\t")):
            options = text.partition("[")[2].partition("]")[0]
            found.extend(match.group(1).lower() for match in OPTION.finditer(options))
    return found


def scan_stanzas(lines: list[str]) -> list[str]:
    """The fields of deb822 sources that switch verification off."""
    return [match.group(1).lower() for match in (FIELD.match(line) for line in lines) if match]


def sources_of_list(name: str, lines: list[str]) -> list[Source]:
    """The archives of one-line sources."""
    found = []
    for line in lines:
        match = LINE.match(line.split("#", 1)[0].strip())
        if match:
            found.append(Source(name, match.group(3), match.group(4), "signed-by=" in (match.group(2) or "").lower()))
    return found


def stanzas(lines: list[str]) -> list[dict[str, str]]:
    """The stanzas of a deb822 file that are in force: field in lower case -> value, folded lines joined."""
    found: list[dict[str, str]] = [{}]
    field = ""
    for line in lines:
        if line.startswith("#"):
            continue
        if not line.strip():
            found.append({})
        elif line[0] in " \t" and field in found[-1]:
            found[-1][field] += " " + line.strip()
        else:
            name, _unused, value = line.partition(":")
            field = name.strip().lower()
            found[-1][field] = value.strip()
    return [one for one in found if one.get("uris") and one.get("enabled", "yes").lower() not in ("no", "false", "0")]


def sources_of_stanzas(name: str, lines: list[str]) -> list[Source]:
    """The archives of deb822 sources: every address with every suite."""
    return [
        Source(name, uri, suite, "signed-by" in stanza)
        for stanza in stanzas(lines)
        for uri in stanza["uris"].split()
        for suite in stanza.get("suites", "").split()
    ]


def paths(patterns: tuple[str, ...]) -> list[str]:
    """The files that apt reads, in its order."""
    return sorted(path for pattern in patterns for path in glob.glob(pattern) if os.path.isfile(path))


def collect(asked: Any) -> State:
    """Every source's file once."""
    unverified, sources = [], []
    kinds = ((LISTS, scan_list, sources_of_list), (STANZAS, scan_stanzas, sources_of_stanzas))
    for patterns, scan, read in kinds:
        for path in paths(patterns):
            name, lines = os.path.basename(path), lines_of(path)
            unverified.extend(f"{name} {option}" for option in scan(lines))
            sources.extend(read(name, lines))
    return State(sorted(set(unverified)), sources)


def release_file(source: Source) -> str:
    """Where apt keeps what it last fetched of a source's Release file; "" when it has none."""
    uri = source.uri.partition("://")[2] or source.uri.partition(":")[2]
    middle = "" if source.suite.endswith("/") else "_dists_"
    stem = uri.rstrip("/").replace("/", "_") + middle + source.suite.rstrip("/").replace("/", "_")
    for ending in ("_InRelease", "_Release"):
        if os.path.exists(f"{STATE}/{stem}{ending}"):
            return f"{STATE}/{stem}{ending}"
    return ""


def origin(source: Source) -> str:
    """Whose archive a source is by its own Release file; its address while apt has fetched nothing from it."""
    path = release_file(source)
    for line in lines_of(path)[:40] if path else ():
        if line.startswith("Origin:"):
            return line.partition(":")[2].strip()
    return source.uri


def unpinned(state: State) -> list[str]:
    """Sources that come in the clear and name no key: any key that apt knows may sign for them."""
    bare = [one for one in state.sources if not one.pinned and not one.uri.startswith(("https:", *LOCAL))]
    return sorted({str(source) for source in bare})


def answer(argument: Any, state: State) -> Answer:
    """Sources that stand out, the archives' origins, or the age of the lists in days."""
    if argument == "unverified":
        return observed(state.unverified)
    if argument == "unpinned":
        return observed(unpinned(state))
    if not state.sources:
        return not_applicable("this host has no package sources")
    if argument == "origins":
        return observed(sorted({origin(source) for source in state.sources}))
    # apt opens and closes its folder of partial downloads with every refresh, whether or not there was news.
    newest = max(os.stat(path).st_mtime for path in (STATE, STATE + "/partial") if os.path.isdir(path))
    return observed(1 + max(0, int((time.time() - newest) // 86400)), "days begun since the last refresh")
