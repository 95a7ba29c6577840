# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is recorded, from listings as auditctl 3.0.9 prints them on Debian 12."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.audit_rules import read
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import audit
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError, UnreadableError

LISTING = """-w /etc/passwd -p wa -k identity
-w /etc/sudoers.d/ -p rwxa -k privileges
-w /etc/group -p w -k half
-a never,exit -F dir=/srv/noise -F perm=wa
-a always,exit -S all -F dir=/srv/claims -F perm=wa -F key=ephi
-a always,exit -F arch=b64 -S adjtimex,settimeofday -F key=time
-a always,exit -F arch=b32 -S settimeofday,adjtimex -F key=time
-a always,exit -F arch=b64 -S mount,umount2 -F auid>=1000 -F auid!=-1 -F key=mounts
-a always,exit -F arch=b32 -S mount -F auid>=1000 -F auid!=-1 -F key=mounts
-a always,exit -F arch=b64 -S unlink -F auid=1234 -F key=one-person
-a always,exit -F arch=b32 -S unlink -F auid=1234 -F key=one-person
-a always,exit -F arch=b64 -S openat,open -F exit=-EACCES -F auid>=1000 -F key=refused
-a always,exit -F arch=b64 -S openat -F exit=-EPERM -F auid>=1000 -F key=refused
-a always,exit -F arch=b32 -S openat,open -F exit=-EACCES -F auid>=1000 -F key=refused
-a always,exit -F arch=b32 -S openat,open -F exit=-EPERM -F auid>=1000 -F key=refused
"""
STATUS = "enabled 1\nfailure 1\nlost 7\nbacklog 0\nloginuid_immutable 0 unlocked\n"
CONFIG = {"num_logs": "10", "max_log_file_action": "rotate"}


@pytest.fixture
def asked(monkeypatch):
    """Ask about these rules on a host of its own."""
    monkeypatch.setattr(audit, "in_container", lambda: False)

    def ask(question, listing=LISTING, config=CONFIG, lost=STATUS):
        return audit.answer(question, audit.State(config, {"syslog": "yes"}, listing, lost))

    return ask


@pytest.mark.parametrize(
    ("question", "actual"),
    [
        ({"ask": "watched"}, ["/etc/passwd", "/etc/sudoers.d", "/srv/claims"]),
        ({"ask": "calls"}, ["adjtimex", "mount", "settimeofday"]),
        ({"ask": "refused"}, ["openat"]),
        ({"ask": "lost"}, 7),
        ({"config": "num_logs"}, "10"),
        ({"config": "max_log_file"}, None),
        ({"plugin": "syslog"}, "yes"),
    ],
)
def test_only_what_is_recorded_whole_counts(asked, question, actual):
    assert asked(question) == ("observed", actual, "")


def test_no_rules(asked):
    assert asked({"ask": "watched"}, "No rules\n")[1] == []
    assert asked({"ask": "calls"}, "No rules\n")[1] == []


def test_without_the_service_nothing_is_recorded(asked):
    assert asked({"ask": "watched"}, None)[1] == []
    assert asked({"config": "num_logs"}, None, None) == ("observed", None, "auditd is not installed")


def test_a_status_without_a_count_is_not_read(asked):
    with pytest.raises(UnreadableError):
        asked({"ask": "lost"}, lost="enabled 1\n")


def test_the_rules_of_a_container_belong_to_the_machine(monkeypatch):
    monkeypatch.setattr(audit, "in_container", lambda: True)
    state = audit.State(CONFIG, {}, None, "")
    assert audit.answer({"ask": "calls"}, state)[0] == "not_measured"
    assert audit.answer({"config": "num_logs"}, state)[1] == "10"


def test_settings_are_read_as_auditd_reads_them(tmp_path):
    path = tmp_path / "auditd.conf"
    path.write_text("# x = y\nnum_logs = 5\nMax_Log_File_Action = ROTATE\nnum_logs = 10\n", encoding="utf-8")
    assert audit.settings(str(path)) == {"num_logs": "10", "max_log_file_action": "rotate"}


@pytest.mark.parametrize("question", ["watched", {}, {"ask": "all"}, {"plugin": "x"}, {"ask": "lost", "config": "x"}])
def test_what_nobody_can_answer_is_refused(question):
    with pytest.raises(BadArgumentError):
        audit.check(question)


# --- rules made comparable


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("-w /etc/sudoers.d/ -p wa -k a", "-w /etc/sudoers.d -p wa -k a"),
        ("-w /etc/x -p aw -k a", "-a always,exit -S all -F path=/etc/x -F perm=wa -F key=a"),
        ("-a exit,always -F arch=b64 -S b,a -k t", "-a always,exit -F arch=b64 -S a,b -F key=t"),
        ("-a always,exit -F arch=b64 -S a -F auid!=unset -k t", "-a always,exit -F arch=b64 -S a -F auid!=-1 -F key=t"),
        ("-a always,exit -F arch=b64 -S a -S b -k t", "-a always,exit -F arch=b64 -S b,a -F key=t"),
    ],
)
def test_a_rule_is_known_again_in_the_listing(written, listed):
    assert read("# made\n\n-D\n-b 8192\n" + written) == read(listed)
    assert read("No rules\n") == []
    assert read(written) != read(listed.replace("b64", "b32").replace("wa", "w"))
