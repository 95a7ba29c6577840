# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building plans from what hosts reported: what is taken up, what is refused, and how it is said."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.build import (
    Draft,
    build_config_plan,
    build_patch_plan,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError, SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.change_cases import digest, when
from tests.site_cases import GOOD

PRODUCT = Path(__file__).parents[5]
TEXTS = {
    "title": "November security updates",
    "reason": "Published by the vendor",
    "created_at": when("2026-11-20 09:00"),
}


@pytest.fixture(name="site")
def good_site() -> Site:
    """Return the good site of the cases: lab-1 and prod-1, rollback required, lists of 24 hours at most."""
    return load_site(GOOD, PRODUCT)


def line(
    name: str = "nginx", before: str | None = "1.22.1-9", to: str = "1.22.1-9+deb12u1", **more: Any
) -> dict[str, Any]:
    """Return one line of package_state's `updates`."""
    back = {"version": before, "sha256": digest(f"{name}{before}"), "size": 10, "file": f"{name}_{before}_amd64.deb"}
    back["from"] = "archive"
    return {
        "name": name,
        "arch": "amd64",
        "from": before,
        "to": to,
        "sha256": digest(f"{name}{to}"),
        "size": 20,
        "file": f"{name}_{to}_amd64.deb",
        "path": f"pool/{name}.deb",
        "origin": "Debian-Security",
        "suite": "oldstable-security",
        "codename": "bookworm-security",
        "security": True,
        "source": name,
        "source_version": to,
        "rollback": back if before else None,
        **more,
    }


