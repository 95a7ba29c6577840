# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""nginx: a directive as it holds in every block (`nginx -T`), and the state of the files and of the running server."""

from __future__ import annotations

import glob
import os
import re
import stat
from typing import Any

from . import _nginx_tree as tree
from ._common import (
    Answer,
    BadArgumentError,
    UnreadableError,
    lines_of,
    not_applicable,
    not_measured,
    observed,
    output_of,
    program,
)

# What nginx.org's reference says holds when nothing is said.
DEFAULTS = {
    "autoindex": "off",
    "client_body_timeout": "60s",
    "client_header_timeout": "60s",
    "client_max_body_size": "1m",
    "keepalive_timeout": "75s",
    "send_timeout": "60s",
    "server_tokens": "on",
    "ssl_early_data": "off",
    "ssl_session_tickets": "on",
}
# Limits are compared as numbers: seconds or bytes. The largest counts, and zero (no limit at all) before it.
LIMITS = frozenset(
    ("client_body_timeout", "client_header_timeout", "client_max_body_size", "keepalive_timeout", "send_timeout")
)
STATES = ("error_level", "log_fields", "open_keys", "reloaded", "user", "writable_files")
COMBINED = ["$remote_addr", "$remote_user", "$time_local", "$request", "$status", "$body_bytes_sent",
            "$http_referer", "$http_user_agent"]  # fmt: skip
"""The fields of `combined`, the format nginx brings along, in its order."""
SECONDS = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
FIELD = re.compile(r"\$\{?([a-z0-9_]+)\}?")


def check(argument: Any) -> None:
    """The argument is one of STATES, or {setting: a directive whose default is known here}."""
    if argument in STATES:
        return
    if not isinstance(argument, dict) or list(argument) != ["setting"] or argument["setting"] not in DEFAULTS:
        known = f"{', '.join(STATES)}, or {{setting: one of {', '.join(sorted(DEFAULTS))}}}"
        raise BadArgumentError(f"{argument!r} is not known; expected one of {known}")


