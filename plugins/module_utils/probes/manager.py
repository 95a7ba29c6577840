# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""manager: a property of the running system manager, such as the default limits it gives to services."""

from __future__ import annotations

from typing import Any

from ._common import Answer, must_be_word, not_applicable, observed, output_of


def check(argument: Any) -> None:
    """The argument is one property of `systemctl show`."""
    must_be_word(argument, "property of the system manager")


def collect(asked: Any) -> dict[str, str]:
    """Property -> value of the running manager."""
    text = output_of(["systemctl", "show", "--property=" + ",".join(sorted(set(asked)))])
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def answer(argument: Any, state: dict[str, str]) -> Answer:
    """The property's value."""
    if argument not in state:
        return not_applicable(f"this system manager has no property {argument}")
    return observed(state[argument])
