# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where lines go, read from configurations in both of rsyslog's languages."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import rsyslog

MAIN = """
module(load="imuxsock") # local
#module(load="imudp")
$IncludeConfig {folder}/*.conf
auth,authpriv.*  {folder}/auth.log
*.*;auth.none  -{folder}/syslog
*.emerg :omusrmsg:*
"""
SAFE = """# made
action(
    type="omfwd" target="logs.example.org" port="6514" protocol="tcp"
    StreamDriver="gtls" StreamDriverMode="1" # inside
    StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="logs.example.org"
    StreamDriver.CAFile="/etc/holdfast/logs-ca.pem"
    queue.type="LinkedList" queue.filename="x" queue.saveOnShutdown="on" action.resumeRetryCount="-1"
)
"""
OLD_SAFE = """
$DefaultNetstreamDriver gtls
$DefaultNetstreamDriverCAFile /etc/ssl/ca.pem
$ActionSendStreamDriverMode 1
$ActionSendStreamDriverAuthMode anon
*.* @@(o)logs.example.org:6514
"""


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """Ask about a configuration whose only drop-in is this text."""
    monkeypatch.setattr(rsyslog, "MAIN", str(tmp_path / "main"))
    monkeypatch.setattr(rsyslog, "program", lambda name: name)
    monkeypatch.setattr(rsyslog, "daemon", lambda _name: (0, 0.0))
    (tmp_path / "main").write_text(MAIN.format(folder=tmp_path), encoding="utf-8")

    def ask(question, text="", **change):
        (tmp_path / "one.conf").write_text(text, encoding="utf-8")
        return rsyslog.answer(question, rsyslog.collect([question])._replace(**change))

    return ask


@pytest.mark.parametrize(
    ("question", "actual"),
    [
        ("collector", "logs.example.org:6514"),
        ("ca", "/etc/holdfast/logs-ca.pem"),
        ("peer", "x509/name"),
        ("queue", "disk"),
        ("plain", []),
        ("connection", "down"),
        ("inputs", []),
        ("loaded", "not running"),
    ],
)
def test_a_safe_action(asked, question, actual):
    assert asked(question, SAFE)[1] == actual


def test_a_safe_action_of_the_old_kind(asked):
    assert asked("collector", OLD_SAFE)[1] == "logs.example.org:6514"
    assert asked("peer", OLD_SAFE)[1] == "anon of anybody"
    assert asked("ca", OLD_SAFE)[1] == "/etc/ssl/ca.pem"
    assert asked("queue", OLD_SAFE)[1] == "none"


@pytest.mark.parametrize(
    "text",
    [
        "*.* @192.0.2.9",
        "*.* @@192.0.2.9:514",
        'action(type="omfwd" target="192.0.2.9" protocol="tcp")',
        'action(type="omfwd" target="192.0.2.9" streamdriver="gtls" streamdrivermode="0" protocol="tcp")',
        'action(type="omrelp" target="192.0.2.9")',
    ],
)
def test_lines_in_the_clear_are_named(asked, text):
    assert asked("plain", SAFE + text)[1] == ["192.0.2.9:514"]
    assert asked("collector", text)[1] is None
    assert asked("peer", text)[0] == "not_applicable"


@pytest.mark.parametrize(
    ("was", "is_now", "queue"),
    [
        ('queue.filename="x" ', "", "none"),
        ('queue.type="LinkedList" ', "", "none"),
        (' queue.saveOnShutdown="on"', "", "lost at a shutdown"),
        ('"-1"', '"3"', "given up"),
    ],
)
def test_a_queue_that_loses_lines(asked, was, is_now, queue):
    assert asked("queue", SAFE.replace(was, is_now))[1] == queue


def test_two_collectors_are_both_named(asked):
    assert asked("collector", SAFE + SAFE.replace("logs.", "other."))[1] == [
        "logs.example.org:6514",
        "other.example.org:6514",
    ]


def test_a_connection_to_the_port_is_up(asked):
    assert asked("connection", SAFE, peers={6514})[1] == "up"


def test_inputs_from_the_network(asked):
    assert asked("inputs", 'module(load="imtcp")\n# module(load="imudp")\n')[1] == ["imtcp"]


def test_a_configuration_that_the_daemon_has_not_read(asked):
    assert asked("loaded", SAFE, started=2.0e10)[1] == "current"
    status, actual, why = asked("loaded", SAFE, started=1.0)
    assert (status, actual) == ("observed", "older")
    assert "seconds after it was started" in why


def test_modes_of_the_files_that_are_written(asked, tmp_path):
    assert asked("files")[0] == "not_applicable"
    for name in ("auth.log", "syslog", "syslog.1"):
        (tmp_path / name).touch(mode=0o640)
    assert asked("files")[1] == "0640"
    os.chmod(tmp_path / "syslog.1", 0o644)
    assert asked("files")[1][2] == f"0644 {tmp_path}/syslog.1"


def test_without_rsyslog_nothing_applies(tmp_path, monkeypatch):
    monkeypatch.setattr(rsyslog, "MAIN", str(tmp_path / "none"))
    assert rsyslog.answer("collector", rsyslog.collect(["collector"]))[0] == "not_applicable"
