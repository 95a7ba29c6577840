# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""package: whether a package is installed, and which ones were left unfinished (one `dpkg-query` for all)."""

from __future__ import annotations

from typing import Any

from ._common import Answer, BadArgumentError, must_be_one_of, must_be_word, observed, output_of

ASKS = ("unfinished",)
# dpkg-query(1), db:Status-Status: anything but these is an installation that stopped half-way.
SETTLED = frozenset(("installed", "config-files", "not-installed"))


def check(argument: Any) -> None:
    """The argument is a package name, or {ask: unfinished}."""
    if isinstance(argument, dict):
        if list(argument) != ["ask"]:
            raise BadArgumentError(f"{argument!r} is no package question; expected a name, or {{ask: unfinished}}")
        must_be_one_of(argument["ask"], ASKS)
    else:
        must_be_word(argument, "package name")


def collect(asked: Any) -> dict[str, str]:
    """Package -> dpkg's status word."""
    return parse(output_of(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n"]))


def parse(text: str) -> dict[str, str]:
    """Lines of package and status; of the same package for several architectures the least settled counts."""
    packages: dict[str, str] = {}
    for line in text.splitlines():
        name, _unused, status = line.partition(" ")
        if packages.get(name, "not-installed") in ("config-files", "not-installed") or status not in SETTLED:
            packages[name] = status
    return packages


def answer(argument: Any, state: dict[str, str]) -> Answer:
    """installed or absent; for unfinished, the names."""
    if isinstance(argument, dict):
        return observed(sorted(name for name, status in state.items() if status not in SETTLED))
    status = state.get(argument, "not-installed")
    if status in ("config-files", "not-installed"):
        return observed("absent")
    return observed(status)
