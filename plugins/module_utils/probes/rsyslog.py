# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""rsyslog: where log lines go besides this host's own files, and whether they really get there.

The configuration is read as rsyslogd reads it, includes in their place; whether the running daemon has read the same,
and whether its connection stands, comes from the kernel.
"""

from __future__ import annotations

import calendar
import glob
import os
import re
import stat
import time
from typing import Any, NamedTuple

from ._common import Answer, UnreadableError, must_be_one_of, not_applicable, observed, output_of, program
from .sockets import address_of

ASKS = ("collector", "ca", "peer", "queue", "plain", "connection", "inputs", "loaded", "ca_days", "files")
MAIN = "/etc/rsyslog.conf"
PROCESS = "rsyslogd"
SLACK = 0.1  # seconds by which the clock of files may lag behind that of processes
DEPTH = 5  # includes within includes
NETWORK_INPUTS = ("imtcp", "imudp", "imrelp", "imptcp", "imgssapi")
ESTABLISHED = "01"  # proc(5)

OBJECT = re.compile(r"(?P<kind>[a-z_]+)\s*\((?P<body>(?:[^()\"']|\"[^\"]*\"|'[^']*')*)\)", re.IGNORECASE)
MEMBER = re.compile(r"([A-Za-z0-9_.]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
INCLUDE = re.compile(r"^\s*\$IncludeConfig\s+(\S+)", re.IGNORECASE)
DIRECTIVE = re.compile(r"^\s*\$([A-Za-z]+)\s+(\S+)")
# A selector of the old kind whose action is another host: "*.* @@host:514", "@" for UDP; options in brackets.
OLD = re.compile(r"^\s*[^\s#$]+\s+(@@?)(?:\([^)]*\))?(\[[^\]]+\]|[^\s:;]+)(?::(\d+))?")


# A selector of the old kind whose action is a file: "auth.* /var/log/auth.log"; a dash leaves out syncing.
FILE = re.compile(r"^\s*[^\s#$]+\s+-?(/[^\s;]+)")


class State(NamedTuple):
    """What one call reads; `installed` false when there is no rsyslog."""

    installed: bool
    objects: list[tuple[str, dict[str, str]]]  # kind -> members, both in lower case
    directives: dict[str, str]
    old: list[tuple[str, str, str]]  # "@" or "@@", host, port
    newest: float  # when the configuration was last changed, in seconds since the epoch
    started: float  # when the daemon was started; 0 when it does not run
    files: list[str]  # the log files that rules write
    peers: set[int]  # ports to which the daemon's connections go


def check(argument: Any) -> None:
    """The argument is one of ASKS."""
    must_be_one_of(argument, ASKS)


def lines(path: str, depth: int = 0) -> list[tuple[str, float]]:
    """All lines of the configuration in order, comments left out, each with the time its file was last changed."""
    if depth > DEPTH:
        raise UnreadableError(f"{path}: included more than {DEPTH} deep")
    found: list[tuple[str, float]] = []
    with open(path, encoding="utf-8", errors="replace") as source:
        text = re.sub(r"/\*.*?\*/", "", source.read(), flags=re.DOTALL)
        changed = os.fstat(source.fileno()).st_mtime
    for line in text.splitlines():
        bare = line.split("#", 1)[0] if '"' not in line else re.sub(r"(\"[^\"]*\"|[^\"#])#.*$", r"\1", line)
        if not bare.strip() or bare.lstrip().startswith("#"):
            continue
        pattern = included(bare)
        if not pattern:
            found.append((bare, changed))
            continue
        for name in sorted(glob.glob(pattern)):
            found.append(("", os.stat(name).st_mtime))
            found.extend(lines(name, depth + 1))
    return found


def included(line: str) -> str:
    """The files that a line includes, "" when it includes none."""
    old = INCLUDE.match(line)
    if old:
        return old.group(1)
    new = re.match(r"\s*include\s*\(([^)]*)\)", line, re.IGNORECASE)
    members = members_of(new.group(1)) if new else {}
    return members.get("file", "")


def members_of(body: str) -> dict[str, str]:
    """The members of an object of RainerScript: name in lower case -> value."""
    return {name.lower(): one or other for name, one, other in MEMBER.findall(body)}


def parse(found: list[tuple[str, float]]) -> tuple[list[tuple[str, dict[str, str]]], dict[str, str], list[Any]]:
    """Objects, directives of the old kind, and actions of the old kind that name another host."""
    text = "\n".join(line for line, _changed in found)
    objects = [(match["kind"].lower(), members_of(match["body"])) for match in OBJECT.finditer(text)]
    directives, old = {}, []
    for line, _changed in found:
        directive, action = DIRECTIVE.match(line), OLD.match(line)
        if directive:
            directives[directive.group(1).lower()] = directive.group(2)
        elif action:
            old.append((action.group(1), action.group(2), action.group(3) or "514"))
    return objects, directives, old


def collect(_asked: list[Any]) -> State:
    """The configuration, the daemon's start, and where its connections go."""
    if not program("rsyslogd") or not os.path.exists(MAIN):
        return State(False, [], {}, [], 0, 0, [], set())
    found = lines(MAIN)
    newest = max([os.stat(MAIN).st_mtime] + [changed for _line, changed in found])
    pid, started = daemon(PROCESS)
    objects, directives, old = parse(found)
    files = [match.group(1) for match in (FILE.match(line) for line, _changed in found) if match]
    files += [members["file"] for _kind, members in objects if "file" in members and members.get("type") == "omfile"]
    peers = peers_of(pid) if pid else set()
    return State(True, objects, directives, old, newest, started, files, peers)


