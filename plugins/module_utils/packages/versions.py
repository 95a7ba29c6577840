# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders Debian package versions as dpkg does (deb-version(7)), without a process for each comparison."""

from __future__ import annotations

import re

_DIGITS = re.compile(r"[0-9]+")


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1: one is earlier than, the same as, or later than other."""
    left, right = _split(one), _split(other)
    if left[0] != right[0]:
        return -1 if left[0] < right[0] else 1
    return _compare_part(left[1], right[1]) or _compare_part(left[2], right[2])


def newer(one: str, other: str) -> bool:
    """Return whether one is later than other."""
    return compare(one, other) > 0


def latest(versions: list[str]) -> str:
    """Return the latest of at least one version."""
    best = versions[0]
    for version in versions[1:]:
        if newer(version, best):
            best = version
    return best


def _split(version: str) -> tuple[int, str, str]:
    """Return epoch, upstream version, revision; an absent epoch is 0, an absent revision sorts as "0"."""
    head, colon, rest = version.partition(":")
    epoch = int(head) if colon and head.isdigit() else 0
    upstream, dash, revision = (rest if colon else version).rpartition("-")
    if not dash:
        upstream, revision = revision, "0"
    return epoch, upstream, revision


def _compare_part(one: str, other: str) -> int:
    """Compare as alternating runs: non-digits by _weight, then digits as numbers."""
    while one or other:
        one_text, one_number, one = _next(one)
        other_text, other_number, other = _next(other)
        for position in range(max(len(one_text), len(other_text))):
            difference = _weight(one_text, position) - _weight(other_text, position)
            if difference:
                return -1 if difference < 0 else 1
        if one_number != other_number:
            return -1 if one_number < other_number else 1
    return 0


def _next(text: str) -> tuple[str, int, str]:
    """Return the leading non-digits, the number after them (none is 0), and the rest."""
    digits = _DIGITS.search(text)
    if digits is None:
        return text, 0, ""
    return text[: digits.start()], int(digits.group()), text[digits.end() :]


def _weight(text: str, position: int) -> int:
    """Weigh a character: a tilde before the end of the part, the end before letters, letters before all else."""
    if position >= len(text):
        return 0
    letter = text[position]
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256
