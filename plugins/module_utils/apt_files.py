# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out what apt's source files must say: no source is believed unverified, and Debian's archive names its key."""

from __future__ import annotations

import re
from collections.abc import Callable

from .probes import apt_sources as probe

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SWITCH = re.compile(
    r"\b(trusted|allow-insecure|allow-weak|allow-downgrade-to-insecure)(\s*[=:]\s*)(?:yes|true|1|on)\b", re.IGNORECASE
)
DEBIAN = "Debian"
Origin = Callable[[probe.Source], str]


def verified(text: str) -> str:
    """A file in which no source is believed without a signature; comments stay as they are."""
    return "".join(
        line if line.lstrip().startswith("#") else SWITCH.sub(r"\1\2no", line)
        for line in text.splitlines(keepends=True)
    )


def pinned_list(text: str, origin: Origin = probe.origin) -> str:
    """One-line sources; those of Debian's archive name Debian's key."""
    lines = []
    for line in text.splitlines(keepends=True):
        found = probe.sources_of_list("", [line])
        match = probe.LINE.match(line)
        if match and found and not found[0].pinned and origin(found[0]) == DEBIAN:
            options = " ".join(word for word in ((match.group(2) or "").strip(), f"signed-by={KEYRING}") if word)
            line = f"{match.group(1)} [{options}] " + line[match.start(3) :]
        lines.append(line)
    return "".join(lines)


def pinned_stanzas(text: str, origin: Origin = probe.origin) -> str:
    """deb822 sources; those of Debian's archive name Debian's key."""
    blocks = re.split(r"(\n[ \t]*\n)", text)
    for place, block in enumerate(blocks):
        found = probe.sources_of_stanzas("", block.splitlines())
        if found and not any(source.pinned for source in found) and {origin(source) for source in found} == {DEBIAN}:
            blocks[place] = block.rstrip("\n") + f"\nSigned-By: {KEYRING}" + ("\n" if block.endswith("\n") else "")
    return "".join(blocks)
