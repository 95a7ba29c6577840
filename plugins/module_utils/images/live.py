# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an image holds besides files: kernel settings, units, firewall tables, mounts, packages."""

from __future__ import annotations

import os
import re
import stat

from .commands import program, run

SYSCTL = "/proc/sys"
PACKAGES = "/var/lib/dpkg/status"
_CONTAINER = ("/run/systemd/container", "/run/.containerenv", "/.dockerenv")

# Kernel settings that change by themselves, do something when written, or hold a key.
_RESTLESS = re.compile(
    r"kernel/(random/|ns_last_pid|tainted|perf_event_max_sample_rate|sched_domain/|hostname|domainname|cad_pid)"
    r"|fs/binfmt_misc/|vm/(drop_caches|compact_memory|stat_refresh)|net/.*/(flush|stable_secret|tcp_fastopen_key)$"
    r"|net/ipv6/conf/.*/(mtu|hop_limit)$|net/.*/(veth|cali|tap|vnet|vif)[^/]*/"
)
_ALWAYS_THERE = ("static", "transient", "alias", "")
_RESTLESS_MOUNTS = re.compile(
    r"/run/(user|credentials|netns|docker|containerd|systemd)(/|$)|/proc/|/sys/|/dev/(pts|mqueue|hugepages|console)"
    r"|/var/lib/(containers|docker|kubelet)/|/snap/|/media/|/etc/(hosts|hostname|resolv\.conf)$"
)


def sysctl() -> dict[str, str]:
    """Return path below /proc/sys -> value of every setting that can be read and written.

    In a container only net/ is its own.
    """
    start = os.path.join(SYSCTL, "net") if in_container() else SYSCTL
    found = {}
    for folder, _folders, names in os.walk(start):
        for name in names:
            path = os.path.join(folder, name)
            key = path[len(SYSCTL) + 1 :]
            if _RESTLESS.match(key):
                continue
            try:
                if os.stat(path).st_mode & (stat.S_IRUSR | stat.S_IWUSR) == stat.S_IRUSR | stat.S_IWUSR:
                    with open(path, encoding="ascii", errors="replace") as source:
                        found[key] = " ".join(source.read().split())
            except OSError:
                continue  # some refuse to be read while what they are about is off
    return found


def units() -> dict[str, str] | None:
    """Return unit -> "on" of every service, socket, timer and path that someone may switch, and that is on now.

    None when systemd does not answer: a unit that cannot be seen must not count as one that is off.
    Whether a unit starts at boot, or is masked, is a link below /etc, and so in the image already.
    """
    kinds = ["*.service", "*.socket", "*.timer", "*.path"]
    code, out, _errors = run(["systemctl", "show", "--property=Id,ActiveState,UnitFileState", "--", *kinds])
    if code:
        return None
    found = {}
    for block in out.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        name = values.get("Id", "")
        if name.startswith("holdfast-guard-") or values.get("UnitFileState", "") in _ALWAYS_THERE:
            continue
        if values.get("ActiveState") in ("active", "reloading"):
            found[name] = "on"
    return found


def tables() -> dict[str, str] | None:
    """Return firewall table, as "inet filter" -> its text without counters; None when nft gives no answer."""
    if not program("nft"):
        return {}
    code, out, _errors = run(["nft", "--stateless", "list", "ruleset"])
    return split_tables(out) if code == 0 else None


def split_tables(text: str) -> dict[str, str]:
    """Return the tables of a printed ruleset; a table begins with its name and ends with a brace, both unindented."""
    found: dict[str, str] = {}
    name, lines = "", []
    for line in text.splitlines():
        if line.startswith("table "):
            name, lines = line[len("table ") : line.rindex("{")].strip(), []
        if name:
            lines.append(line)
        if line == "}":
            found[name], name = "\n".join(lines) + "\n", ""
    return found


def mounts() -> dict[str, str]:
    """Return mount point -> "type options" of what is mounted for longer than one login or one container."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as source:
        for line in source:
            first, _dash, last = line.partition(" - ")
            point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), first.split()[4])
            if not _RESTLESS_MOUNTS.match(point):
                kept = {"hidepid"} & {option.partition("=")[0] for option in last.split()[2].split(",")}
                extra = [option for option in last.split()[2].split(",") if option.partition("=")[0] in kept]
                found[point] = f"{last.split()[0]} {','.join(sorted(first.split()[5].split(',')) + extra)}"
    return found


def packages() -> dict[str, str]:
    """Return name:architecture -> version of every installed package, from dpkg's own file."""
    return {name: one["Version"] for name, one in _stanzas().items()}


def conffiles(names: set[str]) -> set[str]:
    """Return the configuration files that dpkg knows of these packages (name:architecture)."""
    known = _stanzas()
    lines = [line for name in names & set(known) for line in known[name].get("Conffiles", "").splitlines()]
    return {line.split()[0] for line in lines if line.split()}


def _stanzas() -> dict[str, dict[str, str]]:
    try:
        with open(PACKAGES, encoding="utf-8", errors="replace") as source:
            text = source.read()
    except OSError:
        return {}
    found = {}
    for block in text.split("\n\n"):
        if "\nStatus: install ok installed\n" not in block and "\nStatus: hold ok installed\n" not in block:
            continue
        wanted = re.findall(r"^(Package|Architecture|Version|Conffiles):((?:.*)(?:\n .*)*)", block, re.MULTILINE)
        one = {name: value.strip() for name, value in wanted}
        found["{}:{}".format(one["Package"], one["Architecture"])] = one
    return found


def in_container() -> bool:
    """Whether this host shares the kernel of the machine that runs it."""
    return any(os.path.exists(mark) for mark in _CONTAINER)
