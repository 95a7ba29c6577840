# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a site's rules can be true, can be false, and leave a way between two of them: by trying, within bounds.

Facts are tried with every value that could make a difference: the constants they are held against, the neighbours of
these, and values that nobody names. Of order and equality alone that is all there is to try; of `like` it is a choice
of texts that fit the patterns. What facts have to do with each other is not known here: a rule that is true only where
`approvals` is 9 and `approvers` is empty counts as one that can be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from ..errors import PolicyError
from ..site.expression import Condition, Expressions, conditions
from ..site.facts import FACTS, NUMBER, TEXT, TRUTH, Fact
from ..site.rules import SiteRule

MOST_TRIES = 50_000
"""Of one rule."""
MOST_OF_A_PAIR = 2_000
MOST_OF_ALL_PAIRS = 400_000

_UNKNOWN = object()
_LONGEST_LIST = 40


@dataclass(frozen=True)
class Remark:
    """Something about one rule, or two: `unreachable`, `always`, `contradictory`, or `not-tried`."""

    kind: str
    rules: tuple[str, ...]
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"kind": self.kind, "rules": list(self.rules), "message": self.message}


def scrutinize(rules: Sequence[SiteRule], rings: Sequence[str]) -> list[Remark]:
    """Return what is to be said of these rules; `rings` are the policy's."""
    remarks, sound = [], []
    for rule in rules:
        remark = _alone(rule, rings)
        if remark is None:
            sound.append(rule)
        else:
            remarks.append(remark)
    return [*remarks, *_pairs(sound, rings)]


def _alone(rule: SiteRule, rings: Sequence[str]) -> Remark | None:
    seen: set[bool] = set()
    for tried, answer in enumerate(_answers((rule,), rule.kinds, rule.rings or rings)):
        if tried >= MOST_TRIES:
            message = f"not all of its facts could be tried: more than {MOST_TRIES} ways; split it in two"
            return Remark("not-tried", (rule.id,), message)
        seen.add(answer[0])
        if len(seen) == 2:
            return None
    if True in seen:
        return Remark("always", (rule.id,), "it is true whatever the facts are, so that nothing in its scope ever runs")
    return Remark("unreachable", (rule.id,), "no facts were found for which it is true, so that it never objects")


def _pairs(rules: Sequence[SiteRule], rings: Sequence[str]) -> Iterator[Remark]:
    left, skipped = MOST_OF_ALL_PAIRS, 0
    for one, other in combinations(rules, 2):
        kinds = [kind for kind in one.kinds if kind in other.kinds]
        shared = [ring for ring in (one.rings or rings) if ring in (other.rings or rings)]
        if not kinds or not shared or not set(one.names) & set(other.names):
            continue
        free, tried = False, 0
        for answer in _answers((one, other), kinds, shared):
            tried += 1
            if True not in answer or tried > min(MOST_OF_A_PAIR, left):
                free = True
                skipped += True in answer
                break
        left -= tried
        if not free:
            said = "one of the two is true whatever the facts are, so that nothing runs where both speak"
            yield Remark("contradictory", (one.id, other.id), said)
    if skipped:
        yield Remark("not-tried", (), f"{skipped} pairs of rules have too many facts to try whether they leave a way")


def _answers(rules: Sequence[SiteRule], kinds: Sequence[str], rings: Sequence[str]) -> Iterator[list[bool]]:
    """Yield the rules' answers to every set of facts worth trying; what cannot be answered objects."""
    expressions = Expressions(tuple(rule.deny for rule in rules))
    single = [Expressions((rule.deny,)) for rule in rules]
    held = [one for rule in rules for one in conditions(rule.deny)]
    domains = _domains(held, {"kind": list(kinds), "ring": list(rings)})
    for values in product(*domains.values()):
        facts = {name: value for name, value in zip(domains, values, strict=True) if value is not _UNKNOWN}
        try:
            yield expressions.answers(facts)
        except PolicyError:
            yield [_or_no(one, facts) for one in single]


def _or_no(expression: Expressions, facts: Mapping[str, Any]) -> bool:
    try:
        return expression.answers(facts)[0]
    except PolicyError:
        return True


def _domains(held: Sequence[Condition], known: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    """Return what each fact is tried with; facts that are held against each other share their constants."""
    names = sorted({name for one in held for name in one.names})
    groups = [set(one.names) for one in held]
    found = {}
    for name in names:
        near = {name}
        while len(near) < len(near := near.union(*(group for group in groups if group & near))):
            pass
        about = [one for one in held if one.names & near]
        numbers = {number for one in about for number in one.numbers}
        texts = sorted({text for one in about for text in one.texts})
        values = known[name] if name in known else _values(FACTS[name], numbers, texts, len(near), name)
        absent = any(one.absent and name in one.names for one in held) and not FACTS[name].always
        found[name] = [*values, *([_UNKNOWN] if absent else [])]
    return found


def _values(fact: Fact, numbers: Iterable[int], texts: Sequence[str], others: int, name: str) -> list[Any]:
    if fact.kind == TRUTH:
        return [False, True]
    if fact.kind == NUMBER:
        near = {number + step for number in (*numbers, 0) for step in range(-others, others + 1)}
        return sorted(number for number in near if fact.low <= number <= fact.high)
    samples = [sample for text in texts for sample in dict.fromkeys((text.replace("*", ""), text.replace("*", "x")))]
    if fact.kind == TEXT:
        return list(fact.choices) or [*samples, "another", f"another-{name}"]
    chosen = [one for one in samples if not fact.choices or one in fact.choices]
    some = range(len(chosen) + 1) if len(chosen) <= 5 else (0, 1, len(chosen))
    lists = [list(members) for count in some for members in combinations(chosen, count)]
    fresh = list(fact.choices) or [f"another-{number}" for number in range(_LONGEST_LIST)]
    lengths = {length + step for length in (*numbers, 1) for step in (-1, 0, 1)}
    padded = [
        [*members, *[one for one in fresh if one not in members][: length - len(members)]]
        for members in lists
        for length in sorted(lengths)
        if len(members) < length <= _LONGEST_LIST
    ]
    return [*lists, *padded]