class State:
    """The configuration of one host; `blocks` are those in which a request ends."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = list(files)
        self.http = tree.http_context(tree.load(files)) if files else None
        self.servers = tree.servers(self.http) if self.http else []
        inner = [context for server in self.servers for context in tree.walk(server)]
        self.blocks = inner or ([self.http] if self.http else [])


def read() -> State | None:
    """The configuration as nginx itself reads it; None when this host has no nginx. Raises UnreadableError."""
    server = program("nginx")
    if not server:
        return None
    files = tree.split_dump(output_of([server, "-T", "-q"]))
    try:
        return State(files)
    except tree.TreeError as fault:
        raise UnreadableError(str(fault)) from fault


def collect(asked: Any) -> State | None:
    """Read the configuration once."""
    return read()


def seconds(text: str) -> float | None:
    """An nginx time such as 1h30m in seconds; None when it is none."""
    parts = re.findall(r"([0-9]+)(ms|[smhdwMy]|)", text)
    if not parts or "".join(a + b for a, b in parts) != text:
        return None
    return sum(int(amount) * SECONDS[unit] for amount, unit in parts if amount)


def size(text: str) -> int | None:
    """An nginx size such as 8m in bytes; None when it is none."""
    found = re.fullmatch(r"([0-9]+)([kKmMgG]?)", text)
    return int(found.group(1)) * BYTES[found.group(2).lower()] if found else None


def limit(name: str, text: str) -> float | None:
    """A limit as a number, None when the text is none."""
    return size(text) if name.endswith("_size") else seconds(text)


def setting(name: str, state: State) -> Answer:
    """What a directive says in all blocks: one value when they agree, the worst limit, else every value."""
    values: dict[str, str] = {}
    for context in state.blocks:
        said = context.effective(name)
        value = said[-1].args[0] if said and said[-1].args else DEFAULTS[name]
        values.setdefault(value, said[-1].path if said else "nowhere, by default")
    if name in LIMITS:
        numbers = [limit(name, value) for value in values]
        if None in numbers:
            return not_measured(f"{name} is no number in {', '.join(sorted(values))}")
        worst = 0 if 0 in numbers else max(number for number in numbers if number is not None)
        return observed(int(worst) if worst == int(worst) else str(worst))
    if len(values) == 1:
        return observed(next(iter(values)))
    return observed(sorted(f"{value} in {path}" for value, path in values.items()))


def log_fields(state: State) -> Answer:
    """The fields of the access log that every block writes, in order; all of them where blocks differ."""
    formats = {"combined": COMBINED}
    for statement in state.http.own("log_format") if state.http else ():
        text = "".join(word for word in statement.args[1:] if not word.startswith("escape="))
        formats[statement.args[0]] = ["$" + name for name in FIELD.findall(text)]
    found = set()
    for context in [c for c in state.blocks if c.kind in ("http", "server")]:
        for words in [s.args for s in context.effective("access_log")] or [["logs/access.log"]]:
            name = next((word for word in words[1:] if "=" not in word), "combined")
            found.add("off" if words[:1] in (["off"], ["/dev/null"]) else name)
    if len(found) == 1 and "off" not in found:
        return observed(formats.get(found.pop()))
    return observed(sorted(found), "servers log in different ways, or not at all")


def error_level(state: State) -> Answer:
    """The least that the error log of every server holds; `off` where it goes nowhere."""
    found = set()
    for context in [c for c in state.blocks if c.kind in ("http", "server")]:
        for words in [s.args for s in context.effective("error_log")] or [["default"]]:
            found.add("off" if words[:1] == ["/dev/null"] else words[1] if len(words) > 1 else "error")
    return observed(found.pop() if len(found) == 1 else sorted(found))


def key_files(state: State) -> list[str]:
    """The private keys that the configuration names as files."""
    found = set()
    for context in tree.walk(state.http) if state.http else ():
        found.update(s.args[0] for s in context.own("ssl_certificate_key") if s.args and s.args[0].startswith("/"))
    return sorted(path for path in found if "$" not in path)


def open_keys(state: State) -> list[str]:
    """Keys that others than root may read, the group of a key that root alone may not: mode and path."""
    found = []
    for path in key_files(state):
        if os.path.exists(path):
            status = os.stat(path)
            if status.st_uid != 0 or stat.S_IMODE(status.st_mode) & 0o037:
                found.append(f"{stat.S_IMODE(status.st_mode):04o} {path}")
    return found


def writable_files(state: State) -> list[str]:
    """Files of the configuration, and their folders, that others than root may write: mode and path."""
    real = {os.path.realpath(path) for path in state.files}
    found = []
    for path in sorted(real | {os.path.dirname(path) for path in real}):
        status = os.stat(path)
        if status.st_uid != 0 or stat.S_IMODE(status.st_mode) & 0o022:
            found.append(f"{stat.S_IMODE(status.st_mode):04o} {path}")
    return found


class Worker:
    """One worker process: who it runs as and when it started, in seconds since 1970."""

    def __init__(self, uid: int, started: float) -> None:
        self.uid, self.started = uid, started


def workers() -> list[Worker]:
    """The worker processes of nginx, from /proc: nginx writes its role into the command line."""
    booted = next(float(line.split()[1]) for line in lines_of("/proc/stat") if line.startswith("btime "))
    tick = os.sysconf("SC_CLK_TCK")
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as source:
                if not source.read(64).startswith(b"nginx: worker process"):
                    continue
            folder = os.path.dirname(path)
            fields = lines_of(folder + "/stat")[0].rpartition(")")[2].split()
            found.append(Worker(os.stat(folder).st_uid, booted + int(fields[19]) / tick))
        except OSError:  # it ended while it was looked at
            continue
    return found


def user(state: State) -> Answer:
    """Who the workers run as; `root` counts before any other."""
    import pwd

    running = sorted({worker.uid for worker in workers()})
    if not running:
        return not_measured("no worker of nginx is running")
    try:
        return observed(pwd.getpwuid(running[0]).pw_name)
    except KeyError:
        return observed(str(running[0]))


def reloaded(state: State) -> Answer:
    """Whether the running workers started after the last change of a file they were made from."""
    running = workers()
    if not running:
        return not_measured("no worker of nginx is running")
    newest = max(os.stat(path).st_mtime for path in state.files)
    # The clock of /proc counts whole seconds since the boot.
    late = newest > max(worker.started for worker in running) + 1
    return observed("no" if late else "yes", "a file is newer than the workers" if late else "")


def answer(argument: Any, state: State | None) -> Answer:
    """A directive's value, or one of STATES."""
    if state is None:
        return not_applicable("there is no nginx on this host")
    if state.http is None:
        return not_applicable("this nginx serves no http")
    if isinstance(argument, dict):
        return setting(argument["setting"], state)
    if argument == "open_keys":
        return observed(open_keys(state)) if key_files(state) else not_applicable("no server has a key")
    if argument == "writable_files":
        return observed(writable_files(state))
    asks = {"error_level": error_level, "log_fields": log_fields, "reloaded": reloaded, "user": user}
    return asks[argument](state)
