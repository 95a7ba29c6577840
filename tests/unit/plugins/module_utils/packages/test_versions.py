# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions are ordered as dpkg orders them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.versions import compare, latest, newer
from hypothesis import given, settings
from hypothesis import strategies as st

IN_ORDER = [
    ("1.0~rc1", "1.0"),
    ("1.0", "1.0+b1"),
    ("1.0-1", "1.0-1+deb12u1"),
    ("1.0-9", "1.0-10"),
    ("1.22.1-9+deb12u9", "1.22.1-9+deb12u11"),
    ("3.0.20-1~deb12u2", "3.0.22-1~deb12u2"),
    ("20230311+deb12u1", "20250419~deb12u2"),
    ("9.9", "1:0.1"),
    ("1.0-1~~", "1.0-1~"),
    ("1.0a", "1.0+"),
    ("1.2-3-1", "1.2-3-2"),
]

VERSIONS = st.builds(
    lambda epoch, upstream, revision: epoch + upstream + revision,
    st.sampled_from(["", "0:", "1:"]),
    st.from_regex(r"[0-9][0-9a-zA-Z.+~]{0,6}", fullmatch=True),
    st.one_of(st.just(""), st.from_regex(r"-[0-9a-zA-Z.+~]{1,5}", fullmatch=True)),
)


@pytest.mark.parametrize(("earlier", "later"), IN_ORDER)
def test_the_later_of_two_versions_is_newer(earlier, later):
    assert (compare(earlier, later), compare(later, earlier)) == (-1, 1)
    assert newer(later, earlier)
    assert not newer(earlier, later)


@pytest.mark.parametrize(("one", "same"), [("1.0", "0:1.0"), ("1.0", "1.0-0"), ("1.01", "1.1")])
def test_the_same_version_may_be_written_differently(one, same):
    assert compare(one, same) == 0


def test_the_latest_of_many_is_found_wherever_it_stands():
    assert latest(["1.0", "2.0~rc1", "1.9"]) == "2.0~rc1"


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="this machine has no dpkg to ask")
@settings(max_examples=150)
@given(VERSIONS, VERSIONS)
def test_dpkg_itself_orders_any_two_versions_the_same_way(one, other):
    def holds(relation):
        asked = ["dpkg", "--compare-versions", one, relation, other]
        return subprocess.run(asked, check=False, stderr=subprocess.DEVNULL).returncode == 0

    expected = -1 if holds("lt") else int(holds("gt"))
    assert expected == compare(one, other)