def state(*updates: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return package_state's answer for a host with these updates, everything else in order."""
    lists = {
        "measured": True,
        "why": "",
        "refreshed": True,
        "refreshed_at": "2026-11-20T08:59:00Z",
        "age_seconds": 60,
        "sources": [
            {"uri": "http://example.org/", "suite": "oldstable-security", "origin": "Debian", "expired": False}
        ],
    }
    return {
        "changed": False,
        "release": "bookworm",
        "arch": "amd64",
        "installed": {},
        "updates": list(updates),
        "removals": [],
        "other_updates": [],
        "lists": {**lists, **more.pop("lists", {})},
        "held": [],
        "unfinished": [],
        "interrupted": False,
        "lock": None,
        "cves": {},
        "changelogs_missing": {},
        **more,
    }


def build(site: Site, states: dict[str, Any], **more: Any) -> Draft:
    """Build with the usual texts."""
    return build_patch_plan(states, site, **{**TEXTS, **more})


def test_pending_updates_become_a_locked_plan(site: Site) -> None:
    """Every line is kept to the digit, in order, with the asset's ring from the register."""
    draft = build(site, {"prod-1": state(line("zlib1g"), line()), "lab-1": state(line())})
    assert draft.plan is not None
    assert [asset.asset for asset in draft.plan.assets] == ["lab-1", "prod-1"]
    assert [asset.ring for asset in draft.plan.assets] == ["lab", "production"]
    assert [package.name for package in draft.plan.packages_for("prod-1")] == ["nginx", "zlib1g"]
    first = draft.plan.packages_for("lab-1")[0].to_dict()
    assert {key: line()[key] for key in first if key != "cves"} == {k: v for k, v in first.items() if k != "cves"}
    assert not draft.refused


def test_the_same_facts_give_the_same_digest(site: Site) -> None:
    """Whatever order hosts and lines were reported in."""
    one = build(site, {"prod-1": state(line("zlib1g"), line()), "lab-1": state(line())})
    other = build(site, {"lab-1": state(line()), "prod-1": state(line(), line("zlib1g"))})
    assert one.digest == other.digest


def test_cves_come_from_each_hosts_own_answer(site: Site) -> None:
    """What an update mends depends on what is installed; the shared list is for answers without one."""
    source = "nginx/1.22.1-9+deb12u1"
    own = state(line(), cves={source: ["CVE-2026-2000", "CVE-2026-1000", "CVE-2026-1000"]})
    draft = build(site, {"lab-1": own, "prod-1": state(line())}, cves={source: ["CVE-2026-3000"]})
    assert draft.plan is not None
    assert draft.plan.packages_for("lab-1")[0].cves == ("CVE-2026-1000", "CVE-2026-2000")
    assert draft.plan.packages_for("prod-1")[0].cves == ("CVE-2026-3000",)


def test_a_new_dependency_has_no_way_back_and_needs_none(site: Site) -> None:
    """What was not there before is taken back by removing it."""
    draft = build(site, {"lab-1": state(line(), line("libnew1", None, "1.0", security=False))})
    assert draft.plan is not None
    assert not draft.refused


def test_nothing_pending_is_said_and_no_error(site: Site, tmp_path: Path) -> None:
    """There is no empty plan: nothing is written and the lines say why."""
    draft = build(site, {"lab-1": state()})
    assert (draft.plan, draft.digest, draft.save(tmp_path / "plans")) == (None, "", None)
    assert draft.lines() == (
        "nothing to plan: no asset has an update that the policy takes up",
        "nothing pending: lab-1",
    )
    assert not (tmp_path / "plans").exists()


REFUSED = {
    "gave no answer": (None, "gave no package state; expected an answer"),
    "failed": ({"failed": True, "msg": "no python\nmore"}, "gave no package state: no python;"),
    "unreachable": ({"unreachable": True, "msg": "no route"}, "gave no package state: no route;"),
    "asked without pending": ({"release": "bookworm"}, "its answer lacks arch, updates"),
    "lists not measured": (
        state(line(), lists={"measured": False, "why": "no lists yet"}),
        "not measured (no lists yet)",
    ),
    "lists never refreshed": (state(line(), lists={"age_seconds": None}), "not measured (no reason given)"),
    "lists one second too old": (
        state(line(), lists={"age_seconds": 86401}),
        "its package lists are older than 24 hours (24)",
    ),
    "archive expired": (
        state(line(), lists={"sources": [{"uri": "x", "suite": "stable", "origin": "Debian", "expired": True}]}),
        "past their Valid-Until date: Debian stable",
    ),
    "no way back": (state(line(rollback=None), line("zlib1g")), "nginx: no archive has the installed version"),
    "would remove": (state(line(), removals=[{"name": "exim4", "arch": "all", "version": "1"}]), "would remove exim4"),
    "dpkg interrupted": (state(line(), interrupted=True), "dpkg was interrupted (nothing half done)"),
    "dpkg unfinished": (
        state(line(), unfinished=[{"name": "nginx", "arch": "amd64", "state": "half-configured"}]),
        "dpkg was interrupted (nginx:amd64)",
    ),
    "no security update": (state(line(security=False)), "none of its updates is a security update"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_asset_that_cannot_be_planned_is_refused_by_name(name: str, site: Site) -> None:
    """Nothing of it is in the plan, the others are, and the last lines say so."""
    answer, words = REFUSED[name]
    draft = build(site, {"lab-1": state(line()), "prod-1": answer})
    assert draft.plan is not None
    assert tuple(draft.plan.by_asset) == ("lab-1",)
    assert [refusal.asset for refusal in draft.refused] == ["prod-1"]
    assert draft.lines()[-1].startswith("REFUSED prod-1: ")
    assert words in draft.lines()[-1]


def obstacle(kind: str, *, blocks: bool = True) -> dict[str, object]:
    """One obstacle of package_state's answer."""
    return {"kind": kind, "subject": "dpkg", "found": "something", "do": "mend it", "blocks": blocks}


def test_what_is_in_the_way_of_the_updates_refuses_the_asset(site: Site) -> None:
    """An obstacle that blocks is told with what to do; one that only leaves something out refuses nothing."""
    draft = build(site, {"lab-1": state(line(), obstacles=[obstacle("clock"), obstacle("held", blocks=False)])})
    assert [str(refusal) for refusal in draft.refused] == ["lab-1: clock dpkg: something; mend it"]


def test_who_is_at_work_at_the_moment_of_planning_refuses_nothing(site: Site) -> None:
    """A wave waits for the lock; a plan is made for later."""
    assert build(site, {"lab-1": state(line(), obstacles=[obstacle("lock"), obstacle("timer")])}).plan


def test_lists_as_old_as_allowed_are_planned_from(site: Site) -> None:
    """The limit itself is within the limit."""
    assert build(site, {"lab-1": state(line(), lists={"age_seconds": 86400})}).plan


def test_policy_may_let_updates_without_a_way_back_in(site: Site) -> None:
    """rollback: optional takes them up, and the plan's lines say which have none."""
    loose = with_patching(site, rollback="optional")
    draft = build(loose, {"lab-1": state(line(rollback=None))})
    assert not draft.refused
    assert "no way back" in "\n".join(draft.lines())


def test_an_excluded_package_among_the_updates_refuses_the_asset(site: Site) -> None:
    """Half of a transaction is none: what policy excludes is not quietly cut out of it."""
    strict = with_patching(site, exclude=("linux-image-*", "nginx*"))
    draft = build(strict, {"lab-1": state(line(), line("zlib1g"))})
    assert draft.plan is None
    assert "REFUSED lab-1: nginx: excluded by policy/patching.yml" in draft.lines()[-1]


def test_updates_that_wait_are_named_with_their_reason(site: Site) -> None:
    """Held, pinned and phased security updates are not silently absent."""
    waits = [
        {"name": "bash", "arch": "amd64", "from": "1", "to": "2", "security": True, "why": "held"},
        {"name": "vim", "arch": "amd64", "from": "1", "to": "2", "security": False, "why": "not security"},
        {"name": "nano", "arch": "amd64", "from": "1", "to": "2", "security": False, "why": "not security"},
    ]
    lines = build(site, {"lab-1": state(line(), other_updates=waits)}).lines()
    assert "left out, held: security update bash:amd64 2: lab-1" in lines
    assert "left out, not security updates: lab-1" in lines


@pytest.mark.parametrize(
    "other", [line(to="1.22.1-9+deb12u2"), line(sha256=digest("another build"))], ids=["version", "sha256"]
)
def test_other_content_in_another_ring_is_an_error_that_names_the_hosts(other: dict[str, Any], site: Site) -> None:
    """What production gets is what was tested; a plan that breaks this is not made."""
    with pytest.raises(PlanError, match=r"nginx:amd64 on bookworm: .* on lab-1; .* on prod-1\n"):
        build(site, {"lab-1": state(line()), "prod-1": state(other)})


def test_another_release_may_have_another_version(site: Site) -> None:
    """Debian 12 and 13 get the same fix in different packages."""
    trixie = state(line(before="1.26.3-3", to="1.26.3-3+deb13u1"), release="trixie")
    assert build(site, {"lab-1": state(line()), "prod-1": trixie}).plan


def test_an_unregistered_host_is_an_error(site: Site) -> None:
    """Nobody owns it, and it has no ring."""
    with pytest.raises(SiteError, match="no asset shadow-1"):
        build(site, {"shadow-1": state(line())})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda s: s["updates"][0].pop("sha256"), r"lab-1: updates\[0\]: malformed"),
        (lambda s: s["lists"].pop("age_seconds"), "lab-1: malformed"),
        (lambda s: s["updates"][0].update(file="../x.deb"), r"assets\[0\].packages\[0\].file: found"),
        (lambda s: s["updates"][0].update(name="-o"), r"assets\[0\].packages\[0\].name: found"),
    ],
)
def test_a_malformed_or_hostile_answer_is_an_error(spoil: Any, words: str, site: Site) -> None:
    """A managed host's answer is not believed further than its form."""
    answer = copy.deepcopy(state(line()))
    spoil(answer)
    with pytest.raises(PlanError, match=words):
        build(site, {"lab-1": answer})


