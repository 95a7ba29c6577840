# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What gets in through rule sets as nft 1.1.3 lists them: ours, others', several at once, and what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import firewall, sockets
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import UnreadableError
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._nft import Rules

CASES = Path(__file__).resolve().parents[3] / "cases" / "nft"
OURS = ("holdfast-firewall.service",)


def listing(*names):
    """One listing made of several recorded ones, as several tables are on one host."""
    whole = [json.loads((CASES / f"{name}.json").read_text(encoding="utf-8")) for name in names]
    return {"nftables": [entry for one in whole for entry in one["nftables"]]}


def rules(*names):
    return Rules(listing(*names))


def asked(argument, *names, stored=None, loaders=OURS, why=""):
    status, actual, _why = firewall.answer(argument, firewall.State(rules(*names), stored, loaders, why))
    assert status == "observed"
    return actual


ROLE = ["tcp/22 from any", "tcp/80 from 192.0.2.0/24", "tcp/80 from 2001:db8::/32"]


@pytest.mark.parametrize(
    ("argument", "actual"),
    [
        ("input", "drop"),
        ("forward", "drop"),
        ("flows", ROLE),
        ("loopback", "accept"),
        ("spoofed", "drop"),
        ("replies", "accept"),
        ("invalid", "drop"),
        ("log", 30),
    ],
)
def test_the_rules_of_the_role(argument, actual):
    assert asked(argument, "role") == actual


def test_without_rules_everything_gets_in():
    assert asked("input") == asked("forward") == asked("spoofed") == asked("invalid") == "accept"
    assert asked("flows") == ["tcp/1-65535 from any", "udp/1-65535 from any"]
    assert asked("log") is None


def test_sets_maps_jumps_and_a_second_table_are_followed():
    flows = asked("flows", "sets")
    assert [flow for flow in flows if flow.startswith(("tcp/443", "udp"))] == ["tcp/443 from any", "udp/53 from any"]
    office = ["tcp/22 from 192.0.2.0/24", "tcp/22 from 198.51.100.0/24", "tcp/22 from 2001:db8::/32"]
    assert [flow for flow in flows if flow.startswith("tcp/22 ")] == office
    # Everybody but one network: its complement, in as many networks as that takes.
    eight = [flow.split()[-1] for flow in flows if flow.startswith("tcp/8000 ")]
    assert "0.0.0.0/1" in eight
    assert not {"::/0", "203.0.113.0/24"} & set(eight)
    assert not [flow for flow in flows if flow.startswith(("tcp/25 ", "tcp/7999 ", "tcp/8011 "))]
    assert asked("input", "sets") == "drop"
    assert asked("invalid", "sets") == "drop"


def test_accepted_in_one_table_is_still_refused_by_another():
    assert asked("flows", "sets", "role") == office_and_role()
    assert asked("input", "podman", "role") == "drop"
    assert asked("forward", "podman") == "accept"


def office_and_role():
    """What both let in: 22 from the office; 80 in neither."""
    return ["tcp/22 from 192.0.2.0/24", "tcp/22 from 198.51.100.0/24", "tcp/22 from 2001:db8::/32"]


def test_rules_for_one_family_leave_the_other_open():
    assert asked("input", "v4only") == ["IPv4 drop", "IPv6 accept"]
    assert "tcp/22 from any" in asked("flows", "v4only")
    assert "tcp/23-65535 from ::/0" in asked("flows", "v4only")
    assert asked("log", "v4only") is None


def test_what_cannot_be_read_falls_against_us_each_time():
    flows = asked("flows", "doubts")
    assert flows == ["tcp/22 from any", "tcp/25 from any"]  # accepted under a mark; refused only under a mark
    assert asked("loopback", "doubts") == "drop"  # lets the host talk to itself only under a mark
    assert asked("replies", "doubts") == "accept"
    assert asked("log", "doubts") == "unlimited"
    assert asked("forward", "doubts") == "accept"  # five a second are let through


def test_messages_that_pass():
    assert len(asked("icmp", "role")) == 12
    assert asked("icmp", "doubts") == []


def test_what_a_boot_would_change_is_named():
    assert asked("flows", "role", stored=rules("role")) == ROLE
    assert asked("input", "role", stored=rules()) == ["live drop", "stored accept"]
    assert asked("flows", "role", stored=rules("doubts"))[3:] == [
        "after a boot tcp/25 from any",
        "until a boot tcp/80 from 192.0.2.0/24",
        "until a boot tcp/80 from 2001:db8::/32",
    ]


def test_at_boot():
    assert asked("boot", "role", stored=rules("role")) == "enabled"
    assert asked("boot", "role", stored=rules()) == "empty"
    assert asked("boot", "role", loaders=()) == "disabled"
    trouble = "nft left with 1: syntax error"
    assert asked("boot", "role", why=trouble) == "broken"


def test_a_host_that_lets_nothing_be_tried_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(firewall, "LOADERS", ((OURS[0], str(tmp_path)),))
    state = firewall.State(rules("role"), None, OURS, "unshare left with 1: unshare failed: Operation not permitted")
    assert firewall.answer("boot", state)[0] == "not_measured"


def test_too_many_cases_are_not_walked(monkeypatch):
    monkeypatch.setattr(firewall, "MOST_PACKETS", 10)
    with pytest.raises(UnreadableError, match="more than 10 cases"):
        firewall.reachable(rules("role"))


# --- sockets; lines of proc(5) from Debian 12

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000   100        0 1 1 0 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0302590A:0016 0102590A:D0A6 01 00000000:00000000 02:000A1D24 00000000     0        0 3 2 0 20 4 30 10 -1
"""
TCP6 = """  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000
   2: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000
"""
UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref
  323: 0100007F:0143 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4 2 0 0
  124: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 5 2 0 0
  125: 0302590A:C350 08080808:007B 01 00000000:00000000 00:00000000 00000000     0        0 6 2 0 0
"""


def test_only_sockets_that_wait_for_a_network_are_exposed(tmp_path, monkeypatch):
    for name, text in (("tcp", TCP), ("tcp6", TCP6), ("udp", UDP)):
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(sockets, "FOLDER", str(tmp_path))
    assert sockets.answer("exposed", sockets.collect(["exposed"]))[1] == ["tcp/22", "tcp/80", "udp/68"]
