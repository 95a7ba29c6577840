# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of packages are said as the kernel says them, and the services among them are found."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.contents import Content, merged, paths


def test_the_list_of_an_architecture_comes_before_the_common_one(tmp_path):
    (tmp_path / "zlib1g.list").write_text("/.\n/usr/share/old\n", encoding="utf-8")
    assert paths("zlib1g", "amd64", tmp_path) == ("/usr/share/old",)
    (tmp_path / "zlib1g:amd64.list").write_text("/.\n/usr/lib/libz.so.1\n", encoding="utf-8")
    assert paths("zlib1g", "amd64", tmp_path) == ("/usr/lib/libz.so.1",)
    assert paths("none", "amd64", tmp_path) == ()


def test_a_path_is_below_usr_where_its_first_folder_is_a_link_there():
    assert merged("/lib/x.so", ("/lib/",)) == "/usr/lib/x.so"
    assert merged("/library", ("/lib/",)) == "/library"
    assert merged("/etc/x", ("/lib/",)) == "/etc/x"


def test_services_are_found_among_the_paths():
    content = Content(1, ("/usr/lib/systemd/system/nginx.service", "/usr/lib/systemd/system", "/etc/x.service"))
    assert content.units == ("nginx.service",)
