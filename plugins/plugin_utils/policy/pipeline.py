# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pipeline brings to the gate: reports of tests, and the files it would deploy; each bound to the change's plan.

A report says which plan it tested, or which of the plan's files, by SHA-256; one that says neither proves nothing
about this change. A file that the plan would not install is no part of what people agreed to: neither are the older
files that it locks for the way back, whose tests passed long ago.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..change.locked import plan_files
from .question import Question, Reason

EVALUATION = "164.308(a)(8)"
INTEGRITY = "164.312(c)(1)"


def tests_passed(q: Question) -> Iterator[Reason]:
    """Tests of this very plan, or of its files, ran, and all of them passed."""
    if q.pipeline is None or q.plan is None or q.policy.pipeline.tests == "optional":
        return
    ours = {q.plan.digest, *plan_files(q.plan, back=False)}
    about = [one for one in q.pipeline.reports if one.of & ours]
    strange = [one.name for one in q.pipeline.reports if not one.of & ours]
    run_them = f"run the tests of plan {q.plan.digest[:12]}..., and hand in their report: --tests FILE"
    if strange:
        said = f"{', '.join(strange)} does not say that it tested plan {q.plan.digest[:12]}..., or a file of it"
        yield Reason("tests-passed", said, EVALUATION, "write the digest into the report: property holdfast.sha256")
    if not any(one.tests for one in about):
        yield Reason("tests-passed", "no test of this plan ran", EVALUATION, run_them)
    for one in about:
        if one.wrong:
            said = f"{one.wrong} of {one.tests} tests of {one.name} failed"
            yield Reason("tests-passed", said, EVALUATION, "mend what they found, plan again, and test that")


def artefacts_traced(q: Question) -> Iterator[Reason]:
    """Every file that would be deployed is one that the plan locks, to the byte; a plan that locks any wants some."""
    if q.pipeline is None or q.plan is None or q.policy.pipeline.artefacts == "optional":
        return
    locked = plan_files(q.plan, back=False)
    strange = [f"{one.name} ({one.sha256[:12]}...)" for one in q.pipeline.artefacts if one.sha256 not in locked]
    if strange:
        said = f"not of plan {q.plan.digest[:12]}...: {', '.join(strange)}"
        yield Reason("artefacts-traced", said, INTEGRITY, "deploy the files that were planned and approved")
    if locked and not q.pipeline.artefacts:
        said = f"plan {q.plan.digest[:12]}... locks {len(locked)} files, and none was handed in"
        yield Reason("artefacts-traced", said, INTEGRITY, "name what would be deployed: --artefact FILE")
