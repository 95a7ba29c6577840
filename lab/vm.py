# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual machine with a kernel of its own, for what a container cannot tell. It has an SSH port and no network.

It starts from clean disks each time: what it writes goes to overlays.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from . import keys, needs, vm_image
from .containers import loopback_address
from .errors import LabError
from .hosts import Running
from .places import ROOT, Places
from .process import run, wait_for
from .vm_image import HOST, RELEASE, Disks

_PORT = 2222
_KVM = Path("/dev/kvm")
_READY_SECONDS = 600.0
"""Under emulation and load a boot takes minutes."""
_KERNEL_SECONDS = 15.0
"""In this time a kernel under hardware acceleration has long said its first word."""


def _quiet(_: str) -> None:
    """Say nothing."""


class Machine:
    """One virtual machine of this checkout. `say` receives one line of progress at a time."""

    def __init__(self, name: str = "vm", *, say: Callable[[str], None] = _quiet, root: Path = ROOT) -> None:
        self.places = Places(name, root)
        self._say = say

    @property
    def ssh_config(self) -> Path:
        """The client settings that reach the machine by its name, `machine`; written by `up`."""
        return self.places.ssh_config

    @property
    def inventory(self) -> Path:
        """An Ansible inventory of the machine; written by `up`."""
        return self.places.inventory

    def prepare(self) -> Disks:
        """Have everything `up` needs on this machine; see vm_image.ensure for what it raises."""
        needs.ensure_for_machine(self._say)
        return vm_image.ensure(self._say)

    def up(self) -> None:
        """Start the machine from clean disks and wait until systemd has started everything; one that runs is ended.

        Raises MissingError when this machine cannot run it, LabError when it does not come up.
        """
        disks = self.prepare()
        with self.places.locked():
            self._end()
            self.places.forget()
            self.places.keys.mkdir(parents=True)
            self.places.keys.chmod(0o700)
            for source, target in (("login", "id_ed25519"), ("host", f"host-{HOST}")):
                for ending in ("", ".pub"):
                    shutil.copy2(disks.keys / f"{source}{ending}", self.places.keys / f"{target}{ending}")
            for drive in disks.drives:
                backing = ["-b", str(drive), "-F", "raw"]
                run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(self._overlay(drive))])
            address = loopback_address(self._container)
            keys.write_client_files(
                self.places, [Running(HOST, RELEASE, address, _PORT, "root", self._container, "10.0.2.15")]
            )
            started = time.monotonic()
            self._start(disks)
            state = self.wait_ready()
            note = "" if state == "running" else f", but systemd says {state}"
            self._say(f"{HOST}: answers after {time.monotonic() - started:.1f} s{note}")

    def down(self) -> None:
        """End the machine and remove what it wrote; nothing else."""
        with self.places.locked():
            self._end()
            self.places.forget()
            self._say(f"machine {self.places.name}: removed")

    def forget_disks(self) -> None:
        """Remove the disks that machines start from, of whichever recipe."""
        vm_image.remove()
        self._say("the machines' disks: removed")

    def exec(
        self, argv: Sequence[str], *, timeout: float = 300, stdin: str | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` on it as root, over SSH. Exit code 255 means that SSH itself failed."""
        ssh = ["ssh", "-F", str(self.ssh_config), "-o", "BatchMode=yes", "-o", "ConnectTimeout=20"]
        return run([*ssh, HOST, "--", shlex.join(argv)], timeout=timeout, stdin=stdin, check=check)

    def boot_id(self) -> str:
        """Changes with every boot."""
        return self.exec(["cat", "/proc/sys/kernel/random/boot_id"], check=True).stdout.strip()

    def reboot(self) -> None:
        """Reboot it from the inside, and wait until it answers as a new boot."""
        before = self.boot_id()
        self.exec(["systemctl", "reboot"])

        def started_again() -> str | None:
            self._refuse_dead()
            done = self.exec(["cat", "/proc/sys/kernel/random/boot_id"])
            return done.stdout if done.returncode == 0 and done.stdout.strip() != before else None

        wait_for(f"{HOST} to come back from its reboot", started_again, within=_READY_SECONDS)
        self.wait_ready()

    def cut_power(self) -> None:
        """End it at once, and start it again from the disks as they are then."""
        disks = self.prepare()
        self._end()
        self._start(disks)
        self.wait_ready()

    def wait_ready(self) -> str:
        """Wait until it answers over SSH and systemd has started everything; return systemd's word."""
        limit = time.monotonic() + _READY_SECONDS

        def answer() -> str | None:
            self._refuse_dead()
            left = max(30.0, limit - time.monotonic())
            done = self.exec(["systemctl", "is-system-running", "--wait"], timeout=left)
            return done.stdout.strip() or None if done.returncode != 255 else None

        return wait_for(f"{HOST} to answer over SSH", answer, within=_READY_SECONDS)

    @property
    def _container(self) -> str:
        return self.places.container(HOST)

    @property
    def _console(self) -> Path:
        return self.places.folder / "console.log"

    @property
    def _pid_file(self) -> Path:
        return self.places.folder / "qemu.pid"

    def _overlay(self, drive: Path) -> Path:
        return self.places.folder / f"{drive.stem}.qcow2"

    def _start(self, disks: Disks) -> None:
        """Start it with hardware acceleration where a kernel really runs under it, else with emulation."""
        refused = disks.folder / f"no-kvm-{Path('/proc/sys/kernel/random/boot_id').read_text().strip()}"
        if os.access(_KVM, os.R_OK | os.W_OK) and not refused.exists():
            # It may be there and still not run a kernel: one inside another machine, for instance.
            try:
                self._run(disks, ["kvm"], "host")
                wait_for("the kernel's first word", self._has_spoken, within=_KERNEL_SECONDS)
            except LabError as error:
                self._say(f"hardware acceleration does not work here: {str(error).splitlines()[-1]}")
                self._end()
                refused.touch()
            else:
                self._say("qemu with hardware acceleration (kvm)")
                return
        self._say("qemu with software emulation (tcg)")
        self._run(disks, ["tcg,thread=multi"], "max")

    def _has_spoken(self) -> bool | None:
        self._refuse_dead()
        return b"Linux version" in self._console.read_bytes() or None

    def _run(self, disks: Disks, accelerators: Sequence[str], cpu: str) -> None:
        address = loopback_address(self._container)
        argv = ["qemu-system-x86_64", "-nodefaults", "-display", "none", "-machine", "q35", "-cpu", cpu]
        argv += [word for accelerator in accelerators for word in ("-accel", accelerator)]
        argv += ["-smp", "2", "-m", "1024", "-daemonize", "-pidfile", str(self._pid_file)]
        argv += ["-serial", f"file:{self._console}", "-kernel", str(disks.kernel), "-initrd", str(disks.initrd)]
        argv += ["-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0"]
        for drive in disks.drives:
            argv += ["-drive", f"file={self._overlay(drive)},format=qcow2,if=virtio,cache=unsafe"]
        argv += ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:{address}:{_PORT}-:22"]
        argv += ["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"]
        self._console.write_bytes(b"")
        run(argv)

    def _pid(self) -> int | None:
        """The machine's process, when it runs: its own, not one that got the number later."""
        try:
            pid = int(self._pid_file.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._pid_file).encode() in words else None

    def _refuse_dead(self) -> None:
        if self._pid() is None:
            last = self._console.read_text(errors="replace").strip().splitlines()[-5:] if self._console.exists() else []
            raise LabError("\n".join(["the virtual machine has ended; its console's last words:", *last]))

    def _end(self) -> None:
        pid = self._pid()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            wait_for("the virtual machine to end", lambda: True if self._pid() is None else None, within=30)
        self._pid_file.unlink(missing_ok=True)
