# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt_config: an option of apt in force (`apt-config dump`), its documented default where none is set."""

from __future__ import annotations

from typing import Any

from ._common import Answer, must_be_word, not_applicable, observed, output_of, program

# apt.conf(5), apt-secure(8) and apt.systemd.daily: what holds when nothing is said.
DEFAULTS = {
    "acquire::allowdowngradetoinsecurerepositories": "false",
    "acquire::allowinsecurerepositories": "false",
    "acquire::allowweakrepositories": "false",
    "acquire::check-valid-until": "true",
    "apt::get::allowunauthenticated": "false",
    "apt::periodic::unattended-upgrade": "0",
    "apt::periodic::update-package-lists": "0",
    "apt::sandbox::user": "_apt",
    "unattended-upgrade::automatic-reboot": "false",
}
# apt's own words for truth, which it accepts in any mixture (StringToBool).
TRUE = frozenset(("1", "yes", "true", "with", "on", "enable"))
FALSE = frozenset(("0", "no", "false", "without", "off", "disable"))


def check(argument: Any) -> None:
    """The argument is one option, such as Acquire::AllowInsecureRepositories."""
    must_be_word(argument, "option of apt")


def collect(asked: Any) -> dict[str, str]:
    """Option in lower case (apt does not tell them apart) -> value; empty when there is no apt."""
    return parse(output_of(["apt-config", "dump"])) if program("apt-config") else {}


def parse(text: str) -> dict[str, str]:
    """What `apt-config dump` prints: `Some::Option "value";`, one a line."""
    options: dict[str, str] = {}
    for line in text.splitlines():
        name, _unused, value = line.rstrip(";").partition(" ")
        options[name.lower()] = value.strip('"')
    return options


def answer(argument: Any, state: dict[str, str]) -> Answer:
    """The option's value; truth values as true or false."""
    if not state:
        return not_applicable("this host has no apt")
    name = argument.lower()
    value = state.get(name) or DEFAULTS.get(name, "")
    if DEFAULTS.get(name) in ("true", "false"):
        value = "true" if value.lower() in TRUE else "false" if value.lower() in FALSE else value
    return observed(value or None, "" if value else f"{argument} is not set")
