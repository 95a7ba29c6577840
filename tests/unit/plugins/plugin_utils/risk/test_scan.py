# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scans: who has which finding and why, clocks that run on from scan to scan, what is not known is never good."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.context import context_of, on_ephi_paths
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.finding import Finding
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.kept import before_of, to_bytes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.model import RiskError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import Before, Inputs, Scan, evaluate
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.dataflow import DataFlow
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.risk import Overlays, RiskPolicy
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.vendor import Vendor
from hypothesis import given
from hypothesis import strategies as st

from .cases import (
    HIGH,
    MEDIUM,
    NOW,
    WORST,
    advisory,
    asset,
    flaw,
    hours,
    inputs,
    item,
    kev,
    observation,
)

CVE = "CVE-2026-12345"
CLAIMS = asset("claims-1", data_class="ephi")
WIKI = asset("wiki-1")
OLD = ("openssl", "3.0.15-1~deb12u1")
FIX = advisory("DSA-6000-1", "openssl", "3.0.17-1~deb12u1", CVE)


def one(scan: Scan, name: str = "claims-1", vulnerability: str = CVE) -> Finding:
    (found,) = [it for it in scan.findings if (it.asset, it.vulnerability) == (name, vulnerability)]
    return found


def kept(scan: Scan) -> Before:
    data = to_bytes(scan)
    return before_of(data, hashlib.sha256(data).hexdigest(), "demo")


def claims(*flaws: object, read_at: datetime = NOW, before: Before | None = None, **said: object) -> Inputs:
    return inputs([CLAIMS], [observation("claims-1", OLD, read_at=read_at)], [FIX], flaws, before, **said)  # type: ignore[arg-type]  # cases' own


def test_the_same_flaw_differs_on_a_host_with_ephi_and_another_and_both_say_why() -> None:
    scan = evaluate(
        inputs([CLAIMS, WIKI], [observation(name, OLD) for name in ("claims-1", "wiki-1")], [FIX], [flaw(CVE)]), NOW
    )
    ours, theirs = one(scan), one(scan, "wiki-1")
    assert (ours.tier, theirs.tier) == ("critical", "medium")
    assert (ours.assessment.row, theirs.assessment.row) == (35, 3)
    assert any("context ephi" in reason for reason in ours.reasons())
    assert any("context other: no ePHI" in reason for reason in theirs.reasons())
    assert ours.clock is not None
    assert ours.clock.deadline == NOW + hours(72)


def test_three_days_and_an_hour_later_a_critical_finding_on_ephi_is_overdue() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    assert not one(first).overdue(NOW + hours(72))
    later = NOW + hours(73)
    second = evaluate(claims(flaw(CVE), read_at=later, before=kept(first)), later)
    assert one(second).overdue(later)
    assert one(second).to_dict(later)["overdue"] is True
    assert one(second).clock == one(first).clock


def test_a_kev_addition_shortens_a_running_deadline_and_keeps_when_it_was_first_seen() -> None:
    first = evaluate(claims(flaw(CVE, MEDIUM)), NOW)
    later = NOW + hours(24)
    listed = flaw(CVE, MEDIUM, kev=kev(date(2026, 11, 24)))
    second = evaluate(claims(listed, read_at=later, before=kept(first)), later)
    assert (one(first).tier, one(second).tier) == ("medium", "critical")
    clock, before = one(second).clock, one(first).clock
    assert clock is not None
    assert before is not None
    assert clock.first_seen == NOW
    assert clock.deadline == datetime.fromisoformat("2026-11-24T23:59:59Z") < before.deadline
    assert "CISA's catalogue" in clock.by


def test_a_kev_addition_never_lengthens_a_deadline() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + hours(60)
    second = evaluate(claims(flaw(CVE, kev=kev(date(2027, 6, 1))), read_at=later, before=kept(first)), later)
    assert one(second).clock == one(first).clock


