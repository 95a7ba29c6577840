# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The obstacles of a host of dnf: each by its kind, with what was found and what to do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import dnf_hindrances, dnf_sources
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dnf_history import Killed
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dnf_repair import Host
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Lists
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.locks import Holder
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.pending import Selection, Waiting

KEYS = Path(__file__).parents[3] / "cases" / "packages"
NOW = time.time()


def repository(**members: Any) -> dict[str, Any]:
    plain = {"id": "lab-rpms", "uri": "http://a:b@lab.example/x", "packages_signed": True, "metadata_signed": True}
    return {**plain, "keys": [f"file://{KEYS}/good.asc"], "date": int(NOW) - 60, **members}


def state(*, measured: bool = True) -> Lists:
    return Lists(measured, "" if measured else "the lists are 9.0 hours old", False, None, None, ())


def kinds(*repositories: dict[str, Any], measured: bool = True, at: float = NOW) -> list[str]:
    found = dnf_hindrances.of_sources(at, state(measured=measured), repositories, 30, frozenset())
    return [one.kind for one in found]


def test_a_repository_in_order_is_no_obstacle():
    assert kinds(repository()) == []


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        ({"packages_signed": False}, "unsigned"),
        ({"keys": []}, "unsigned"),
        ({"keys": ["file:///nowhere.asc"]}, "unsigned"),
        ({"keys": [f"file://{KEYS}/expired.asc"]}, "expired_key"),
        ({"date": int(NOW) + 86400}, "clock"),
    ],
)
def test_what_is_wrong_with_one_is_named(members, kind):
    assert kinds(repository(**members)) == [kind]


def test_metadata_that_is_too_old_is_stale():
    assert kinds(repository(), measured=False) == ["stale_lists"]


def test_a_password_in_an_address_is_not_told():
    assert dnf_sources.source(repository()).uri == "http://lab.example/x"


def test_a_host_that_was_killed_is_interrupted_and_one_at_work_is_locked():
    host = Host({}, Killed(7, ()))
    (found,) = dnf_hindrances.of_work(None, host, ())
    assert (found.kind, found.found) == ("interrupted", "transaction 7 was begun and never ended")
    (held,) = dnf_hindrances.of_work(Holder(12, "dnf", "/var/lib/rpm/.rpm.lock"), host, ())
    assert held.kind == "lock"


@pytest.mark.parametrize(("why", "kind"), [("held", "versionlock"), ("pinned", "pinned"), ("dependency", "dependency")])
def test_an_update_that_is_kept_back_says_by_what(why, kind):
    line = Waiting("nginx", "x86_64", "1.0-1", "1.1-1", True, why)
    (found,) = dnf_hindrances.of_updates((), (line,), Selection(), True)
    assert (found.kind, found.subject, found.blocks) == (kind, "nginx:x86_64", False)
    assert not list(dnf_hindrances.of_updates((), (line,), Selection(exclude=("nginx",)), True))


def test_an_update_without_a_way_back_blocks_where_policy_wants_one():
    update = {"name": "nginx", "arch": "x86_64", "from": "1.0-1", "rollback": None}
    for required in (True, False):
        (found,) = dnf_hindrances.of_updates((update,), (), Selection(), required)
        assert (found.kind, found.blocks) == ("no_rollback", required)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Failed to download metadata for repo 'lab-rpms': Curl error (7): Couldn't connect to server", "no_archive"),
        (
            "Failed to download metadata for repo 'lab-rpms': GPG verification is enabled, but GPG signature is not",
            "unsigned",
        ),
    ],
)
def test_a_refresh_that_failed_names_its_repository(said, kind):
    (found,) = dnf_hindrances.of_refresh(said)
    assert (found.kind, found.subject) == (kind, "lab-rpms")
