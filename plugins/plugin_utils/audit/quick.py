# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A quick look at a payload that can only say yes: one pattern for each step, made of its closed form.

What the pattern matches is canonical JSON of the form, byte by byte: each member once and in its place, no second
spelling of anything. It is stricter than the form where a pattern cannot say it as exactly (a text with a backslash, a
number just below its limit): such payloads, as all that are wrong, are looked at slowly (envelopes.py), which finds the
same and says why.
"""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from .forms import PREDICATE, STATEMENT, beyond, twice
from .steps import STEPS, Many, Null, Time

_NAMED = b'"predicateType":"https://holdfast.example/'
# 29 February is for the slow look.
_DAY = "(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_TIME = rf'"[1-9][0-9]{{3}}-{_DAY}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{{3}}Z"'
_PLAIN = re.compile(
    r"(?:[A-Za-z0-9_/:@=~-]|\\\.|\[(?!\^)(?:a-z|A-Z|a-f|0-9|1-9|2-7|[A-Za-z0-9_/@=:+.~^])+-?\]"
    r"|\{[0-9]+(?:,[0-9]+)?\}|[(|)?*+])+"
)
"""Patterns of texts that JSON spells as they are: ASCII without quote, backslash and control characters."""


class _InexactError(Exception):
    """No pattern can say a form without letting something else pass."""


def read(payload: bytes) -> Any:
    """Return the statement of a payload that is of its closed form, None where only a slower look can tell."""
    start = payload.rfind(_NAMED) + len(_NAMED)
    step = payload[start : payload.find(b"/v1", start)].decode("latin-1")
    if step not in STEPS or not _pattern(step).fullmatch(payload):
        return None
    statement = json.loads(payload)
    sieve = _SIEVES[step]
    if (sieve is not None and _repeats(statement["predicate"]["step"], sieve)) or beyond(step, statement):
        return None
    return statement


@cache
def _pattern(step: str) -> re.Pattern[bytes]:
    """Return the pattern of a step's whole statement."""
    whole = {
        **STATEMENT,
        "predicateType": frozenset({f"https://holdfast.example/{step}/v1"}),
        "predicate": {**PREDICATE, "step": STEPS[step]},
    }
    try:
        return re.compile(_of(whole).encode("ascii"))
    except _InexactError:
        return re.compile(b"(?!)")


def _of(form: Any) -> str:
    """Return the pattern of a form's canonical JSON. Raises _InexactError."""
    if isinstance(form, dict):
        return _mapping(form)
    if isinstance(form, Many):
        return _list(form)
    if isinstance(form, Null):
        return f"(?:null|{_of(form.form)})"
    if isinstance(form, re.Pattern):
        if (text := of_pattern(form.pattern)) is None:
            raise _InexactError
        return text
    if isinstance(form, frozenset):
        if any(json.dumps(word) != f'"{word}"' for word in form):
            raise _InexactError
        return f'"(?:{"|".join(map(re.escape, sorted(form)))})"'
    if isinstance(form, range):
        return _number(form)
    if form is Time:
        return _TIME
    if form is bool:
        return "(?:true|false)"
    raise _InexactError


def of_pattern(pattern: str) -> str | None:
    """Return the pattern of JSON's spelling of the texts that a pattern matches, None where they may differ."""
    return f'"(?:{pattern.replace("(", "(?:")})"' if _PLAIN.fullmatch(pattern) else None


def _number(form: range) -> str:
    """Return the pattern of the numbers of a range that have fewer digits than its end."""
    digits = len(str(form.stop - 1)) - 1 if str(form.stop - 1).strip("9") else len(str(form.stop - 1))
    if form.start not in (0, 1) or form.step != 1 or digits < 1:
        raise _InexactError
    positive = f"[1-9][0-9]{{0,{digits - 1}}}"
    return positive if form.start else f"(?:0|{positive})"


def _list(form: Many) -> str:
    try:
        item = _of(form.form)
    except _InexactError:
        if form.least:
            raise
        return r"\[\]"
    some = f"{item}(?:,{item})*+"
    if form.least > 1:
        raise _InexactError
    return rf"\[{some}\]" if form.least else rf"\[(?:{some})?\]"


def _mapping(form: dict[str, Any]) -> str:
    """Return the pattern of a mapping: its members in order, those that may be absent each with its own comma."""
    parts, begun = [], False
    for name in sorted(form, key=lambda name: name.removesuffix("?")):
        bare = name.removesuffix("?")
        if bare == name:
            parts.append(f'{"," if begun else ""}"{bare}":{_of(form[name])}')
            begun = True
            continue
        try:
            member = f'"{bare}":{_of(form[name])}'
        except _InexactError:
            continue  # where it is there, the slow look is taken
        parts.append(f"(?:,{member})?" if begun else f"(?:{member},)?")
    if not begun:
        raise _InexactError
    return rf"\{{{''.join(parts)}\}}"


def _sieve(form: Any) -> Any:
    """Return what of a form matters for what may not stand twice; None where nothing does."""
    if isinstance(form, dict):
        kept = {name.removesuffix("?"): inner for name, whole in form.items() if (inner := _sieve(whole)) is not None}
        return kept or None
    if isinstance(form, Null):
        return _sieve(form.form)
    if isinstance(form, Many):
        inner = _sieve(form.form)
        return None if inner is None and not form.once else Many(inner, once=form.once)
    return None


def _repeats(value: Any, sieve: Any) -> bool:
    """Say whether something stands twice in a value where it may not."""
    if isinstance(sieve, dict):
        return any(name in value and _repeats(value[name], inner) for name, inner in sieve.items())
    if value is None:
        return False
    if sieve.once and twice(value):
        return True
    return sieve.form is not None and any(_repeats(item, sieve.form) for item in value)


_SIEVES = {step: _sieve(form) for step, form in STEPS.items()}
