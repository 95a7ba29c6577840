# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policy and register answer when they are asked: budgets, decisions about files, protected units, clusters."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.policy import Budget, Patching, Policy, Ring
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.site_cases import Case

OLD_RING = {
    "name": "lab",
    "waves": [1],
    "approvals_required": 0,
    "approval_max_age_hours": 1,
    "promotion": "none",
}
OLD_PATCHING = {"updates": "security", "exclude": [], "lists_max_age_hours": 24, "rollback": "required"}


@pytest.mark.parametrize(
    ("most", "size", "hosts"),
    [(0, 12, 0), (2, 12, 2), (2, 1, 2), ("10%", 12, 1), ("10%", 9, 0), ("100%", 3, 3), ("34%", 3, 1), ("33%", 3, 0)],
)
def test_a_share_of_a_ring_is_rounded_down(most: int | str, size: int, hosts: int) -> None:
    assert Budget(failed=most).hosts("failed", size) == hosts
    assert Budget(failed=most).hosts("unreachable", size) == 0


def test_files_of_an_earlier_version_mean_what_they_meant() -> None:
    """Nothing is endured, waited for or required that the file does not speak of."""
    ring = Ring.from_dict(OLD_RING)
    assert ring.failure_budget == Budget(0, 0, 0)
    assert (ring.soak_minutes, ring.watch_seconds, ring.windows, ring.rehearsal) == (0, 0, (), "none")
    patching = Patching.from_dict(OLD_PATCHING)
    assert patching.to_dict() == {
        **OLD_PATCHING,
        "conffiles": {"default": "keep", "paths": {}},
        "restarts": {"default": "restart", "protected": [], "windows": []},
        "reboots": {"when": "needed", "minutes": 10},
        "obstacles": {"min_free_percent": 5, "key_days": 30},
        "install_minutes": 30,
        "lock_minutes": 5,
    }


def test_part_of_a_setting_leaves_the_rest_as_it_is() -> None:
    patching = Patching.from_dict({**OLD_PATCHING, "restarts": {"protected": ["postgresql*"]}, "reboots": {}})
    assert (patching.restarts.default, patching.restarts.protected) == ("restart", ("postgresql*",))
    assert patching.reboots.minutes == 10


def test_the_first_pattern_that_fits_decides_about_a_file() -> None:
    paths = {"/etc/nginx/conf.d/*": "stop", "/etc/nginx/*": "replace"}
    decide = Patching.from_dict({**OLD_PATCHING, "conffiles": {"paths": paths}}).conffiles.decision
    assert decide("/etc/nginx/conf.d/claims.conf") == "stop"
    assert decide("/etc/nginx/sites-enabled/default") == "replace"
    assert decide("/etc/nginx.conf") == "keep"


@pytest.mark.parametrize(
    ("unit", "protected"),
    [
        ("postgresql@15-main.service", True),
        ("postgresql.service", True),
        ("claimsd.service", True),
        ("claimsd", True),
        ("claimsd-web.service", False),
        ("nginx.service", False),
    ],
)
def test_a_unit_is_protected_with_or_without_its_ending(unit: str, protected: bool) -> None:
    restarts = Patching.from_dict({**OLD_PATCHING, "restarts": {"protected": ["postgresql*", "claimsd"]}}).restarts
    assert restarts.is_protected(unit) is protected


def with_cluster(folder: Path, cluster: str) -> Site:
    """Return the good site with both its assets in one cluster."""
    edits = [
        {"file": "holdfast.yml", "find": "tier: 4\n", "put": "tier: 4\n    cluster: claims-db\n"},
        {"file": "holdfast.yml", "find": "tier: 1\n", "put": "tier: 1\n    cluster: claims-db\n"},
        {
            "file": "holdfast.yml",
            "find": "assets:\n",
            "put": f"clusters: {{claims-db: {cluster}}}\nassets:\n",
        },
    ]
    return load_site(Case("variant", "", edits, []).lay_out(folder), PRODUCT)


def test_members_come_in_the_order_they_are_given_and_then_by_their_ids(tmp_path: Path) -> None:
    site = with_cluster(tmp_path / "a", "{up_at_least: 1}")
    assert site.clusters["claims-db"].members == ("lab-1", "prod-1")
    assert site.clusters["claims-db"].may_be_out == 1
    assert with_cluster(tmp_path / "b", "{up_at_least: 1, order: [prod-1]}").clusters["claims-db"].members == (
        "prod-1",
        "lab-1",
    )


def test_the_product_ships_a_policy_without_windows_and_freezes() -> None:
    """Whoever writes none has none; what ships must not shut anybody out."""
    calendar = PRODUCT / "policy" / "calendar.yml"
    assert calendar.is_file()
    assert Policy.from_files({"rings": [OLD_RING], "promotion_kinds": []}, OLD_PATCHING, {"rules": [], "limits": []})
