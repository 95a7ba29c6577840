# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A reboot is needed by evidence alone, and each piece of it has its name."""

from __future__ import annotations

import os

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages import kernels
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.dpkg import Package
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.processes import Process

BOOKWORM = ("6.1.0-40-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.153-1 (2025-09-20)")
TRIXIE = ("6.12.48+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)")
LIBC = "/usr/lib/x86_64-linux-gnu/libc.so.6"


def uname(release, version):
    """What uname says."""
    return os.uname_result(("Linux", "web-1", release, version, "x86_64"))


def image(release, version, status="installed"):
    """An installed kernel."""
    return Package(f"linux-image-{release}", "amd64", version, "linux", version, "install", "ok", status)


def state(said, *images, container=False):
    """The state of the kernel on a host with these packages."""
    return kernels.kernel(images, uname(*said), container=container)


def process(pid, *replaced, command="program", unit=None):
    """One process that runs replaced files."""
    return Process(pid, command, unit, frozenset(replaced), frozenset(replaced))


CURRENT = state(BOOKWORM, image("6.1.0-40-amd64", "6.1.153-1"))


@pytest.mark.parametrize(
    ("said", "release", "version", "needed"),
    [
        (BOOKWORM, "6.1.0-40-amd64", "6.1.153-1", False),
        (BOOKWORM, "6.1.0-41-amd64", "6.1.158-1", True),
        (BOOKWORM, "6.1.0-40-amd64", "6.1.153-2", True),
        (BOOKWORM, "6.1.0-39-amd64", "6.1.148-1", False),
        (TRIXIE, "6.12.48+deb13-amd64", "6.12.48-1", False),
        (TRIXIE, "6.12.57+deb13-amd64", "6.12.57-1", True),
    ],
)
def test_a_kernel_newer_than_the_one_that_runs_needs_a_reboot(said, release, version, needed):
    found = state(said, image(release, version))
    assert (found.running, found.installed, found.needs_reboot) == (said[0], release, needed)


def test_the_newest_counts_and_another_flavour_does_not():
    images = (
        image("6.1.0-41-amd64", "6.1.158-1"),
        image("6.1.0-40-amd64", "6.1.153-1"),
        image("6.1.0-42-cloud-amd64", "6.1.160-1"),
        image("6.1.0-43-amd64", "6.1.162-1", status="config-files"),
    )
    assert state(BOOKWORM, *images).installed == "6.1.0-41-amd64"


def test_a_container_runs_its_machines_kernel():
    assert not state(BOOKWORM, image("6.1.0-41-amd64", "6.1.158-1"), container=True).needs_reboot
    assert state(BOOKWORM, container=True).installed is None


@pytest.mark.parametrize(
    ("running", "why"),
    [
        (process(1, LIBC, command="systemd"), ["libc"]),
        (process(1, "/usr/lib/systemd/systemd", command="systemd"), ["init"]),
        (process(1, "/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", command="systemd"), ["init"]),
        (process(9, "/usr/bin/dbus-daemon", command="dbus-daemon", unit="dbus.service"), ["dbus"]),
        (process(9, LIBC, command="dbus-daemon", unit="dbus.service"), ["libc"]),
        (process(9, LIBC, command="nginx", unit="nginx.service"), []),
        (process(9, "/usr/bin/dbus-daemon", command="dbus-daemon", unit="user@0.service"), []),
        (process(1, "/usr/lib/x86_64-linux-gnu/libz.so.1", command="systemd"), []),
    ],
)
def test_what_nobody_can_restart_on_a_live_host_needs_a_reboot(running, why, monkeypatch):
    monkeypatch.setattr(kernels, "_REQUIRED", ())
    assert kernels.reboot(CURRENT, [running], [], None) == why


def test_a_file_that_a_package_left_asks_for_a_reboot(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_REQUIRED", (tmp_path / "reboot-required",))
    assert kernels.reboot(CURRENT, [], [], None) == []
    (tmp_path / "reboot-required").touch()
    assert kernels.reboot(CURRENT, [], [], None) == ["required-file"]


def test_a_new_kernel_the_c_library_and_microcode_are_expected_to_need_one(monkeypatch, tmp_path):
    monkeypatch.setattr(kernels, "_CONTAINER", tmp_path / "none")
    bus = [process(9, command="dbus-daemon", unit="dbus.service")]
    assert kernels.forecast(["linux-image-6.1.0-41-amd64"], CURRENT, [])
    assert kernels.forecast(["libc6"], CURRENT, bus)
    assert kernels.forecast(["intel-microcode"], CURRENT, [])
    assert not kernels.forecast(["libc6"], CURRENT, [])
    assert not kernels.forecast(["nginx", "linux-image-amd64"], CURRENT, bus)
    (tmp_path / "none").touch()
    assert not kernels.forecast(["linux-image-6.1.0-41-amd64", "intel-microcode"], CURRENT, [])
