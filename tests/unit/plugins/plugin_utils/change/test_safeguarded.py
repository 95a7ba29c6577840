# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which technical safeguards a plan touches, by the shipped baselines; and what a change is told of itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan, PlannedAsset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.safeguarded import informed, touched
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.change_cases import BASELINE, Book, package, plan, when

PRODUCT = Path(__file__).parents[5]
NOW = when("2026-11-22 08:00")
ASSET = {"kind": "server", "owner": "operations", "address": "192.0.2.1", "data_class": "ephi", "tier": 1}
DIGNITY = ("164.312(a)(2)(i)", "164.312(d)")


@pytest.fixture(name="site", scope="module")
def two_hosts(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """One host by the shipped baselines, and one whose only control is waived until the end of November."""
    root = tmp_path_factory.mktemp("site")
    hosts = {"lab-1": "debian-server", "pilot-1": "kiosk"}
    assets = [
        {**ASSET, "id": host, "ring": host.partition("-")[0], "environment": "lab", "baselines": [baseline]}
        for host, baseline in hosts.items()
    ]
    control = {
        "id": "kiosk-01", "title": "Root stays out", "why": "A shared login hides who it was.", "severity": "high",
        "hipaa": ["164.312(d)"], "role": "ssh", "variable": "ssh_permit_root_login", "value": "no",
        "probe": {"sshd": "permitrootlogin"},
    }  # fmt: skip
    waiver = {
        "id": "old-kiosk", "control": "kiosk-01", "scope": {"all": True}, "reason": "It is replaced in December.",
        "approver": "security", "compensating": {"none": "It is in a locked room."}, "expires": "2026-11-30T00:00:00Z",
    }  # fmt: skip
    files = {
        "site.yml": {"name": "demo", "org": "org-demo"},
        "holdfast.yml": {"plugin": "holdfast.hipaa.register", "assets": assets},
        "exceptions.yml": {"exceptions": [waiver]},
        "baselines/kiosk.yml": {"id": "kiosk", "title": "A kiosk", "version": "1.0.0", "controls": [control]},
    }
    (root / "baselines").mkdir()
    for name, data in files.items():
        (root / name).write_text(json.dumps(data), encoding="utf-8")
    return load_site(root, PRODUCT)


def of(*packages: str, host: str = "lab-1", at: datetime = NOW, site: Site) -> tuple[str, ...]:
    """Return what a patch that installs these packages touches."""
    asset = PlannedAsset(host, "lab", "bookworm", "amd64", tuple(map(package, packages)), "apt")
    return touched(plan(assets=(asset,)), site, at)


def config(*hosts: str) -> Plan:
    return plan("config", hosts, baseline=BASELINE)


def test_a_configuration_change_touches_what_its_controls_cite(site: Site) -> None:
    every = touched(config("lab-1"), site, NOW)
    assert set(DIGNITY) | {"164.312(b)", "164.312(e)(1)"} <= set(every)
    assert set(every) <= site.safeguards.technical
    assert list(every) == sorted(every)


def test_what_is_waived_is_not_touched_until_the_exception_has_ended(site: Site) -> None:
    assert touched(config("pilot-1"), site, NOW) == ()
    assert touched(config("pilot-1"), site, when("2026-12-01 00:00")) == ("164.312(d)",)
    assert of("openssh-server", host="pilot-1", site=site) == ()
    assert of("openssh-server", host="pilot-1", at=when("2026-12-01 00:00"), site=site) == ("164.312(d)",)


def test_a_patch_touches_the_safeguards_whose_program_it_replaces(site: Site) -> None:
    assert set(DIGNITY) <= set(of("openssh-server", site=site))
    assert "164.312(b)" in of("auditd", site=site)
    assert of("libssl3", "linux-image-6.1.0-32-amd64", "vim", site=site) == ()


def test_a_host_without_such_a_control_is_not_touched_by_another_ones(site: Site) -> None:
    assert of("auditd", host="pilot-1", at=when("2026-12-01 00:00"), site=site) == ()
    assert of("openssh-server", host="gone-1", site=site) == ()


def test_what_a_person_does_no_plan_touches(site: Site) -> None:
    by_hand = [one for one in site.baselines["debian-server"].controls if not one.role]
    assert by_hand
    assert not any(site.safeguards.cited(one) for one in by_hand)


def test_a_change_is_told_what_its_plan_touches_and_who_holds_office(site: Site) -> None:
    asked = config("lab-1")
    state = Book(asked).write([{"request": {"safeguards": ["164.312(c)(2)"]}}]).state()
    assert state is not None
    officers = {"cleo": frozenset({"compliance-officer"})}
    known = informed(state, asked, site, officers, NOW)
    assert (known.officers, set(known.safeguards)) == (officers, {"164.312(c)(2)", *touched(asked, site, NOW)})
    assert informed(state, None, site, officers, NOW).safeguards == ("164.312(c)(2)",)
    other = replace(asked, title="Another plan")
    assert informed(state, other, site, officers, NOW).safeguards == ("164.312(c)(2)",)
