# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this machine can run containers with: looked at, tried, and said in one line."""

from __future__ import annotations

import itertools
import json
import os
import resource
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError, MissingError
from .process import run

_CGROUPS = Path("/sys/fs/cgroup")

# What PID 1 runs before it becomes init.
# It remounts every part of /proc/sys but net read-only: the other settings belong to the machine, and a
# host of the lab must not be able to change them, whatever runs on it.
# It masks, until the next boot, the mounts of kernel file systems. They are the machine's too (debugfs,
# tracing, configfs) or there already, and systemd 248 to 255 may leave their jobs waiting for ever when it
# limits the rate of mount events (systemd issues 20329, 28264): seen twice in some hundred boots, under load.
_MASKED = (
    "dev-hugepages", "dev-mqueue", "sys-fs-fuse-connections", "sys-kernel-config", "sys-kernel-debug",
    "sys-kernel-tracing",
)  # fmt: skip
_INIT = (
    "for part in /proc/sys/*; do "
    '[ "$part" = /proc/sys/net ] || { mount --bind "$part" "$part" && mount -o remount,bind,ro "$part"; } || exit 1; '
    "done; mkdir -p /run/systemd/system; "
    f"for unit in {' '.join(_MASKED)}; do ln -sf /dev/null /run/systemd/system/$unit.mount; done; "
    "exec /sbin/init"
)


@dataclass(frozen=True)
class Runtime:
    """How containers are run here.

    `cgroups` is v1, v2 or hybrid; `program` is the OCI runtime that really started a container here;
    `nofile` and `nproc` are (soft, hard) limits that lie below this process's own.
    """

    program: str
    cgroups: str
    rootless: bool
    nofile: tuple[int, int]
    nproc: tuple[int, int]
    apparmor: bool
    selinux: bool
    storage: str = "overlay"
    volatile: bool = False
    """The hosts' file systems leave out fsync, as only throw-away hosts may: dpkg is several times faster so."""

    def podman(self, *words: str) -> list[str]:
        storage = ["--storage-opt", "overlay.mountopt=volatile"] if self.volatile else []
        return ["podman", *storage, "--runtime", self.program, *words]

    def system_options(self) -> list[str]:
        """The arguments of `podman create` for a container that runs systemd and may be rebooted."""
        options = ["--systemd=always", "--restart=always", *self._limits()]
        options += ["--cap-add", "NET_ADMIN,AUDIT_CONTROL,SYS_ADMIN", "--security-opt", "unmask=/proc/sys"]
        if self.apparmor:
            options += ["--security-opt", "apparmor=unconfined"]
        if self.selinux:
            options += ["--security-opt", "label=disable"]
        return options

    def init(self) -> list[str]:
        return ["/bin/sh", "-c", _INIT]

    def plain_options(self) -> list[str]:
        """The arguments of `podman create` for a container that runs one program."""
        return ["--restart=always", *self._limits()] + (
            ["--security-opt", "label=disable"] if self.selinux else []
        )

    def _limits(self) -> list[str]:
        return ["--ulimit", "nofile={}:{}".format(*self.nofile), "--ulimit", "nproc={}:{}".format(*self.nproc)]

    def sentence(self) -> str:
        """One line: what was chosen, and what the lab leaves out on this machine."""
        who = "rootless" if self.rootless else "root"
        line = f"podman with {os.path.basename(self.program)}, cgroups {self.cgroups}, {who}"
        left_out = ["settings outside /proc/sys/net are read-only (they are the machine's)"]
        if self.rootless:
            left_out.append("hosts are reached through loopback addresses only")
        if self.storage == "vfs":
            left_out.append("podman's vfs storage copies the image for every host, which is slow")
        return f"{line}; {'; '.join(left_out)}"


def cgroups(root: Path = _CGROUPS) -> str:
    """v2 when the unified tree is mounted at the top, hybrid when beside the old ones, else v1."""
    if (root / "cgroup.controllers").exists():
        return "v2"
    return "hybrid" if (root / "unified" / "cgroup.procs").exists() else "v1"


def memory_files(pid: int, root: Path = _CGROUPS, proc: Path = Path("/proc")) -> tuple[Path, Path]:
    """Where the memory of the container whose first process this is has its limit, and says what is used.

    Raises LabError where nothing counts it.
    """
    for line in (proc / str(pid) / "cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        # systemd in the container makes groups of its own below the container's.
        path = path.removesuffix("/init.scope").lstrip("/")
        old, new = root / "memory" / path, root / path
        if "memory" in controllers.split(",") and (old / "memory.limit_in_bytes").exists():
            return old / "memory.limit_in_bytes", old / "memory.usage_in_bytes"
        if not controllers and (new / "memory.max").exists():
            return new / "memory.max", new / "memory.current"
    raise LabError(f"process {pid}: no cgroup here counts its memory; expected the controller memory")


def limit(kind: int, soft: int, hard: int) -> tuple[int, int]:
    """(soft, hard) as wished, lowered to what this process may hand on."""
    ours = resource.getrlimit(kind)[1]
    top = hard if ours == resource.RLIM_INFINITY else min(hard, ours)
    return min(soft, top), top


def refuse(kind: str, rootless: bool) -> None:
    """Raise MissingError where systemd can run in no container at all."""
    if rootless and kind != "v2":
        raise MissingError(
            f"cgroups are {kind}: systemd in a container of an ordinary user needs v2; run the lab as root"
        )


def choose(image: str) -> Runtime:
    """Find the runtime that starts a container of `image` here.

    crun is preferred, except where cgroups are not v2: it refuses the hybrid layout.
    Raises MissingError saying what each runtime answered when none works.
    """
    info = json.loads(run(["podman", "info", "--format", "json"]).stdout)
    security = info["host"]["security"]
    kind = cgroups()
    refuse(kind, security["rootless"])
    answers = []
    # A user's storage is set up in more ways than can be overridden here.
    may_be_volatile = info["store"]["graphDriverName"] == "overlay" and not security["rootless"]
    for name, volatile in itertools.product(candidates(kind), (True, False) if may_be_volatile else (False,)):
        program = _path(name)
        if program is None:
            answers.append(f"{name}: not installed")
            continue
        found = Runtime(
            program=program,
            cgroups=kind,
            rootless=security["rootless"],
            nofile=limit(resource.RLIMIT_NOFILE, 1024, 65536),
            nproc=limit(resource.RLIMIT_NPROC, 4096, 4096),
            apparmor=security["apparmorEnabled"],
            selinux=security["selinuxEnabled"],
            storage=info["store"]["graphDriverName"],
            volatile=volatile,
        )
        try:
            run(found.podman("run", "--rm", "--network=none", *found.plain_options()[1:], image, "/bin/true"))
        except LabError as exc:
            answers.append(f"{name}: {str(exc).splitlines()[-1]}")
            continue
        return found
    raise MissingError("no container runtime works here: " + "; ".join(answers))


def candidates(kind: str) -> Sequence[str]:
    return ("crun", "runc") if kind == "v2" else ("runc", "crun")


def _path(name: str) -> str | None:
    """Where `name` is installed; sbin is not on every user's PATH."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
