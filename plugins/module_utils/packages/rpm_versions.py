# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders RPM package versions as rpm does (rpm-version(7)), without librpm."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r"[0-9]+|[A-Za-z]+|[~^]")


def compare(one: str, other: str) -> int:
    """Return -1, 0 or 1: one is earlier than, the same as, or later than other; both EPOCH:VERSION-RELEASE.

    An absent epoch is 0. Where one of the two names no release, releases are not looked at.
    """
    left, right = _split(one), _split(other)
    if left[0] != right[0]:
        return -1 if left[0] < right[0] else 1
    order = compare_part(left[1], right[1])
    if order or not left[2] or not right[2]:
        return order
    return compare_part(left[2], right[2])


def compare_part(one: str, other: str) -> int:
    """Compare two versions, or two releases: segment by segment, numbers as numbers, separators unseen.

    A tilde sorts before all else, even the end; a caret after the end, but before any other segment.
    """
    left, right = _SEGMENT.findall(one), _SEGMENT.findall(other)
    for place in range(max(len(left), len(right))):
        first = left[place] if place < len(left) else ""
        second = right[place] if place < len(right) else ""
        if first == second:
            continue
        for mark in "~^":
            if mark in (first, second):
                return _beside(first, second, mark)
        if not first or not second:
            return 1 if first else -1
        if first[0].isdigit() != second[0].isdigit():
            return 1 if first[0].isdigit() else -1  # a number is later than letters
        if first[0].isdigit():
            if int(first) != int(second):
                return 1 if int(first) > int(second) else -1
        else:
            return 1 if first > second else -1
    return 0


def _beside(first: str, second: str, mark: str) -> int:
    """Order two segments of which exactly one is the mark."""
    lower = -1 if first == mark else 1
    if mark == "~":
        return lower
    return -lower if not (first and second) else lower


def _split(version: str) -> tuple[int, str, str]:
    """Return epoch, version, release."""
    head, colon, rest = version.partition(":")
    epoch = int(head) if colon and head.isdigit() else 0
    name, dash, release = (rest if colon else version).rpartition("-")
    return (epoch, name, release) if dash else (epoch, release, "")
