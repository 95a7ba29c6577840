# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host's own archives offer is found though no feed speaks of it, once, and its clock runs on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.model import Advisory
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.assets_sbom import _statements
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.offers import Offer, Offers
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import Package
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.finding import Finding
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.installed import Ready, ready
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.kept import before_of, to_bytes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.pending import advisories as reported
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import Before, Scan, evaluate
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.worklist import work

from .cases import NOW, advisory, asset, hours, inputs, observation

CVE = "CVE-2026-12345"
OLD, NEW, NEWER = "3.0.15-1~deb12u1", "3.0.17-1~deb12u1", "3.0.17-1~deb12u2"
HELD = "pending:openssl"
OTHER = advisory("DSA-1", "bash", "9", "CVE-2026-1")
"""So that the feeds speak of Debian 12."""


def offer(version: str, package: str = "openssl", **said: Any) -> Offer:
    return Offer(**{"name": package, "architecture": "amd64", "version": version, "source": package,
                    "source_version": version, "security": True, **said})  # fmt: skip


def seen(*rows: Offer, installed: str = OLD, at: datetime = NOW, age: float = 1, **said: Any) -> Observation:
    """Return what was read at a moment, by lists so many hours old."""
    offers = Offers("host", at - timedelta(hours=age), None, rows)
    return observation("claims-1", ("openssl", installed), read_at=at, **{"offers": offers, **said})


def scanned(
    one: Observation, advisories: Iterable[Advisory] = (), before: Before | None = None, **said: Any
) -> Scan:
    return evaluate(inputs([asset("claims-1")], [one], [OTHER, *advisories], (), before, **said), one.read_at)


def kept(scan: Scan) -> Before:
    data = to_bytes(scan)
    return before_of(data, hashlib.sha256(data).hexdigest(), "demo")


def names(scan: Scan) -> list[str]:
    return [one.vulnerability for one in scan.findings]


def only(scan: Scan) -> Finding:
    (found,) = scan.findings
    return found


def test_an_offer_that_no_feed_speaks_of_is_a_finding_and_says_where_it_is_known_from() -> None:
    scan = scanned(seen(offer(NEW, "libssl3", source="openssl"), offer(NEW)))
    assert names(scan) == [HELD]
    found = only(scan)
    assert found.assessment.severity.assumed
    assert (found.assessment.severity.band, found.needs) == ("high", "update")
    assert found.clock is not None
    assert any("known from the host's own archives" in one for one in found.reasons())
    (hit,) = found.hits
    assert (hit.package, hit.installed, hit.fixed, hit.offered) == ("openssl", OLD, NEW, NEW)


def test_what_an_advisory_names_up_to_the_offer_is_not_found_twice_and_the_offer_is_noted() -> None:
    scan = scanned(seen(offer(NEW)), [advisory("DSA-2", "openssl", NEW, CVE)])
    assert names(scan) == [CVE]
    assert only(scan).hits[0].offered == NEW
    assert only(scan).hits[0].notes == ()


def test_an_offer_later_than_all_advisories_is_one_more_finding() -> None:
    scan = scanned(seen(offer(NEWER)), [advisory("DSA-2", "openssl", NEW, CVE)])
    assert names(scan) == [CVE, HELD]
    (one,) = work(scan.findings, {"claims-1": "debian:12"})
    assert (one.to, one.offered) == (NEWER, NEWER)


def test_an_update_that_is_no_security_update_is_no_finding_but_counts_as_offered() -> None:
    plain = offer(NEW, security=False)
    assert names(scanned(seen(plain))) == []
    assert only(scanned(seen(plain), [advisory("DSA-2", "openssl", NEW, CVE)])).hits[0].offered == NEW


@pytest.mark.parametrize(("rows", "says"), [((), "nothing later"), ((offer(NEW),), f"{NEW} only")])
def test_a_fix_that_the_archive_has_not_yet_says_so(rows: tuple[Offer, ...], says: str) -> None:
    scan = scanned(seen(*rows), [advisory("DSA-2", "openssl", NEWER, CVE)])
    (found,) = [one for one in scan.findings if one.vulnerability == CVE]
    assert any(f"not yet in the host's own archives, which offer {says}" in one for one in found.reasons())


def test_old_lists_say_nothing_of_what_they_lack_and_that_is_told() -> None:
    fix = advisory("DSA-2", "openssl", NEW, CVE)
    scan = scanned(seen(age=25), [fix])
    assert "25 hours old, and the limit is 24" in scan.not_measured["claims-1"]
    assert not any("not yet" in one for one in only(scan).reasons())
    partly = scanned(seen(offer("3.0.16"), age=25), [fix])
    assert not any("not yet" in one for found in partly.findings for one in found.reasons())
    assert only(scan).hits[0].offered is None
    assert names(scanned(seen(offer(NEW), age=25))) == [HELD]
    assert scanned(seen(age=23), [fix]).not_measured == {}


def test_lists_past_their_own_end_and_offers_that_were_not_read_are_told() -> None:
    late = Offers("host", NOW, NOW - timedelta(seconds=1), ())
    assert "valid until" in scanned(seen(offers=late)).not_measured["claims-1"]
    unread = seen(offers=None, not_measured={"offers": "never fetched"})
    assert scanned(unread).not_measured["claims-1"] == "what its archives offer is not known: never fetched"


def test_the_clock_runs_from_when_it_was_first_seen_through_later_offers() -> None:
    first = scanned(seen(offer(NEW)))
    second = scanned(seen(offer(NEWER), at=NOW + hours(50)), before=kept(first))
    assert only(second).clock == only(first).clock


