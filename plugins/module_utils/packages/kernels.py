# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel that runs and the one installed, and whether a host needs a reboot: by evidence, each by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .dpkg import Package
from .processes import Process
from .versions import newer

_IMAGE = re.compile(r"^linux-image-(\d.+)$")
_FLAVOUR = re.compile(r"^\d[^-]*(?:-\d+)?-(.+)$")
_BUILT = re.compile(r"\bDebian (\S+)")
_MICROCODE = ("intel-microcode", "amd64-microcode")
_BUSES = ("dbus-daemon", "dbus-broker", "dbus-broker-lau")
_LIBC = re.compile(r"/libc(?:\.so\.\d+|-\d[\d.]*\.so)$")
_REQUIRED = (Path("/run/reboot-required"), Path("/var/run/reboot-required"))
_CONTAINER = Path("/run/systemd/container")  # systemd writes it when it finds itself in one


@dataclass(frozen=True)
class Kernel:
    """The kernel that runs and the newest installed of its flavour, as releases (uname -r); None for what is not there.

    A container runs its machine's kernel: then no kernel of its own can need a reboot.
    """

    running: str
    running_version: str | None
    installed: str | None
    installed_version: str | None
    needs_reboot: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the members as package_state returns them."""
        return {
            "running": self.running,
            "running_version": self.running_version,
            "installed": self.installed,
            "installed_version": self.installed_version,
            "needs_reboot": self.needs_reboot,
        }


def kernel(
    installed: Iterable[Package], uname: os.uname_result | None = None, *, container: bool | None = None
) -> Kernel:
    """Return the state of the kernel, from uname and dpkg's inventory."""
    said = os.uname() if uname is None else uname
    contained = _CONTAINER.exists() if container is None else container
    running, flavour = said.release, _FLAVOUR.match(said.release)
    built = _BUILT.search(said.version)
    newest: Package | None = None
    for package in installed:
        image = _IMAGE.match(package.name)
        if image is None or package.status != "installed":
            continue
        same = _FLAVOUR.match(image.group(1))
        if flavour and same and flavour.group(1) != same.group(1) and not contained:
            continue
        if newest is None or newer(package.version, newest.version):
            newest = package
    if newest is None:
        return Kernel(running, built.group(1) if built else None, None, None, False)
    release = newest.name[len("linux-image-") :]
    version = built.group(1) if built else None
    older = release != running if version is None else newer(newest.version, version)
    return Kernel(running, version, release, newest.version, older and not contained)


def reboot(state: Kernel, running: Iterable[Process], installed: Iterable[Package], booted: float | None) -> list[str]:
    """Return why a reboot is needed, in words of a closed list; none when nothing says so.

    kernel: a newer one is installed than runs. libc, init, dbus: process 1 or the system bus, which nobody can restart
    on a live host, run a replaced C library or program of their own. required-file: a package left
    /run/reboot-required. microcode: its package came after the boot.
    """
    why = {"kernel"} if state.needs_reboot else set()
    for one in running:
        bus = one.command in _BUSES and one.unit in ("dbus.service", "dbus-broker.service")
        if one.pid != 1 and not bus:
            continue
        if any(_LIBC.search(path) for path in one.replaced):
            why.add("libc")
        if one.pid == 1 and any("/systemd" in path for path in one.replaced):
            why.add("init")
        if bus and any("/dbus-" in path or "/libdbus-" in path for path in one.replaced):
            why.add("dbus")
    if any(path.exists() for path in _REQUIRED):
        why.add("required-file")
    if booted is not None and not _CONTAINER.exists() and any(_unpacked_after(one, booted) for one in installed):
        why.add("microcode")
    return [word for word in WHY if word in why]


WHY = ("kernel", "libc", "init", "dbus", "required-file", "microcode")
"""The closed list, in the order it is told in."""


def forecast(names: Iterable[str], state: Kernel, running: Iterable[Process]) -> bool:
    """Return whether a transaction with packages of these names is expected to end in a need to reboot."""
    changed = set(names)
    bus = any(one.command in _BUSES for one in running)
    image = any(_IMAGE.match(name) for name in changed) and not _CONTAINER.exists()
    own = bool(changed & {"dbus-daemon", "dbus-bin", "dbus-broker", "libdbus-1-3", "libc6"}) and bus
    microcode = bool(changed & set(_MICROCODE)) and not _CONTAINER.exists()
    return bool(image and state.installed) or own or microcode


def _unpacked_after(package: Package, moment: float) -> bool:
    if package.name not in _MICROCODE:
        return False
    for name in (f"{package.name}.list", f"{package.name}:{package.arch}.list"):
        try:
            return (Path("/var/lib/dpkg/info") / name).stat().st_mtime > moment
        except OSError:
            continue
    return False