def test_the_lines_show_what_an_approver_needs(site: Site) -> None:
    """Rings in order, from and to, CVEs, and what no earlier ring tried."""
    source = "nginx/1.22.1-9+deb12u1"
    found = {source: [f"CVE-2026-{number}" for number in range(1000, 1005)]}
    draft = build(site, {"lab-1": state(line()), "prod-1": state(line(), line("zlib1g"))}, cves=found)
    assert (
        f"plan {draft.digest}",
        "lab: lab-1",
        "  nginx:amd64  1.22.1-9  ->  1.22.1-9+deb12u1  CVE-2026-1000, CVE-2026-1001, CVE-2026-1002 and 2 more",
        "production: prod-1",
        "  nginx:amd64   1.22.1-9  ->  1.22.1-9+deb12u1  CVE-2026-1000, CVE-2026-1001, CVE-2026-1002 and 2 more",
        "  zlib1g:amd64  1.22.1-9  ->  1.22.1-9+deb12u1  security",
        "  not tried in an earlier ring: zlib1g:amd64 1.22.1-9+deb12u1",
    ) == draft.lines()


def test_a_config_plan_names_the_controls_by_their_digest(site: Site) -> None:
    """Any other control value is another plan; packages are none of its business."""
    made = build_config_plan(site, ["prod-1", "lab-1"], **TEXTS)
    assert ("config", site.controls_digest(["lab-1", "prod-1"], TEXTS["created_at"])) == (made.kind, made.baseline)
    assert list(made.by_asset) == ["lab-1", "prod-1"]