def test_the_clock_ends_with_the_update_alone_and_a_later_one_has_its_own() -> None:
    first = scanned(seen(offer(NEW)))
    unread = scanned(seen(at=NOW + hours(1), age=25), before=kept(first))
    assert names(unread) == []
    again = scanned(seen(offer(NEW), at=NOW + hours(2)), before=kept(unread))
    assert only(again).clock == only(first).clock
    patched = scanned(seen(installed=NEW, at=NOW + hours(3)), before=kept(again))
    assert (names(patched), patched.gone, patched.clocks) == ([], {}, {})
    later = scanned(seen(offer(NEWER), installed=NEW, at=NOW + hours(900)), before=kept(patched))
    clock = only(later).clock
    assert clock is not None
    assert clock.first_seen == NOW + hours(900)


def test_flaws_that_an_advisory_names_later_go_on_with_the_clock_of_the_update() -> None:
    first = scanned(seen(offer(NEW)))
    then = scanned(seen(offer(NEW), at=NOW + hours(50)), [advisory("DSA-2", "openssl", NEW, CVE)], kept(first))
    assert names(then) == [CVE]
    clock, old = only(then).clock, only(first).clock
    assert clock is not None
    assert old is not None
    assert (clock.first_seen, clock.deadline <= old.deadline) == (NOW, True)
    other = advisory("DSA-3", "openssl", NEWER, CVE)
    unlike = scanned(seen(offer(NEW), at=NOW + hours(50)), [other], kept(first))
    (found,) = [one for one in unlike.findings if one.vulnerability == CVE]
    assert found.clock is not None
    assert found.clock.first_seen == NOW + hours(50)


def test_a_host_of_which_no_feed_speaks_is_found_by_its_archive_and_its_clock_ends_there() -> None:
    one = seen(offer(NEW), distribution="debian:13")
    first = scanned(one)
    assert names(first) == [HELD]
    assert "no feed speaks of debian:13" in first.not_measured["claims-1"]
    patched = scanned(seen(installed=NEW, at=NOW + hours(1), distribution="debian:13"), before=kept(first))
    assert (names(patched), patched.clocks) == ([], {})


def test_a_package_that_is_held_or_pinned_is_found_and_says_so() -> None:
    (found,) = scanned(seen(offer(NEW, kept="held"))).findings
    assert any("would not install it by itself: held" in one for one in found.reasons())


def test_signed_packages_and_rebuilt_ones_are_named_as_advisories_name_them() -> None:
    rows = (
        offer("6.1.150-1", "linux-image-amd64", source="linux-signed-amd64", source_version="6.1.150+1"),
        offer("2.0-1+b2", "tool", source_version="2.0-1"),
    )
    packages = (
        Package("linux-image-amd64", "6.1.140-1", "amd64", "linux-signed-amd64", "6.1.140+1"),
        Package("tool", "2.0-1+b1", "amd64", "tool", "2.0-1"),
    )
    offers = Offers("host", NOW, None, rows)
    one = Observation("claims-1", NOW, "debian:12", manager="dpkg", packages=packages, offers=offers)
    assert ready(one) == (
        Ready("linux", "6.1.140-1", "6.1.150-1", True, ("linux-image-amd64 6.1.150-1",), ""),
        Ready("tool", "2.0-1+b1", "2.0-1+b2", True, ("tool 2.0-1+b2",), ""),
    )


def test_a_kernel_that_is_there_beside_an_older_one_is_not_pending() -> None:
    packages = tuple(Package("kernel", version, "x86_64", "kernel", version) for version in ("5.14.0-10", "5.14.0-9"))
    offers = Offers("holdfast", NOW, None, (Offer("kernel", "x86_64", "5.14.0-10", "kernel", "5.14.0-10", True),))
    one = Observation("claims-1", NOW, "almalinux:9", manager="rpm", packages=packages, offers=offers)
    assert ready(one) == ()
    (found,) = ready(replace(one, packages=packages[1:])) or ()
    assert (found.installed, found.version) == ("5.14.0-9", "5.14.0-10")


def test_two_hosts_with_the_same_packages_and_other_offers_are_told_apart() -> None:
    hosts = [asset("claims-1"), asset("claims-2")]
    mine = [seen(offer(NEW)), replace(seen(), asset="claims-2")]
    scan = evaluate(inputs(hosts, mine, [OTHER]), NOW)
    assert [(one.asset, one.vulnerability) for one in scan.findings] == [("claims-1", HELD)]


def test_an_update_of_which_nobody_says_what_it_mends_is_no_flaw_of_a_vex_document() -> None:
    scan = scanned(seen(offer(NEWER)), [advisory("DSA-2", "openssl", NEW, CVE)])
    told = [one.vulnerability for finding in scan.findings for one in _statements(finding)]
    assert told == [CVE]


def test_what_another_host_reported_of_the_same_version_is_not_found_twice_and_keeps_the_clock() -> None:
    first = scanned(seen(offer(NEW)))
    told = reported({"other": {f"openssl/{NEW}": ()}}, {"other": "debian:12"}, {})
    later = seen(offer(NEW), at=NOW + hours(50))
    then = evaluate(inputs([asset("claims-1")], [later], [OTHER], (), kept(first), pending=told), later.read_at)
    assert names(then) == [f"debian:12/openssl/{NEW}"]
    assert only(then).clock == only(first).clock
