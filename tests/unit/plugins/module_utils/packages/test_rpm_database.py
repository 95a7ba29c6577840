# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What RPM says of a host, from the words of rpm 4.18."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import rpm_conffiles, rpm_database, rpm_signatures
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError

CASES = Path(__file__).parents[3] / "cases" / "packages" / "dnf-4.14"


def recorded(name: str) -> str:
    return (CASES / f"{name}.txt").read_text(encoding="utf-8")


def test_the_inventory_has_every_version_and_no_keys():
    found = rpm_database.parse_inventory(recorded("inventory"))
    assert ("gpg-pubkey", "(none)") not in found
    assert [package.version for _when, package in found["toy-slow", "noarch"]] == ["1.0-1", "1.1-1"]
    ((_when, epoch),) = found["toy-epoch", "noarch"]
    assert (epoch.version, epoch.source, epoch.source_version) == ("1:0.9~rc1-2", "toy-epoch", "0.9~rc1-2")


def test_a_line_of_another_form_is_an_error():
    with pytest.raises(PackageError, match="expected 7 fields"):
        rpm_database.parse_inventory("bash\tx86_64\n")


def test_a_torn_package_is_one_that_must_go_in_again():
    ((_when, package),) = rpm_database.parse_inventory(recorded("inventory"))["toy-post", "noarch"]
    assert not package.unfinished
    torn = rpm_database.mark_torn(package)
    assert torn.unfinished
    assert torn.status == "half-installed", "moves.Move knows a torn package by this word"


def test_configuration_and_other_files_that_differ_are_told_apart():
    settings, others = rpm_database.parse_verified(recorded("verify"))
    assert set(settings) == {"/etc/clinic/keep.conf", "/etc/clinic/plain.conf"}
    assert set(others) == {"/usr/share/toy-plain/version"}


@pytest.mark.parametrize("line", [".......T.    /usr/bin/x", "S........  c /etc/x", "error: no package"])
def test_what_differs_in_something_else_than_content_is_no_difference(line):
    assert rpm_database.parse_verified(line) == ((), ())


def test_a_package_without_a_source_is_its_own():
    assert rpm_database.split_source("(none)", "bash", "5.1-2") == ("bash", "5.1-2")
    assert rpm_database.split_source("glibc-2.34-60.el9.src.rpm", "libc", "x") == ("glibc", "2.34-60.el9")


def test_only_a_good_signature_counts():
    words = rpm_signatures.read(recorded("checksig"))
    good = {Path(path).name: told.endswith("signatures OK") for path, told in words.items()}
    assert good["toy-unsigned-1.1-1.noarch.rpm"] is False
    assert good["x.rpm"] is False, "a changed byte"
    assert good["toy-plain-1.1-1.noarch.rpm"] is False, "the last line is of a database without the key"
    first = rpm_signatures.read(recorded("checksig").splitlines()[0])
    assert list(first.values()) == ["digests signatures OK"]


def test_only_configuration_files_are_asked_about():
    assert set(rpm_conffiles.digests(recorded("configuration"))) == {"/etc/clinic/keep.conf", "/etc/clinic/plain.conf"}
