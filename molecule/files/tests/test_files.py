# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights after the role, as an ordinary account meets them: no probe of ours is asked."""

from __future__ import annotations

import pytest

AS_GAMES = "setpriv --reuid games --regid games --clear-groups --"


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/sudoers", "/etc/crontab", "/etc/ssh/sshd_config"]
)
def test_a_stranger_reads_no_secret(host, path):
    if host.file(path).exists:
        assert "Permission denied" in host.run(f"{AS_GAMES} cat {path}").stderr


@pytest.mark.parametrize("path", ["/root", "/boot", "/etc/cron.d", "/etc/cron.weekly", "/etc/sudoers.d"])
def test_a_stranger_looks_into_no_closed_folder(host, path):
    assert "Permission denied" in host.run(f"{AS_GAMES} ls {path}").stderr


def test_everybody_still_knows_the_names(host):
    assert host.run(f"{AS_GAMES} cat /etc/passwd /etc/group").rc == 0


def test_programs_that_lend_rights_still_do(host):
    # Each of these reads what only root may, on behalf of whoever asks.
    assert host.run(f"{AS_GAMES} chage --list games").rc == 0
    assert host.file("/usr/bin/sudo").mode & 0o4000
    assert host.file("/usr/sbin/unix_chkpwd").mode & 0o2000


def test_no_other_program_lends_rights(host):
    found = host.check_output("find /usr/bin /usr/sbin /usr/local -xdev -type f -perm /6000")
    known = {"chage", "chfn", "chsh", "crontab", "expiry", "gpasswd", "mount", "newgrp", "passwd", "ssh-agent", "su"}
    assert {path.rpartition("/")[2] for path in found.splitlines()} <= known | {"sudo", "umount", "unix_chkpwd"}


def test_no_program_is_anybodys_to_write(host):
    folders = "/usr/bin /usr/sbin /usr/local/bin /usr/local/sbin"
    assert host.check_output(f"find {folders} -xdev ! -type l -perm -0002 -o ! -user root") == ""
