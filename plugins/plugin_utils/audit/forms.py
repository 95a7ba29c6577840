# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a statement is of its closed form; the forms of the steps are in steps.py."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from .steps import ALL_ROLES, ANY, BIG, CHANGING, NAME, SHA, STEPS, Many, Null, Time

_TYPE = re.compile("https://holdfast\\.example/([a-z-]{1,40})/v1")
_SUBJECTS = frozenset(
    {"plan", "baseline", "trust", "request", "head", "entry", "evidence", "exception", "content", "policy", "template"}
)
_FOR_A_REQUEST = ("approve", "assess", "halt", "break-glass", "review")
_OWN = {
    "trust": "trust",
    "exception": "exception",
    "standard": "template",
    "policy": "policy",
    "content": "content",
    "heartbeat": "head",
    "hold": "head",
    "amend": "entry",
    "evidence": "evidence",
    "tombstone": "evidence",
}
"""Steps that are about one thing of their own, and about no plan."""
_CHANGELESS = ("trust", "exception", "standard", "policy", "content", "heartbeat", "hold", "tombstone")
PREDICATE: dict[str, Any] = {
    "record_id": re.compile("rec_[a-z2-7]{26}"),
    "change_id": Null(re.compile("chg_[0-9A-Za-z]{10,40}")),
    "org": NAME,
    "actor": {"principal": NAME, "role": ALL_ROLES},
    "recorded_at": Time,
    "ledger_head": {"size": ANY, "root": SHA},
    "trust": {"version": range(1, BIG), "sha256": SHA},
    "producer": {"name": frozenset({"holdfast"}), "version": re.compile("[0-9A-Za-z.+-]{1,32}")},
    "step": dict,
}
STATEMENT: dict[str, Any] = {
    "_type": frozenset({"https://in-toto.io/Statement/v1"}),
    "subject": Many({"name": _SUBJECTS, "digest": {"sha256": SHA}}, least=1),
    "predicateType": _TYPE,
    "predicate": PREDICATE,
}


def unknown_step(statement: Any) -> str | None:
    """Return the step of a statement that is none of ours, None when it is known or cannot be told."""
    named = statement.get("predicateType") if isinstance(statement, dict) else None
    if not isinstance(named, str):
        return None
    found = _TYPE.fullmatch(named)
    if found and found[1] in STEPS:
        return None
    return found[1] if found else named[:80]


def problem_of(statement: Any) -> str | None:
    """Return the first thing in a statement that is not of its closed form, as a sentence.

    None when all is.
    """
    if wrong := problem(statement, STATEMENT, "statement"):
        return wrong
    step = _TYPE.fullmatch(statement["predicateType"])[1]  # type: ignore[index]  # the form above made sure
    predicate = statement["predicate"]
    body = predicate["step"]
    return problem(body, STEPS[step], step) or beyond(step, statement)


def beyond(step: str, statement: dict[str, Any]) -> str | None:
    """Return the first thing in a statement whose members, each by itself, are good, that they are not together."""
    predicate = statement["predicate"]
    body = predicate["step"]
    return (
        _subjects(step, statement, body)
        or _change(step, predicate, body)
        or _checks(step, body)
        or _way_back(step, body)
        or _deeds(step, body)
        or _deadline(step, predicate, body)
        or _done(step, predicate, body)
    )


def problem(value: Any, form: Any, at: str) -> str | None:
    """Return the first thing in a value that its form does not allow, None when there is nothing."""
    if isinstance(form, Null):
        return None if value is None else problem(value, form.form, at)
    if isinstance(form, dict):
        return _mapping_problem(value, form, at)
    if isinstance(form, Many):
        return _list_problem(value, form, at)
    expected = _unmet(value, form)
    return f"{at} is {str(value)[:60]!r}; expected {expected}" if expected else None


def _unmet(value: Any, form: Any) -> str | None:
    """Return what was expected of a single value, None when it is that."""
    if isinstance(form, re.Pattern):
        good = isinstance(value, str) and form.fullmatch(value) is not None
        return None if good else f"text like {form.pattern}"
    if isinstance(form, frozenset):
        return None if isinstance(value, str) and value in form else f"one of {sorted(form)}"
    if isinstance(form, range):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole and value in form else f"an integer from {form.start} to {form.stop - 1}"
    if form is Time:
        return None if _is_time(value) else "a UTC time with milliseconds and Z"
    # JSON's true is no number, though Python's is.
    right = isinstance(value, form) and (form is bool or not isinstance(value, bool))
    return None if right else f"a {form.__name__}"


def _list_problem(value: Any, form: Many, at: str) -> str | None:
    if not isinstance(value, list) or len(value) < form.least:
        return f"{at} is no list of at least {form.least}"
    for number, item in enumerate(value):
        if wrong := problem(item, form.form, f"{at}[{number}]"):
            return wrong
    return f"{at} holds something twice" if form.once and twice(value) else None


