# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work: one line a package and host, the most urgent first; and the reason it gives a plan."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import Advisory, Vulnerability
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.shape import REASON
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.finding import urgency
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.formats.sheet import harmless, work_csv
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import evaluate
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.worklist import LONGEST_REASON, Work, reason, work

from .cases import HIGH, MEDIUM, NOW, WORST, advisory, asset, flaw, hours, inputs, kev, observation

BAD, WORSE, MILD = "CVE-2026-1001", "CVE-2026-1002", "CVE-2026-1003"
FLAWS = (
    flaw(BAD, HIGH, 0.1),
    flaw(WORSE, WORST, 0.97, kev=kev(date(2026, 12, 24))),
    flaw(MILD, MEDIUM, 0.1),
)


def listed(advisories: Iterable[Advisory], *packages: str, flaws: Iterable[Vulnerability] = FLAWS) -> tuple[Work, ...]:
    hosts = [asset("one", data_class="ephi", exposure="internet"), asset("two")]
    seen = [observation(host.id, *((name, "1.0") for name in packages)) for host in hosts]
    scan = evaluate(inputs(hosts, seen, advisories, flaws), NOW)
    assert sorted(scan.findings, key=urgency)[0].asset == "one"
    return work(scan.findings, {"one": "debian:12", "two": "debian:12"})


def test_a_package_has_the_worst_tier_the_earliest_deadline_and_the_version_that_mends_all() -> None:
    found = listed([advisory("D-1", "foo", "1.9", BAD), advisory("D-2", "foo", "1.10", WORSE, MILD)], "foo")
    first = found[0]
    assert (first.asset, first.package, first.to, first.tier) == ("one", "foo", "1.10", "critical")
    assert first.deadline == NOW + hours(72)
    assert first.vulnerabilities == (BAD, WORSE, MILD)
    assert (first.forensic, first.threat, first.percentile) == (True, "active", 0.97)


def test_the_order_is_forensic_then_tier_then_threat() -> None:
    some = [advisory("D-1", "mild", "2", MILD), advisory("D-2", "bad", "2", BAD), advisory("D-3", "worse", "2", WORSE)]
    found = listed(some, "mild", "bad", "worse")
    assert [one.order for one in found] == sorted(one.order for one in found)
    assert [one.package for one in found if one.asset == "one"] == ["worse", "bad", "mild"]
    assert (found[0].asset, found[0].package, found[0].forensic) == ("one", "worse", True)


def test_one_flaw_without_a_fix_keeps_no_update_back_and_none_at_all_wants_a_mitigation() -> None:
    both = [advisory("D-1", "foo", "2", BAD), advisory("D-2", "foo", None, MILD)]
    assert {(one.needs, one.to) for one in listed(both, "foo")} == {("update", "2")}
    alone = listed([advisory("D-2", "foo", None, MILD)], "foo")
    assert {(one.needs, one.to) for one in alone} == {("mitigation", None)}


def test_a_reason_fits_a_plan_however_much_there_is_to_do() -> None:
    names = [f"package-with-a-long-name-{number}" for number in range(200)]
    text = reason(listed([advisory(f"D-{name}", name, "2", BAD) for name in names], *names), NOW)
    assert [*REASON.faults(text)] == []
    assert len(text) <= LONGEST_REASON
    assert text.endswith(" more")
    assert text.startswith("Findings of 2026-11-22T12:00:00Z: 200 high, 200 medium; earliest deadline")
    assert reason([], NOW) == "No update is wanted by the list of findings"


def test_cells_are_no_formulas() -> None:
    cells = ("=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1", "x=1", None, True, ["=a", "b"])
    assert [harmless(text) for text in cells] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\t=1", "' =1", "'\r=1", "x=1", "", "yes", "'=a; b",
    ]  # fmt: skip
    assert work_csv([one.to_dict(NOW) for one in listed([advisory("D-1", "foo", "2", BAD)], "foo")]).count("\r\n") == 3
