# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""unit_setting: a setting of a unit, such as one of its sandbox, as systemd has it with all drop-ins."""

from __future__ import annotations

from typing import Any

from ._common import Answer, BadArgumentError, must_be_word, not_applicable, observed, output_of
from .unit import parse

ALWAYS = ("LoadState", "NeedDaemonReload")

State = dict[str, dict[str, str]]


def check(argument: Any) -> None:
    """The argument is {name: x.service, setting: one property of `systemctl show`}."""
    if not isinstance(argument, dict) or sorted(argument) != ["name", "setting"]:
        raise BadArgumentError(f"{argument!r} is no question; expected {{name: x.service, setting: ProtectSystem}}")
    must_be_word(argument["name"], "unit")
    must_be_word(argument["setting"], "setting of a unit")
    if "." not in argument["name"] or argument["name"].startswith("-"):
        raise BadArgumentError("{!r} is no full unit name, such as chrony.service".format(argument["name"]))


def collect(asked: list[Any]) -> State:
    """Every setting asked, of every unit asked."""
    names = sorted({question["name"] for question in asked})
    settings = sorted({question["setting"] for question in asked} | set(ALWAYS))
    return parse(output_of(["systemctl", "show", "--property=" + ",".join(settings), "--", *names]), names)


def answer(argument: Any, state: State) -> Answer:
    """The setting's value; with a warning where the files say something that systemd has not read yet."""
    unit = state[argument["name"]]
    if unit.get("LoadState") in ("not-found", None):
        return not_applicable("there is no {} on this host".format(argument["name"]))
    if argument["setting"] not in unit:
        return not_applicable("this systemd knows no setting {}".format(argument["setting"]))
    late = unit.get("NeedDaemonReload") == "yes"
    value = unit[argument["setting"]]
    return observed([value, "files not read yet"] if late else value or None)
