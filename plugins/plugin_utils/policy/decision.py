# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate's decision: every rule is asked, every objection is kept, and none means yes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from ..errors import PolicyError
from . import agreement, budget, leading, limits, pipeline, quorum, readiness, rules, timing
from .question import Decision, Question, Reason
from .remediation import sort_out
from .siterules import site_rules

KINDS = ("check", "plan", "observe", "stage", "patch", "rehearse", "remediate", "rollback")
"""The kinds of run that may be asked about."""

Rule = Callable[[Question], Iterator[Reason]]

_ALWAYS: tuple[Rule, ...] = (rules.run_on_record, rules.assets_known)
_STAGE: tuple[Rule, ...] = (
    rules.implementer_known,
    rules.change_exists,
    rules.plan_agreed,
    rules.assets_planned,
    agreement.change_alive,
)
_CHANGE: tuple[Rule, ...] = (
    *_STAGE,
    leading.policy_approved,
    rules.no_other_run,
    agreement.duties_apart,
    readiness.ready,
    agreement.approvals_enough,
    agreement.emergency_reviewed,
    budget.stop_order,
    timing.window,
    timing.freeze,
    quorum.cluster_quorum,
)
_TURN: tuple[Rule, ...] = (
    agreement.ring_before_verified,
    quorum.rehearsal,
    agreement.watch_held,
    agreement.wave_in_turn,
    budget.failure_budget,
    timing.soak,
    pipeline.tests_passed,
    pipeline.artefacts_traced,
)
_REHEARSAL: tuple[Rule, ...] = (*_CHANGE, rules.rehearsed_in_first_ring)
"""A rehearsal changes hosts as a patch does, and proves rather than needs what comes before."""


def decide(question: Question) -> Decision:
    """Answer a question with all reasons at once.

    Runs that read (kinds check and plan, and any kind in mode check) only need to be on record and to name
    known assets. A patch, and a remediation for a change, need everything a change needs. A rehearsal needs all of it
    but its turn, and the first ring. A remediation without a change is what policy/remediation.yml says. A rollback
    needs a change that ran on these assets, and no new approval: the way back was agreed to with the change. Staging,
    which changes no package, needs a change that may still come, and neither approval nor window (docs/adr/0016).
    What changes something is asked the site's own rules too, which can only object.
    Raises PolicyError for a kind or a mode that does not exist.
    """
    if question.kind not in KINDS or question.mode not in ("apply", "check"):
        raise PolicyError(
            f"question: kind {question.kind!r}, mode {question.mode!r} do not exist; expected a run's kind and mode"
        )
    if question.now.tzinfo is None:
        raise PolicyError(f"question: now is {question.now.isoformat()}, without a zone; expected an aware time")
    asked = _rules(question)
    reasons = tuple(chain.from_iterable(rule(question) for rule in asked))
    if reasons or question.change is None or asked is _ALWAYS:
        return Decision(reasons)
    if question.kind == "stage":
        return Decision(grounds=(f"{question.change.change_id} may come; staging its files needs no approval",))
    return Decision(grounds=tuple(agreement.grounds(question, question.change)))


_PATCH: tuple[Rule, ...] = (*_ALWAYS, *_CHANGE, *_TURN, site_rules)


def _rules(question: Question) -> tuple[Rule, ...]:
    if question.kind == "stage":
        return (*_ALWAYS, *_STAGE, site_rules)
    if question.mode == "check" or question.kind in ("check", "plan", "observe"):
        return _ALWAYS
    if question.kind == "rehearse":
        return (*_ALWAYS, *_REHEARSAL, site_rules)
    if question.kind == "patch":
        return _PATCH
    if question.kind == "rollback":
        return (*_ALWAYS, rules.implementer_known, rules.change_ran, site_rules)
    if question.change is None and question.plan is None:
        mended = (leading.policy_approved, _may_be_mended, limits.within_limits, quorum.cluster_quorum)
        return (*_ALWAYS, rules.implementer_known, *mended, site_rules)
    return (*_ALWAYS, *_CHANGE, *_TURN, rules.baseline_as_planned, site_rules)


def _may_be_mended(question: Question) -> Iterator[Reason]:
    """Without a change, only drift is mended that the policy says to mend without asking."""
    strangers = sorted({f.asset for f in question.failing} - question.assets)
    if strangers:
        yield Reason(
            "asset-named",
            f"drift of assets that are not asked about: {', '.join(strangers)}",
            "",
            "ask about these assets too",
        )
    if not question.failing:
        yield Reason(
            "drift-named",
            "no failing control is named, so there is nothing to mend",
            "",
            "check drift first",
        )
    groups: dict[tuple[str, str, str], list[str]] = {}
    apart = sort_out(question.failing, question.policy, question.register, question.now)
    for ruled in apart.wait:
        one = ruled.failing
        yield Reason(
            "remediation-window",
            f"{one.control} on {one.asset} waits for {ruled.until} (rule {ruled.rule})",
            "",
            "wait for it, or ask for a change: holdfast change request --kind config",
        )
    for ruled in apart.ask:
        one = ruled.failing
        groups.setdefault((question.register.get(one.asset, "no"), one.severity, ruled.rule), []).append(
            f"{one.control} on {one.asset}"
        )
    for (ring, severity, rule), controls in sorted(groups.items()):
        yield Reason(
            "remediation-policy",
            f"drift of severity {severity} in ring {ring} is asked about (rule {rule}): {', '.join(controls)}",
            rules.RISK_MANAGEMENT,
            "ask for a change: holdfast change request --kind config",
        )
