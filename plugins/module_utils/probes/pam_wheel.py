# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""pam_wheel: which group may use su, as the service's PAM stack has it."""

from __future__ import annotations

import os
from typing import Any

from ._common import Answer, lines_of, must_be_word, not_applicable, observed

FOLDER = "/etc/pam.d"


def check(argument: Any) -> None:
    """The argument is the name of a PAM service."""
    must_be_word(argument, "PAM service")


def parse(lines: list[str]) -> list[list[str]]:
    """The words of every auth line that names pam_wheel."""
    found = []
    for line in lines:
        words = line.split("#", 1)[0].split()
        if len(words) >= 3 and words[0].lstrip("-") == "auth" and "pam_wheel.so" in words:
            found.append(words)
    return found


def collect(asked: Any) -> dict[str, list[list[str]]]:
    """Service -> its pam_wheel lines; services without a file are left out."""
    paths = {service: os.path.join(FOLDER, os.path.basename(service)) for service in asked}
    return {service: parse(lines_of(path)) for service, path in paths.items() if os.path.exists(path)}


def answer(argument: Any, state: dict[str, list[list[str]]]) -> Answer:
    """The group when exactly one binding line demands it; the lines themselves when they say else."""
    if argument not in state:
        return not_applicable(f"there is no PAM service {argument} on this host")
    lines = state[argument]
    if not lines:
        return observed(None, f"no pam_wheel line: everyone may use {argument}")
    words = lines[0]
    options = words[words.index("pam_wheel.so") + 1 :]
    groups = [option.partition("=")[2] for option in options if option.startswith("group=")]
    binding = words[1] in ("required", "requisite") and "use_uid" in options
    if len(lines) == 1 and binding and len(groups) == 1 and not {"deny", "trust"} & set(options):
        return observed(groups[0])
    return observed([" ".join(line) for line in lines])
