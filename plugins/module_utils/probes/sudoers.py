# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sudoers: what sudo lets whom do, as sudo's own tools read its files; a grant that ends by itself is not counted."""

from __future__ import annotations

import glob
import subprocess
from collections import Counter
from typing import Any, NamedTuple

from . import _sudoers
from ._common import (
    Answer,
    BadArgumentError,
    UnreadableError,
    lines_of,
    must_be_one_of,
    must_be_word,
    not_applicable,
    observed,
    output_of,
    program,
)

ASKS = ("administrators", "valid", "without_password")
MAIN = "/etc/sudoers"
# What the elevation role's command writes; which of them still stand is the `elevation` kind's to judge.
ELEVATED = "/etc/sudoers.d/holdfast-elevated-*"
# sudoers(5): what holds where no file says anything, as Debian 12 and 13 build it (sudo -V).
UNSAID = {
    "authenticate": "true",
    "env_reset": "true",
    "timestamp_timeout": "15",
    "rootpw": "false",
    "targetpw": "false",
}


class State(NamedTuple):
    """The policy (None where it cannot be read, with the reason), what visudo says, and how often each is elevated."""

    policy: _sudoers.Policy | None
    reason: str
    valid: str
    elevated: Counter[str]


def check(argument: Any) -> None:
    """The argument is {setting: NAME}, or {ask: administrators, valid or without_password}."""
    if not isinstance(argument, dict) or len(argument) != 1:
        raise BadArgumentError(f"{argument!r} is no question; expected {{setting: NAME}} or {{ask: ...}}")
    if "setting" in argument:
        must_be_word(argument["setting"], "setting of sudoers")
    else:
        must_be_one_of(argument.get("ask"), ASKS)


def collect(asked: list[Any]) -> State | None:
    """The whole policy; None without sudo."""
    reader = program("cvtsudoers")
    if not program("sudo") or not reader:
        return None
    policy, reason = None, ""
    try:
        policy = _sudoers.parse(output_of([reader, "-f", "json", MAIN]))
    except (UnreadableError, ValueError, subprocess.TimeoutExpired) as error:
        reason = f"cvtsudoers: {error}"
    valid = ""
    if {"ask": "valid"} in asked:
        try:
            # With a file named it asks about the words alone: the rights of files are another control's.
            output_of([program("visudo"), "-c", "-f", MAIN])
            valid = "valid"
        except UnreadableError as error:
            valid = f"not valid: {error}"
    lines = [line for path in sorted(glob.glob(ELEVATED)) for line in lines_of(path)]
    elevated = Counter(line.split()[0] for line in lines if line.strip() and not line.startswith("#"))
    return State(policy, reason, valid, elevated)


def answer(argument: Any, state: State | None) -> Answer:
    """A setting's value, with those who have another; or sorted names; or `valid`."""
    if state is None:
        return not_applicable("there is no sudo on this host")
    if argument == {"ask": "valid"}:
        return observed(state.valid)
    if state.policy is None:
        raise UnreadableError(state.reason)
    if "setting" in argument:
        return setting(argument["setting"], state.policy)
    if argument["ask"] == "without_password":
        return observed(sorted({who for grant in state.policy.grants if grant.without_password for who in grant.who}))
    counted = Counter(who for grant in state.policy.grants if grant.everything for who in grant.who)
    return observed(sorted(who for who, count in counted.items() if count > state.elevated[who]))


def setting(name: str, policy: _sudoers.Policy) -> Answer:
    """The value for everybody; where some have another one, both, so that no single value is claimed."""
    value = policy.settings.get(name, UNSAID.get(name))
    others = [(bound.label, bound.options[name]) for bound in policy.bound if name in bound.options]
    differing = [f"{other} for {label}" for label, other in others if other != value]
    if differing:
        return observed([value or "unset", *differing], "Defaults that hold for some alone say otherwise")
    return observed(value, "" if value is not None else f"no line sets {name}")
