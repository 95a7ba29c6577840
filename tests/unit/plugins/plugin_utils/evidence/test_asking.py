# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding records: each choice against a plain reading of the whole ledger, pages, and what does not hold."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.asking import Fact, Question, facts, marks
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.citing import controls_citing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.scanning import find
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from hypothesis import given
from hypothesis import strategies as st

from tests.ledger_cases import Forger, Shop, altered, make_keys
from tests.unit.plugins.plugin_utils.evidence.story import Story

Capture = pytest.CaptureFixture[str]


def newest_first(story: Story, wanted: Callable[[Record], bool]) -> list[int]:
    """The indices of the records that are wanted, by reading them all."""
    return [one.index for one in reversed(story.records()) if wanted(one)]


def found(story: Story, **chosen: Any) -> list[int]:
    """The indices of the records that answer."""
    choice = {name: value if isinstance(value, datetime) else frozenset(value) for name, value in chosen.items()}
    return [one.index for one in find(story.ledger, Question(**choice)).records]


def failed(record: Record, asset: str, control: str) -> bool:
    return record.step == "verify" and any(
        result["asset"] == asset and {"id": control, "result": "fail"}.items() <= check.items()
        for result in record.body["results"]
        for check in result["checks"]
    )


def test_nothing_asked_finds_everything(week: Story) -> None:
    assert found(week) == newest_first(week, lambda one: True)
    assert list(find(week.ledger, Question()).records) == week.records()[::-1]


