# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings against the archive itself: on hosts built from the point release, package by package, and on patched ones.

What apt lists as upgradable from a security suite must be found, whatever the feeds know; what is found beyond it must
say why; and once the updates are in, nothing is left but what has no fix in the archive.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab import toy
from lab.fleet import Fleet
from tests.integration.sites import ROOT, SiteUnderTest, lay_out
from tests.integration.small import HOSTS, narrowed, pair, write
from tests.shared import shared

__all__ = ["pair"]
COPIES = ROOT / "tests" / "unit" / "data" / "advisories"
FEEDS = {
    "debian": ("osv", "debian12.osv.jsonl", "debian12.osv.jsonl"),
    "changelogs": ("debian-changelogs", "bookworm-security-changelogs.jsonl", "changelogs.jsonl"),
}
EARLY = {
    "id": "DSA-99999-1",
    "modified": "2026-11-20T00:00:00Z",
    "published": "2026-11-20T00:00:00Z",
    "details": "Named before the archive has it.",
    "affected": [
        {
            "package": {"ecosystem": "Debian:12", "name": "bash"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1-1"}]}],
        }
    ],
}
"""An advisory of a version that no archive offers."""
EXPLAINED = "not yet in the host's own archives"
QUIET = ["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]


@pytest.fixture
def site(pair: Fleet, tmp_path: Path) -> SiteUnderTest:
    """A site for both hosts, whose feeds were carried in."""
    made = narrowed(lay_out(tmp_path / "site", pair))
    early = tmp_path / "early.osv.jsonl"
    early.write_text(json.dumps(EARLY) + "\n", encoding="utf-8")
    kinds = {"early": "osv", **{name: kind for name, (kind, _whole, _copy) in FEEDS.items()}}
    feeds = [{"id": name, "kind": kind, "source": "https://feeds.example.org/none", "max_age_hours": 48}
             for name, kind in kinds.items()]  # fmt: skip
    write(made, "policy/feeds.yml", {"feeds": feeds})
    files = {"early": early, **{name: advisories(whole, copy) for name, (_kind, whole, copy) in FEEDS.items()}}
    for name, path in files.items():
        done = made.holdfast("feeds", "import", name, str(path))
        assert done.returncode == 0, done.stderr
    return made


def advisories(whole: str, copy: str) -> Path:
    """Return the feed as published, or the cut of it that is in the repository."""
    try:
        return shared(f"advisories/{whole}")
    except pytest.skip.Exception:
        return COPIES / copy


def upgradable(fleet: Fleet, host: str) -> dict[str, str]:
    """Return what apt itself lists as upgradable from a security suite, by binary package, with the version."""
    listed = fleet.exec(host, [*QUIET, "apt", "list", "--upgradable"]).stdout.splitlines()
    found = {}
    for line in listed:
        name, slash, rest = line.partition("/")
        suites, _space, more = rest.partition(" ")
        if slash and any(suite.endswith("-security") for suite in suites.split(",")):
            found[name] = more.partition(" ")[0]
    return found


def sources(fleet: Fleet, host: str) -> dict[str, str]:
    """Return the source of each installed package, as dpkg says."""
    said = fleet.exec(host, ["dpkg-query", "-W", "-f", "${Package} ${source:Package}\n"]).stdout.split()
    return dict(zip(said[::2], said[1::2], strict=True))


def found(site: SiteUnderTest, host: str) -> Iterator[dict[str, Any]]:
    """Yield the hits of the findings on a host that stand."""
    done = site.holdfast("findings", "--asset", host, "--format", "json")
    assert done.returncode in (0, 1, 3), done.stderr
    for finding in json.loads(done.stdout)["findings"]:
        if finding["state"] == "open":
            for hit in finding["packages"]:
                yield {**hit, "reasons": finding["reasons"], "first_seen": finding["first_seen"]}


def by_package(hits: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return hits by package."""
    told: dict[str, list[dict[str, Any]]] = {}
    for hit in hits:
        told.setdefault(hit["package"], []).append(hit)
    return told


def unexplained(hits: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return hits that neither lack a fix nor say that the host's archives do not offer it yet."""
    return [hit for hit in hits if hit["status"] == "fixed" and not any(EXPLAINED in one for one in hit["notes"])]


@pytest.mark.archive
def test_findings_are_the_pending_updates_of_the_security_archive_and_none_remain_after_them(
    site: SiteUnderTest, pair: Fleet
) -> None:
    pair.publish(toy.VERSIONS[1])
    for host in HOSTS:
        updated = pair.exec(host, [*QUIET, "apt-get", "-q", "update"])
        assert updated.returncode == 0, updated.stderr
    assert site.play("collect_inventory").returncode == 0
    for host in HOSTS:
        wanted, source_of = upgradable(pair, host), sources(pair, host)
        told = by_package(found(site, host))
        pending = {source_of[name] for name in wanted}
        missed = sorted(pending - set(told))
        beyond = {name: hits for name, hits in told.items() if name not in pending}
        alone = sorted(name for name in told if any(hit["vulnerability"].startswith("pending:") for hit in told[name]))
        print(f"{host}: {len(wanted)} packages of {len(pending)} sources upgradable by apt; {len(told)} found, "
              f"{len(missed)} missed, {len(beyond)} beyond it; {len(alone)} known from the archive alone")  # fmt: skip
        assert wanted
        assert missed == []
        assert {name: unexplained(hits) for name, hits in beyond.items() if unexplained(hits)} == {}
        assert ("bash" in beyond) == (host == HOSTS[0]), "what an advisory names before the archive has it"
        assert "claimsd" in alone, "no feed speaks of the lab's own package"
        for name in alone:
            assert any("known from the host's own archives" in note for hit in told[name] for note in hit["notes"])
        for name in pending:
            assert all(hit["offered"] for hit in told[name] if hit["status"] == "fixed"), told[name]
    work = json.loads(site.holdfast("findings", "--work", "--asset", HOSTS[0], "--format", "json").stdout)["work"]
    assert {one["to"] for one in work if one["package"] == "claimsd"} == {toy.VERSIONS[1]}
    assert {one["offered"] for one in work if one["package"] == "claimsd"} == {toy.VERSIONS[1]}
    assert site.holdfast("findings", "--keep").returncode == 1

    upgrade = [*QUIET, "apt-get", "-qy", *(f"-oDpkg::Options::=--force-{word}" for word in ("confold", "unsafe-io"))]
    with ThreadPoolExecutor() as both:
        for done in both.map(lambda host: pair.exec(host, [*upgrade, "dist-upgrade"], timeout=900), HOSTS):
            assert done.returncode == 0, done.stderr
    assert site.play("collect_inventory").returncode == 0
    for host in HOSTS:
        assert upgradable(pair, host) == {}
        left = list(found(site, host))
        print(f"{host}: patched; {len(left)} left, {len(unexplained(left))} of them mended by the archive")
        assert unexplained(left) == []
        assert [hit for hit in left if hit["vulnerability"].startswith("pending:")] == []


def test_lists_that_are_missing_are_no_sign_that_nothing_is_pending(site: SiteUnderTest, pair: Fleet) -> None:
    aside = "mv /var/lib/apt/lists /var/lib/apt/lists.aside && mkdir -p /var/lib/apt/lists/partial"
    pair.exec(HOSTS[0], ["sh", "-c", aside])
    pair.exec(HOSTS[0], ["sh", "-c", "mv /var/lib/holdfast /var/lib/holdfast.aside || true"])
    try:
        assert site.play("collect_inventory", "--limit", HOSTS[0]).returncode == 0
        (one,) = [it for it in json.loads(site.holdfast("assets", "observed", "--format", "json").stdout)["assets"]
                  if it["asset"] == HOSTS[0]]  # fmt: skip
        assert one["offers"] is None
        assert "run apt-get update" in one["not_measured"]["offers"]
        done = site.holdfast("findings", "--asset", HOSTS[0], "--format", "json")
        assert "what its archives offer is not known" in json.loads(done.stdout)["not_measured"][HOSTS[0]]
    finally:
        pair.exec(HOSTS[0], ["sh", "-c", "rm -r /var/lib/apt/lists; mv /var/lib/apt/lists.aside /var/lib/apt/lists"])
        pair.exec(HOSTS[0], ["sh", "-c", "mv /var/lib/holdfast.aside /var/lib/holdfast || true"])
