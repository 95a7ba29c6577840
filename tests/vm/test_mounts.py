# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a hardened machine by trying: no probe of ours is asked."""

from __future__ import annotations

RUN = "cp /bin/true {0}/drill-true && ({0}/drill-true; echo $?; rm {0}/drill-true)"


def test_nothing_runs_from_folders_for_temporary_files(hardened):
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):  # noqa: S108 -- the machine's, not ours
        assert hardened.machine.exec(["sh", "-c", RUN.format(folder)]).stdout == "126\n", folder
    # What a person brings to their home may run.
    assert hardened.machine.exec(["sh", "-c", RUN.format("/home")]).stdout == "0\n"


def test_a_copied_program_in_a_home_lends_no_rights(hardened):
    script = (
        "cp /usr/bin/id /home/drill-id && chmod 4755 /home/drill-id &&"
        " (runuser -u nobody -- /home/drill-id -u; rm /home/drill-id)"
    )
    assert hardened.machine.exec(["sh", "-c", script]).stdout == hardened.machine.exec(["id", "-u", "nobody"]).stdout


def test_a_user_sees_no_process_of_others(hardened):
    seen = hardened.machine.exec(["runuser", "-u", "nobody", "--", "ps", "-e", "-o", "user="], check=True).stdout
    assert set(seen.split()) == {"nobody"}


def test_a_package_still_installs(hardened):
    hardened.machine.exec(["/root/drill-package", "drill-noexec", "install"], check=True)
    hardened.machine.exec(["dpkg", "--purge", "drill-noexec"], check=True)
