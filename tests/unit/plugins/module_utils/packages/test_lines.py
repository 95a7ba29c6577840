# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan's lines are checked member by member before they reach a command line or a path."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.lines import (
    check_digest,
    deb_file,
    read_lines,
    read_versions,
)


def line(**changed):
    """One good line, with some members changed."""
    good = {
        "name": "nginx",
        "arch": "amd64",
        "from": "1.22.1-9+deb12u9",
        "to": "1.22.1-9+deb12u11",
        "sha256": "a" * 64,
        "size": 532468,
        "file": "nginx_1.22.1-9+deb12u11_amd64.deb",
        "rollback": {
            "version": "1.22.1-9+deb12u9",
            "sha256": "b" * 64,
            "size": 529668,
            "file": "nginx_1.22.1-9+deb12u9_amd64.deb",
        },
    }
    return {**good, **changed}


def test_a_good_line_is_read_with_its_way_back():
    (read,) = read_lines([line()])
    assert read.label == "nginx (amd64)"
    assert (read.before, read.deb.version, read.rollback.version) == (
        "1.22.1-9+deb12u9",
        "1.22.1-9+deb12u11",
        "1.22.1-9+deb12u9",
    )


def test_a_package_the_plan_brings_in_has_no_earlier_version():
    (read,) = read_lines([line(**{"from": None, "rollback": None})])
    assert (read.before, read.rollback) == (None, None)


def test_an_epoch_stands_in_the_file_name_as_apt_writes_it():
    assert deb_file("zlib1g", "1:1.3.1-1", "amd64") == "zlib1g_1%3a1.3.1-1_amd64.deb"


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"name": "nginx;reboot", "file": "x"}, "'nginx;reboot'"),
        ({"name": "-o", "file": "x"}, "'-o'"),
        ({"arch": "../amd64", "file": "x"}, "'../amd64'"),
        ({"to": "1.0 -o Foo=1", "file": "x"}, "'1.0 -o Foo=1'"),
        ({"from": "$(id)"}, "'$(id)'"),
        ({"sha256": "A" * 64}, "'AAAA"),
        ({"size": 0}, "size 0"),
        ({"file": "../../etc/passwd"}, "file '../../etc/passwd'"),
        ({"rollback": {**line()["rollback"], "version": "1.0", "file": "nginx_1.0_amd64.deb"}}, "a rollback to 1.0"),
        ({"rollback": {**line()["rollback"], "sha256": "b"}}, "'b'"),
    ],
)
def test_a_member_that_has_not_its_form_is_refused_by_name(changed, found):
    with pytest.raises(PackageError) as refused:
        read_lines([line(**changed)])
    assert found in str(refused.value)
    assert "make the plan again" in str(refused.value)


def test_all_bad_lines_are_named_at_once():
    with pytest.raises(PackageError) as refused:
        read_lines([line(size=-1), line(name="tzdata", file="x"), line(name="dash", file="dash")])
    assert {one.package for one in refused.value.refused} == {"nginx (amd64)", "tzdata (amd64)", "dash (amd64)"}


def test_a_package_said_twice_is_refused():
    with pytest.raises(PackageError, match="two lines"):
        read_lines([line(), line()])


@pytest.mark.parametrize("digest", ["", "a" * 63, "A" * 64, "../" + "a" * 61, "a" * 64 + "\n"])
def test_what_is_no_digest_names_no_plan(digest):
    with pytest.raises(PackageError, match="64 lower-case hex digits"):
        check_digest(digest)


def test_packages_to_read_changelogs_of_are_checked_too():
    assert read_versions([{"name": "nginx", "version": "1.0", "arch": "amd64"}]) == (("nginx", "amd64", "1.0"),)
    with pytest.raises(PackageError, match="a version"):
        read_versions([{"name": "nginx", "version": "1.0=2", "arch": "amd64"}])
