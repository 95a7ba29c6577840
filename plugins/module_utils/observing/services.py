# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which systemd services run, have failed, or will run after a boot."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

from ..probes._common import UnreadableError, output_of, program


def rows_of(units: str, files: str) -> list[dict[str, str]]:
    """One row a service that is not at rest, or is enabled; by `systemctl list-units` and `list-unit-files`."""
    boot = {}
    for line in files.splitlines():
        fields = line.split()
        if len(fields) >= 2 and fields[0].endswith(".service"):
            boot[fields[0]] = fields[1]
    states = {}
    for line in units.splitlines():
        fields = line.split()
        if len(fields) >= 4 and fields[0].endswith(".service") and fields[1] != "not-found":
            states[fields[0]] = fields[2]
    rows = []
    for name in sorted({*states, *boot}):
        state = states.get(name, "inactive")
        stem = name.partition("@")[0] + "@.service" if "@" in name else name
        later = boot.get(name, boot.get(stem, ""))
        known = re.fullmatch("[a-z-]{1,40}", state) and re.fullmatch("[a-z-]{0,40}", later)
        if known and not name.endswith("@.service") and (state != "inactive" or later == "enabled"):
            rows.append({"unit": name, "state": state, "boot": later})
    return rows


def read() -> list[dict[str, Any]]:
    """The services of this host. Raises UnreadableError or subprocess.TimeoutExpired where systemd does not answer."""
    if not program("systemctl") or not os.path.isdir("/run/systemd/system"):
        raise UnreadableError("systemd does not run here, so its services are not known")
    asked = ["--type=service", "--all", "--no-legend", "--no-pager", "--plain", "--full"]
    listed = output_of(["systemctl", "list-units", *asked])
    return rows_of(listed, output_of(["systemctl", "list-unit-files", "--type=service", "--no-legend", "--no-pager"]))


FAILURES = (UnreadableError, subprocess.TimeoutExpired, OSError)
