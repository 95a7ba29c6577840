# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time zone is what the link /etc/localtime names."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import time_zone


def seen(path, monkeypatch):
    monkeypatch.setattr(time_zone, "PATH", str(path))
    return time_zone.answer("local", time_zone.collect(["local"]))[:2]


@pytest.mark.parametrize(
    ("target", "zone"),
    [
        ("/usr/share/zoneinfo/Etc/UTC", "Etc/UTC"),
        ("../usr/share/zoneinfo/America/New_York", "America/New_York"),
        ("/somewhere/else", None),
    ],
)
def test_a_link_names_the_zone(tmp_path, monkeypatch, target, zone):
    (tmp_path / "localtime").symlink_to(target)
    assert seen(tmp_path / "localtime", monkeypatch) == ("observed", zone)


def test_without_the_file_it_is_utc_and_a_copy_has_no_name(tmp_path, monkeypatch):
    assert seen(tmp_path / "localtime", monkeypatch) == ("observed", "Etc/UTC")
    (tmp_path / "localtime").touch()
    assert seen(tmp_path / "localtime", monkeypatch) == ("observed", None)
