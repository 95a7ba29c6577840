# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that judged real controls and kept its results: what the probe's action does, without a host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import drift_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import keep_results
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

from tests.unit.plugins.plugin_utils.evidence.story import EXCEPTION, Story

WRONG: Mapping[str, tuple[Any, str]] = {
    "fail": ("yes\x1b[31m", "set in 50-cloud.conf"),
    "waived": ("yes", ""),
    "not_applicable": (None, "no sshd here"),
    "not_measured": (None, "the clock belongs to the container's host"),
    "pass": ("no", ""),
}
"""What was observed, and why, for each verdict of these tests."""


def look(story: Story, run: OpenRun, asset: str, words: Mapping[str, str]) -> None:
    """Judge all controls of one asset (`words`: what is no pass), keep the results, sign the verdicts."""
    controls = story.site.controls_for(asset, story.now)
    verdicts = []
    for control in controls:
        result = words.get(control.id, "pass")
        actual, why = WRONG[result]
        exception = EXCEPTION if result == "waived" else ""
        verdicts.append(Verdict(control.id, result, control.value, actual, why, exception))
    detail = keep_results(Run(story.site, run), asset, controls, verdicts)
    said = drift_contribution(asset, verdicts, detail)
    story.wait(seconds=1)
    story.recorder.verify(story.keys["observer"], run, kind="drift", phase=None, results=[said["result"]])


def judged(story: Story, words: Mapping[str, Mapping[str, str]], assets: Sequence[str] = ("lab-1", "prod-1")) -> str:
    """Tell a whole check and return its run's id."""
    run = story.open("check", assets)
    for asset in assets:
        look(story, run, asset, words.get(asset, {}))
    story.close(run, "drift")
    return run.run_id


FIVE = {
    "lab-1": {"ssh-01": "fail", "ssh-02": "waived", "kernel-01": "not_applicable", "time-01": "not_measured"},
    "prod-1": {"packages-01": "fail"},
}
"""All five verdicts on one asset."""


def parsed(document: str) -> ElementTree.Element:
    """Return the root of a document that we wrote ourselves."""
    return ElementTree.fromstring(document)  # noqa: S314 - our own output, not a stranger's