def test_a_config_plan_for_nobody_is_refused(site: Site) -> None:
    """No assets, no plan."""
    with pytest.raises(PlanError, match="at least 1 member"):
        build_config_plan(site, [], **TEXTS)


def with_patching(site: Site, **changes: Any) -> Site:
    """Return the site with other settings in policy/patching.yml."""
    from dataclasses import replace

    patching = replace(site.policy.patching, **changes)
    return replace(site, policy=replace(site.policy, patching=patching))


CHANGED = [{"path": "/etc/claimsd.conf", "package": "nginx:amd64", "changed_on_host": True}]


def test_what_follows_an_update_is_in_the_plan(site: Site) -> None:
    """Decisions about changed settings, forecast restarts and reboots, and where the way back comes from."""
    back = {"version": "1.22.1-9", "sha256": digest("x"), "size": 1, "file": "nginx_1.22.1-9_amd64.deb"}
    answer = state(
        line(rollback={**back, "from": "repacked"}),
        manager="apt",
        conffiles=[{"path": "/etc/nginx/nginx.conf", "package": "nginx", "changed_on_host": True}],
        forecast={"restarts": ["ssh.service", "nginx.service", "ssh.service"], "reboot": True},
    )
    draft = build(site, {"lab-1": answer})
    assert draft.plan is not None
    asset = draft.plan.by_asset["lab-1"].to_dict()
    assert asset["manager"] == "apt"
    assert asset["conffiles"] == [{"path": "/etc/nginx/nginx.conf", "package": "nginx", "decision": "replace"}]
    assert (asset["restarts"], asset["reboot"]) == (["nginx.service", "ssh.service"], True)
    assert asset["packages"][0]["rollback"]["from"] == "repacked"
    told = "\n".join(draft.lines())
    assert "REPLACES the host's own /etc/nginx/nginx.conf (nginx)" in told
    assert "restarts, by forecast: nginx.service" in told
    assert "reboots, by forecast" in told
    assert "way back repacked from what is installed" in told


def test_settings_at_which_policy_stops_keep_the_asset_out(site: Site) -> None:
    """/etc/claimsd.conf says stop in the good site's policy; the asset is named, and the others go on."""
    draft = build(site, {"lab-1": state(line(), conffiles=CHANGED), "prod-1": state(line())})
    assert draft.plan is not None
    assert list(draft.plan.by_asset) == ["prod-1"]
    (refusal,) = draft.refused
    assert str(refusal).startswith("lab-1: changed on the host: /etc/claimsd.conf, where policy/patching.yml says stop")


def test_a_missing_way_back_blocks_only_where_policy_requires_one(site: Site) -> None:
    answer = state(line(), obstacles=[obstacle("no_rollback")])
    assert build(site, {"lab-1": answer}).refused
    assert not build(with_patching(site, rollback="optional"), {"lab-1": answer}).refused
