# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What security archives offer is a finding before any feed speaks of it, on every host of that release."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.kept import before_of, to_bytes
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.pending import advisories, reported
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.risk.scan import Scan, evaluate

from .cases import NOW, advisory, asset, by_package, inputs, observation


def row(name: str, before: str | None, to: str, security: bool = True, **more: str) -> dict[str, Any]:
    return {"name": name, "arch": "amd64", "from": before, "to": to, "security": security, **more}


SAID: dict[str, Any] = {
    "manager": "apt",
    "installed": {"zip:amd64": {"version": "3.0-13", "source": "zip", "source_version": "3.0-13"}},
    "updates": [
        row("libssl3", "3.0.15-1", "3.0.17-1", source="openssl", source_version="3.0.17-1"),
        row("new", None, "1", source="new", source_version="1"),
        row("vim", "1", "2", security=False, source="vim", source_version="2"),
    ],
    "other_updates": [row("zip", "3.0-13", "3.0-14", why="held")],
    "cves": {"openssl/3.0.17-1": ["CVE-2026-1234"]},
}
ECOSYSTEMS = {"one": "debian:12", "two": "debian:12"}


def test_updates_for_security_count_whatever_holds_them_back() -> None:
    assert reported(SAID) == {"openssl/3.0.17-1": ("CVE-2026-1234",), "zip/3.0-14": ()}


def test_an_answer_of_another_form_says_nothing() -> None:
    for bad in ({}, {"updates": 1}, {"updates": [1]}, {"manager": "apt", "updates": [{"security": True}], "cves": []}):
        assert reported(bad) == {}
    strange = {"one": {"; rm -rf/1": (), "openssl/ 1": (), "openssl/1": ("no cve",), "ok/1": ()}, "three": {"x/1": ()}}
    assert [one.id for one in advisories(strange, ECOSYSTEMS, {})] == ["debian:12/ok/1"]


def test_an_rpm_is_named_as_it_is() -> None:
    said = {"manager": "dnf", "updates": [{**SAID["updates"][0], "to": "1:3.5.1-7.el9", "name": "openssl-libs"}]}
    assert reported(said) == {"openssl-libs/1:3.5.1-7.el9": ()}


def test_what_a_feed_says_as_well_is_no_second_finding() -> None:
    known = by_package([advisory("DSA-1", "zip", "3.0-14", "CVE-2026-7")])
    told = {"one": reported(SAID)}
    assert [one.id for one in advisories(told, ECOSYSTEMS, known)] == ["debian:12/openssl/3.0.17-1"]


def scan(before: Scan | None = None, told: bool = True) -> Scan:
    hosts = [asset("one"), asset("two")]
    seen = [observation(host.id, ("openssl", "3.0.15-1"), ("zip", "3.0-13")) for host in hosts]
    given_in = inputs(hosts, seen, [advisory("DSA-1", "other", "1", "CVE-2026-9")])
    pending = advisories({"one": reported(SAID)}, ECOSYSTEMS, given_in.advisories) if told else ()
    data = to_bytes(before) if before else b""
    kept = before_of(data, hashlib.sha256(data).hexdigest(), "demo") if before else given_in.before
    return evaluate(replace(given_in, pending=pending, before=kept), NOW)


def named(found: Scan) -> list[tuple[str, str]]:
    return [(one.asset, one.vulnerability) for one in found.findings]


def test_what_one_host_reports_counts_for_all_of_its_release_and_is_kept_while_findings_rest_on_it() -> None:
    first = scan()
    wanted = [(name, flaw) for name in ("one", "two") for flaw in ("CVE-2026-1234", "debian:12/zip/3.0-14")]
    assert named(first) == wanted
    second = scan(first, told=False)
    assert named(second) == wanted
    assert named(scan(told=False)) == []
    assert [one.id for one in second.pending] == ["debian:12/openssl/3.0.17-1", "debian:12/zip/3.0-14"]
    assert scan(told=False).pending == ()