def test_each_choice_finds_what_a_plain_reading_finds(week: Story) -> None:
    records = week.records()
    change = next(one.change_id for one in records if one.step == "request")
    run = next(str(one.body["run_id"]) for one in records if one.step == "deploy")
    noon = records[len(records) // 2].recorded_at
    for answer, wanted in (
        (found(week, changes=[str(change)]), lambda one: one.change_id == change),
        (found(week, runs=[run]), lambda one: one.body.get("run_id") == run),
        (found(week, people=["compliance"]), lambda one: one.principal == "compliance"),
        (found(week, steps=["approve", "deploy"]), lambda one: one.step in ("approve", "deploy")),
        (found(week, since=noon), lambda one: one.recorded_at >= noon),
        (found(week, until=noon), lambda one: one.recorded_at < noon),
        (found(week, assets=["pilot-1"]), lambda one: '"pilot-1"' in json.dumps(one.body)),
        (found(week, outcomes=["failed"], steps=["run-close"]), lambda one: one.body.get("outcome") == "failed"),
        (
            found(week, assets=["lab-1"], controls=["ssh-01"], outcomes=["fail"]),
            lambda one: failed(one, "lab-1", "ssh-01"),
        ),
    ):
        assert answer == newest_first(week, wanted)
        assert answer


def test_asset_control_and_outcome_are_of_one_thing(story: Story) -> None:
    story.check({"lab-1": {"ssh-01": "fail"}})
    assert found(story, assets=["lab-1"], controls=["ssh-01"], outcomes=["fail"])
    assert found(story, assets=["lab-1"], controls=["ssh-02"], outcomes=["pass"])
    assert not found(story, assets=["prod-1"], controls=["ssh-01"], outcomes=["fail"])
    assert not found(story, assets=["lab-1"], controls=["ssh-02"], outcomes=["fail"])


def test_step_that_is_new_is_found_by_the_names_of_its_members() -> None:
    body = {"exc_id": "x", "assets": ["lab-1"], "decision": "approve", "of": [{"asset": "lab-2", "result": "partial"}]}
    assert {Fact("lab-1", None, frozenset({"approve"})), Fact("lab-2", None, frozenset({"partial"}))} < {*facts(body)}


@given(st.binary(max_size=40), st.from_regex(r"\A[a-z][a-z0-9-]{0,30}\Z"), st.binary(max_size=40))
def test_mark_is_in_the_base64_of_all_that_holds_the_text(before: bytes, text: str, after: bytes) -> None:
    stored = base64.b64encode(before + f'"{text}"'.encode() + after)
    assert any(mark in stored for mark in marks([f'"{text}"']))


def test_mark_of_another_text_is_not_there() -> None:
    stored = base64.b64encode(b'{"asset":"lab-1","principal":"controller"}')
    assert not any(mark in stored for mark in marks(['"pilot-1"', '"prod-1"', '"scanner"']))


def test_pages_follow_each_other_without_gap_or_overlap(week: Story) -> None:
    whole, pages, before = found(week, assets=["lab-1"]), [], None
    while True:
        answer = find(week.ledger, Question(assets=frozenset({"lab-1"})), limit=3, before=before)
        pages.append([one.index for one in answer.records])
        before = answer.before
        if before is None:
            break
    assert [index for page in pages for index in page] == whole
    assert [len(page) for page in pages[:-1]] == [3] * (len(pages) - 1)
    assert len(pages) > 2


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


def test_record_that_does_not_hold_is_named_and_not_shown(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    shop.story()
    forger = Forger(shop.ledger, tmp_path)
    forger.entries[3] = altered(
        forger.entries[3], keys["scanner"], lambda one: one["predicate"]["actor"].update(principal="controller")
    )
    forged = Ledger(forger.write(forger.entries))
    with pytest.raises(HoldfastError, match=r"entry 3: .*run `holdfast audit`"):
        find(forged, Question())
    # What was not asked for was not looked at: that is what the audit is for.
    assert find(forged, Question(steps=frozenset({"approve"}))).records


def test_doubted_records_are_marked(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    shop.story()
    shop.rekey()
    answer = find(shop.ledger, Question(people=frozenset({"security"})))
    assert [one.doubted for one in answer.records] == [True] * len(answer.records) != []
    assert not any(one.doubted for one in find(shop.ledger, Question(people=frozenset({"scanner"}))).records)


def test_citation_has_the_paragraphs_beneath_it(week: Story) -> None:
    assert controls_citing(week.site, "164.312(d)") == {"ssh-01", "ssh-02"}
    assert controls_citing(week.site, "164.312(a)") == {"ssh-01", "files-01"}
    assert controls_citing(week.site, "164.312(a)(2)") == {"ssh-01"}
    assert controls_citing(week.site, "164.310") == frozenset()


def asked(capsys: Capture, story: Story, *words: str) -> Any:
    assert main(["records", "--ledger", str(story.site.ledger_path), "--format", "json", *words]) == 0
    return json.loads(capsys.readouterr().out)


def test_command_says_the_same_for_people_and_machines(week: Story, capsys: Capture) -> None:
    told = asked(capsys, week, "--asset", "lab-1", "--control", "ssh-01", "--outcome", "fail")
    assert [one["index"] for one in told["records"]] == found(
        week, assets=["lab-1"], controls=["ssh-01"], outcomes=["fail"]
    )
    assert (told["entries"], told["before"]) == (week.ledger.size, None)
    words = ["records", "--ledger", str(week.site.ledger_path), "--asset", "lab-1", "--outcome", "fail"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[2:5] == ["verify", "observer", "(verifier)"]
    assert "lab-1: fail" in lines[0]
    assert lines[-1] == f"{len(lines) - 1} records, of {week.ledger.size} entries in the ledger"


def test_command_pages(week: Story, capsys: Capture) -> None:
    first = asked(capsys, week, "--limit", "2")
    second = asked(capsys, week, "--limit", "2", "--before", str(first["before"]))
    assert [one["index"] for page in (first, second) for one in page["records"]] == found(week)[:4]
    assert main(["records", "--ledger", str(week.site.ledger_path), "--limit", "1"]) == 0
    assert capsys.readouterr().out.endswith(f"older ones: --before {week.ledger.size - 1}\n")


def test_command_reads_dates_as_whole_days(week: Story, capsys: Capture) -> None:
    day = week.records()[0].recorded_at.astimezone(UTC).date()
    told = asked(capsys, week, "--since", f"{day}", "--until", f"{day}", "--limit", "1000")
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    wanted = newest_first(week, lambda one: start <= one.recorded_at < start + timedelta(days=1))
    assert [one["index"] for one in told["records"]] == wanted != found(week)


def test_no_answer_is_said(week: Story, capsys: Capture) -> None:
    assert main(["records", "--ledger", str(week.site.ledger_path), "--asset", "nowhere"]) == 0
    assert capsys.readouterr().out == f"no records, of {week.ledger.size} entries in the ledger\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--since", "yesterday"],
        ["--until", "2026-13-01"],
        ["--limit", "0"],
        ["--before", "-1"],
        ["--citation", "GDPR"],
        ["--step", "nothing"],
    ],
)
def test_wrong_words_are_refused(week: Story, words: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["records", "--ledger", str(week.site.ledger_path), *words])
    assert stopped.value.code == 2


def test_citation_needs_a_site(week: Story, capsys: Capture) -> None:
    assert main(["records", "--ledger", str(week.site.ledger_path), "--citation", "164.312(d)"]) == 2
    assert "name the site" in capsys.readouterr().err
    assert main(["records", "--ledger", "a", "--site", str(week.site.root)]) == 2