def daemon(name: str) -> tuple[int, float]:
    """The process of this name in our own process namespace and when it was started; (0, 0) when there is none."""
    own = os.readlink("/proc/self/ns/pid")
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as source:
                before, _unused, after = source.read().rpartition(")")
            if before.partition("(")[2] != name or os.readlink(os.path.dirname(path) + "/ns/pid") != own:
                continue
            with open("/proc/uptime", encoding="ascii") as source:
                up = float(source.read().split()[0])
        except OSError:  # ended in the meantime
            continue
        age = up - int(after.split()[19]) / os.sysconf("SC_CLK_TCK")  # proc(5): starttime
        return int(path.split("/")[2]), time.time() - age
    return 0, 0.0


def peers_of(pid: int) -> set[int]:
    """The ports at the other end of a process's established TCP connections."""
    inodes = set()
    folder = f"/proc/{pid}/fd"
    for name in os.listdir(folder):
        try:
            target = os.readlink(os.path.join(folder, name))
        except OSError:  # closed in the meantime
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    for path in (f"/proc/{pid}/net/tcp", f"/proc/{pid}/net/tcp6"):
        if not os.path.exists(path):
            continue
        with open(path, encoding="ascii") as source:
            for line in list(source)[1:]:
                fields = line.split()
                if fields[3] == ESTABLISHED and fields[9] in inodes and address_of(fields[2].split(":")[0]):
                    ports.add(int(fields[2].split(":")[1], 16))
    return ports


def forwards(state: State) -> list[dict[str, str]]:
    """Every action that sends lines to another host, as members; those of the old kind without TLS members."""
    defaults = {
        "streamdriver": state.directives.get("defaultnetstreamdriver", ""),
        "streamdrivermode": state.directives.get("actionsendstreamdrivermode", "0"),
        "streamdriverauthmode": state.directives.get("actionsendstreamdriverauthmode", ""),
        "streamdriverpermittedpeers": state.directives.get("actionsendstreamdriverpermittedpeer", ""),
        "streamdriver.cafile": state.directives.get("defaultnetstreamdrivercafile", ""),
    }
    for kind, members in state.objects:
        if kind == "global":
            defaults["streamdriver"] = members.get("defaultnetstreamdriver", defaults["streamdriver"])
            defaults["streamdriver.cafile"] = members.get(
                "defaultnetstreamdrivercafile", defaults["streamdriver.cafile"]
            )
    found = [
        {**defaults, "streamdrivermode": "0", **members}
        for kind, members in state.objects
        if kind == "action" and members.get("type", "").lower() in ("omfwd", "omrelp")
    ]
    for mark, host, port in state.old:
        protocol = "tcp" if mark == "@@" else "udp"
        found.append({**defaults, "type": "omfwd", "target": host, "port": port, "protocol": protocol})
    return found


