# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""certificates: age, end and strength of certificates and SSH host keys, and who may read the private keys.

Where to look stands on the host, one pattern a line, in the file that the role `certificates` writes. The names of
authorities that a host trusts (/etc/ssl/certs) are none of its own, and WireGuard's keys have a probe of their own.
"""

from __future__ import annotations

import base64
import glob
import os
import stat
import time
from typing import Any, NamedTuple

from . import _x509 as x509
from ._common import Answer, lines_of, must_be_one_of, not_applicable, not_measured, observed

PLACES = "/etc/holdfast/certificates"
# Where to look while nobody has said.
USUAL = (
    "/etc/ssl/private/*",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/etc/letsencrypt/live/*/*.pem",
    "/etc/nginx/tls/*",
    "/etc/nginx/ssl/*",
    "/etc/postgresql/*/*/*.crt",
    "/etc/postgresql/*/*/*.key",
)
HOST_KEYS = "/etc/ssh/ssh_host_*_key.pub"
ASKS = ("days_left", "host_key_day", "key_day", "open_keys", "places", "weak", "weak_host_keys", "writable")
MOST_FILES = 500
LARGEST = 262144
DAY = 86400
WEAK_RSA_HOST_KEY = 3072


class Found(NamedTuple):
    """One file: what it holds of certificates, whether a private key, and its status."""

    path: str
    certificates: list[x509.Certificate]
    key: bool
    status: os.stat_result
    fault: str = ""


class State(NamedTuple):
    """The places looked at, the files there, and the public SSH host keys."""

    places: list[str] | None
    files: list[Found]
    host_keys: list[str]


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def places() -> list[str] | None:
    """The patterns that the host's own file names; None when there is no such file."""
    if not os.path.exists(PLACES):
        return None
    return [line.strip() for line in lines_of(PLACES) if line.strip() and not line.startswith("#")]


def look(path: str) -> Found | None:
    """Read one file; None when it holds neither certificate nor key."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
        return None
    with open(path, encoding="ascii", errors="replace") as source:
        text = source.read()
    key = "PRIVATE KEY-----" in text
    try:
        found = x509.certificates(text)
    except x509.DerError as error:
        return Found(path, [], key, status, str(error))
    return Found(path, found, key, status) if key or found else None


def collect(asked: Any) -> State:
    """Every file once; what a link points to counts for what it is."""
    said = places()
    paths = sorted({path for pattern in (USUAL if said is None else said) for path in glob.glob(pattern)})[:MOST_FILES]
    seen, files = set(), []
    for path in paths:
        real = os.path.realpath(path)
        if real not in seen and os.path.exists(real):
            seen.add(real)
            found = look(real)
            files += [found] if found else []
    return State(said, files, sorted(glob.glob(HOST_KEYS)))


def day_of(then: float) -> int:
    """Which day of its life something is in that began then; 1 for the first."""
    return 1 + max(0, int((time.time() - then) // DAY))


def weak_host_key(path: str) -> str:
    """What is weak about a public SSH host key, "" when nothing is (the format is that of RFC 4253)."""
    words = lines_of(path)[0].split()
    if words[0] == "ssh-dss":
        return "DSA"
    if words[0] != "ssh-rsa":
        return ""
    blob, fields = base64.b64decode(words[1]), []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    size = int.from_bytes(fields[2], "big").bit_length()
    return f"RSA with {size} bits" if size < WEAK_RSA_HOST_KEY else ""


def reaches_too_far(status: os.stat_result) -> bool:
    """Whether others than the owner may read a key, but for a group of its own that reads alone."""
    allowed = 0o640 if status.st_gid != 0 else 0o600
    return bool(stat.S_IMODE(status.st_mode) & ~allowed & 0o077)


def writable(files: list[Found]) -> list[str]:
    """Folders of certificates and keys in which others than their owner may put files."""
    folders = sorted({os.path.dirname(found.path) for found in files})
    modes = {folder: stat.S_IMODE(os.stat(folder).st_mode) for folder in folders}
    return [f"{mode:04o} {folder}" for folder, mode in modes.items() if mode & 0o022]


def answer(argument: Any, state: State) -> Answer:
    """The places, days, or the files that stand out."""
    if argument == "places":
        return observed(state.places, "" if state.places is not None else "nobody has said where to look")
    if argument in ("host_key_day", "weak_host_keys"):
        if not state.host_keys:
            return not_applicable("this host has no SSH host keys")
        if argument == "host_key_day":
            return observed(max(day_of(os.stat(path).st_mtime) for path in state.host_keys))
        return observed([f"{weak}: {path}" for path in state.host_keys if (weak := weak_host_key(path))])
    keys = [found for found in state.files if found.key]
    if argument in ("key_day", "open_keys"):
        if not keys:
            return not_applicable("no private key lies where keys are looked for")
        if argument == "key_day":
            return observed(max(day_of(found.status.st_mtime) for found in keys))
        far = [found for found in keys if reaches_too_far(found.status)]
        return observed([f"{stat.S_IMODE(found.status.st_mode):04o} {found.path}" for found in far])
    if argument == "writable":
        return observed(writable(state.files)) if state.files else not_applicable("there are no certificates or keys")
    if faults := [found for found in state.files if found.fault]:
        return not_measured(f"{faults[0].path} is {faults[0].fault}")
    shown = [(one, found.path) for found in state.files for one in found.certificates]
    if not shown:
        return not_applicable("no certificate lies where certificates are looked for")
    if argument == "days_left":
        ends, path = min((one.ends, path) for one, path in shown)
        return observed(int((ends - time.time()) // DAY), f"the first to end is in {path}")
    return observed([f"{one.weak}: {path}" for one, path in shown if one.weak])
