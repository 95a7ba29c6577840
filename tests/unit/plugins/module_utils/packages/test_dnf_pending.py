# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is pending by dnf, from answers that dnf 4.14 gave about a real repository with advisories."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import dnf_pending
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.pending import Selection

CASES = Path(__file__).parents[3] / "cases" / "packages" / "dnf-4.14"


def said(name: str) -> Any:
    return json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def offers() -> Any:
    return said("offers")


def reasons(waiting: list[Any]) -> dict[str, str]:
    return {line.name: line.why for line in waiting}


def test_security_updates_are_what_advisories_of_that_type_name(offers):
    wanted, waiting = dnf_pending.choose(offers, Selection())
    assert {name for name, _arch in wanted} == {"claimedit", "claimedit-rates", "toy-post", "toy-slow", "toy-unsigned"}
    assert reasons(waiting) == {"clinic-settings": "held", "toy-plain": "not security"}


def test_all_takes_the_others_too(offers):
    wanted, waiting = dnf_pending.choose(offers, Selection("all"))
    assert ("toy-plain", "noarch") in wanted
    assert reasons(waiting) == {"clinic-settings": "held"}


def test_what_policy_leaves_out_says_so(offers):
    _wanted, waiting = dnf_pending.choose(offers, Selection(only=("claim*",), exclude=("claimedit-rates",)))
    assert reasons(waiting) == {
        "claimedit-rates": "excluded", "clinic-settings": "held", "toy-plain": "not selected",
        "toy-post": "not selected", "toy-slow": "not selected", "toy-unsigned": "not selected",
    }  # fmt: skip


def test_a_later_version_without_an_advisory_is_not_the_security_update(offers):
    package = next(one for one in offers["packages"] if one["name"] == "claimedit")
    later = {**copy.deepcopy(package["offers"][0]), "evr": "1.3-1", "security": False, "cves": []}
    package["offers"].append(later)
    assert dnf_pending.choose(offers, Selection())[0]["claimedit", "noarch"]["evr"] == "1.1-1"
    assert dnf_pending.choose(offers, Selection("all"))[0]["claimedit", "noarch"]["evr"] == "1.3-1"


def test_an_exclude_of_the_hosts_own_is_a_pin_and_a_kernel_is_left_alone(offers):
    for package in offers["packages"]:
        if package["name"] == "claimedit":
            package["offers"][0]["allowed"] = False
        if package["name"] == "toy-post":
            package["beside"] = True
    _wanted, waiting = dnf_pending.choose(offers, Selection())
    assert reasons(waiting)["claimedit"] == "pinned"
    assert reasons(waiting)["toy-post"] == "excluded"


def test_the_transaction_is_locked_with_its_way_back(offers):
    wanted, waiting = dnf_pending.choose(offers, Selection(only=("claimedit", "toy-post")))
    found = dnf_pending.assemble(offers, wanted, waiting, said("resolve"))
    line = next(one for one in found.updates if one["name"] == "claimedit")
    would = next(one for one in said("resolve")["changes"] if one["name"] == "claimedit")
    assert line == {
        "name": "claimedit", "arch": "noarch", "from": "1.0-1", "to": "1.1-1",
        "sha256": would["sha256"], "size": would["size"], "file": "claimedit-1.1-1.noarch.rpm",
        "path": "claimedit-1.1-1.noarch.rpm", "origin": "lab-rpms", "suite": "", "codename": "", "security": True,
        "source": "claimedit", "source_version": "1.1-1",
        "rollback": {
            "version": "1.0-1", "sha256": would["rollback"]["sha256"], "size": would["rollback"]["size"],
            "file": "claimedit-1.0-1.noarch.rpm", "from": "archive",
        },
    }  # fmt: skip
    assert "claimedit-rates" in {one["name"] for one in found.updates}, "what an update needs comes with it"
    assert "claimedit-rates" not in reasons(list(found.waiting))
    assert found.cves["claimedit/1.1-1"] == ["CVE-2026-1001"]


def test_what_dnf_leaves_out_waits_for_a_dependency(offers):
    wanted, waiting = dnf_pending.choose(offers, Selection(only=("claimedit", "toy-post")))
    would = said("resolve")
    would["changes"] = [one for one in would["changes"] if one["name"] == "toy-post"]
    found = dnf_pending.assemble(offers, wanted, waiting, would)
    assert reasons(list(found.waiting))["claimedit"] == "dependency"


def test_metadata_without_sha256_locks_nothing(offers):
    wanted, waiting = dnf_pending.choose(offers, Selection(only=("claimedit", "toy-post")))
    would = said("resolve")
    would["changes"][0]["sha256"] = None
    with pytest.raises(PackageError, match="no SHA-256 for"):
        dnf_pending.assemble(offers, wanted, waiting, would)
