# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A banner is what all its files say together, however its lines are broken."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import banner


def shown(tmp_path, *patterns):
    text = banner.text_of(tuple(str(tmp_path / pattern) for pattern in patterns))
    return banner.answer("motd", {"motd": text})[:2]


def write(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")


def test_line_breaks_do_not_matter(tmp_path):
    write(tmp_path, "motd", "Only for\n  authorized   people.\n\n")
    assert shown(tmp_path, "motd") == ("observed", "Only for authorized people.")


def test_files_beside_it_are_shown_too(tmp_path):
    write(tmp_path, "issue", "One\n")
    write(tmp_path, "etc/20.issue", "three\n")
    write(tmp_path, "etc/10.issue", "two\n")
    write(tmp_path, "usr/10.issue", "replaced\n")
    write(tmp_path, "usr/30.txt", "not shown\n")
    assert shown(tmp_path, "issue", "etc/*.issue", "usr/*.issue") == ("observed", "One two three")


def test_nothing_is_nothing(tmp_path):
    write(tmp_path, "motd", " \n")
    assert shown(tmp_path, "motd", "none", "none.d/*") == ("observed", None)


def test_a_long_text_is_cut(tmp_path):
    write(tmp_path, "motd", "x" * 5000)
    assert len(shown(tmp_path, "motd")[1]) == banner.LONGEST
