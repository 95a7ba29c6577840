# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts are meant, and how fleets of different names and checkouts stay apart."""

from __future__ import annotations

import fcntl

import pytest

from lab import hosts
from lab.errors import UsageError
from lab.places import Places


def test_without_words_the_five_hosts_of_the_demonstration():
    assert [host.name for host in hosts.chosen(None)] == ["lab-1", "lab-2", "pilot-1", "prod-1", "prod-2"]
    assert {host.release for host in hosts.chosen(None)} == {"bookworm", "trixie"}


def test_known_and_new_hosts():
    assert hosts.chosen(["lab-2", "web=bookworm"]) == (hosts.Host("lab-2", "trixie"), hosts.Host("web", "bookworm"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prod-3"], r"'prod-3': not one of lab-1, .*; write NAME=RELEASE for another"),
        (["web=sid"], "'web': 'sid' is not one of bookworm, trixie"),
        (["Web=trixie"], "'Web': write lower-case letters"),
        (["../x=trixie"], "'../x': write lower-case letters"),
        (["lab-1", "lab-1"], "'lab-1': named twice"),
    ],
)
def test_other_words_are_refused(words, message):
    with pytest.raises(UsageError, match=message):
        hosts.chosen(words)


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-a", "a b", "a" * 41])
def test_a_fleet_name_cannot_lead_out_of_its_folder(name):
    with pytest.raises(UsageError, match="is no fleet name"):
        Places(name)


def test_checkouts_and_fleets_share_no_name(tmp_path):
    places = [Places(name, root) for name in ("demo", "test") for root in (tmp_path / "one", tmp_path / "two")]
    assert len({place.container("lab-1") for place in places}) == 4
    assert len({place.network for place in places}) == 4
    assert len({tuple(place.filters()) for place in places}) == 4


def test_forgetting_a_fleet_leaves_the_others_files(tmp_path):
    one, other = Places("one", tmp_path), Places("one-more", tmp_path)
    for place in (one, other):
        place.keys.mkdir(parents=True)
    one.forget()
    assert not one.folder.exists()
    assert other.keys.exists()


def test_a_lock_is_held_against_others(tmp_path):
    place = Places("one", tmp_path)
    with place.locked(), (place.all_fleets / ".one.lock").open() as handle, pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
