# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observations are kept with their digest on record; one that is gone, changed or strange leaves its asset unknown."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.modules.host_state import host_state
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import seen_contribution
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.observing import (
    Sight,
    keep_observation,
    observe,
    observed_path,
    sights,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import ObservationError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import PARTS

from tests.unit.plugins.plugin_utils.evidence.story import Story, product


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """A fresh site: four hosts, nothing on record but the trust document."""
    return Story(tmp_path, product(tmp_path / "product"))


@lru_cache
def said_once() -> dict[str, Any]:
    """Return the answer of this very machine, which is asked once: its archives' lists are large."""
    return host_state()


def look(story: Story, asset: str, **changes: Any) -> str:
    """Do what the action does with the answer of this very machine; return the run's id."""
    run = story.open("observe", [asset])
    answer = json.loads(json.dumps({**said_once(), **changes}))
    seen = observe(asset, answer, story.now, story.now)
    detail = keep_observation(Run(story.site, run), seen)
    said = seen_contribution("inventory", asset, {part: seen.measured(part) for part in PARTS}, detail)
    story.recorder.verify(story.keys["observer"], run, kind="inventory", phase=None, results=[said["result"]])
    story.close(run)
    return run.run_id


def known(story: Story, asset: str) -> Sight:
    (one,) = sights(story.site, story.records(), [asset])
    return one


def test_what_a_host_answers_is_kept_and_believed(story: Story) -> None:
    run_id = look(story, "lab-1")
    seen = known(story, "lab-1").observation
    assert seen is not None
    assert seen.kernel
    assert oct(observed_path(story.site, run_id, "lab-1").stat().st_mode & 0o777) == "0o600"
    assert known(story, "lab-1").unknown_because(story.now, 48) is None
    assert "72 hours ago" in (known(story, "lab-1").unknown_because(story.now + timedelta(days=3), 48) or "")


def test_a_run_that_observes_is_sound_to_the_audit_and_names_whom_it_did_not_reach(story: Story) -> None:
    look(story, "lab-1")
    run = story.open("observe", ["prod-1"])
    story.close(run, "failed", 4)
    closed = [record for record in story.records() if record.step == "run-close"]
    assert [record.body["missing_assets"] for record in closed] == [[], ["prod-1"]]
    verdict = audit(story.site.ledger_path, now=story.now)
    assert [finding.code for finding in verdict.findings] == []
    assert [finding.code for finding in verdict.warnings] == ["run-incomplete"]


def test_the_newest_look_counts(story: Story) -> None:
    look(story, "lab-1", kernel="1.0")
    look(story, "lab-1", kernel="2.0")
    seen = known(story, "lab-1").observation
    assert seen is not None
    assert seen.kernel == "2.0"


def test_nobody_has_looked(story: Story) -> None:
    look(story, "lab-1")
    assert "collect_inventory" in (known(story, "prod-1").unknown_because(story.now, 48) or "")


def test_a_file_that_was_changed_is_not_believed(story: Story) -> None:
    path = observed_path(story.site, look(story, "lab-1"), "lab-1")
    path.write_bytes(path.read_bytes().replace(b'"dpkg"', b'"rpm"', 1).replace(b"debian", b"ubuntu", 1))
    assert "changed after it was signed" in known(story, "lab-1").why


def test_a_file_that_is_gone_leaves_the_asset_unknown(story: Story) -> None:
    observed_path(story.site, look(story, "lab-1"), "lab-1").unlink()
    assert known(story, "lab-1").observation is None


def test_one_hosts_observation_is_no_other_hosts(story: Story) -> None:
    run = story.open("observe", ["prod-1"])
    seen = observe("lab-1", said_once(), story.now, story.now)
    path = observed_path(story.site, run.run_id, "prod-1")
    detail = keep_observation(Run(story.site, run), seen)
    Path(observed_path(story.site, run.run_id, "lab-1")).rename(path)
    said = seen_contribution("inventory", "prod-1", {}, detail)
    story.recorder.verify(story.keys["observer"], run, kind="inventory", phase=None, results=[said["result"]])
    assert "tells of lab-1" in known(story, "prod-1").why


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"packages": [{"name": "x"}]}, "packages[0]"),
        ({"distribution": "no distribution"}, "distribution"),
        ({"not_measured": {"weather": "x"}}, "not_measured"),
    ],
)
def test_an_answer_of_another_form_is_refused(story: Story, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ObservationError) as refused:
        observe("lab-1", {**said_once(), **change}, story.now, story.now)
    assert says in str(refused.value)


def test_the_age_of_lists_is_by_the_controllers_clock_and_their_end_by_the_archives(story: Story) -> None:
    theirs = story.now.timestamp() - 7200
    offers = {"lists": "host", "as_of": theirs - 3600, "valid_until": story.now.timestamp(), "rows": []}
    answer = {**said_once(), "host_time": theirs, "offers": offers}
    seen = observe("lab-1", answer, story.now, story.now)
    assert seen.offers is not None
    assert abs(seen.offers.as_of - (story.now - timedelta(hours=1))) <= timedelta(seconds=1)
    assert seen.offers.valid_until == story.now.replace(microsecond=0)
    with pytest.raises(ObservationError, match="offers: TypeError"):
        observe("lab-1", {**answer, "offers": {**offers, "as_of": None}}, story.now, story.now)


def test_the_clocks_are_compared(story: Story) -> None:
    answer = {**said_once(), "host_time": story.now.timestamp() - 600}
    assert observe("lab-1", answer, story.now, story.now).clock_ahead == -600
