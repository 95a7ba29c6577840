# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a site: what the files say, resolved, and digests that change when and only when it changes."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.asset import Asset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Baseline
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.policy import Policy
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.site_cases import GOOD, Case

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
DEMO = PRODUCT / "inventories" / "demo"


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(GOOD, PRODUCT)


def variant(folder: Path, **edit: str) -> Site:
    return load_site(Case("variant", "", [edit], []).lay_out(folder), PRODUCT)


def test_paths_are_absolute_and_have_defaults(site: Site) -> None:
    assert site.ledger_path == GOOD / "ledger/ledger.sqlite"
    assert site.trust_path == GOOD / "trust.yml"
    assert site.key_paths["implementer"] == GOOD / "keys/controller.pem"
    assert set(site.key_paths) == {"requester", "implementer", "verifier", "log", "root"}


def test_a_site_may_keep_ledger_and_keys_elsewhere(tmp_path: Path) -> None:
    put = "org: org-clinic\nledger: /srv/ledger.sqlite\nkeys: {root: /media/offline/root.pem}"
    site = variant(tmp_path, file="site.yml", find="org: org-clinic", put=put)
    assert site.ledger_path == Path("/srv/ledger.sqlite")
    assert site.key_paths["root"] == Path("/media/offline/root.pem")
    assert site.key_paths["log"] == tmp_path / "keys/log.pem"


def test_health_checks_have_their_defaults_filled_in(site: Site) -> None:
    assert [check.to_dict() for check in site.asset("prod-1").health] == [
        {"id": "web", "http": {"url": "http://127.0.0.1/healthz", "status": 200}, "timeout": 10},
        {
            "id": "db",
            "sql": {"database": "postgres", "query": "select 1", "expect": "1", "user": "postgres"},
            "timeout": 10,
        },
        {"id": "nginx", "service": "nginx", "timeout": 10},
        {"id": "ssh", "tcp": {"port": 22, "host": "127.0.0.1"}, "timeout": 10},
        {"id": "claims", "command": {"argv": ["/usr/bin/claimsd", "--selftest"], "expect_rc": 0}, "timeout": 10},
    ]


def test_an_unknown_asset_is_an_error_that_says_what_to_do(site: Site) -> None:
    with pytest.raises(SiteError, match="no asset nobody; expected one of the register; add it"):
        site.asset("nobody")


def test_an_asset_belongs_to_the_groups_of_its_ring_class_tier_and_baselines(site: Site) -> None:
    assert site.asset("prod-1").groups == (
        "ring_production",
        "data_ephi",
        "tier_1",
        "kind_server",
        "environment_production",
        "baseline_clinic_server",
    )


def test_roles_and_probe_go_by_the_same_controls(site: Site) -> None:
    assert [control.id for control in site.controls_for("lab-1", NOW)] == ["ssh-01", "ssh-02"]
    assert site.role_values("lab-1", NOW) == {"ssh_permit_root_login": "no", "ssh_client_alive_interval": 300}


def test_the_controls_digest_does_not_depend_on_the_order_of_assets(site: Site) -> None:
    digest = site.controls_digest(["lab-1", "prod-1"], NOW)
    assert digest == site.controls_digest(["prod-1", "lab-1"], NOW)
    plain = {one: [control.to_dict() for control in site.controls_for(one, NOW)] for one in ("lab-1", "prod-1")}
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert digest == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert digest != site.controls_digest(["lab-1"], NOW)


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("value: 300", "value: 301"),
        ("severity: high", "severity: low"),
        ('"no"', "false"),
        ("164.312(d)", "164.310(b)"),
    ],
)
def test_the_controls_digest_changes_with_any_part_of_a_control(
    find: str, put: str, site: Site, tmp_path: Path
) -> None:
    changed = variant(tmp_path, file="baselines/clinic-server.yml", find=find, put=put)
    assert changed.controls_digest(["lab-1"], NOW) != site.controls_digest(["lab-1"], NOW)


def test_the_controls_digest_ignores_what_is_not_required_of_a_host(site: Site, tmp_path: Path) -> None:
    changed = variant(tmp_path, file="holdfast.yml", find="owner: platform-team", put="owner: somebody-else")
    assert changed.controls_digest(["lab-1"], NOW) == site.controls_digest(["lab-1"], NOW)


def test_what_is_read_can_be_written_and_read_again(site: Site) -> None:
    for asset in site.assets:
        assert Asset.from_dict(asset.to_dict()) == asset
    for baseline in site.baselines.values():
        assert Baseline.from_dict(baseline.to_dict()) == baseline
    policy = site.policy
    rings = {"rings": [ring.to_dict() for ring in policy.rings], "promotion_kinds": list(policy.promotion_kinds)}
    others = (policy.patching, policy.remediation, policy.calendar, policy.risk, policy.inventory)
    named = {name: getattr(policy, name).to_dict() for name in ("rules", "pipeline", "leadership", "exceptions")}
    again = Policy.from_files(rings, *(part.to_dict() for part in others), **named)
    # The digest is of what the files say; written out again they say their defaults too.
    assert dataclasses.replace(again, digest=policy.digest) == policy


def test_a_site_is_frozen(site: Site) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        site.asset("lab-1").ring = "production"  # type: ignore[misc] # what must not be possible


def test_rings_stand_in_their_order(site: Site) -> None:
    assert site.policy.ring_before("lab") is None
    before = site.policy.ring_before("production")
    assert before is not None
    assert before.name == "lab"
    with pytest.raises(KeyError):
        site.policy.ring("nowhere")


def test_the_products_policy_stands_in_where_the_site_has_none(tmp_path: Path) -> None:
    site = variant(tmp_path, file="policy/rings.yml", find="", put="")  # all of the site's own are still there
    assert [ring.name for ring in site.policy.rings] == ["lab", "production"]
    (tmp_path / "policy/rings.yml").unlink()
    assert [ring.name for ring in load_site(tmp_path, PRODUCT).policy.rings] == ["lab", "pilot", "production"]


@pytest.mark.skipif(not DEMO.is_dir(), reason="only a checkout has the demonstration site")
def test_the_demonstration_site_is_sound() -> None:
    site = load_site(DEMO, PRODUCT)
    assert [asset.id for asset in site.assets] == ["lab-1", "lab-2", "pilot-1", "prod-1", "prod-2"]
    assert len(site.controls_for("lab-1", NOW)) >= 40
