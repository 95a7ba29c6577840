# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts after the role, each sending its lines to a collector on the other: no probe of ours is asked.

tests/drills/prepare-logs has set up a collector with TLS on each host, under an authority of its own.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import testinfra

FLEET = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "build" / "lab" / "molecule-logs"
KEPT = "/var/log/drill-collector"
RECORDER = """import socket
with socket.create_server(("", 6514)) as server:
    open("/run/recorder-up", "w").close()
    taken, _peer = server.accept()
    open("/run/recorded", "wb").write(taken.recv(4096))
"""


@pytest.fixture(scope="module")
def collector(host):
    """The other host, made the collector of this one: its name, its authority, its open port."""
    mine = host.check_output("hostname")
    entry = next(e for e in json.loads((FLEET / "hosts.json").read_text(encoding="utf-8")) if e["name"] != mine)
    other = testinfra.get_host(f"ansible://{entry['name']}?ansible_inventory={FLEET / 'inventory.json'}")
    other.check_output('sed -i \'s/"127.0.0.1", 6514/"", 6514/\' /etc/drill-collector/serve.py')
    other.check_output("systemctl restart drill-collector")
    other.check_output(f": >{KEPT}")
    authority = other.check_output("cat /etc/drill-collector/ca.crt")
    host.check_output(f"cat >/etc/holdfast/logs-ca.pem <<'END'\n{authority}\nEND")
    # /etc/hosts is a mount in a container: it is written, never replaced.
    host.check_output("sed /collector/d /etc/hosts >/run/hosts; cat /run/hosts >/etc/hosts")
    host.check_output(f"echo {entry['network_address']} collector.example.org >>/etc/hosts")
    restart(host)
    return other


def restart(host):
    host.check_output("systemctl reset-failed rsyslog")
    host.check_output("systemctl restart rsyslog")


def appears(host, text, path, seconds=20):
    return host.run(f"timeout {seconds} sh -c 'until grep -aq {text} {path}; do sleep 0.2; done'").rc == 0


def test_a_line_reaches_the_collector(host, collector):
    host.check_output("logger reaches-the-collector")
    assert appears(collector, "reaches-the-collector", KEPT)


def test_a_line_of_the_journal_reaches_it_too(host, collector):
    host.check_output("systemd-run --quiet --wait echo from-a-service")
    assert appears(collector, "from-a-service", KEPT)


def test_on_the_wire_there_is_tls_and_the_line_waits_until_the_collector_is_back(host, collector):
    collector.check_output("systemctl stop drill-collector")
    collector.check_output("rm -f /run/recorded /run/recorder-up")
    collector.check_output(f"systemd-run --quiet --unit=drill-recorder python3 -c '{RECORDER}'")
    assert collector.run("timeout 10 sh -c 'until [ -e /run/recorder-up ]; do sleep 0.1; done'").rc == 0
    restart(host)
    host.check_output("logger waits-for-the-collector")
    assert collector.run("timeout 30 sh -c 'until [ -s /run/recorded ]; do sleep 0.2; done'").rc == 0
    # RFC 8446, 5.1: a record of the type handshake (22) with legacy version 3.1 or 3.3.
    assert collector.check_output("head -c 2 /run/recorded | od -An -tx1").split() == ["16", "03"]
    assert collector.run("grep -aq waits-for /run/recorded").rc == 1
    collector.run("systemctl stop drill-recorder")
    collector.check_output("systemctl start drill-collector")
    assert appears(collector, "waits-for-the-collector", KEPT, 60)


def test_a_collector_with_a_strangers_certificate_gets_nothing(host, collector):
    host.check_output("cp /etc/holdfast/logs-ca.pem /run/right.pem")
    host.check_output("cp /etc/drill-collector/ca.crt /etc/holdfast/logs-ca.pem")  # of another authority
    restart(host)
    try:
        host.check_output("logger for-nobody-else")
        assert not appears(collector, "for-nobody-else", KEPT, 4)
    finally:
        host.check_output("cp /run/right.pem /etc/holdfast/logs-ca.pem")
        restart(host)
    # Another line: rsyslog may lose the one it was sending when it is stopped, and what waits is the test before.
    host.check_output("logger for-the-right-one")
    assert appears(collector, "for-the-right-one", KEPT, 60)


def test_a_client_without_tls_is_not_heard(host, collector):
    address = host.check_output("getent hosts collector.example.org").split()[0]
    host.check_output("logger --server %s --port 6514 --tcp in-the-clear", address)
    assert not appears(collector, "in-the-clear", KEPT, 2)


def test_log_files_are_closed_to_others(host):
    assert host.run("find /var/log -name '*.journal' -perm /o+r | grep .").rc == 1
    assert host.file("/var/log/auth.log").mode == 0o640


def test_the_settings_are_sound(host):
    assert host.run("rsyslogd -N1").rc == 0
    assert "ForwardToSyslog=yes" in host.check_output("systemd-analyze cat-config systemd/journald.conf")
