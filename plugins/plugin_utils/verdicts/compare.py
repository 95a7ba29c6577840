# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an observed value is held against the expected one: one function an operator.

Observed values come from hosts as text or numbers, so both sides are compared as text or read as numbers. An
observed value that cannot be read the way the operator needs never satisfies it.
"""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Callable
from typing import Any

Operator = Callable[[Any, Any], bool]


def text(value: Any) -> str:
    """Return a scalar as configuration files write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def members(value: Any) -> list[str]:
    """Return a list's members as text; a scalar is a list of one, nothing an empty list."""
    if value is None:
        return []
    return [text(member) for member in value] if isinstance(value, list) else [text(value)]


def number(value: Any) -> float | None:
    """Return a scalar as a number, None when it is none."""
    if value is None or isinstance(value, list):
        return None
    try:
        return float(text(value))
    except ValueError:
        return None


def octal(value: Any) -> int | None:
    """Return a mode's or mask's bits, None when the text is no octal number."""
    try:
        return int(text(value), 8)
    except ValueError:
        return None


def equals(expected: Any, actual: Any) -> bool:
    """The same scalar, or lists with the same members in any order."""
    if isinstance(expected, list) or isinstance(actual, list):
        both_lists = isinstance(expected, list) and isinstance(actual, list)
        return both_lists and sorted(members(expected)) == sorted(members(actual))
    return actual is not None and text(expected) == text(actual)


def at_least(expected: Any, actual: Any) -> bool:
    """A number that is not smaller."""
    bound, found = number(expected), number(actual)
    return bound is not None and found is not None and found >= bound


def positive_at_most(expected: Any, actual: Any) -> bool:
    """A number above zero that is not larger; for settings where zero or less means "no limit"."""
    bound, found = number(expected), number(actual)
    return bound is not None and found is not None and 0 < found <= bound


def within_mode(expected: Any, actual: Any) -> bool:
    """File modes with no bit beyond the expected one; of a list, the first word of every member counts."""
    bound = octal(expected)
    found = [octal(member.split(" ", 1)[0]) for member in members(actual)]
    if bound is None or not found:
        return False
    return all(mode is not None and mode | bound == bound for mode in found)


def at_least_mask(expected: Any, actual: Any) -> bool:
    """A mask that withholds every bit the expected one does."""
    bound, found = octal(expected), None if isinstance(actual, list) else octal(actual)
    return bound is not None and found is not None and found & bound == bound


def matches(name: str, pattern: str) -> bool:
    """Say whether a name fits a shell pattern.

    One of stars alone is held against the name piece by piece: to compile it takes longer, and each host is judged in a
    process of its own.
    """
    if "?" in pattern or "[" in pattern:
        return fnmatch.fnmatchcase(name, pattern)
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def contains_none(expected: Any, actual: Any) -> bool:
    """A list that is not empty and whose members match none of the patterns (`*` stands for anything)."""
    found = members(actual)
    return bool(found) and not any(matches(name, p) for name in found for p in members(expected))


def only(expected: Any, actual: Any) -> bool:
    """A list, empty perhaps, with no member that is not expected."""
    return isinstance(actual, list) and set(members(actual)) <= set(members(expected))


def includes(expected: Any, actual: Any) -> bool:
    """A list that holds every expected member, and others perhaps."""
    return isinstance(actual, list) and set(members(expected)) <= set(members(actual))


def networks(flows: Any) -> dict[str, list[str]] | None:
    """Return port -> networks, neighbours joined, of flows such as "tcp/22 from 192.0.2.0/24"; None for others."""
    found: dict[str, list[Any]] = {}
    for flow in members(flows):
        port, _from, source = flow.partition(" from ")
        try:
            wanted = ("0.0.0.0/0", "::/0") if source == "any" else (source,)
            found.setdefault(port, []).extend(map(ipaddress.ip_network, wanted))
        except ValueError:
            return None
    return {
        port: [str(n) for v in (4, 6) for n in ipaddress.collapse_addresses([n for n in many if n.version == v])]
        for port, many in found.items()
    }


def same_flows(expected: Any, actual: Any) -> bool:
    """Lists of flows that let in the same, however their networks are cut."""
    wanted, found = networks(expected), networks(actual)
    return isinstance(actual, list) and wanted is not None and wanted == found


def flows_explain(expected: Any, actual: Any) -> bool:
    """A list of ports, empty perhaps, of which each is the port of an expected flow."""
    return isinstance(actual, list) and not _unexplained(expected, actual)


def _unexplained(expected: Any, actual: Any) -> list[str]:
    ports = {flow.partition(" from ")[0] for flow in members(expected)}
    return [port for port in members(actual) if port not in ports]


def offenders(compare: str, expected: Any, actual: Any) -> list[str]:
    """Return which members of a list keep it from passing, where the operator judges them one by one."""
    if compare == "contains_none":
        return [n for n in members(actual) if any(matches(n, p) for p in members(expected))]
    if compare == "only" and isinstance(actual, list):
        return [name for name in members(actual) if name not in members(expected)]
    if compare == "flows_explain" and isinstance(actual, list):
        return _unexplained(expected, actual)
    if compare == "includes":
        return [name for name in members(expected) if name not in members(actual)]
    if compare == "same_flows":
        return sorted(set(members(expected)) ^ set(members(actual)))[:8]
    if compare == "within_mode" and isinstance(actual, list):
        return [member for member in members(actual) if not within_mode(expected, member)]
    return []


def unfit(compare: str, expected: Any) -> str:
    """Return what a comparison needs its expected value to be, where this one is not that; empty where it is."""
    if compare in ("at_least", "positive_at_most") and number(expected) is None:
        return "a number"
    if compare in ("within_mode", "at_least_mask") and octal(expected) is None:
        return "a mode in octal digits, in quotes"
    if compare in ("contains_none", "only") and not isinstance(expected, list):
        return "a list"
    return ""


OPERATORS: dict[str, Operator] = {
    "at_least": at_least,
    "at_least_mask": at_least_mask,
    "contains_none": contains_none,
    "equals": equals,
    "flows_explain": flows_explain,
    "includes": includes,
    "only": only,
    "positive_at_most": positive_at_most,
    "same_flows": same_flows,
    "within_mode": within_mode,
}
"""Every word that a control's `compare` may hold."""
