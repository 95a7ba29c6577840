# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each fact that is in the way is named with its kind, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import hindrances
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.archives import Archive
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lists import Lists, Source
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.locks import Holder
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.outlook import Changed
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.pending import Selection, Waiting
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.processes import Process

NOW = 1795219200.0  # 2026-11-21
FINGERPRINT = "4CB50190207B4758A3F73A796ED0E7B82643E131"
NAME = "http://deb.example.org/debian trixie"
ARCHIVE = Archive("http://deb.example.org/debian/", "trixie", "debian.sources", (), b"", (), None)


def key(expires_at):
    """A signer's key."""
    return {"fingerprint": FINGERPRINT, "expires_at": expires_at}


GOOD = Source(
    "http://deb.example.org/debian/", "stable", "trixie", "Debian", "Debian", False, True, "2026-11-20T00:00:00Z", None,
    False, NAME, "good", (key("2030-01-01T00:00:00Z"),),
)  # fmt: skip
LISTS = Lists(True, "", True, "2026-11-21T00:00:00Z", 0, (GOOD,))


def of_lists(source=GOOD, state=LISTS, known=(ARCHIVE,), named=()):
    """The obstacles of lists with one archive, as (kind, blocks)."""
    judged = replace(state, sources=(source,) if source else ())
    return [(one.kind, one.blocks) for one in hindrances.of_lists(NOW, judged, known, 30, frozenset(named))]


def test_good_lists_are_in_nobodys_way():
    assert of_lists() == []


@pytest.mark.parametrize(
    ("members", "kind", "blocks"),
    [
        ({"expired": True, "valid_until": "2026-11-20T00:00:00Z"}, "expired_lists", True),
        ({"date": "2026-11-22T00:00:00Z"}, "clock", True),
        ({"signature": "none", "keys": ()}, "unsigned", True),
        ({"signature": "bad", "keys": ()}, "unsigned", True),
        ({"signature": "bad", "keys": (key("2026-11-20T00:00:00Z"),)}, "expired_key", True),
        ({"keys": (key("2026-12-01T00:00:00Z"),)}, "key_expiring", False),
    ],
)
def test_each_fault_of_an_archive_has_its_kind(members, kind, blocks):
    assert of_lists(replace(GOOD, **members)) == [(kind, blocks)]


def test_one_key_that_holds_is_enough():
    keys = (key("2026-11-20T00:00:00Z"), key("2030-01-01T00:00:00Z"))
    assert of_lists(replace(GOOD, keys=keys)) == []
    assert of_lists(replace(GOOD, keys=(key("2026-12-01T00:00:00Z"), key(None)))) == []


def test_what_a_failed_refresh_named_is_not_named_again():
    assert of_lists(replace(GOOD, signature="bad"), named=[NAME]) == []


def test_lists_that_were_not_measured_are_stale():
    state = replace(LISTS, measured=False, why="the lists are 30.0 hours old, the limit is 24; refresh them")
    (found,) = hindrances.of_lists(NOW, state, (ARCHIVE,), 30)
    assert (found.kind, found.found) == ("stale_lists", state.why)


def test_an_archive_that_was_never_fetched_is_stale():
    other = replace(ARCHIVE, uri="http://toys.example.org/")
    assert of_lists(known=(ARCHIVE, other)) == [("stale_lists", True)]


def test_a_source_that_asks_for_no_signature_is_unsigned_whatever_its_signature():
    assert of_lists(known=(replace(ARCHIVE, trusted=True),)) == [("unsigned", True)]


@pytest.mark.parametrize(("controller", "kinds"), [(None, []), (NOW + 299, []), (NOW - 301, ["clock"])])
def test_the_clock_is_compared_with_the_controllers(controller, kinds):
    assert [one.kind for one in hindrances.of_clock(NOW, controller)] == kinds


def test_who_is_at_work_and_what_is_half_done_are_named():
    torn = Package("toy", "all", "1.1", "toy", "1.1", "install", "ok", "half-configured")
    timer = Process(5, "apt.systemd.dai", "apt-daily.service", frozenset(), frozenset())
    helper = Process(
        6, "unattended-upgr", "unattended-upgrades.service", frozenset({"/usr/bin/python3.11"}), frozenset()
    )
    found = list(hindrances.of_work(Holder(9, "apt-get", "/var/lib/dpkg/lock"), [torn], True, [timer, helper]))
    assert [(one.kind, one.subject) for one in found] == [
        ("lock", "dpkg"),
        ("timer", "apt-daily.service"),
        ("unfinished", "toy:all"),
        ("interrupted", "dpkg"),
    ]
    assert all(one.blocks for one in found)
    assert list(hindrances.of_work(None, [], False, [helper])) == []


@pytest.mark.parametrize("why", ["held", "pinned", "phased", "dependency"])
def test_a_security_update_that_is_kept_back_is_named_and_does_not_block_the_rest(why):
    line = Waiting("toy", "all", "1.0", "1.1", True, why)
    (found,) = hindrances.of_updates([], [line], Selection(), True)
    assert (found.kind, found.subject, found.blocks) == (why, "toy:all", False)
    assert "1.1" in found.found
    plain = replace(line, security=False)
    assert list(hindrances.of_updates([], [plain], Selection(), True)) == []
    assert [one.kind for one in hindrances.of_updates([], [plain], Selection("all"), True)] == [why]
    assert list(hindrances.of_updates([], [line], Selection(exclude=("toy",)), True)) == []


def test_a_changed_file_blocks_only_where_policy_says_stop():
    files = [Changed("/etc/toy.conf", "toy", "all", decision) for decision in ("keep", "replace", "stop")]
    assert [one.blocks for one in hindrances.of_conffiles(files)] == [False, False, True]
