# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""workstation: who is logged in without a password, who may become root, whether a VPN is up, and browsers."""

from __future__ import annotations

import glob
import grp
import json
import os
import re
from typing import Any

from ._common import (
    Answer,
    in_container,
    lines_of,
    must_be_one_of,
    not_applicable,
    not_measured,
    observed,
    output_of,
    program,
)

ASKS = ("administrators", "auto_logins", "browser_passwords", "old_browsers", "up_days", "vpn")
GROUPS = ("sudo", "wheel", "admin", "root", "adm", "disk", "docker", "lxd", "libvirt", "shadow")
"""Groups whose members are root, can become it, or can read everybody's files."""
POLICIES = ("/etc/firefox/policies/policies.json", "/etc/firefox-esr/policies/policies.json",
            "/etc/chromium/policies/managed/*.json", "/etc/opt/chrome/policies/managed/*.json")  # fmt: skip
BROWSERS = ("chromium", "firefox", "firefox-esr", "google-chrome-stable", "microsoft-edge-stable")
# A greeter's way of logging somebody in without asking: file pattern, and a line that does it.
AUTO_LOGINS = (
    ("/etc/gdm3/daemon.conf", r"^\s*(?:AutomaticLoginEnable|TimedLoginEnable)\s*=\s*(?:true|1|yes|on)\b"),
    ("/etc/gdm3/custom.conf", r"^\s*(?:AutomaticLoginEnable|TimedLoginEnable)\s*=\s*(?:true|1|yes|on)\b"),
    ("/etc/lightdm/lightdm.conf", r"^\s*autologin-user\s*=\s*\S"),
    ("/etc/lightdm/lightdm.conf.d/*.conf", r"^\s*autologin-user\s*=\s*\S"),
    ("/etc/sddm.conf", r"^\s*User\s*=\s*\S"),
    ("/etc/sddm.conf.d/*.conf", r"^\s*User\s*=\s*\S"),
    ("/etc/systemd/system/getty@*.service.d/*.conf", r"^\s*ExecStart=.*\s(?:--autologin|-a)\s"),
    ("/etc/systemd/system/*getty@*.service", r"^\s*ExecStart=.*\s(?:--autologin|-a)\s"),
)


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def collect(asked: Any) -> list[Any]:
    """Nothing is shared between the questions; each reads its own source once."""
    return list(asked)


def auto_logins() -> list[tuple[str, str]]:
    """File and line of everything that logs somebody in without asking."""
    found = []
    for pattern, text in AUTO_LOGINS:
        for path in sorted(glob.glob(pattern)):
            if os.path.isfile(path):
                found += [(path, line) for line in lines_of(path) if re.search(text, line, re.IGNORECASE)]
    return found


def administrators() -> list[str]:
    """Members of groups that amount to root, `name of group`; root itself is none."""
    found = []
    for name in GROUPS:
        try:
            members = grp.getgrnam(name).gr_mem
        except KeyError:
            continue
        found += [f"{member} of {name}" for member in members if member not in ("root", "syslog")]
    return sorted(found)


def vpn() -> str:
    """`up` when an interface of WireGuard exists and is up, else `down`."""
    for path in glob.glob("/sys/class/net/*/uevent"):
        if "DEVTYPE=wireguard" in lines_of(path):
            flags = int(lines_of(os.path.join(os.path.dirname(path), "flags"))[0], 16)
            if flags & 1:
                return "up"
    return "down"


def browser_passwords() -> Answer:
    """What managed policies say of browsers' own password stores: `off` when all that are there say so."""
    values = {}
    for pattern in POLICIES:
        for path in sorted(glob.glob(pattern)):
            with open(path, encoding="utf-8") as source:
                whole = json.load(source)
            said = whole.get("policies", whole).get("PasswordManagerEnabled")
            if said is not None:
                values[path] = said
    families = {"firefox" if "firefox" in path else "chromium" for path in values}
    if not values:
        return observed(None, "no policy of a browser speaks of passwords")
    if any(values.values()):
        return observed("on")
    return observed("off" if families == {"firefox", "chromium"} else f"off in {families.pop()} alone")


def old_browsers() -> Answer:
    """Browsers for which the archive has something newer."""
    if not program("apt-cache"):
        return not_applicable("this host has no apt")
    found, name, installed = [], "", ""
    seen = False
    for line in output_of(["apt-cache", "policy", *BROWSERS]).splitlines():
        word, _unused, value = line.strip().partition(": ")
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif word == "Installed":
            installed = "" if value == "(none)" else value
            seen = seen or bool(installed)
        elif word == "Candidate" and installed and value != installed:
            found.append(f"{name} {installed}, {value} is there")
    return observed(found) if seen else not_applicable("there is no browser from a package on this host")


def answer(argument: Any, state: list[Any]) -> Answer:
    """One of ASKS."""
    if argument == "auto_logins":
        return observed(sorted({path for path, _line in auto_logins()}))
    if argument == "administrators":
        return observed(administrators())
    if argument == "browser_passwords":
        return browser_passwords()
    if argument == "old_browsers":
        return old_browsers()
    if argument == "vpn":
        return observed(vpn())
    if in_container():
        return not_measured("the time since the start belongs to the machine that runs this container")
    return observed(1 + int(float(lines_of("/proc/uptime")[0].split()[0]) // 86400))
