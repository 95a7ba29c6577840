# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What begins at the newest record, so that little of a long history is read, finds what the whole history says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.leasing import ailing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import wave_durations
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.proofs import proven
from hypothesis import given
from hypothesis import strategies as st

from tests.change_cases import CHANGE, Book, plan

MEMBERS = ("db-1", "db-2")
OTHER = "chg_other0000000000"
assets = st.lists(st.sampled_from([*MEMBERS, "web-1"]), min_size=1, max_size=3, unique=True)
answers = st.dictionaries(st.sampled_from(["bak-01", "ssh-01"]), st.sampled_from(["pass", "fail"]))


def _event(word: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields).map(lambda arguments: {word: arguments})


histories = st.lists(
    st.one_of(
        _event("see", run=st.just("run_1"), kind=st.sampled_from(["health", "version"]), assets=assets,
               verdict=st.sampled_from(["pass", "fail"])),
        _event("check", run=st.just("run_2"), assets=assets, results=answers),
        _event("deploy", run=st.just("run_1"), assets=assets,
               outcome=st.sampled_from(["changed", "unchanged", "failed", "unreachable", "skipped"])),
        _event("roll_back", run=st.just("run_1"), assets=assets, result=st.sampled_from(["restored", "partial"])),
    ),
    max_size=12,
)  # fmt: skip


def by_and_by(records: Iterable[Record]) -> dict[str, str]:
    """Return the bad word of each member, as the records come in."""
    bad: dict[str, str] = {}
    for one in records:
        for result in one.body["results"]:
            asset, sound = result["asset"], result.get("outcome") in ("changed", "unchanged")
            if one.step == "verify" and one.body["kind"] == "health":
                bad.pop(asset, None)
                if result["verdict"] == "fail":
                    bad[asset] = "unhealthy"
            elif one.step == "verify" and bad.get(asset) == "unreachable":
                del bad[asset]
            elif one.step == "deploy" and result["outcome"] in ("failed", "unreachable"):
                bad[asset] = result["outcome"]
            elif one.step == "rollback" and result["result"] != "restored":
                bad[asset] = "put back"
            elif (sound or result.get("result") == "restored") and bad.get(asset) != "unhealthy":
                bad.pop(asset, None)
    return {asset: word for asset, word in bad.items() if asset in MEMBERS}


@given(histories)
def test_the_last_word_on_a_member(history: list[dict[str, Any]]) -> None:
    records = Book(plan()).write(history).records
    expected = by_and_by(records)
    found = ailing(records, MEMBERS)
    assert found.keys() == expected.keys()
    assert all(word in found[asset] for asset, word in expected.items()), (found, expected)


@given(histories, st.sets(st.sampled_from(MEMBERS)))
def test_the_newest_answer_of_a_control(history: list[dict[str, Any]], about: set[str]) -> None:
    records = Book(plan()).write(history).records
    passed: dict[str, datetime] = {}
    checked: dict[str, datetime] = {}
    for one in records:
        for result in one.body["results"] if one.step == "verify" and one.body["kind"] == "drift" else ():
            checked[result["asset"]] = one.recorded_at
            for check in result["checks"]:
                if check["id"] == "bak-01":
                    passed.pop(result["asset"], None)
                    if check["result"] == "pass":
                        passed[result["asset"]] = one.recorded_at
    whole, some = proven(records, ["bak-01"]), proven(records, ["bak-01"], about)
    assert (whole.passed, whole.checked) == ({"bak-01": passed}, checked)
    assert some.passed == {"bak-01": {asset: at for asset, at in passed.items() if asset in about}}
    assert some.checked == {asset: at for asset, at in checked.items() if asset in about}


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["lab-1", "pilot-1"]), st.booleans()), max_size=60))
def test_the_newest_waves_of_other_changes(runs: Sequence[tuple[int, str, bool]]) -> None:
    book, expected = Book(plan()), []
    for number, (minutes, asset, changed) in enumerate(runs):
        run, at = f"run_{number}", book.now + timedelta(hours=number)
        book.open(run, change=OTHER)
        book.deploy(run, [asset], "changed" if changed else "unchanged", began=at, change=OTHER)
        book.records[-1] = _at(book.records[-1], at)
        book.see(run, "version", [asset], change=OTHER)
        book.records[-1] = _at(book.records[-1], at + timedelta(minutes=minutes))
        book.close(run, change=OTHER)
        if asset == "lab-1" and changed:
            expected.append(timedelta(minutes=minutes))
    assert wave_durations(book.records, "lab", CHANGE) == tuple(expected[-20:])


def _at(record: Record, at: datetime) -> Record:
    return replace(record, recorded_at=at)
