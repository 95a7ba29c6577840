# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with the files of a VPN (tests/drills/prepare-wireguard). The kernel's side is in the virtual machine."""

from __future__ import annotations


def test_keys_are_for_root_alone(host):
    assert host.file("/etc/wireguard").mode == 0o700
    file = host.file("/etc/wireguard/wg0.conf")
    assert (file.user, file.group, file.mode) == ("root", "root", 0o600)


def test_nobody_else_can_read_them(host):
    refused = host.run("runuser -u nobody -- cat /etc/wireguard/wg0.conf")
    assert refused.rc != 0
    assert "PrivateKey" not in refused.stdout


def test_the_file_is_as_it_was(host):
    text = host.file("/etc/wireguard/wg0.conf").content_string
    assert text.count("[Peer]") == 1
    assert "PersistentKeepalive = 25" in text
    # wg-quick reads it whole, and takes its own words out for wg.
    assert "ListenPort = 51820" in host.check_output("wg-quick strip wg0")