def twice(value: list[Any]) -> bool:
    """Say whether a list holds something twice."""
    if len(value) < 2:
        return False
    return len({repr(sorted(item.items()) if isinstance(item, dict) else item) for item in value}) < len(value)


def _mapping_problem(value: Any, form: dict[str, Any], at: str) -> str | None:
    if not isinstance(value, dict):
        return f"{at} is no mapping"
    known = 0
    for name, inner in form.items():
        bare = name.removesuffix("?")
        if bare in value:
            known += 1
            if wrong := problem(value[bare], inner, f"{at}.{bare}"):
                return wrong
        elif bare == name:
            return f"{at} lacks the member {name!r}"
    if known < len(value):
        extra = sorted(name for name in value if name not in form and f"{name}?" not in form)
        return f"{at} has the unknown member {str(extra[0])[:60]!r}"
    return None


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value, re.ASCII):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _subjects(step: str, statement: dict[str, Any], body: dict[str, Any]) -> str | None:
    names = tuple(subject["name"] for subject in statement["subject"])
    first, rest = names[0], names[1:]
    if first != _OWN[step] if step in _OWN else first not in ("plan", "baseline"):
        return f"the first subject of {step} is {first!r}"
    if _OWN.get(step) == "head":
        about, seen = statement["subject"][0]["digest"]["sha256"], statement["predicate"]["ledger_head"]["root"]
        if about != seen:
            return f"{step} is about the head {about[:16]}..., and its signer saw {seen[:16]}..."
    if step in _OWN or step == "request":
        allowed: set[tuple[str, ...]] = {()}
    elif step in _FOR_A_REQUEST or (step == "run-open" and body["request"] is not None):
        allowed = {("request",)}
    elif step == "run-open":
        allowed = {()}
    else:
        allowed = {(), ("request",)}
    if rest not in allowed:
        return f"the subjects of {step} are {', '.join(names)}"
    return None


def _change(step: str, predicate: dict[str, Any], body: dict[str, Any]) -> str | None:
    change = predicate["change_id"]
    if change is not None and step in _CHANGELESS:
        return f"{step} belongs to no change"
    changes = step == "run-open" and (
        body["request"] is not None or (body["mode"] == "apply" and body["kind"] in CHANGING)
    )
    if change is None and (step == "request" or step in _FOR_A_REQUEST or changes):
        return f"{step} has no change id"
    return None


def _checks(step: str, body: dict[str, Any]) -> str | None:
    for result in body["results"] if step == "verify" else ():
        for check in result["checks"]:
            if check["result"] != "fail" and ("expected_sha256" in check or "observed_sha256" in check):
                return f"check {check['id']} is {check['result']} and yet holds digests of values"
            if check["result"] == "waived" and "exception" not in check:
                return f"check {check['id']} is waived and names no exception"
            if check["result"] != "waived" and "exception" in check:
                return f"check {check['id']} is {check['result']} and yet names an exception"
    return None


def _way_back(step: str, body: dict[str, Any]) -> str | None:
    for result in body["results"] if step == "rollback" else ():
        if body["trigger"] == "guard" and "guard" not in result:
            return f"{result['asset']} was put back by a guard without an id"
        if body["trigger"] != "guard" and "guard" in result:
            return f"{result['asset']} was put back for {body['trigger']} and yet names a guard"
        if body["trigger"] == "request" and "of" not in result:
            return f"{result['asset']} was put back on request, but of no run"
        if body["trigger"] == "rehearsal" and "ms" not in result:
            return f"{result['asset']} was put back in a rehearsal that took no time"
    return None


def _deadline(step: str, predicate: dict[str, Any], body: dict[str, Any]) -> str | None:
    if step != "break-glass":
        return None
    allowed = datetime.fromisoformat(body["review_by"]) - datetime.fromisoformat(predicate["recorded_at"])
    if not timedelta(0) < allowed <= timedelta(days=7):
        return f"an emergency is to be reviewed by {body['review_by']}; expected within seven days of it"
    return None


def _done(step: str, predicate: dict[str, Any], body: dict[str, Any]) -> str | None:
    if step != "evidence" or "done_at" not in body:
        return None
    if datetime.fromisoformat(body["done_at"]) > datetime.fromisoformat(predicate["recorded_at"]):
        return f"evidence is of {body['done_at']}, after it was sealed"
    return None


def _deeds(step: str, body: dict[str, Any]) -> str | None:
    for result in body["results"] if step == "deploy" else ():
        if result["outcome"] == "skipped" and result["products"]:
            return f"{result['asset']} was skipped and yet got packages"
    return None
