# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How RPM writes names and versions, and the files of a stage; and which kernel a host of RPM runs."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import rpm_forms, rpm_kernels
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError

SHA256 = "0" * 64


def line(**members: Any) -> dict[str, Any]:
    given = {"name": "openssl-libs", "arch": "x86_64", "from": None, "to": "1:3.0.7-28.el9", **members}
    file = rpm_forms.rpm_file(given["name"], given["to"], given["arch"])
    return {"sha256": SHA256, "size": 1, "file": file, **given}


@pytest.mark.parametrize("version", ["1:3.0.7-28.el9", "0.9~rc1-2", "20221208git^1-1.fc40", "5.1.8-9"])
def test_what_rpm_writes_is_a_version(version):
    (read,) = rpm_forms.read_lines([line(to=version)])
    assert read.deb.version == version


@pytest.mark.parametrize("version", ["1.0", "1.0-1-1", "../1-1", "-1-1", "1:1:1-1", "1.0-1 "])
def test_anything_else_is_refused(version):
    with pytest.raises(PackageError, match="expected a version"):
        rpm_forms.read_lines([line(to=version)])


def test_a_name_cannot_be_an_option_or_a_path():
    for name in ("-x", "../x", "a/b"):
        with pytest.raises(PackageError, match="expected a package name"):
            rpm_forms.read_lines([line(name=name)])


def test_versions_that_differ_by_the_epoch_alone_are_two_files():
    assert rpm_forms.rpm_file("x", "1:1-1", "noarch") == "x-1%3a1-1.noarch.rpm"
    assert rpm_forms.rpm_file("x", "1-1", "noarch") == "x-1-1.noarch.rpm"


def test_people_are_told_of_the_architecture_where_it_is_a_foreign_one():
    assert rpm_forms.shown("glibc", "x86_64", "x86_64") == "glibc"
    assert rpm_forms.shown("glibc", "i686", "x86_64") == "glibc:i686"
    assert rpm_forms.shown("tzdata", "noarch", "x86_64") == "tzdata"


def kernel(version: str, running: str, *, container: bool = False) -> bool:
    installed = [Package("kernel-core", "x86_64", version, "kernel", version, "install", "ok", "installed")]
    said = os.uname_result(("Linux", "host", running, "#1", "x86_64"))
    return rpm_kernels.kernel(installed, said, container=container).needs_reboot


def test_a_newer_kernel_than_the_one_that_runs_needs_a_reboot():
    assert not kernel("5.14.0-427.el9", "5.14.0-427.el9.x86_64")
    assert kernel("5.14.0-503.el9", "5.14.0-427.el9.x86_64")
    assert not kernel("5.14.0-503.el9", "5.14.0-427.el9.x86_64", container=True)
