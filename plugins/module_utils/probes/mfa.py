# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""mfa: who logs in over SSH with a key and a code, as the server answers for the members themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from . import _mfa, _pam, sshd
from . import _sshd_files as files
from ._common import Answer, lines_of, must_be_one_of, not_applicable, observed, output_of, program

ASKS = ("code", "excepted", "groups", "not_enrolled")
MOST_MEMBERS = 6  # each costs a start of sshd, some 8 ms


class State(NamedTuple):
    """The rule, who has to keep it, who of them gets in by less, and how the code is asked."""

    rule: _mfa.Rule
    members: list[str]
    by_less: list[str]
    code: str | None
    not_enrolled: list[str]


def check(argument: Any) -> None:
    """The argument is code, excepted, groups or not_enrolled."""
    must_be_one_of(argument, ASKS)


def collect(asked: Any) -> State | None:
    """The rule and what the server makes of it for the first members; None without a server."""
    server = program("sshd")
    if not server:
        return None
    rule = _mfa.rule(files.read())
    people = files.People.parse(lines_of("/etc/passwd"), lines_of("/etc/group"))
    members = [name for name in _mfa.members(rule.groups, people) if name not in rule.excepted]
    by_less = []
    for name in members[:MOST_MEMBERS]:
        wanted = ",".join(f"{key}={value}" for key, value in {**sshd.STRANGER, "user": name}.items())
        settings = sshd.parse(output_of([server, "-T", "-C", wanted]))
        if not _mfa.both(" ".join(settings.get("authenticationmethods", []))):
            by_less.append(name)
    not_enrolled = [name for name in members if not _mfa.enrolled(name)]
    return State(rule, members, by_less, _mfa.code(_pam.stack("sshd")), not_enrolled)


def answer(argument: Any, state: State | None) -> Answer:
    """Sorted names, or how the code is asked."""
    if state is None:
        return not_applicable("there is no SSH server on this host")
    if argument == "code":
        return observed(state.code, "" if state.code else "sshd's stack has no pam_google_authenticator")
    if argument == "excepted":
        return observed(state.rule.excepted)
    if argument == "not_enrolled":
        return observed(sorted(state.not_enrolled))
    why = "" if state.members else "nobody is in these groups; the files say so, and no login could show it"
    return observed(sorted([*state.rule.groups, *(f"not {name}" for name in state.by_less)]), why)
