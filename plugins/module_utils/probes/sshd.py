# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sshd: a setting of the SSH server as it holds for everyone who may connect (`sshd -T -C`, once a kind of visitor).

Asked are root from a stranger's address, an ordinary person, and one connection for every Match block.
"""

from __future__ import annotations

import base64
import struct
from typing import Any, NamedTuple

from . import _sshd_files as files
from ._common import (
    Answer,
    BadArgumentError,
    lines_of,
    must_be_word,
    not_applicable,
    observed,
    output_of,
    program,
)

# Addresses and name are those reserved for documentation.
STRANGER = {"user": "root", "host": "stranger.example.org", "addr": "192.0.2.1", "laddr": "192.0.2.2", "lport": "22"}
MOST_CONNECTIONS = 8  # each costs a start of sshd, some 8 ms

# sshd prints these as one comma-separated word; no Match block can change them (sshd_config(5), Match).
LISTS = frozenset(
    (
        "casignaturealgorithms",
        "ciphers",
        "hostbasedacceptedalgorithms",
        "hostkeyalgorithms",
        "kexalgorithms",
        "macs",
        "pubkeyacceptedalgorithms",
    )
)
# Of several numbers the weakest counts; zero means "no limit".
NUMBERS = frozenset(("clientalivecountmax", "clientaliveinterval", "logingracetime", "maxauthtries", "maxsessions"))
ANSWERS = frozenset(("kbdinteractiveauthentication", "passwordauthentication"))
# sshd -T still prints the old name of this value; sshd_config(5) calls it a deprecated alias.
MODERN = {"without-password": "prohibit-password"}
ASKS = ("host_keys",)


class View(NamedTuple):
    """What the server does for one kind of visitor."""

    label: str
    user: str
    settings: dict[str, list[str]]


class State(NamedTuple):
    """Everything seen: a view a connection, the first being root from a stranger's address; empty without a server."""

    views: list[View]
    lines: list[files.Setting]
    host_keys: list[str]


def check(argument: Any) -> None:
    """The argument is one keyword of sshd_config(5), or {ask: host_keys}."""
    if isinstance(argument, dict):
        if argument not in [{"ask": ask} for ask in ASKS]:
            raise BadArgumentError(f"{argument!r} is no question; expected a keyword or {{ask: host_keys}}")
        return
    must_be_word(argument, "keyword of sshd_config")


def collect(asked: list[Any]) -> State:
    """Every effective setting for every kind of visitor."""
    server = program("sshd")
    if not server:
        return State([], [], [])
    lines = files.read()
    people = files.People.parse(lines_of("/etc/passwd"), lines_of("/etc/group"))
    views = []
    for label, visitor in visitors(lines, people):
        wanted = ",".join(f"{key}={value}" for key, value in visitor.items())
        views.append(View(label, visitor["user"], parse(output_of([server, "-T", "-C", wanted]))))
    keys = host_keys(views[0].settings.get("hostkey", [])) if {"ask": "host_keys"} in asked else []
    return State(views, lines, keys)


def visitors(lines: list[files.Setting], people: files.People) -> list[tuple[str, dict[str, str]]]:
    """Whom to ask about, with a label each: root from a stranger's address first, none twice."""
    found = [("root from anywhere", STRANGER)]
    if people.ordinary:
        found.append((people.ordinary, {**STRANGER, "user": people.ordinary}))
    for match in files.matches(lines):
        own = files.connection(match, people)
        if own is not None:
            found.append((f"Match {match}", {**STRANGER, **own}))
    unique: dict[tuple[str, ...], tuple[str, dict[str, str]]] = {}
    for label, visitor in found:
        unique.setdefault(tuple(visitor.values()), (label, visitor))
    return list(unique.values())[:MOST_CONNECTIONS]


def parse(text: str) -> dict[str, list[str]]:
    """What `sshd -T` prints: one setting a line, a keyword with several values on several lines."""
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _unused, value = line.strip().partition(" ")
        if keyword:
            settings.setdefault(keyword.lower(), []).append(MODERN.get(value, value))
    return settings


def host_keys(paths: list[str]) -> list[str]:
    """The kind and the bits of every host key that exists: "ssh-rsa 3072"; "unknown PATH" for one without a .pub."""
    found = []
    for path in paths:
        try:
            lines_of(path)
        except FileNotFoundError:
            continue
        try:
            found.append(strength(lines_of(f"{path}.pub")[0]))
        except (OSError, ValueError, IndexError, struct.error):
            found.append(f"unknown {path}")
    return sorted(found)


def strength(line: str) -> str:
    """The kind and the bits of a public key's line. Raises ValueError, IndexError or struct.error for what is none."""
    kind, encoded = line.split()[:2]
    blob, parts = base64.b64decode(encoded), []
    while blob:
        (length,) = struct.unpack(">I", blob[:4])
        parts.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    # RFC 4253 6.6: an RSA key is its kind, the exponent and the modulus; RFC 8709: an Ed25519 key has 32 bytes.
    number = parts[2] if kind == "ssh-rsa" else parts[-1]
    if kind.startswith("ecdsa-sha2-nistp"):
        return f"{kind} {kind[len('ecdsa-sha2-nistp') :]}"
    return f"{kind} {int.from_bytes(number, 'big').bit_length() if kind == 'ssh-rsa' else len(number) * 8}"


def with_a_key_only(settings: dict[str, list[str]]) -> bool:
    """Whether every way of logging in that AuthenticationMethods allows asks for a key too."""
    ways = " ".join(settings.get("authenticationmethods", ["any"])).split()
    return all("publickey" in way.split(",") for way in ways)


def answer(argument: Any, state: State) -> Answer:
    """The setting's value, where it is the same for all; else the weakest number, or a value for each visitor."""
    if not state.views:
        return not_applicable("there is no SSH server on this host")
    if isinstance(argument, dict):
        return observed(state.host_keys)
    keyword = str(argument).lower()
    values = state.views[0].settings.get(keyword)
    if values is None:
        return not_applicable(f"this SSH server knows no setting {keyword}")
    if keyword in LISTS:
        return observed([name for name in values[0].split(",") if name])
    views = [view for view in state.views if keyword in view.settings]
    if keyword == "permitrootlogin":
        views = [view for view in views if view.user == "root"]
    if keyword in ANSWERS:
        views = [view for view in views if not with_a_key_only(view.settings)]
        if not views:
            return observed("no", "only after a key, as AuthenticationMethods has it")
    return shown(keyword, views, state.lines)


def shown(keyword: str, views: list[View], lines: list[files.Setting]) -> Answer:
    """One value for all visitors, or what each of them gets; the reason names the lines that say so."""
    by_value: dict[tuple[str, ...], list[View]] = {}
    for view in views:
        by_value.setdefault(tuple(view.settings[keyword]), []).append(view)
    if keyword in NUMBERS:
        weakest = max(by_value, key=lambda values: float(values[0]) or float("inf"))
        by_value = {weakest: by_value[weakest]}
    places = list(dict.fromkeys(line.place for line in lines if line.keyword == keyword))
    why = "set in " + ", ".join(places[:3]) if places else ""
    if len(by_value) == 1:
        values = list(next(iter(by_value)))
        return observed(values[0] if len(values) == 1 else values, why)
    return observed([f"{' '.join(values)} for {v.label}" for values, own in by_value.items() for v in own], why)
