# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt_sources: package sources that apt is told to believe without a valid signature."""

from __future__ import annotations

import glob
import os
import re
from typing import Any

from ._common import Answer, lines_of, must_be_one_of, observed

ASKS = ("unverified",)
LISTS = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/*.list")
STANZAS = ("/etc/apt/sources.list.d/*.sources",)
# sources.list(5): these options, set to yes, switch the verification of a source off.
OPTION = re.compile(r"\b(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)\s*=\s*(yes|true|1|on)\b", re.I)
FIELD = re.compile(r"^(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)\s*:\s*(yes|true|1|on)\s*$", re.I)


def check(argument: Any) -> None:
    """The argument is unverified."""
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


def collect(asked: Any) -> list[str]:
    """One text a finding: the file's name and the option."""
    found = []
    for patterns, scan in ((LISTS, scan_list), (STANZAS, scan_stanzas)):
        for path in sorted(path for pattern in patterns for path in glob.glob(pattern)):
            if os.path.isfile(path):
                found.extend(f"{os.path.basename(path)} {option}" for option in scan(lines_of(path)))
    return sorted(set(found))


def answer(argument: Any, state: list[str]) -> Answer:
    """The sources that are believed unverified; an empty list when there are none."""
    return observed(state)
