# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host behind its firewall, tried from another host of the same network: no probe of ours is asked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

TRY = """python3 -c 'import socket; socket.create_connection(("{}", {}), 2)'"""


@pytest.fixture(scope="module")
def stranger(host):
    """The address of the other host of the fleet."""
    fleet = Path(os.environ["MOLECULE_PROJECT_DIRECTORY"]) / "build" / "lab" / "molecule-firewall" / "hosts.json"
    known = json.loads(fleet.read_text(encoding="utf-8"))
    hosts = known["hosts"] if isinstance(known, dict) and "hosts" in known else known
    entries = hosts.values() if isinstance(hosts, dict) else hosts
    mine = host.check_output("hostname")
    return next(entry["network_address"] for entry in entries if entry["name"] != mine)


def test_a_declared_port_is_open_to_the_network(host, stranger):
    assert host.run(TRY.format(stranger, 22)).rc == 0


def test_a_port_that_nobody_declared_does_not_even_answer(host, stranger):
    refused = host.run(TRY.format(stranger, 9000))
    assert refused.rc == 1
    assert "timed out" in refused.stderr  # without a firewall: "Connection refused", for nobody listens


def test_the_host_reaches_its_own_services(host):
    assert host.run(TRY.format("127.0.0.1", 80)).rc == 0
    assert host.run(TRY.format("127.0.0.1", 8080)).rc == 0


def test_a_ping_is_answered(host, stranger):
    # Root in a container may open no raw socket, but a group may be allowed to ping without one (icmp(7)).
    host.check_output("sysctl -q -w net.ipv4.ping_group_range='0 0'")
    command = f"""python3 - <<'END'
import socket, struct
echo = struct.pack("!BBHHH", 8, 0, 0, 7, 1)
total = sum(struct.unpack("!4H", echo))
echo = struct.pack("!BBHHH", 8, 0, ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF, 7, 1)
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
asking.settimeout(5)
asking.sendto(echo, ("{stranger}", 0))
assert asking.recv(128)[0] == 0
END"""
    assert host.run(command).rc == 0


def test_a_restart_of_the_rules_leaves_other_tables(host):
    host.check_output("nft add table inet drill")
    try:
        host.check_output("systemctl restart holdfast-firewall.service")
        host.check_output("nft list table inet drill")
    finally:
        host.run("nft delete table inet drill")


@pytest.mark.parametrize("verb", ["start", "restart", "reload", "stop"])
def test_debians_own_service_empties_the_rules_and_ours_come_back(host, verb):
    if verb != "start":
        host.check_output("systemctl start nftables.service")
    host.check_output(f"systemctl {verb} nftables.service")
    try:
        assert host.check_output("nft list table inet holdfast").count("policy drop") == 2
    finally:
        host.check_output("systemctl stop nftables.service")


def test_the_rules_come_back_with_the_host(host):
    assert host.service("holdfast-firewall").is_enabled
    host.check_output("nft flush ruleset")
    host.check_output("systemctl restart holdfast-firewall.service")
    assert "tcp dport 22 accept" in host.check_output("nft list table inet holdfast")


def test_rules_are_read_by_root_alone(host):
    rules = host.file("/etc/holdfast/firewall.nft")
    assert (rules.user, rules.group, rules.mode) == ("root", "root", 0o640)
