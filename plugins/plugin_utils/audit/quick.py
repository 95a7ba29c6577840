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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from sys import intern
from typing import Any

from .facts import UNREAD, Facts, about, interned, shortened
from .forms import PREDICATE, STATEMENT, beyond, twice
from .steps import STEPS, Many, Null, Time

SEEN = 4096
"""Parts of statements that are remembered to have been good: most are said again and again."""
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


@dataclass(frozen=True)
class _Look:
    """How the statements of one step are looked at.

    `pattern` has a group for each fact, in the order of their text: eight before the step's body, then one for each
    member of the body, then three. `kept` takes of the body's those that rules read, `once` those that are lists in
    which nothing may stand twice; `run` is the place of the run's id. `deep` says that what may not stand twice, or
    what members may not say together, is within the members.
    """

    pattern: re.Pattern[str]
    kept: Callable[[Sequence[str | None]], Sequence[str | None]]
    once: tuple[int, ...]
    run: int | None
    deep: bool


def read(payload: bytes) -> Facts | None:
    """Return the facts of a payload that is of its closed form, None where only a slower look can tell."""
    start = payload.rfind(_NAMED) + len(_NAMED)
    step = payload[start : payload.find(b"/v1", start)].decode("latin-1")
    look = _look(step) if step in STEPS else None
    found = look.pattern.fullmatch(payload.decode("latin-1")) if look else None
    if look is None or found is None:
        return None
    groups = found.groups()
    principal, role, change, root, size, org, record_id, recorded_at = groups[:8]
    trust, version, subjects = groups[-3:]
    members = groups[8:-3]
    for at in look.once:
        if members[at] is not None and not _each_once(members[at]):
            return None
    gist, whole = shortened(step, "{" + ",".join(filter(None, look.kept(members))) + "}")
    body = gist if gist is whole or look.deep else ""
    if not _fit(step, change is not None, subjects, body, payload if step in _ALONE else b""):
        return None
    return Facts(
        intern(step),
        intern(principal),
        intern(role),
        intern(org),
        record_id,
        recorded_at,
        interned(change),
        None if look.run is None else interned(members[look.run]),
        (int(size), root),
        (int(version), intern(trust)),
        *_about(subjects),
        gist,
        whole,
    )


@dataclass(frozen=True)
class _Told:
    """A form whose text is a fact."""

    form: Any


@dataclass(frozen=True)
class _Spelt:
    """A form whose pattern is known."""

    pattern: str


_FACTS = {
    **PREDICATE,
    "actor": {name: _Told(form) for name, form in PREDICATE["actor"].items()},
    "change_id": Null(_Told(PREDICATE["change_id"].form)),
    "ledger_head": {name: _Told(form) for name, form in PREDICATE["ledger_head"].items()},
    **{name: _Told(PREDICATE[name]) for name in ("org", "record_id", "recorded_at")},
    "trust": {name: _Told(form) for name, form in PREDICATE["trust"].items()},
}


@cache
def _look(step: str) -> _Look | None:
    """Return how to look at statements of a step, None where no pattern can say their form."""
    form, unread = STEPS[step], UNREAD.get(step, frozenset())
    try:
        told = {
            name: f'"run_id":{_grouped(text)}' if name == "run_id" else f"({_member(name, text)})"
            for name, text in _members(form).items()
        }
        whole = {
            **STATEMENT,
            "subject": _Told(STATEMENT["subject"]),
            "predicateType": frozenset({f"https://holdfast.example/{step}/v1"}),
            "predicate": {**_FACTS, "step": _Spelt(_joined(told))},
        }
        pattern = re.compile(_of(whole))
    except _InexactError:
        return None
    names = [name.removesuffix("?") for name in told]
    kept = [at for at, name in enumerate(names) if name != "run_id" and name not in unread]
    lists = {at: form[name] for at, name in enumerate(told) if isinstance(form[name], Many)}
    within = [form[name].form if isinstance(form[name], Many) else form[name] for name in told]
    return _Look(
        pattern=pattern,
        kept=itemgetter(*kept) if len(kept) > 1 else lambda members: (members[kept[0]],),
        once=tuple(at for at, one in lists.items() if one.once),
        run=names.index("run_id") if "run_id" in names else None,
        deep=step in _TOGETHER or any(_sieve(one) is not None for one in within),
    )


_TOGETHER = ("run-open", "deploy", "rollback")
"""Steps in which members of the body may not say together what each may say."""
_ALONE = ("break-glass", "heartbeat", "hold")
"""Steps in which they may not say it together with what is beside the body."""


@lru_cache(maxsize=SEEN)
def _fit(step: str, change: bool, subjects: str, body: str, payload: bytes) -> bool:
    """Say whether members that are good each by itself are so together, and nothing within them stands twice.

    `body` is empty where that does not depend on it, `payload` where nothing beside the body and whether a
    `change` is named has a part in it.
    """
    read = json.loads(body or '{"results":[]}')
    predicate = {"change_id": "" if change else None, "step": read}
    statement = json.loads(payload) if payload else {"subject": json.loads(subjects), "predicate": predicate}
    sieve = _SIEVES[step]
    return not beyond(step, statement) and not (sieve is not None and _repeats(read, sieve))


@lru_cache(maxsize=SEEN)
def _each_once(member: str) -> bool:
    """Say whether nothing stands twice in a list that is a member."""
    ((_name, value),) = json.loads("{" + member + "}").items()
    return not twice(value)


@lru_cache(maxsize=SEEN)
def _about(subjects: str) -> tuple[str, str, str | None]:
    return about(json.loads(subjects))


def _of(form: Any) -> str:
    """Return the pattern of a form's canonical JSON. Raises _InexactError."""
    if isinstance(form, _Told):
        return _grouped(_of(form.form))
    if isinstance(form, _Spelt):
        return form.pattern
    if isinstance(form, dict):
        return _joined({name: _member(name, text) for name, text in _members(form).items()})
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


def _grouped(pattern: str) -> str:
    """Return a pattern with a group for its text, without the quotes that it stands in."""
    return f'"({pattern[1:-1]})"' if pattern.startswith('"') else f"({pattern})"


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


def _members(form: dict[str, Any]) -> dict[str, str]:
    """Return the patterns of a mapping's values, by name, in order; `?` ends the name of one that may be absent."""
    found = {}
    for name in sorted(form, key=lambda name: name.removesuffix("?")):
        try:
            found[name] = _of(form[name])
        except _InexactError:
            if not name.endswith("?"):
                raise
            # where it is there, the slow look is taken
    return found


def _member(name: str, text: str) -> str:
    return f'"{name.removesuffix("?")}":{text}'


def _joined(members: dict[str, str]) -> str:
    """Return the pattern of a mapping of these members, those that may be absent each with its own comma."""
    parts, begun = [], False
    for name, member in members.items():
        if name.endswith("?"):
            parts.append(f"(?:,{member})?" if begun else f"(?:{member},)?")
        else:
            parts.append(f"{',' if begun else ''}{member}")
            begun = True
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