@given(
    st.lists(
        st.tuples(
            st.sampled_from([WORST, HIGH, MEDIUM, None]),
            st.one_of(st.none(), st.floats(0, 1)),
            st.one_of(st.none(), st.dates(date(2026, 11, 1), date(2027, 3, 1))),
            st.booleans(),
            st.integers(0, 400),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_whatever_feeds_say_from_day_to_day_deadlines_only_come_forward(
    days: list[tuple[str | None, float | None, date | None, bool, int]],
) -> None:
    now, before = NOW, Before()
    deadline: datetime | None = None
    for vector, percentile, due, listed, wait in days:
        known = flaw(CVE, vector, percentile, kev=kev(due) if listed or due else None)
        policy = RiskPolicy(overlays=Overlays(kev_due_date=listed, bod_26_04=bool(wait % 2)))
        scan = evaluate(claims(known, read_at=now, before=before, policy=policy), now)
        clock = one(scan).clock
        assert clock is not None
        assert clock.first_seen == NOW
        assert deadline is None or clock.deadline <= deadline
        assert clock.deadline >= NOW
        deadline, before, now = clock.deadline, kept(scan), now + hours(wait)


def test_a_milder_judgement_lowers_neither_tier_nor_deadline_and_says_so() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + hours(10)
    second = evaluate(claims(flaw(CVE, MEDIUM), read_at=later, before=kept(first)), later)
    assert one(second).assessment.tier == "medium"
    assert (one(second).tier, one(second).clock) == ("critical", one(first).clock)
    assert any("only a signed decision lowers it" in reason for reason in one(second).reasons())


def test_the_same_inputs_give_the_same_bytes() -> None:
    given_in = inputs(
        [WIKI, CLAIMS],
        [observation("claims-1", OLD, ("bash", "5.2")), observation("wiki-1", ("bash", "5.2"), OLD)],
        [FIX, advisory("DSA-6001-1", "bash", None, "CVE-2026-1000")],
        [flaw(CVE)],
    )
    turned = replace(
        given_in,
        items=given_in.items[::-1],
        advisories=dict(reversed(given_in.advisories.items())),
        hosts=dict(reversed(given_in.hosts.items())),
    )
    assert to_bytes(evaluate(given_in, NOW)) == to_bytes(evaluate(turned, NOW + timedelta(microseconds=9)))
    assert to_bytes(evaluate(given_in, NOW)) != to_bytes(evaluate(given_in, NOW + hours(1)))


def test_a_patched_host_has_no_finding_and_its_clock_is_remembered_for_a_while() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + hours(2)
    patched = observation("claims-1", ("openssl", "3.0.17-1~deb12u1"), read_at=later)
    second = evaluate(inputs([CLAIMS], [patched], [FIX], [flaw(CVE)], kept(first)), later)
    assert second.findings == ()
    back = later + hours(24)
    third = evaluate(claims(flaw(CVE), read_at=back, before=kept(second)), back)
    assert one(third).clock == one(first).clock
    long_after = later + timedelta(days=91)
    fourth = evaluate(inputs([CLAIMS], [replace(patched, read_at=long_after)], [FIX], [], kept(second)), long_after)
    assert not fourth.gone


def test_a_host_of_which_nothing_is_known_is_named_and_its_clocks_run_on() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + hours(100)
    second = evaluate(inputs([CLAIMS], [], [FIX], [flaw(CVE)], kept(first)), later)
    assert "nobody has looked" in second.not_measured["claims-1"]
    third = evaluate(claims(flaw(CVE), read_at=later, before=kept(second)), later)
    assert one(third).clock == one(first).clock
    assert one(third).overdue(later)


def test_facts_that_are_too_old_keep_their_findings_marked_and_the_host_is_named() -> None:
    scan = evaluate(claims(flaw(CVE), read_at=NOW - hours(49)), NOW)
    assert "49 hours ago" in one(scan).stale
    assert "claims-1" in scan.not_measured


def test_a_host_no_feed_speaks_of_is_not_taken_for_clean() -> None:
    scan = evaluate(inputs([CLAIMS], [observation("claims-1", OLD, distribution="debian:13")], [FIX]), NOW)
    assert "no feed speaks of debian:13" in scan.not_measured["claims-1"]


def test_a_flaw_nobody_has_scored_is_high_and_says_that_it_is_assumed() -> None:
    found = one(evaluate(claims(), NOW))
    assert (found.assessment.severity.band, found.assessment.threat, found.tier) == ("high", "poc", "high")
    assert any("assumed" in reason for reason in found.reasons())


AUTOMATABLE = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"


@pytest.mark.parametrize(
    ("overlays", "allowed", "by"),
    [
        (Overlays(), 720, "tier medium"),
        (Overlays(bod_26_04=True), 336, "BOD 26-04 (14D)"),
        (Overlays(proposed_rule=True), 720, "tier medium"),
    ],
)
def test_an_overlay_shortens_only_where_policy_lets_it(overlays: Overlays, allowed: int, by: str) -> None:
    exposed = asset("claims-1", data_class="ephi", exposure="internet")
    known = flaw(CVE, AUTOMATABLE)
    policy = RiskPolicy(overlays=overlays)
    found = one(evaluate(inputs([exposed], [observation("claims-1", OLD)], [FIX], [known], policy=policy), NOW))
    assert (found.assessment.bod, found.assessment.hours, found.assessment.by) == ("14D", allowed, by)


def test_the_proposed_rule_caps_what_policy_gives_beyond_it() -> None:
    slow = {"critical": 500, "high": 900, "medium": 900, "low": 2160}
    policies = [RiskPolicy(hours=slow, overlays=Overlays(proposed_rule=on)) for on in (False, True)]
    found = [one(evaluate(claims(flaw(CVE, vector), policy=policy), NOW)).assessment
             for vector in (WORST, HIGH) for policy in policies]  # fmt: skip
    assert [it.hours for it in found] == [500, 360, 900, 720]


def test_cisas_date_counts_only_where_policy_lets_it() -> None:
    listed = flaw(CVE, kev=kev(date(2026, 11, 23)))
    policy = RiskPolicy(overlays=Overlays(kev_due_date=False))
    without, along = (evaluate(claims(listed, **more), NOW) for more in ({"policy": policy}, {}))
    deadlines = [it.clock.deadline for it in (one(without), one(along)) if it.clock]
    assert deadlines == [NOW + hours(72), datetime.fromisoformat("2026-11-23T23:59:59Z")]
    assert any("lets it set no deadline" in reason for reason in one(without).reasons())


def test_what_was_seen_here_counts_as_exploited() -> None:
    policy = RiskPolicy(seen_here=frozenset({CVE}))
    assert one(evaluate(claims(flaw(CVE, percentile=0.1), policy=policy), NOW)).assessment.threat == "active"


@pytest.mark.parametrize(
    ("said", "kind", "exposed"),
    [
        ({"data_class": "ephi"}, "ephi", False),
        ({"data_class": "ephi", "exposure": "partner"}, "ephi", True),
        ({"exposure": "internet"}, "reach", True),
        ({"exposure": "none", "tier": 1}, "reach", False),
        ({"exposure": "none", "tier": 2}, "other", False),
        ({"data_class": "internal"}, "other", False),
    ],
)
def test_contexts(said: dict[str, object], kind: str, exposed: bool) -> None:
    found = context_of(asset("x", **said))
    assert (found.kind, found.exposed) == (kind, exposed)


def test_an_exposure_nobody_registered_is_taken_for_the_worst() -> None:
    found = context_of(replace(WIKI, exposure=None))
    assert (found.kind, found.exposed) == ("reach", True)
    assert "no exposure is registered" in found.why


def test_ephi_that_flows_through_counts_like_ephi_that_is_stored() -> None:
    flows = [
        DataFlow("a", "gateway", "payer", "tcp", 22, "ssh", "837P"),
        DataFlow("b", "wiki-1", "backup", "tcp", 22, "ssh", "pages", data_class="internal"),
    ]
    assert on_ephi_paths(flows) == {"gateway", "payer"}
    assert context_of(asset("gateway"), on_ephi_paths(flows)).kind == "ephi"
    assert context_of(WIKI, on_ephi_paths(flows)).kind == "other"


def test_a_contract_with_a_vendor_counts_from_the_vendors_advisory() -> None:
    portal = item("portal", vendor="acme", product={"vendor": "Acme", "name": "Portal", "version": "1.0"})
    acme = Vendor("acme", "Acme Inc", patch_days={"high": 2})
    scan = evaluate(inputs([portal], [], [], vendors={"acme": acme}, vendor_advisories=(notice(),)), NOW)
    found = one(scan, "portal", "CVE-2026-5555")
    assert found.clock is not None
    assert found.clock.deadline == NOW + hours(24)
    assert "the contract with Acme Inc" in found.clock.by


def notice() -> object:
    from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import (
        Product,
        ProductRemediation,
        VendorAdvisory,
        VendorFlaw,
    )

    return VendorAdvisory(
        "ACME-1", "csaf", "csaf_security_advisory", "Acme", "Portal", "final", "1", NOW - hours(24), NOW - hours(24),
        (Product("P1", "Acme Portal <2", "Acme", "Portal", version_range="<2.0"),),
        (VendorFlaw("CVE-2026-5555", (), None, (("P1", "known_affected"),),
                    (ProductRemediation("vendor_fix", ("P1",), text="Update to 2.0"),)),),
        "high",
    )  # fmt: skip


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schema":"x","site":"demo"}', b'{"schema":1', b"\xff"])
def test_what_is_no_kept_scan_is_refused(data: bytes) -> None:
    with pytest.raises(RiskError, match="scan 00000000"):
        before_of(data, "0" * 64, "demo")


def test_another_sites_scan_is_refused() -> None:
    with pytest.raises(RiskError, match="site demo"):
        before_of(to_bytes(evaluate(claims(flaw(CVE)), NOW)), "0" * 64, "other")


def test_a_feed_that_is_gone_ends_no_clock() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + timedelta(days=100)
    seen = observation("claims-1", OLD, read_at=later)
    second = evaluate(inputs([CLAIMS], [seen], [], [flaw(CVE)], kept(first)), later)
    assert second.not_measured
    assert second.gone == {}
    third = evaluate(claims(flaw(CVE), read_at=later, before=kept(second)), later)
    assert one(third).clock == one(first).clock


def test_an_item_that_left_the_register_and_comes_back_goes_on_with_its_clock() -> None:
    first = evaluate(claims(flaw(CVE)), NOW)
    later = NOW + hours(5)
    second = evaluate(inputs([WIKI], [], [FIX], [flaw(CVE)], kept(first)), later)
    third = evaluate(claims(flaw(CVE), read_at=later, before=kept(second)), later)
    assert one(third).clock == one(first).clock
