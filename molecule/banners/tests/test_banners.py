# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices after the role, as agetty and a login show them: no probe of ours is asked."""

from __future__ import annotations


def test_the_console_shows_the_notice_and_nothing_of_the_system(host):
    shown = " ".join(host.check_output("script -qec 'agetty --show-issue' /dev/null").split())
    assert "Only people it has authorized may use it" in shown
    assert "Debian" not in shown
    assert host.check_output("uname -r") not in shown


def test_lines_fit_a_console(host):
    for path in ("/etc/issue", "/etc/issue.net", "/etc/motd"):
        lines = host.file(path).content_string.splitlines()
        assert max(map(len, lines)) <= 76
        assert host.file(path).mode == 0o644


def test_a_login_is_reminded_and_told_no_kernel(host):
    # What pam_motd runs and shows at a login.
    said = host.check_output("run-parts --lsbsysinit /etc/update-motd.d; cat /etc/motd")
    assert "protected health information" in said
    assert host.check_output("uname -r") not in said
