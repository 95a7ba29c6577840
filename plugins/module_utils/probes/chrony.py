# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""chrony: a directive of the clock's configuration as chronyd reads it, included files too (`chronyd -p`)."""

from __future__ import annotations

from typing import Any

from ._common import Answer, must_be_word, observed, output_of, program

SOURCES = ("pool", "server", "peer", "refclock")
# Directives that take sources from elsewhere: they are sources too, which nobody listed.
ELSEWHERE = ("sourcedir",)


def check(argument: Any) -> None:
    """The argument is `sources`, or one directive of chrony.conf(5) that has one value."""
    must_be_word(argument, "directive of chrony.conf")


def collect(asked: Any) -> dict[str, list[str]]:
    """Directive in lower case -> its first words in order; empty when there is no chronyd."""
    daemon = program("chronyd")
    return parse(output_of([daemon, "-p"])) if daemon else {}


def parse(text: str) -> dict[str, list[str]]:
    """What `chronyd -p` prints: the lines of all configuration files without comments."""
    directives: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words:
            directives.setdefault(words[0].lower(), []).append(words[1] if len(words) > 1 else "")
    return directives


def answer(argument: Any, state: dict[str, list[str]]) -> Answer:
    """The value; for `sources`, every server, pool, peer, reference clock and folder of more, by name."""
    if not state:
        return observed(None, "chronyd is not installed, or has no configuration")
    if argument == "sources":
        return observed(sorted(name for directive in SOURCES + ELSEWHERE for name in state.get(directive, [])))
    values = state.get(argument.lower(), [])
    if not values:
        return observed(None, f"{argument} is not set")
    return observed(values[0] if len(values) == 1 else values)
