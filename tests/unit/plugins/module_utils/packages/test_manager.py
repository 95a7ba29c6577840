# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The choice of the package manager where no RPM is: a host of dpkg alone is apt's."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import apt, dnf, manager


def test_a_host_without_dnf_is_apts(tmp_path):
    assert manager.chosen(tmp_path / "status", [tmp_path / "dnf"]) == "apt"


def test_the_faces_have_the_same_names():
    assert manager.face("apt") is apt
    assert manager.face("dnf") is dnf
