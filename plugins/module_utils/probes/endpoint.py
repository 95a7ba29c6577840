# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""endpoint: what watches this host from inside: file integrity (AIDE), malware scans (ClamAV), and other agents."""

from __future__ import annotations

import calendar
import glob
import os
import time
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, not_applicable, not_measured, observed, output_of

ASKS = (
    "agents",
    "database",
    "database_days",
    "last_check",
    "last_scan",
    "scanned",
    "signature_days",
    "watched",
)
CONFIG = "/etc/holdfast/aide.conf"
DATABASE = "/var/lib/aide/holdfast.db"
SCANNED = "/etc/holdfast/scanned"
SIGNATURES = "/var/lib/clamav/*.c[lv]d"
# What the services of the role leave behind each time: the exit code of the program.
CHECKED = "/var/lib/holdfast/integrity-check"
SCANNED_LAST = "/var/lib/holdfast/malware-scan"
RECENT = 3 * 86400  # seconds; an older result is no result
DAY = 86400


class State(NamedTuple):
    """What one call reads."""

    now: float
    services: list[str]  # those that run


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(asked: list[Any]) -> State:
    """The running services, when somebody asks for agents; files are read when answering."""
    services: list[str] = []
    if "agents" in asked:
        words = ["systemctl", "list-units", "--type=service", "--state=running", "--plain", "--no-legend", "--no-pager"]
        services = [line.split()[0] for line in output_of(words).splitlines() if line.strip()]
    return State(time.time(), services)


def selected(lines: list[str]) -> list[str]:
    """The folders that a configuration of AIDE selects; those it leaves out begin with "!"."""
    return [line.split()[0] for line in lines if line.startswith("/")]


def made(header: str) -> float:
    """When a signature file was made, from its header (`ClamAV-VDB:22 Nov 2026 02-58 -0500:...`), in UTC seconds."""
    date = header.split(":")[1]
    moment = time.strptime(date.rsplit(" ", 1)[0], "%d %b %Y %H-%M")
    zone = date.rsplit(" ", 1)[1]
    offset = (int(zone[1:3]) * 3600 + int(zone[3:5]) * 60) * (-1 if zone[0] == "-" else 1)
    return calendar.timegm(moment) - offset


def signatures(now: float, pattern: str = SIGNATURES) -> Answer:
    """Days since the newest signatures were made, at least 1."""
    moments = []
    for path in glob.glob(pattern):
        with open(path, "rb") as source:
            header = source.read(512).decode("ascii", "replace")
        if header.startswith("ClamAV-VDB:"):
            moments.append(made(header))
    if not moments:
        return observed(None, "there are no signatures")
    return observed(max(1, int((now - max(moments)) // DAY)))


def outcome(path: str, now: float, words: dict[str, str], otherwise: str) -> Answer:
    """What the last run of a service found, by its exit code; not measured when there is no recent one."""
    if not os.path.exists(path):
        return not_measured("it has not run yet")
    age = now - os.stat(path).st_mtime
    if age > RECENT:
        return not_measured(f"it last ran {int(age // DAY)} days ago")
    code = (lines_of(path) or [""])[0].strip()
    return observed(words.get(code, otherwise))


def answer(argument: Any, state: State) -> Answer:
    """Lists of folders and services; present or absent; days; clean, changed, found or failed."""
    if argument == "agents":
        return observed(state.services)
    if argument == "watched":
        return observed(selected(lines_of(CONFIG)) if os.path.exists(CONFIG) else [])
    if argument == "scanned":
        return observed([line for line in lines_of(SCANNED) if line] if os.path.exists(SCANNED) else [])
    if argument == "signature_days":
        return signatures(state.now)
    if argument == "last_check":
        # aide(1): 14 and above are errors; below, bits say that files were added, removed, changed.
        differences = {str(code): "changed" for code in range(1, 8)}
        return outcome(CHECKED, state.now, {"0": "clean", **differences}, "failed")
    if argument == "last_scan":
        return outcome(SCANNED_LAST, state.now, {"0": "clean", "1": "found"}, "failed")
    there = os.path.exists(DATABASE) and os.stat(DATABASE).st_size > 0
    if argument == "database":
        return observed("present" if there else "absent")
    if not there:
        return not_applicable("there is no reference")
    return observed(max(1, int((state.now - os.stat(DATABASE).st_mtime) // DAY)))
