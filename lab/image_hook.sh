#!/bin/sh
# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Last step of an image's bootstrap: ROOT SECURITY_LINE CLAIMSD_DEB
# Everything installed so far comes from the point release. The security archive is named only now, so
# what it has newer is pending on every host, and the lists of both are in the image.
set -eu
root=$1 security=$2 deb=$3

cp "$deb" "$root/tmp/claimsd.deb"
chroot "$root" dpkg --install /tmp/claimsd.deb
rm "$root/tmp/claimsd.deb"

echo "$security" >>"$root/etc/apt/sources.list"
chroot "$root" apt-get -q update

echo ok >"$root/var/www/html/healthz"

# A container must not steer its machine's clock, and Debian's unit does not start chrony without that
# right: here it starts, watches the time and leaves the clock alone (-x).
mkdir -p "$root/etc/systemd/system/chrony.service.d"
cat >"$root/etc/systemd/system/chrony.service.d/lab.conf" <<'UNIT'
[Unit]
ConditionCapability=

[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd $DAEMON_OPTS -x
UNIT

# The audit subsystem is the machine's: a container may neither read its rules nor listen to it.
for unit in auditd audit-rules; do
  mkdir -p "$root/etc/systemd/system/$unit.service.d"
  printf '[Unit]\nConditionVirtualization=!container\n' >"$root/etc/systemd/system/$unit.service.d/lab.conf"
done

# The hosts of the lab fetch no signatures of malware: the updater runs when told to, and reaches nobody.
mkdir -p "$root/etc/systemd/system/clamav-freshclam.service.d"
printf '[Service]\nPrivateNetwork=yes\n' >"$root/etc/systemd/system/clamav-freshclam.service.d/lab.conf"
chroot "$root" systemctl --quiet disable clamav-freshclam.service

# What must differ from host to host is given to each when it is made.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname"
: >"$root/etc/machine-id"
rm -f "$root/var/lib/apt/lists/lock"
