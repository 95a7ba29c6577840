# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a refresh failed is read from what apt really said, on both releases, archive by archive."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.complaints import obstacles

CASES = Path(__file__).resolve().parents[3] / "cases" / "packages"

EXPECTED = {
    "badhash": ("no_archive", "file:/srv/badhash ./", "Hash Sum mismatch"),
    "expiredkey": ("expired_key", "file:/srv/expiredkey ./", "its signing key has expired"),
    "expiredlists": ("expired_lists", "file:/srv/expiredlists ./", "its Valid-Until passed 7d"),
    "full": ("full", "/var/lib/holdfast", "no room for the package lists"),
    "future": ("clock", "file:/srv/future ./", "is from the future"),
    "nokeyring": ("unsigned", "file:/srv/good ./", "its signature does not hold"),
    "noname": ("no_archive", "http://archive.example.org/debian bookworm", "Could not resolve"),
    "norelease": ("no_archive", "file:/srv/norelease ./", "no Release file"),
    "refused": ("no_archive", "http://127.0.0.1:9/debian bookworm", "Could not connect"),
    "tampered": ("unsigned", "file:/srv/tampered ./", "its signature does not hold"),
    "unsigned": ("unsigned", "file:/srv/unsigned ./", "it is not signed"),
    "wrongkey": ("unsigned", "file:/srv/wrongkey ./", "its signature does not hold"),
}
RECORDED = sorted(path.relative_to(CASES).as_posix() for path in CASES.glob("apt-*/*.txt"))


@pytest.mark.parametrize("name", RECORDED)
def test_each_recorded_failure_is_one_obstacle_of_its_kind(name):
    (found,) = obstacles((CASES / name).read_text(encoding="utf-8"))
    kind, subject, words = EXPECTED[Path(name).stem]
    assert (found.kind, found.subject) == (kind, subject)
    assert words in found.found
    assert found.blocks
    assert found.do


def test_every_failure_was_recorded_on_both_releases():
    for release in ("apt-2.6", "apt-3.0"):
        assert {path.stem for path in (CASES / release).glob("*.txt")} == set(EXPECTED)


def test_several_archives_that_fail_are_named_one_by_one():
    both = "".join((CASES / f"apt-2.6/{name}.txt").read_text(encoding="utf-8") for name in ("expiredkey", "refused"))
    assert [one.kind for one in obstacles(both)] == ["expired_key", "no_archive"]


def test_what_cannot_be_read_is_told_in_apts_own_words():
    (found,) = obstacles("E: Type 'debb' is not known on line 1 in source list /etc/apt/sources.list\n")
    assert (found.kind, found.subject) == ("no_archive", "sources")
    assert "Type 'debb' is not known" in found.found


def test_a_password_in_an_address_is_not_told():
    said = (
        "E: Failed to fetch http://user:secret@deb.example.org/debian/dists/a/InRelease  401  Unauthorized [IP: ::1]\n"
    )
    (found,) = obstacles(said)
    assert found.subject == "http://deb.example.org/debian a"
    assert "secret" not in str(found)
