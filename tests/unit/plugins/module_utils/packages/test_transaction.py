# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt's simulation is read completely, and every difference from a plan is named."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.transaction import (
    Change,
    Removal,
    Transaction,
    differences,
    parse,
)

# apt 2.6 on Debian 12; apt 3.0 on Debian 13 writes these lines the same way.
BOOKWORM = """\
Reading package lists...
The following packages will be upgraded:
  nginx nginx-common tzdata
3 upgraded, 0 newly installed, 0 to remove and 24 not upgraded.
Inst tzdata [2026b-0+deb12u1] (2026f-0+deb12u1 Debian-Security:12/oldstable-security [all])
Inst nginx [1.22.1-9+deb12u9] (1.22.1-9+deb12u11 Debian-Security:12/oldstable-security [amd64]) []
Conf tzdata (2026f-0+deb12u1 Debian-Security:12/oldstable-security [all])
"""


def test_upgrades_are_read_with_both_versions_and_the_architecture():
    assert parse(BOOKWORM).changes == (
        Change("tzdata", "all", "2026b-0+deb12u1", "2026f-0+deb12u1"),
        Change("nginx", "amd64", "1.22.1-9+deb12u9", "1.22.1-9+deb12u11"),
    )


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (
            "Inst linux-image-6.1.0-40-amd64 (6.1.153-1 Debian:12/oldstable, Debian-Security:12/oldstable [amd64])",
            Change("linux-image-6.1.0-40-amd64", "amd64", None, "6.1.153-1"),
        ),
        (
            "Inst zlib1g:i386 [1:1.2.13.dfsg-1] (1:1.2.13.dfsg-2 Debian:12/stable [i386]) [zlib1g:amd64 ]",
            Change("zlib1g", "i386", "1:1.2.13.dfsg-1", "1:1.2.13.dfsg-2"),
        ),
        ("Inst toy [1.0] (1.1 local-deb [all])", Change("toy", "all", "1.0", "1.1")),
        ("Inst toy (1.1 [all])", Change("toy", "all", None, "1.1")),
    ],
)
def test_every_form_of_an_installation_is_read(line, change):
    assert parse(line).changes == (change,)


def test_removals_are_read():
    would = parse("Remv nginx [1.22.1-9+deb12u9]\nPurg zlib1g:i386 [1.0]\nRemv gone\n")
    assert would.removals == (
        Removal("nginx", None, "1.22.1-9+deb12u9"),
        Removal("zlib1g", "i386", "1.0"),
        Removal("gone", None, None),
    )


def test_a_line_that_cannot_be_read_is_an_error_and_not_left_out():
    with pytest.raises(PackageError, match="cannot read"):
        parse("Inst nginx 1.0 to 2.0")


def test_phased_upgrades_are_named():
    would = parse("The following upgrades have been deferred due to phasing:\n  bash dash\n  grep\n0 upgraded\n")
    assert would.phased == ("bash", "dash", "grep")


def test_a_simulation_equal_to_the_plan_has_no_difference():
    would = Transaction((Change("nginx", "amd64", "1.0", "1.1"),), (Removal("gone", None, None),))
    assert differences(would, {("nginx", "amd64"): "1.1"}, {"gone"}) == ()


@pytest.mark.parametrize(
    ("would", "said"),
    [
        (Transaction((), ()), "nginx (amd64): found no change; expected a change to 1.1"),
        (
            Transaction((Change("nginx", "amd64", "1.0", "1.2"),), ()),
            "nginx (amd64): found a change to 1.2; expected 1.1",
        ),
        (
            Transaction((Change("nginx", "amd64", "1.0", "1.1"), Change("perl", "amd64", "5.36", "5.38")), ()),
            "perl (amd64): found a change to 5.38; expected no change",
        ),
        (
            Transaction((Change("nginx", "amd64", "1.0", "1.1"),), (Removal("postgresql-15", None, "15"),)),
            "postgresql-15: found a removal; expected none",
        ),
        (
            Transaction((Change("nginx", "amd64", "1.0", "1.1"),), (Removal("nginx", "i386", "1.0"),)),
            "nginx:i386: found a removal; expected none",
        ),
    ],
)
def test_each_difference_names_its_package(would, said):
    (refusal,) = differences(would, {("nginx", "amd64"): "1.1"}, set())
    assert said in str(refusal)


def test_a_removal_that_would_not_happen_is_a_difference():
    (refusal,) = differences(Transaction((), ()), {}, {"toy"})
    assert "toy: found no removal" in str(refusal)


def test_the_same_package_of_another_architecture_is_another_package():
    would = Transaction((Change("nginx", "i386", "1.0", "1.1"),), (Removal("toy", "i386", "1.0"),))
    said = [str(refusal) for refusal in differences(would, {("nginx", "amd64"): "1.1"}, {"toy"})]
    assert [line.partition(";")[0] for line in said] == [
        "nginx (i386): found a change to 1.1",
        "nginx (amd64): found no change",
        "toy:i386: found a removal",
        "toy: found no removal",
    ]
