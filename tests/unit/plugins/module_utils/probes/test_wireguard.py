# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of wg-quick beside what `wg show all dump` prints (wireguard-tools 1.0.20210914); the keys are throw-away."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import _wireguard, wireguard

SECRET, MINE = "SOURCE+key+of+a+test+that+is+no+key+at+all+0=", "HaJzZzaJMXA+noKDT5x+o9XD2iExyNpvyEgbTC5gDj8="
ONE, TWO = "LxTsOpx9qEU8LBva8XtWRVDw+jF9rR7c74Xh85zepwY=", "QyTsOpx9qEU8LBva8XtWRVDw+jF9rR7c74Xh85zepwY="
FILE = f"""# ours
[Interface]
Address = 192.0.2.1/24
ListenPort = 51820
PrivateKey = {SECRET}

[peer]
publickey = {ONE} # ann
AllowedIPs = 192.0.2.2, 2001:db8::2/128
PersistentKeepalive = 25
"""
NOW = 1_795_000_000


def dump(*peers, port="51820", secret=SECRET):
    lines = [f"wg0\t{secret}\t{MINE}\t{port}\toff"]
    return "\n".join(lines + ["\t".join(("wg0", *peer)) for peer in peers]) + "\n"


def peer(key=ONE, networks="192.0.2.2/32,2001:db8::2/128", heard="0", keepalive="25", shared="(none)"):
    return (key, shared, "198.51.100.7:4500", networks, heard, "0", "148", keepalive)


def state(text=FILE, shown=None, changed=NOW, keys=None, saving=(), wanted=("wg0",)):
    promised = {"wg0": _wireguard.stored(text)} if text else {}
    live = None if shown is None else _wireguard.live(shown)
    return wireguard.State(NOW, promised, {"wg0": changed}, keys or {}, list(saving), live, list(wanted))


def asked(argument, **words):
    return wireguard.answer(argument, state(**words))


def test_the_kernel_holds_what_the_file_says():
    assert asked("applied", shown=dump(peer())) == ("observed", "same", "")
    assert asked("runs", shown=dump(peer()))[1] == "running"


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (dump(), ["wg0: peer LxTsOpx9 is missing"]),
        (dump(peer(), peer(TWO)), ["wg0: peer QyTsOpx9 is in no file"]),
        (dump(peer(networks="192.0.2.0/24")), ["wg0: peer LxTsOpx9 differs"]),
        (dump(peer(keepalive="off")), ["wg0: peer LxTsOpx9 differs"]),
        (dump(peer(shared="abc=")), ["wg0: peer LxTsOpx9 differs"]),
        (dump(peer(), port="51821"), ["wg0: port 51821"]),
        (dump(peer(), secret="another="), ["wg0: another private key"]),
    ],
)
def test_what_somebody_changed_by_hand_is_named_without_keys(shown, told):
    assert asked("applied", shown=shown)[1] == told
    assert SECRET not in str(told)


def test_an_interface_that_is_down_or_stays_down():
    assert asked("runs", shown="")[1] == ["wg0 down and enabled"]
    assert asked("runs", shown=dump(peer()), wanted=())[1] == ["wg0 up and disabled"]
    assert asked("applied", shown="")[1] == "same"


@pytest.mark.parametrize(
    ("networks", "found"),
    [
        ("192.0.2.0/24, 10.0.0.0/8", []),
        ("0.0.0.0/0", ["wg0 LxTsOpx9 0.0.0.0/0"]),
        ("128.0.0.0/1", ["wg0 LxTsOpx9 128.0.0.0/1"]),
        ("::/0", ["wg0 LxTsOpx9 ::/0"]),
    ],
)
def test_a_peer_that_speaks_for_everybody(networks, found):
    assert asked("unbounded", text=FILE.replace("192.0.2.2, 2001:db8::2/128", networks))[1] == found


def test_how_old_a_key_is():
    year = 400 * 86400
    assert asked("key_days", keys={"wg0": NOW - 10 * 86400})[1] == 10
    assert asked("key_days", keys={"wg0": NOW - year})[1] == 400
    # A file that was edited lately may hold an old key; one that was not holds an old one for sure.
    assert asked("key_days")[0] == "not_measured"
    assert asked("key_days", changed=NOW - year)[1] == 400


def test_peers_that_nobody_has_heard_for_long():
    old = str(NOW - 100 * 86400)
    assert asked("silent", shown=dump(peer(heard=old)))[1] == ["wg0 LxTsOpx9"]
    assert asked("silent", shown=dump(peer(heard=str(NOW - 60))), changed=0)[1] == []
    assert asked("silent", shown=dump(peer()))[1] == []
    assert asked("silent", shown=dump(peer()), changed=NOW - 100 * 86400)[1] == ["wg0 LxTsOpx9"]


def test_where_there_is_no_vpn_and_where_the_kernel_has_none():
    assert asked("saves", text="")[0] == "not_applicable"
    assert asked("applied")[0] == asked("silent")[0] == "not_measured"


def test_files_and_keys_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(_wireguard, "FOLDER", str(tmp_path))
    monkeypatch.setattr(wireguard, "MODULE", str(tmp_path / "none"))
    (tmp_path / "wg0.conf").write_text(FILE.replace("Address", "SaveConfig = true\nAddress"), encoding="utf-8")
    os.utime(tmp_path / "wg0.conf", (NOW, NOW))
    found = wireguard.collect(["saves"])
    assert (list(found.promised), found.saving, found.shown) == (["wg0"], ["wg0"], None)
    assert found.changed == {"wg0": NOW}
