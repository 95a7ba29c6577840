# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""pam: what the services that let people in really ask, with included files and the options on the lines."""

from __future__ import annotations

import glob
from typing import Any, NamedTuple

from . import _pam
from ._common import Answer, BadArgumentError, must_be_one_of, must_be_word, not_applicable, observed

SERVICES = ("login", "sshd", "su", "sudo")
CHANGING = "passwd"
ASKS = ("empty_passwords", "failures", "remember", "session_mask")
FAILLOCK = "/etc/security/faillock.conf"
# libpwquality reads the folder first and the file last (pwquality.conf(5)); the last value counts.
QUALITY = ("/etc/security/pwquality.conf.d/*.conf", "/etc/security/pwquality.conf")
HISTORY = "/etc/security/pwhistory.conf"
# What holds where nothing is said: faillock.conf(5), pwquality.conf(5), pam_pwhistory(8).
UNSAID = {"deny": "3", "unlock_time": "600", "fail_interval": "900"}
UNSAID_QUALITY = {"minlen": "8", "dictcheck": "1", "enforcing": "1", "usercheck": "1", "difok": "1", "minclass": "0"}
UNSAID_REMEMBER = "10"
BINDING = ("required", "requisite")


class State(NamedTuple):
    """The stacks of the services that exist, and the settings of three files."""

    stacks: dict[str, list[_pam.Entry]]
    faillock: dict[str, str]
    quality: dict[str, str]
    history: dict[str, str]


def check(argument: Any) -> None:
    """The argument is {ask: ...}, {faillock: SETTING} or {quality: SETTING}."""
    if not isinstance(argument, dict) or len(argument) != 1:
        raise BadArgumentError(
            f"{argument!r} is no question; expected {{ask: ...}}, {{faillock: ...}} or {{quality: ...}}"
        )
    kind, value = next(iter(argument.items()))
    if kind == "ask":
        must_be_one_of(value, ASKS)
    elif kind in ("faillock", "quality"):
        must_be_word(value, f"setting of {kind}")
    else:
        raise BadArgumentError(f"{kind!r} is not known; expected one of ask, faillock, quality")


def collect(asked: Any) -> State:
    """Every stack and every setting."""
    stacks = {service: _pam.stack(service) for service in (*SERVICES, CHANGING)}
    quality: dict[str, str] = {}
    for pattern in QUALITY:
        for path in sorted(glob.glob(pattern)):
            _pam.settings(path, quality)
    return State(
        {name: entries for name, entries in stacks.items() if entries},
        _pam.settings(FAILLOCK),
        quality,
        _pam.settings(HISTORY),
    )


def answer(argument: Any, state: State) -> Answer:
    """A word where all services agree, else the services that differ; or a setting's value."""
    services = {name: state.stacks[name] for name in SERVICES if name in state.stacks}
    if not services:
        return not_applicable("no service of this host lets people in by PAM")
    kind, value = next(iter(argument.items()))
    if kind == "faillock":
        lines = [entry for entries in services.values() for entry in entries if entry.module == "pam_faillock.so"]
        return of_lines(value, lines, state.faillock, UNSAID, "pam_faillock")
    if kind == "quality":
        return of_lines(value, binding(state, "pam_pwquality.so"), state.quality, UNSAID_QUALITY, "pam_pwquality")
    if value == "remember":
        lines = binding(state, "pam_pwhistory.so")
        return of_lines("remember", lines, state.history, {"remember": UNSAID_REMEMBER}, "pam_pwhistory")
    if value == "empty_passwords":
        open_to = [name for name, entries in services.items() if lets_empty(entries)]
        return observed(sorted(open_to))
    if value == "session_mask":
        without = [name for name, entries in services.items() if not _pam.of(entries, "session", "pam_umask.so")]
        return observed("set" if not without else [f"not set for {name}" for name in without])
    words = {name: failures(entries) for name, entries in services.items()}
    wrong = [f"{name}: {word}" for name, word in words.items() if word != "counted"]
    return observed(wrong or "counted")


def of_lines(name: str, lines: list[_pam.Entry], stored: dict[str, str], unsaid: dict[str, str], module: str) -> Answer:
    """A setting that an option on the module's line, else its file, else its default says; nothing without a line."""
    if not lines:
        return observed(None, f"no stack asks {module}")
    values = sorted({line.value(name) or stored.get(name) or unsaid.get(name, "") for line in lines})
    return observed(values[0] if len(values) == 1 else values)


def binding(state: State, module: str) -> list[_pam.Entry]:
    """The lines that a new password must pass."""
    lines = _pam.of(state.stacks.get(CHANGING, []), "password", module)
    return [line for line in lines if line.control in BINDING]


def lets_empty(entries: list[_pam.Entry]) -> bool:
    """Whether an empty password opens a session."""
    lines = _pam.of(entries, "auth", "pam_unix.so")
    return any({"nullok", "nullok_secure"} & set(line.arguments) for line in lines)


def failures(entries: list[_pam.Entry]) -> str:
    """Whether wrong passwords are counted: asked before the password, told after it, and forgiven on success."""
    auth = [entry for entry in entries if entry.facility == "auth"]
    places = {
        word: [at for at, entry in enumerate(auth) if entry.module == "pam_faillock.so" and word in entry.arguments]
        for word in ("preauth", "authfail")
    }
    password = [at for at, entry in enumerate(auth) if entry.module == "pam_unix.so"]
    if not places["preauth"] or not places["authfail"] or not password:
        return "not counted"
    if not places["preauth"][0] < password[0] < places["authfail"][0]:
        return "asked in the wrong order"
    told = auth[places["authfail"][0]]
    if told.control not in (*BINDING, "default=die", "default=bad"):
        return f"{told.control} does not refuse"
    return "counted" if _pam.of(entries, "account", "pam_faillock.so") else "never forgiven"
