# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results are believed only where they are what the verifier signed; one verdict a control."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.results import read_results, results_folder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.results import (
    AssetResults,
    ResultsError,
    Signed,
    agreed,
    signed_of,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record

from tests.unit.plugins.plugin_utils.evidence.judged import FIVE, judged, look
from tests.unit.plugins.plugin_utils.evidence.story import CONTROLS, EXCEPTION, Story


def test_every_control_has_one_result_with_all_a_reader_needs(story: Story) -> None:
    run_id = judged(story, FIVE)
    found = read_results(story.site, story.records(), run_id)
    assert found.counts == {"pass": 7, "fail": 2, "waived": 1, "not_applicable": 1, "not_measured": 1}
    lab = found.assets[0]
    assert [one.id for one in lab.controls] == [one.id for one in story.site.controls_for("lab-1", story.now)]
    assert len({one.id for one in lab.controls}) == len(CONTROLS)
    first = lab.controls[0]
    assert (first.title, first.severity, first.hipaa) == (CONTROLS[0][1], "high", tuple(CONTROLS[0][3]))
    assert (first.expected, first.actual, first.why) == ("no", "yes\x1b[31m", "set in 50-cloud.conf")
    assert lab.controls[1].exception == EXCEPTION


def test_the_file_is_its_owners_alone_and_written_whole(story: Story) -> None:
    folder = results_folder(story.site, judged(story, FIVE))
    assert sorted(path.name for path in folder.iterdir()) == ["lab-1.json", "prod-1.json"]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_newest_run_is_meant_unless_another_is_named(story: Story) -> None:
    first, second = judged(story, FIVE), judged(story, {})
    assert read_results(story.site, story.records(), None).run_id == second
    assert read_results(story.site, story.records(), first[:20]).counts["fail"] == 2


def test_the_last_look_of_a_run_counts(story: Story) -> None:
    run = story.open("remediate", ["lab-1"])
    look(story, run, "lab-1", {"ssh-01": "fail"})
    look(story, run, "lab-1", {})
    story.close(run)
    assert read_results(story.site, story.records(), run.run_id).counts["fail"] == 0


def test_a_look_told_by_several_records_is_one_look(story: Story) -> None:
    """The recorder divides long results; a control told again begins the next look."""
    run_id = "run_0123456789"

    def record(index: int, *told: tuple[str, str]) -> Record:
        checks = [{"id": name, "result": result} for name, result in told]
        body = {"kind": "drift", "run_id": run_id, "results": [{"asset": "lab-1", "checks": checks}]}
        return replace(story.records()[-1], index=index, step="verify", body=body)

    one = [record(4, ("ssh-01", "fail")), record(5, ("ssh-02", "pass"))]
    assert {name: check["result"] for name, check in signed_of(one, run_id)["lab-1"].checks.items()} == {
        "ssh-01": "fail", "ssh-02": "pass",
    }  # fmt: skip
    two = [*one, record(6, ("ssh-01", "pass")), record(7, ("ssh-03", "pass"))]
    assert sorted(signed_of(two, run_id)["lab-1"].checks) == ["ssh-01", "ssh-03"]


def edited(path: Path, old: str, new: str) -> None:
    """Change one file of results by hand."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"result": "fail"', '"result": "pass"'),
        ('"severity": "high"', '"severity": "low"'),
        ("50-cloud.conf", "51-cloud.conf"),
        ('"actual": "no"', '"actual": "yes"'),
    ],
)
def test_a_file_that_was_touched_is_refused_and_named(story: Story, old: str, new: str) -> None:
    run_id = judged(story, FIVE)
    path = results_folder(story.site, run_id) / "lab-1.json"
    edited(path, old, new)
    with pytest.raises(ResultsError, match=r"lab-1\.json: .* were changed after they were signed: SHA-256"):
        read_results(story.site, story.records(), run_id)


def test_every_file_that_is_not_at_hand_is_named(story: Story) -> None:
    run_id = judged(story, FIVE)
    for name in ("lab-1", "prod-1"):
        (results_folder(story.site, run_id) / f"{name}.json").unlink()
    with pytest.raises(ResultsError, match=r"(?s)lab-1\.json: No such file.*prod-1\.json: No such file"):
        read_results(story.site, story.records(), run_id)


def test_verdicts_that_are_not_those_of_the_record_are_refused(story: Story) -> None:
    """The digest fits, for one hand wrote both; the record's own verdicts still do not."""
    run_id = judged(story, FIVE)
    data = (results_folder(story.site, run_id) / "lab-1.json").read_bytes()
    asset = AssetResults.from_bytes(data)
    checks = {one.id: {"result": one.result, "exception": one.exception} for one in asset.controls}
    signed = Signed(4, hashlib.sha256(data).hexdigest(), checks)
    assert agreed("lab-1", run_id, data, signed) == asset
    for wrong in (
        {**checks, "ssh-01": {"result": "pass"}},
        {**checks, "ssh-99": {"result": "pass"}},
        {**checks, "ssh-02": {"result": "waived", "exception": "another"}},
    ):
        with pytest.raises(ResultsError, match="hold other verdicts than record 4"):
            agreed("lab-1", run_id, data, Signed(4, signed.detail, wrong))
    with pytest.raises(ResultsError, match="hold other verdicts"):
        agreed("lab-2", run_id, data, signed)


def test_a_control_told_twice_is_refused(story: Story) -> None:
    run_id = judged(story, FIVE)
    said = json.loads((results_folder(story.site, run_id) / "lab-1.json").read_text())
    said["controls"].append(said["controls"][0])
    data = json.dumps(said).encode()
    checks = {one["id"]: one for one in said["controls"]}
    with pytest.raises(ResultsError, match="hold other verdicts"):
        agreed("lab-1", run_id, data, Signed(4, hashlib.sha256(data).hexdigest(), checks))


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": "holdfast/results/v1"}', b"\xff", b"[" * 20_000])
def test_what_is_no_file_of_results_is_refused_without_a_traceback(data: bytes) -> None:
    with pytest.raises(ResultsError):
        AssetResults.from_bytes(data)


def test_asking_for_what_is_not_there_is_refused(story: Story) -> None:
    with pytest.raises(ResultsError, match="no run has judged controls yet"):
        read_results(story.site, story.records(), None)
    run_id = judged(story, FIVE)
    plan = story.open("plan")
    story.close(plan)
    for named, message in (("run_none", "0 runs"), ("run_", "0 runs"), (plan.run_id, "judged no controls")):
        with pytest.raises(ResultsError, match=message):
            read_results(story.site, story.records(), named)
    found = read_results(story.site, story.records(), run_id)
    with pytest.raises(ResultsError, match=r"--asset lab-9: .* has no result of it"):
        found.only(["lab-9"], (), ())
    with pytest.raises(ResultsError, match="--control ssh-99"):
        found.only((), ["ssh-99"], ())
    assert [one.asset for one in found.only(["prod-1"], (), ()).assets] == ["prod-1"]
    assert found.only((), ["ssh-01"], ["fail"]).counts["fail"] == 1