def encrypted(action: dict[str, str]) -> bool:
    """Whether an action's lines travel inside TLS."""
    if action.get("type", "").lower() == "omrelp":
        return action.get("tls", "off").lower() == "on"
    tcp = action.get("protocol", "udp").lower() == "tcp"
    return tcp and action.get("streamdrivermode") == "1" and action.get("streamdriver", "") in ("gtls", "ossl")


def where(action: dict[str, str]) -> str:
    """host:port of an action."""
    return "{}:{}".format(action.get("target", ""), action.get("port", "514"))


def one(values: list[str]) -> Any:
    """One value when all agree, else all of them."""
    return values[0] if len(set(values)) == 1 else values


def days_left(path: str, now: float) -> int:
    """Days until a certificate ends. Raises UnreadableError when it cannot be read."""
    said = output_of([program("openssl"), "x509", "-noout", "-enddate", "-in", path])
    end = calendar.timegm(time.strptime(said.partition("=")[2].strip(), "%b %d %H:%M:%S %Y %Z"))
    return int((end - now) // 86400)


def modes_of(files: list[str]) -> Answer:
    """The mode of the log files and their older parts: one where all agree, else one text a file."""
    paths = sorted({path for file in files for path in glob.glob(glob.escape(file) + "*")})
    modes = {path: f"{stat.S_IMODE(os.lstat(path).st_mode):04o}" for path in paths}
    if not modes:
        return not_applicable("no log file has been written yet")
    return observed(
        one([f"{mode} {path}" for path, mode in modes.items()]) if len(set(modes.values())) > 1 else modes[paths[0]]
    )


def queue_of(action: dict[str, str]) -> str:
    """disk where lines wait on disk, without end, for a collector that is away; else what is missing."""
    if not action.get("queue.filename") or action.get("queue.type", "direct").lower() == "direct":
        return "none"
    if action.get("queue.saveonshutdown", "off").lower() != "on":
        return "lost at a shutdown"
    return "disk" if action.get("action.resumeretrycount") == "-1" else "given up"


def answer(argument: Any, state: State) -> Answer:
    """collector: host:port. ca: path. peer: mode and name. queue: disk. connection: up or down. ca_days: days."""
    if not state.installed:
        return not_applicable("there is no rsyslog on this host")
    actions = forwards(state)
    safe = [action for action in actions if encrypted(action)]
    if argument == "plain":
        return observed([where(action) for action in actions if not encrypted(action)])
    if argument == "files":
        return modes_of(state.files)
    if argument == "inputs":
        loaded = {m.get("load", "") for kind, m in state.objects if kind == "module"}
        return observed(sorted(loaded & set(NETWORK_INPUTS)))
    if argument == "loaded":
        if not state.started:
            return observed("not running")
        return observed("current" if state.newest <= state.started + SLACK else "older", changed_text(state))
    if argument == "collector":
        none = "" if safe else "no line leaves this host inside TLS"
        return observed(one([where(action) for action in safe]) if safe else None, none)
    if not safe:
        return not_applicable("no line leaves this host inside TLS")
    if argument == "ca":
        return observed(one([action.get("streamdriver.cafile", "") for action in safe]))
    if argument == "peer":
        modes = [action.get("streamdriverauthmode", "") for action in safe]
        names = [action.get("streamdriverpermittedpeers", "") for action in safe]
        return observed(one([mode if name else mode + " of anybody" for mode, name in zip(modes, names)]))
    if argument == "queue":
        return observed(one([queue_of(action) for action in safe]))
    if argument == "ca_days":
        left = [days_left(action.get("streamdriver.cafile", ""), time.time()) for action in safe]
        return observed(min(left))
    missing = [where(action) for action in safe if int(action.get("port", "514")) not in state.peers]
    return observed("down" if missing else "up", "no connection to " + ", ".join(missing) if missing else "")


def changed_text(state: State) -> str:
    """Why the daemon does not run with what lies on the disk, "" when it does."""
    late = int(state.newest - state.started)
    return f"its configuration was changed {late} seconds after it was started" if late > 0 else ""
