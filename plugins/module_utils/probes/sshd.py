# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sshd: a setting of the SSH server as it holds for a root login from a stranger's address (`sshd -T`)."""

from __future__ import annotations

from typing import Any

from ._common import Answer, must_be_word, not_applicable, observed, output_of, program

# Match blocks are evaluated for this connection; addresses and name are those reserved for documentation.
CONNECTION = "user=root,host=stranger.example.org,addr=192.0.2.1,laddr=192.0.2.2,lport=22"

# sshd prints these as one comma-separated word.
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
# sshd -T still prints the old name of this value; sshd_config(5) calls it a deprecated alias.
MODERN = {"without-password": "prohibit-password"}


def check(argument: Any) -> None:
    """The argument is one keyword of sshd_config(5)."""
    must_be_word(argument, "keyword of sshd_config")


def collect(asked: list[Any]) -> dict[str, list[str]]:
    """Every effective setting: keyword in lower case -> values in order; empty when there is no server."""
    server = program("sshd")
    return parse(output_of([server, "-T", "-C", CONNECTION])) if server else {}


def parse(text: str) -> dict[str, list[str]]:
    """What `sshd -T` prints: one setting a line, a keyword with several values on several lines."""
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _unused, value = line.strip().partition(" ")
        if keyword:
            settings.setdefault(keyword.lower(), []).append(MODERN.get(value, value))
    return settings


def answer(argument: Any, state: dict[str, list[str]]) -> Answer:
    """The setting's value; a list when it holds several."""
    if not state:
        return not_applicable("there is no SSH server on this host")
    keyword = str(argument).lower()
    values = state.get(keyword)
    if values is None:
        return not_applicable(f"this SSH server knows no setting {keyword}")
    if keyword in LISTS:
        return observed([name for name in values[0].split(",") if name])
    return observed(values[0] if len(values) == 1 else values)
