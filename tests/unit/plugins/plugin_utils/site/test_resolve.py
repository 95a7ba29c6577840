# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What binds an asset at a moment: exceptions and overlays, to the second, the same for probe, roles and digests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.exceptions import Waiver
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.moments import left, moment
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.overlays import Overlay
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.scope import Scope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.site_cases import GOOD, Case

END = moment("2027-03-31T18:00:00+02:00")
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(GOOD, PRODUCT)


def test_a_waived_control_is_left_alone_by_its_role_until_the_very_second(site: Site) -> None:
    during, after = site.controls_for("prod-1", END - SECOND)[1], site.controls_for("prod-1", END)[1]
    assert during.exception is not None
    assert (during.exception.id, during.lapsed) == ("old-claims-client", None)
    assert after.exception is None
    assert after.lapsed == during.exception
    assert site.role_values("prod-1", END - SECOND)["ssh_client_alive_interval"] is None
    assert site.role_values("prod-1", END)["ssh_client_alive_interval"] == 300
    assert during.value == after.value == 300


def test_the_moment_is_the_same_whatever_zone_the_clock_shows(site: Site) -> None:
    assert datetime(2027, 3, 31, 16, tzinfo=UTC) == END
    assert site.controls_for("prod-1", datetime(2027, 3, 31, 15, 59, 59, tzinfo=UTC))[1].exception
    assert site.controls_for("prod-1", datetime(2027, 3, 31, 16, tzinfo=UTC))[1].lapsed


def test_an_overlay_counts_for_probe_and_role_and_ends_on_its_second(site: Site) -> None:
    during, after = site.controls_for("prod-1", END - SECOND)[0], site.controls_for("prod-1", END)[0]
    assert (during.value, after.value) == ("prohibit-password", "no")
    assert during.overlay == after.overlay == site.overlays[0]
    assert site.role_values("prod-1", END - SECOND)["ssh_permit_root_login"] == "prohibit-password"
    assert site.role_values("prod-1", END)["ssh_permit_root_login"] == "no"


def test_other_assets_are_bound_as_the_baseline_says(site: Site) -> None:
    assert all(not (one.exception or one.overlay) for one in site.controls_for("lab-1", END - SECOND))


def test_the_digest_is_another_once_an_exception_has_lapsed(site: Site) -> None:
    before, after = (site.controls_digest(["prod-1"], now) for now in (END - SECOND, END))
    assert before != after
    assert site.controls_digest(["lab-1"], END - SECOND) == site.controls_digest(["lab-1"], END)


def test_an_exception_alone_changes_the_digest(site: Site, tmp_path: Path) -> None:
    bare = load_site(Case("bare", "", [{"file": "exceptions.yml"}], []).lay_out(tmp_path), PRODUCT)
    assert bare.exceptions == ()
    assert bare.controls_digest(["prod-1"], END - SECOND) != site.controls_digest(["prod-1"], END - SECOND)
    # Once it has ended, it is as if it had never been.
    assert bare.controls_digest(["prod-1"], END) == site.controls_digest(["prod-1"], END)


@pytest.mark.parametrize(
    ("scope", "lab", "prod"),
    [
        (Scope("all", ()), True, True),
        (Scope("assets", ("lab-1",)), True, False),
        (Scope("rings", ("production", "pilot")), False, True),
        (Scope("groups", ("data_ephi", "tier_4")), True, True),
        (Scope("groups", ("data_ephi",)), False, True),
        (Scope("baseline", ("clinic-server",)), True, True),
        (Scope("baseline", ("debian-server",)), False, False),
    ],
)
def test_a_scope_covers_what_it_names(scope: Scope, lab: bool, prod: bool, site: Site) -> None:
    assert (scope.covers(site.asset("lab-1")), scope.covers(site.asset("prod-1"))) == (lab, prod)
    assert Scope.from_dict(scope.to_dict()) == scope


def test_what_is_read_can_be_written_and_read_again(site: Site) -> None:
    assert [Waiver.from_dict(one.to_dict()) for one in site.exceptions] == list(site.exceptions)
    assert [Overlay.from_dict(one.to_dict()) for one in site.overlays] == list(site.overlays)


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (timedelta(days=30), "30 days left"),
        (timedelta(days=1, hours=5), "1 day left"),
        (timedelta(hours=23, minutes=59), "23 hours left"),
        (timedelta(minutes=59, seconds=59), "59 minutes left"),
        (timedelta(seconds=1), "less than a minute left"),
    ],
)
def test_the_time_left_is_written_for_people(rest: timedelta, words: str) -> None:
    assert left(END, END - rest) == words


@pytest.mark.parametrize("text", ["2028-02-29T00:00:00Z", "2026-06-01T00:00:00-11:30"])
def test_a_moment_is_aware(text: str) -> None:
    assert moment(text).utcoffset() is not None
