# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""dpkg's words are read completely: states, holds, and what it owes."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import dpkg
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.errors import PackageError


def package(status="installed", flag="ok", want="install"):
    """nginx in some state."""
    return dpkg.Package("nginx", "amd64", "1.0-1", "nginx", "1.0-1", want, flag, status)


def test_a_line_is_read_field_by_field():
    known = dpkg.parse_inventory("bash\tamd64\t5.2.15-2+b13\tbash\t5.2.15-2\tinstall\tok\tinstalled\n")
    assert known["bash", "amd64"] == dpkg.Package(
        "bash", "amd64", "5.2.15-2+b13", "bash", "5.2.15-2", "install", "ok", "installed"
    )


def test_a_line_of_another_form_is_an_error():
    with pytest.raises(PackageError, match="expected 8 fields"):
        dpkg.parse_inventory("bash amd64 5.2\n")


@pytest.mark.parametrize("status", ["half-installed", "unpacked", "half-configured", "triggers-pending"])
def test_every_state_between_is_unfinished(status):
    assert package(status).unfinished
    assert package(status).present


def test_a_package_that_must_be_reinstalled_is_unfinished():
    assert package(flag="reinstreq").unfinished


@pytest.mark.parametrize("status", ["config-files", "not-installed"])
def test_left_over_configuration_is_no_package(status):
    assert not package(status).present
    assert not package(status).unfinished


def test_an_installed_package_owes_nothing_and_a_hold_is_seen():
    assert not package().unfinished
    assert package(want="hold").held
    assert not package().held


def test_a_journal_with_entries_means_dpkg_was_killed(tmp_path):
    assert not dpkg.interrupted(tmp_path / "none")
    (tmp_path / "tmp.i").touch()
    assert not dpkg.interrupted(tmp_path)
    (tmp_path / "0000").touch()
    assert dpkg.interrupted(tmp_path)
