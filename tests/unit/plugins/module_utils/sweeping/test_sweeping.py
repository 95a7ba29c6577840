# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sweep touches only what it was given, at its pace and for its time, and believes no answer without bounds."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.sweeping import (
    addresses,
    connecting,
    hostkeys,
    neighbours,
    nmap,
)
from ansible_collections.holdfast.hipaa.plugins.module_utils.sweeping.addresses import SweepError
from ansible_collections.holdfast.hipaa.plugins.modules.sweep import sweep

ANSWER = b"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<nmaprun scanner="nmap"><host><status state="up" reason="arp-response"/>
<address addr="192.0.2.7" addrtype="ipv4"/><address addr="02:00:00:00:00:07" addrtype="mac" vendor="x"/>
<ports><port protocol="tcp" portid="443"><state state="open"/></port>
<port protocol="tcp" portid="22"><state state="open"/></port>
<port protocol="tcp" portid="23"><state state="closed"/></port></ports></host>
<host><status state="down"/><address addr="192.0.2.8" addrtype="ipv4"/></host>
<runstats><finished time="1" exit="success"/></runstats></nmaprun>
"""
BOMB = b"""<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<nmaprun><host><status state="up"/><address addr="&b;" addrtype="ipv4"/></host>
<runstats><finished exit="success"/></runstats></nmaprun>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun>&x;</nmaprun>"""


def test_what_nmap_says_is_read() -> None:
    assert nmap.parse(ANSWER) == [{"address": "192.0.2.7", "mac": "02:00:00:00:00:07", "ports": [22, 443]}]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (BOMB, "declares entities"),
        (OUTSIDE, "declares entities"),
        (b"", "no XML"),
        (b"<html></html>", "'html'"),
        (ANSWER[:400], "no XML"),
        (b"<nmaprun></nmaprun>", "not whole"),
        (ANSWER.replace(b'exit="success"', b'exit="error"'), "not whole"),
        (b"<nmaprun>" + b"<a>" * 100 + b"</a>" * 100 + b"</nmaprun>", "where no answer"),
    ],
)
def test_an_answer_that_is_none_of_nmaps_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(SweepError, match=says):
        nmap.parse(data)


def test_an_answer_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nmap, "LARGEST", 100)
    with pytest.raises(SweepError, match="at most 100"):
        nmap.parse(ANSWER)


def test_nmap_gets_networks_as_arguments_and_a_pace() -> None:
    argv = nmap.argv_of(addresses.networks_of(["192.0.2.0/28"]), [22, 80], 50)
    assert argv[-2:] == ["--", "192.0.2.0/28"]
    assert argv[argv.index("--max-rate") + 1] == "50"


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "no network was named"),
        (["0.0.0.0/0"], "addresses; expected at most"),
        (["10.0.0.0/8"], "addresses; expected at most"),
        (["192.0.2.0/15"], "host bits"),
        (["127.0.0.0/24"], "no network of hosts"),
        (["224.0.0.0/24"], "no network of hosts"),
        (["-iL /etc/passwd"], "expected a network"),
        (["example.org"], "expected a network"),
    ],
)
def test_networks_that_cannot_be_meant_are_refused_before_anything_is_sent(texts: list[str], says: str) -> None:
    with pytest.raises(SweepError, match=says):
        sweep(texts, [22], 100, 1, "connect")


def test_networks_of_ipv6_are_not_tried_address_by_address() -> None:
    assert list(addresses.hosts_of(addresses.networks_of(["2001:db8::/64", "192.0.2.0/30"]))) == [
        ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2"),
    ]  # fmt: skip


@pytest.fixture
def server() -> Iterator[int]:
    """A port of loopback on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_open_ports_and_refusals_both_show_that_somebody_is_there(server: int) -> None:
    answers = connecting.sweep(["127.0.0.1", "127.0.0.2"], [server], 1000, 10)
    assert answers.open == {"127.0.0.1": [server]}
    assert answers.refused == {"127.0.0.2"}
    assert answers.untried == 0


def test_the_pace_is_kept_and_what_the_time_was_not_enough_for_is_counted(server: int) -> None:
    began = time.monotonic()
    answers = connecting.sweep(["127.0.0.1"], [server] * 100, 20, 0.5)
    assert time.monotonic() - began < 30
    assert 80 <= answers.untried < 100


def test_neighbours_that_answered_are_told_from_those_that_did_not() -> None:
    said = """[{"dst":"192.0.2.7","dev":"eth0","lladdr":"02:00:00:00:00:07","state":["STALE"]},
               {"dst":"192.0.2.8","dev":"eth0","state":["FAILED"]},
               {"dst":"192.0.2.9","dev":"eth0","lladdr":"02:00:00:00:00:09","state":["FAILED"]}]"""
    assert neighbours.parse_ip(said) == {"192.0.2.7": ("02:00:00:00:00:07", frozenset({"STALE"}))}
    arp = (
        "IP address HW type Flags HW address Mask Device\n"
        "192.0.2.7 0x1 0x2 02:00:00:00:00:07 * eth0\n192.0.2.8 0x1 0x0 00:00:00:00:00:00 * eth0\n"
    )
    assert neighbours.parse_arp(arp) == {"192.0.2.7": "02:00:00:00:00:07"}


def test_a_neighbour_that_is_only_remembered_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's table goes from asking to an answer between two looks; what is left from before is no answer."""
    mac = "02:00:00:00:00:07"
    looks = [
        {"192.0.2.7": (mac, frozenset({"DELAY"})), "192.0.2.8": ("", frozenset({"INCOMPLETE"}))},
        {
            "192.0.2.7": (mac, frozenset({"REACHABLE"})),
            "192.0.2.9": (mac, frozenset({"STALE"})),
            "2001:db8::9": (mac, frozenset({"STALE"})),
        },
    ]
    monkeypatch.setattr(neighbours, "_read", lambda _networks: looks.pop(0))
    found = neighbours.settled(addresses.networks_of(["192.0.2.0/28"]), 5)
    assert found.there == {"192.0.2.7", "2001:db8::9"}
    assert found.macs == dict.fromkeys(("192.0.2.7", "192.0.2.9", "2001:db8::9"), mac)


def test_a_silent_address_of_a_host_that_answers_elsewhere_is_no_host_beside_it() -> None:
    near = neighbours.Neighbours(
        {"192.0.2.7": "02:00:00:00:00:07", "192.0.2.8": "02:00:00:00:00:07", "192.0.2.9": "02:00:00:00:00:09",
         "fe80::7": "02:00:00:00:00:07"},
        {"192.0.2.7", "192.0.2.8", "192.0.2.9", "fe80::7"},
    )  # fmt: skip
    assert neighbours.unanswered(near, {"192.0.2.8", "192.0.2.77"}) == {"192.0.2.9", "fe80::7"}
    assert neighbours.unanswered(near, set()) == near.there


def test_a_neighbour_outside_is_none_of_our_business() -> None:
    networks = addresses.networks_of(["192.0.2.0/28", "fe80::/64"])
    inside = [addresses.inside(one, networks) for one in ("192.0.2.7", "192.0.2.77", "fe80::1%eth0", "x")]
    assert inside == [True, False, True, False]


def test_host_keys_are_read_by_address() -> None:
    said = "# 192.0.2.7:22 SSH-2.0\n192.0.2.7 ssh-ed25519 AAAA\n192.0.2.7 ssh-rsa ***\n"
    assert list(hostkeys.parse(said)) == ["192.0.2.7"]
