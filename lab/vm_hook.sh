#!/bin/sh
# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Last step of the virtual machine's bootstrap: ROOT FSTAB
# What a machine needs and a container does not: file systems, a network, no waiting for either.
set -eu
root=$1 fstab=$2

cp "$fstab" "$root/etc/fstab"
echo machine >"$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 machine\n::1 localhost\n' >"$root/etc/hosts"

cat >"$root/etc/systemd/network/10-lab.network" <<'UNIT'
[Match]
Name=eth0

[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
UNIT
chroot "$root" systemctl --quiet enable systemd-networkd.service
chroot "$root" systemctl --quiet disable systemd-networkd-wait-online.service

# The same machine every time: nothing is to happen that happens on a first boot alone.
rm -f "$root"/etc/ssh/ssh_host_*
printf '%032x\n' 3 >"$root/etc/machine-id"
