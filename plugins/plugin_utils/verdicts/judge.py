# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns expected and observed into one verdict a control; what was asked and what is answered must agree."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..errors import HoldfastError
from .compare import OPERATORS, offenders
from .verdict import Verdict

STATUSES = ("observed", "not_applicable", "not_measured")
UNNAMED = "unnamed"
"""The value of a control that is about a thing of the site's own (a collector, an agent) which no overlay names yet."""
MEMBERS = {"id", "status", "actual", "why"}


class JudgementError(HoldfastError):
    """What came back from a host cannot be judged: malformed, answered twice, or never asked."""


class Expectation(Protocol):
    """What judging needs to know of a control (site/baseline.py has more)."""

    @property
    def id(self) -> str: ...
    @property
    def value(self) -> Any: ...
    @property
    def compare(self) -> str: ...


def heard(text: object) -> list[dict[str, Any]]:
    """Return the observations in what a host said, a JSON text; raises JudgementError where it is none of a list."""
    try:
        said = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise JudgementError("the probe's answer is no JSON list of observations; install the collection again")
    return said


def judge(control: Expectation, observation: Mapping[str, Any]) -> Verdict:
    """Return the verdict on one control. Raises JudgementError for a malformed observation or operator.

    An observation has exactly the members id, status (observed, not_applicable, not_measured), actual, why.
    """
    _check(observation)
    if observation["id"] != control.id:
        raise JudgementError(f"{control.id}: the answer belongs to {observation['id']}; judge each with its own")
    return _judge(control, observation)


def _judge(control: Expectation, observation: Mapping[str, Any]) -> Verdict:
    """Return the verdict on a control from its own observation, which is well formed."""
    actual, why = observation["actual"], observation["why"]
    if observation["status"] != "observed":
        return Verdict(control.id, observation["status"], control.value, None, why)
    if control.value in (UNNAMED, [UNNAMED]):
        return Verdict(control.id, "not_applicable", control.value, None, "the site names none; an overlay would")
    operator = OPERATORS.get(control.compare)
    if operator is None:
        raise JudgementError(
            f'{control.id}: compare: "{control.compare}" is no operator; use one of {", ".join(OPERATORS)}'
        )
    if operator(control.value, actual):
        return Verdict(control.id, "pass", control.value, actual, why)
    guilty = offenders(control.compare, control.value, actual)
    return Verdict(control.id, "fail", control.value, actual, why or ", ".join(guilty))


def judge_all(controls: Iterable[Expectation], observations: Iterable[Mapping[str, Any]]) -> tuple[Verdict, ...]:
    """Return one verdict for every control, in their order.

    A control without an answer is not measured ("no answer"). Raises JudgementError for an answer that nobody
    asked for, two answers to one control, or no controls at all: nothing judged is not innocence.
    """
    asked = list(controls)
    if not asked:
        raise JudgementError("there are no controls to judge; a host without controls is not a host that passes")
    answers: dict[str, Mapping[str, Any]] = {}
    for observation in observations:
        _check(observation)
        if observation["id"] in answers:
            raise JudgementError(f"{observation['id']} was answered twice; expected one answer a control")
        answers[observation["id"]] = observation
    unknown = sorted(answers.keys() - {control.id for control in asked})
    if unknown:
        raise JudgementError(f"answers to controls that were not asked: {', '.join(unknown)}")
    silence = {"status": "not_measured", "actual": None, "why": "no answer"}
    return tuple(_judge(control, answers.get(control.id, silence)) for control in asked)


def unanswered(controls: Iterable[Expectation], observations: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the controls that were asked and not answered, in their order: the expected set less the reported one."""
    answered = {observation["id"] for observation in observations}
    return tuple(control.id for control in controls if control.id not in answered)


def told_vanished(vanished: Iterable[str], asked: int) -> str:
    """Return what is said of controls that were asked and not answered."""
    names = tuple(vanished)
    return (
        f"{len(names)} of {asked} controls vanished, asked and not answered: {', '.join(names)}; "
        "a probe of another version may have run: install the collection again on the controller"
    )


def _check(observation: Mapping[str, Any]) -> None:
    if set(observation) != MEMBERS:
        found = ", ".join(sorted(map(str, observation)))
        raise JudgementError(f"an observation has the members {found}; expected id, status, actual, why")
    if observation["status"] not in STATUSES:
        raise JudgementError(
            f"{observation['id']}: status {observation['status']!r}; expected one of {', '.join(STATUSES)}"
        )
