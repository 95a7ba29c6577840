# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel that runs and the one installed on a host of RPM, and whether a reboot is needed, by evidence."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from . import kernels
from .dpkg import Package
from .kernels import Kernel
from .processes import Process

_IMAGES = ("kernel-core", "kernel", "kernel-rt-core", "kernel-uek-core")
_OWN = ("glibc", "systemd", "dbus-broker", "dbus-daemon")
_CONTAINER = Path("/run/systemd/container")


def kernel(
    installed: Iterable[Package], uname: os.uname_result | None = None, *, container: bool | None = None
) -> Kernel:
    """Return the state of the kernel; a kernel's release is its version, release and architecture (uname -r)."""
    running = (os.uname() if uname is None else uname).release
    contained = _CONTAINER.exists() if container is None else container
    images = {package.name: package for package in installed if package.name in _IMAGES}
    image = next((images[name] for name in _IMAGES if name in images), None)
    if image is None:
        return Kernel(running, None, None, None, False)
    release = f"{image.version.rpartition(':')[2]}.{image.arch}"
    return Kernel(running, None, release, image.version, release != running and not contained)


def reboot(state: Kernel, running: Iterable[Process]) -> list[str]:
    """Return why a reboot is needed; see kernels.reboot, whose words these are."""
    return kernels.reboot(state, running, (), None)


def forecast(names: Iterable[str]) -> bool:
    """Return whether a transaction with packages of these names is expected to end in a need to reboot."""
    changed = set(names)
    return bool(changed & set(_OWN)) or (bool(changed & set(_IMAGES)) and not _CONTAINER.exists())
