# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""controller: the site on the machine that runs Holdfast: its keys, ledger and settings, and the product's own code.

Where the site lies stands in the file that the role `controller` writes.
"""

from __future__ import annotations

import configparser
import csv
import glob
import hashlib
import json
import os
import pwd
import re
import shutil
import stat
from base64 import urlsafe_b64encode
from typing import Any, NamedTuple

from ._common import Answer, lines_of, must_be_one_of, not_applicable, not_measured, observed

PLACE = "/etc/holdfast/controller"
UNITS = "/etc/systemd/system"
CRON = "/etc/cron.d"
RECORDER = "holdfast.hipaa.recorder"
ASKS = ("callback", "changed_code", "foreign_keys", "free_percent", "host_key_checking", "ledger_mode", "log_key",
        "open_keys", "open_ledger", "open_ssh_keys", "owner", "root_keys", "schedule", "secrets", "site",
        "writable_files")  # fmt: skip
# What a secret in a file of the site looks like: a key's armour, or a value under a telling name.
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----|^\s*-?\s*[\w-]*(?:password|passphrase|secret|token|api_key)\s*:\s*['\"]?"
    r"(?!\{\{|!vault)[^\s'\"#]{4,}",
    re.IGNORECASE | re.MULTILINE,
)
MOST_FILES = 3000
CODE = (".py", ".yml", ".j2")


class State(NamedTuple):
    """Where the site and the product lie; each "" when it is not known."""

    site: str
    product: str


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(asked: Any) -> State:
    """Read where the site lies, and look where Holdfast is installed."""
    said = [line for line in lines_of(PLACE) if line.startswith("/")] if os.path.exists(PLACE) else []
    site = said[0].strip() if said else ""
    return State(site, product_of(site) if os.path.isdir(site) else "")


def product_of(site: str) -> str:
    """Where the collection lies that the site runs: its own, its owner's, the machine's, or a virtual environment's."""
    below = "ansible_collections/holdfast/hipaa"
    try:
        home = pwd.getpwuid(os.stat(site).st_uid).pw_dir
    except KeyError:
        home = site
    places = [f"{site}/collections/{below}", f"{home}/.ansible/collections/{below}"]
    places += [f"/usr/share/ansible/collections/{below}", f"/etc/ansible/collections/{below}"]
    places += [
        f"{top}/lib/python3*/site-packages/{below}" for top in (f"{site}/.venv", f"{home}/*", "/opt/*", "/usr/local")
    ]
    return next((path for pattern in places for path in sorted(glob.glob(pattern))), "")


def mode(path: str) -> int:
    """A file's rights; links are followed."""
    return stat.S_IMODE(os.stat(path).st_mode)


def private_keys(folder: str) -> list[str]:
    """Files of a folder that hold a private key."""
    found = []
    for path in sorted(glob.glob(folder + "/*")):
        if os.path.isfile(path) and os.path.getsize(path) < 65536:
            with open(path, encoding="ascii", errors="replace") as source:
                if "PRIVATE KEY-----" in source.read():
                    found.append(path)
    return found


def files_of(site: str) -> list[str]:
    """The site's folders and files, without the ledger, the keys and what version control keeps."""
    found = [site]
    for where, folders, names in os.walk(site):
        folders[:] = [name for name in folders if name not in (".git", "ledger", "keys", ".venv", "build")]
        found += [os.path.join(where, name) for name in (*folders, *names)]
        if len(found) > MOST_FILES:
            break
    return sorted(path for path in found if not os.path.islink(path))


def told(paths: list[str], bits: int) -> list[str]:
    """Those of the files on which any of these rights is given: mode and path."""
    return [f"{mode(path):04o} {path}" for path in paths if mode(path) & bits]


def ledger_files(site: str) -> list[str]:
    """The files of the ledger."""
    return sorted(path for path in glob.glob(site + "/ledger/*") if os.path.isfile(path))


def owner(path: str) -> str:
    """Who a file belongs to, by name where there is one."""
    uid = os.stat(path).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def ssh_keys(site: str) -> list[str]:
    """The private SSH keys of the account that the site belongs to."""
    try:
        home = pwd.getpwuid(os.stat(site).st_uid).pw_dir
    except KeyError:
        return []
    return private_keys(home + "/.ssh")


