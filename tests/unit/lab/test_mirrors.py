# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian archive is read from the machine's apt sources, in either notation, or from settings."""

from __future__ import annotations

import pytest

from lab import mirrors
from lab.errors import MissingError

DEB822 = """\
# comment
Types: deb deb-src
URIs: http://mirror.example.org/debian/
Suites: bookworm
  bookworm-updates
Components: main contrib

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.fixture
def apt(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


def test_deb822_sources_with_a_folded_field(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    found = mirrors.find({}, apt)
    assert found.main == "http://mirror.example.org/debian"
    assert found.security == "http://mirror.example.org/debian-security"


def test_one_line_sources_with_options(apt):
    (apt / "sources.list").write_text(
        "# deb http://off.example.org/debian trixie main\n"
        "deb-src http://src.example.org/debian trixie main\n"
        "deb [arch=amd64 signed-by=/k.gpg] http://a.example.org/debian trixie main non-free\n"
        "deb http://b.example.org/debian-security trixie-security main\n"
    )
    found = mirrors.find({}, apt)
    assert (found.main, found.security) == ("http://a.example.org/debian", "http://b.example.org/debian-security")


def test_a_vendor_with_a_suite_named_after_the_release_is_not_debian(apt):
    (apt / "sources.list.d" / "a-vendor.list").write_text("deb http://vendor.example.org bookworm main\n")
    (apt / "sources.list.d" / "b-vendor.list").write_text("deb http://tool.example.org/linux/debian bookworm stable\n")
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert mirrors.find({}, apt).main == "http://mirror.example.org/debian"


def test_a_disabled_source_is_not_used(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822.replace("Types: deb\n", "Enabled: no\nTypes: deb\n"))
    with pytest.raises(MissingError, match="LAB_SECURITY_MIRROR"):
        mirrors.find({}, apt)


def test_settings_come_first(apt):
    (apt / "sources.list.d" / "debian.sources").write_text(DEB822)
    found = mirrors.find({"LAB_MIRROR": "http://x.example.org/d/"}, apt)
    assert (found.main, found.security) == ("http://x.example.org/d", "http://mirror.example.org/debian-security")


def test_a_machine_without_debian_sources_is_told_what_to_set(apt):
    (apt / "sources.list").write_text("deb http://ubuntu.example.org/ubuntu noble main\n")
    with pytest.raises(MissingError, match="LAB_MIRROR and LAB_SECURITY_MIRROR; set it"):
        mirrors.find({}, apt)
