# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs the lab uses: installed with apt when it may, otherwise named in one line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from .errors import MissingError
from .process import run
from .runtime import cgroups, refuse

_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"
_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_INSTANCES_WANTED = 1024
"""systemd takes about six inotify instances a host. The kernel's default is 128 for all of a user's programs: with some
twenty hosts it is used up, and what asks for one more fails (inotify(7))."""
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def wanted(kind: str, rootless: bool) -> dict[str, str]:
    """Program (or file) -> Debian package, for a machine with cgroups `kind`."""
    runtime = "crun" if kind == "v2" else "runc"
    found = {
        "podman": "podman",
        runtime: runtime,
        "/usr/lib/podman/netavark": "netavark",
        "iptables": "iptables",  # netavark, which podman recommends but does not depend on, calls it
        "mmdebstrap": "mmdebstrap",
        str(_KEYRING): "debian-archive-keyring",
        "dpkg-deb": "dpkg",
        "gpg": "gpg",
        "gpg-agent": "gpg-agent",
        "ssh": "openssh-client",
        "ssh-keygen": "openssh-client",
    }
    if rootless:
        found |= {"newuidmap": "uidmap", "slirp4netns": "slirp4netns"}
    return found


def wanted_for_machine() -> dict[str, str]:
    """Program (or file) -> Debian package, for the virtual machine."""
    return {
        "qemu-system-x86_64": "qemu-system-x86",
        "/usr/share/seabios/bios-256k.bin": "seabios",
        "qemu-img": "qemu-utils",
        "mke2fs": "e2fsprogs",
        "mmdebstrap": "mmdebstrap",
        str(_KEYRING): "debian-archive-keyring",
        "ssh": "openssh-client",
        "ssh-keygen": "openssh-client",
    }


def missing(programs: Mapping[str, str]) -> list[str]:
    """The Debian packages whose programs are not here, sorted."""
    return sorted({package for program, package in programs.items() if not _here(program)})


def ensure(say: Callable[[str], None]) -> None:
    """Have every program the containers use. Root installs what is missing; others get one line naming it.

    Raises MissingError when something is missing and may not be installed, or would be of no use here.
    """
    rootless = os.geteuid() != 0
    refuse(cgroups(), rootless)
    _install(wanted(cgroups(), rootless), say)
    _make_room(say)


def _make_room(say: Callable[[str], None]) -> None:
    """Let this machine run dozens of systemd hosts, until it is started again, where it may be told so."""
    now = int(_INSTANCES.read_text(encoding="ascii"))
    if now >= _INSTANCES_WANTED:
        return
    try:
        _INSTANCES.write_text(f"{_INSTANCES_WANTED}\n", encoding="ascii")
    except OSError:
        say(f"{_INSTANCES}: {now}, which is enough for about {now // 6} hosts; root may raise it")
    else:
        say(f"{_INSTANCES}: {now}, now {_INSTANCES_WANTED} until this machine is started again, for more hosts")


def ensure_for_machine(say: Callable[[str], None]) -> None:
    """Have every program the virtual machine uses. Raises MissingError as `ensure` does."""
    _install(wanted_for_machine(), say)


def compiler(say: Callable[[str], None]) -> None:
    """Have a C compiler and the C library's headers. Raises MissingError as `ensure` does."""
    _install({"gcc": "gcc", "/usr/include/dlfcn.h": "libc6-dev"}, say)


def _install(programs: Mapping[str, str], say: Callable[[str], None]) -> None:
    absent = missing(programs)
    if not absent:
        return
    command = f"apt-get install --no-install-recommends {' '.join(absent)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingError(f"missing on this machine: {', '.join(absent)}; as root: {command}")
    say(f"installing {', '.join(absent)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "-q", "update"], timeout=300, env=quiet, check=False)
    # dpkg's own lock: another of the lab's commands may be installing right now.
    run([*command.split(), "-q", "-y", "-o", "DPkg::Lock::Timeout=300"], timeout=900, env=quiet)
    absent = missing(programs)
    if absent:
        raise MissingError(f"still missing after `{command}`: {', '.join(absent)}")


def _here(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return bool(shutil.which(program) or shutil.which(program, path=_SBIN))
