# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH host keys of what was found: the same host under another address has the same."""

from __future__ import annotations

import subprocess

from ..observing.identity import fingerprint
from ..probes._common import PROGRAM_PATH, program

SECONDS_EACH = 3


def read(addresses: list[str], seconds: float) -> dict[str, list[str]]:
    """Fingerprints by address, as far as ssh-keyscan(1) is here and gets them in time."""
    if not program("ssh-keyscan") or not addresses or seconds < 1:
        return {}
    command = [program("ssh-keyscan"), "-T", str(SECONDS_EACH), "-t", "ed25519,ecdsa,rsa", *addresses]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds,
            env={"LC_ALL": "C", "PATH": PROGRAM_PATH}, check=False,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError):
        return {}
    return parse(done.stdout.decode("ascii", "replace"))


def parse(text: str) -> dict[str, list[str]]:
    """What ssh-keyscan prints: `address type key` lines."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 3 and not line.startswith("#"):
            print_of = fingerprint(f"{fields[1]} {fields[2]}")
            if print_of:
                found.setdefault(fields[0].strip("[]"), set()).add(print_of)
    return {address: sorted(keys) for address, keys in found.items()}
