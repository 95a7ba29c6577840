# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypted and unencrypted disks of a real machine, as the probes see them: a container has no disks of its own."""

from __future__ import annotations

import pytest

from lab.vm_image import HOST
from tests.drilling import Prober, controls

KEY = "--key-file /root/drill-key"
CHEAP = "--pbkdf argon2id --pbkdf-memory 32 --pbkdf-force-iterations 4"
"""Stretching a password at its real cost takes minutes under emulation."""


@pytest.fixture
def prober(machine):
    return Prober(machine.ssh_config, HOST, [c for c in controls() if c.id.startswith("encryption-")])


@pytest.fixture
def blank(machine):
    """The machine's blank drive."""
    return f"/dev/vd{chr(ord('a') + len(machine.prepare().drives) - 1)}"


def test_disks_swap_and_headers_are_seen_as_they_are(machine, prober, blank):
    def actual(after):
        (answer,) = prober.after([after])
        assert answer.code == 0, answer.said
        return {name: verdict.actual for name, verdict in answer.verdicts.items()}

    clear = actual("true")
    assert "/home on vdb" in clear["encryption-01"]
    assert clear["encryption-02"] == []
    assert clear["encryption-03"] is None

    made = (
        f"head -c 32 /dev/urandom >/root/drill-key; cryptsetup luksFormat -q --type luks2 {CHEAP} {KEY} {blank} &&"
        f" cryptsetup open {KEY} {blank} drill && mke2fs -q -t ext4 /dev/mapper/drill && mount /dev/mapper/drill /srv"
    )
    one_key = actual(made)
    assert set(clear["encryption-01"]) - set(one_key["encryption-01"]) == {"/srv on vda"}
    assert one_key["encryption-03"] == ["LUKS2"]
    assert one_key["encryption-04"] == 1
    assert one_key["encryption-05"] == ["aes-xts-plain64"]
    assert one_key["encryption-06"] == ["argon2id"]

    two_keys = actual(
        "head -c 32 /dev/urandom >/root/drill-key-2;"
        f" cryptsetup luksAddKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 1000 {KEY} {blank} /root/drill-key-2"
    )
    assert two_keys["encryption-04"] == 2
    assert two_keys["encryption-06"] == ["argon2id", "pbkdf2"]

    swap = "head -c 16M /dev/zero >{0}/swap && chmod 0600 {0}/swap && mkswap -q {0}/swap && swapon {0}/swap"
    assert actual(swap.format("/root"))["encryption-02"] == ["/root/swap on vda"]
    assert actual("swapoff -a && " + swap.format("/srv"))["encryption-02"] == []
    assert actual("swapoff -a && umount /srv && cryptsetup close drill") == clear
