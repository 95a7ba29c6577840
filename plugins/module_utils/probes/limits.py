# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""limits: a hard limit that sessions get from pam_limits(8), for everybody and for each exception from it.

limits.conf(5): limits.conf is read first, then limits.d by name; for the same domain the last line wins, and a line
for a user or group beats `*`. `*` does not hold for root, who needs a line of his own.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_word, observed

MAIN = "/etc/security/limits.conf"
FOLDER = "/etc/security/limits.d"
PAM = "/etc/pam.d"
SERVICES = ("sshd", "login")
"""The doors for people; each must ask pam_limits, else no line of limits.conf counts."""
EVERYBODY = ("*", "root")


class State(NamedTuple):
    """What one call reads."""

    hard: dict[str, dict[str, str]]
    """item -> domain -> hard limit"""
    without: list[str]
    """The doors whose session does not ask pam_limits."""


def check(argument: Any) -> None:
    """The argument is one item of limits.conf(5), such as core."""
    must_be_word(argument, "item of limits.conf")


def parse(lines: list[str], hard: dict[str, dict[str, str]]) -> None:
    """Add the hard limits of one file; `-` sets both kinds."""
    for line in lines:
        words = line.partition("#")[0].split()
        if len(words) == 4 and words[1] in ("hard", "-"):
            hard.setdefault(words[2], {})[words[0]] = words[3]


def asks(service: str, folder: str, seen: tuple[str, ...] = ()) -> bool:
    """Whether a service's session stack, with what it includes, has pam_limits."""
    path = os.path.join(folder, service)
    if service in seen or not os.path.exists(path):
        return False
    for line in lines_of(path):
        text = line.strip()
        if re.match(r"-?session\s.*\bpam_limits\.so\b", text):
            return True
        included = re.match(r"@include\s+(\S+)|-?session\s+(?:include|substack)\s+(\S+)", text)
        if included and asks(included.group(1) or included.group(2), folder, (*seen, service)):
            return True
    return False


def collect(asked: Any) -> State:
    """All limits and the doors."""
    hard: dict[str, dict[str, str]] = {}
    for path in [MAIN, *sorted(glob.glob(os.path.join(FOLDER, "*.conf")))]:
        if os.path.exists(path):
            parse(lines_of(path), hard)
    doors = [service for service in SERVICES if os.path.exists(os.path.join(PAM, service))]
    return State(hard, [service for service in doors if not asks(service, PAM)])


def answer(argument: Any, state: State) -> Answer:
    """One value when everybody and root have it and nobody has another; else one text a domain."""
    found = dict.fromkeys(EVERYBODY, "unset")
    found.update(state.hard.get(argument, {}))
    if len(set(found.values())) == 1 and not state.without:
        return observed(found["*"])
    doors = [f"{service} does not ask pam_limits" for service in state.without]
    return observed([f"{domain} {value}" for domain, value in sorted(found.items())] + doors)
