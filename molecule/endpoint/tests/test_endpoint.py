# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed file and a piece of malware, both made on the spot, are found: no probe of ours is asked."""

from __future__ import annotations

import pytest

# A body signature of ClamAV's own language (name:kind:offset:hex); what it finds is a word of ours, no malware.
WORD = "holdfast-drill-is-no-malware"
SIGNATURE = f"Drill.Holdfast:0:*:{WORD.encode().hex()}"


@pytest.fixture(scope="module", autouse=True)
def reference(host):
    """A reference of the host as it is now, for the drills before have left theirs."""
    host.check_output("rm -f /var/lib/aide/holdfast.db")
    host.check_output("aide --config=/etc/holdfast/aide.conf --init")


def result(host, unit):
    """Run a service once; return its exit code and what it said this time."""
    host.check_output("systemctl reset-failed")
    host.run(f"systemctl start {unit}")
    host.check_output("journalctl --sync")
    said = host.check_output(f"journalctl -o cat _SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID {unit})")
    return host.check_output(f"systemctl show -P ExecMainStatus {unit}"), said


def test_nothing_has_changed(host):
    assert result(host, "holdfast-integrity.service")[0] == "0"
    assert host.file("/var/lib/holdfast/integrity-check").content_string == "0\n"


@pytest.mark.parametrize(
    ("change", "back", "named"),
    [
        ("useradd --no-create-home drill", "userdel drill", "/etc/passwd"),
        ("touch /usr/sbin/drill", "rm /usr/sbin/drill", "/usr/sbin/drill"),
        ("chmod u+s /usr/bin/env", "chmod u-s /usr/bin/env", "/usr/bin/env"),
    ],
)
def test_a_changed_file_is_named(host, change, back, named):
    host.check_output(change)
    try:
        code, said = result(host, "holdfast-integrity.service")
    finally:
        host.check_output(back)
    assert code != "0"
    assert f": {named}\n" in said + "\n"


def test_malware_is_found_and_other_files_are_not_touched(host):
    host.check_output(f"echo '{SIGNATURE}' >/var/lib/clamav/drill.ndb")
    host.check_output("echo harmless >/srv/letter")
    assert result(host, "holdfast-scan.service")[0] == "0"
    host.check_output(f"echo '{WORD}' >/srv/attachment")
    try:
        code, said = result(host, "holdfast-scan.service")
    finally:
        host.check_output("rm -f /srv/attachment /srv/letter /var/lib/clamav/drill.ndb")
    assert code == "1"
    assert "/srv/attachment: Drill.Holdfast.UNOFFICIAL FOUND" in said
    assert "letter" not in said


@pytest.mark.parametrize("name", ["holdfast-integrity.timer", "holdfast-scan.timer"])
def test_both_come_every_night(host, name):
    assert host.service(name).is_running
    assert host.service(name).is_enabled
    assert "02:30:00" in host.check_output(f"systemctl show -P TimersCalendar {name}")


def test_the_agent_runs(host):
    assert host.service("drill-agent").is_running


def test_the_reference_is_for_root_alone(host):
    assert host.file("/var/lib/aide/holdfast.db").mode == 0o600