def settings(site: str) -> configparser.ConfigParser:
    """The site's ansible.cfg; empty when it has none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read(site + "/ansible.cfg", encoding="utf-8")
    return parser


def schedule(site: str) -> str:
    """`present` when a timer that is enabled, or a line of cron, runs `holdfast watch` for this site."""
    for path in glob.glob(UNITS + "/holdfast*.timer"):
        service = path[: -len("timer")] + "service"
        wanted = glob.glob(f"{UNITS}/*.wants/{os.path.basename(path)}")
        if wanted and os.path.exists(service) and site in "\n".join(lines_of(service)):
            return "present"
    for path in glob.glob(CRON + "/*"):
        if os.path.isfile(path) and any(site in line and not line.startswith("#") for line in lines_of(path)):
            return "present"
    return "absent"


def secrets(site: str) -> list[str]:
    """Files of the site that hold what looks like a secret; never what it is."""
    found = []
    for path in files_of(site):
        if path.endswith((".yml", ".yaml", ".cfg", ".ini", ".json")) and os.path.getsize(path) < 1 << 20:
            with open(path, encoding="utf-8", errors="replace") as source:
                if SECRET.search(source.read()):
                    found.append(os.path.relpath(path, site))
    return found


def expected_code(product: str) -> dict[str, str] | None:
    """Path below the product -> SHA-256 (hex) of its code as it was installed; None when nothing says."""
    listed = os.path.join(product, "FILES.json")
    if os.path.exists(listed):
        with open(listed, encoding="utf-8") as source:
            entries = json.load(source)["files"]
        return {one["name"]: one["chksum_sha256"] for one in entries if one["ftype"] == "file" and is_code(one["name"])}
    packages = os.path.normpath(os.path.join(product, "..", "..", ".."))
    for record in glob.glob(packages + "/holdfast-*.dist-info/RECORD"):
        with open(record, encoding="utf-8", newline="") as source:
            rows = [row for row in csv.reader(source) if len(row) > 1 and row[1].startswith("sha256=")]
        found = {os.path.relpath(os.path.join(packages, row[0]), product): row[1][len("sha256=") :] for row in rows}
        return {name: digest for name, digest in found.items() if not name.startswith("..") and is_code(name)}
    return None


def is_code(name: str) -> bool:
    """Whether a file decides what Holdfast does."""
    return name.endswith(CODE) and name.split("/")[0] in ("baselines", "playbooks", "plugins", "policy", "roles")


def changed_code(product: str) -> Answer:
    """Files of the product that are not as they were installed, or are gone."""
    if not os.path.isdir(product):
        return not_measured(f"there is no Holdfast at {product or 'any of the usual places'}")
    expected = expected_code(product)
    if expected is None:
        return not_measured(f"{product} is no installed collection: nothing says what its files should be")
    found = []
    for name, digest in sorted(expected.items()):
        path = os.path.join(product, name)
        if not os.path.isfile(path):
            found.append(f"{name} is gone")
            continue
        with open(path, "rb") as source:
            seen = hashlib.sha256(source.read())
        # RECORD writes digests in base64 (PEP 376), FILES.json in hex.
        if digest not in (seen.hexdigest(), urlsafe_b64encode(seen.digest()).rstrip(b"=").decode("ascii")):
            found.append(name)
    return observed(found)


def answer(argument: Any, state: State) -> Answer:
    """One of ASKS for the site of this machine."""
    if argument == "site":
        return observed(state.site or None, "" if state.site else "nobody has said where the site is")
    if argument == "changed_code":
        return changed_code(state.product)
    site = state.site
    if not site or not os.path.isdir(site):
        return not_applicable(f"there is no site at {site or 'a place that was named'}")
    keys = private_keys(site + "/keys")
    if argument in ("foreign_keys", "log_key", "open_keys", "root_keys"):
        return about_keys(argument, site, keys)
    if argument in ("ledger_mode", "open_ledger"):
        if not os.path.isdir(site + "/ledger"):
            return not_applicable("this site keeps its ledger elsewhere")
        return observed(
            f"{mode(site + '/ledger'):04o}" if argument == "ledger_mode" else told(ledger_files(site), 0o077)
        )
    if argument in ("callback", "host_key_checking"):
        said = settings(site)
        if argument == "callback":
            names = [name.strip() for name in said.get("defaults", "callbacks_enabled", fallback="").split(",")]
            return observed("enabled" if RECORDER in names else "missing")
        return observed("off" if said.get("defaults", "host_key_checking", fallback="true").lower() in OFF else "on")
    if argument == "free_percent":
        usage = shutil.disk_usage(site)
        return observed(usage.free * 100 // usage.total)
    simple = {
        "open_ssh_keys": lambda: told(ssh_keys(site), 0o077),
        "owner": lambda: owner(site),
        "schedule": lambda: schedule(site),
        "secrets": lambda: secrets(site),
        "writable_files": lambda: told(files_of(site), 0o022),
    }
    return observed(simple[argument]())


OFF = ("no", "false", "0", "off")


def about_keys(argument: str, site: str, keys: list[str]) -> Answer:
    """What there is to say of the signing keys in the site's folder."""
    if argument == "root_keys":
        return observed([path for path in keys if os.path.basename(path).startswith("root")])
    if not keys:
        return not_applicable("no signing key lies in the site's folder keys")
    if argument == "open_keys":
        return observed(told(keys, 0o177))
    if argument == "foreign_keys":
        return observed([f"{owner(path)} {path}" for path in keys if owner(path) != owner(site)])
    logs = [path for path in keys if os.path.basename(path).startswith("log")]
    return observed("beside the others" if logs else "apart")
