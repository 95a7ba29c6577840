# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of lab hosts: up, status, down, and what tests do to a host."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import containers, image, keys, mirrors, needs, runtime
from .archive import Archive
from .errors import LabError, UsageError
from .hosts import RELEASES, Host, Running, chosen
from .places import ROOT, Places
from .process import run, wait_for

_READY_SECONDS = 180.0
_MARKER = ["systemctl", "show", "-p", "UserspaceTimestampMonotonic"]
_CUT = "holdfast_lab_cut"
# Answers to connections that came in still leave, so the host stays reachable; nothing else does.
_CUT_RULES = f"""table inet {_CUT} {{
  chain output {{
    type filter hook output priority -10; policy accept;
    oifname "lo" accept
    ct state established,related accept
    reject
  }}
}}
"""


@dataclass(frozen=True)
class HostStatus:
    """One host: is its container running, does SSH answer, what does systemd say, which claimsd."""

    name: str
    release: str
    address: str
    port: int
    running: bool
    reachable: bool
    system: str
    debian: str
    claimsd: str

    @property
    def ok(self) -> bool:
        return self.running and self.reachable

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def _quiet(_: str) -> None:
    """Say nothing."""


class Fleet:
    """The hosts that carry one fleet name in this checkout.

    `say` receives one line of progress at a time.
    """

    def __init__(self, name: str = "demo", *, say: Callable[[str], None] = _quiet, root: Path = ROOT) -> None:
        self.places = Places(name, root)
        self.archive = Archive(self.places)
        self._say = say

    @property
    def name(self) -> str:
        return self.places.name

    @property
    def ssh_config(self) -> Path:
        """The client settings that reach every host by its name; written by `up`."""
        return self.places.ssh_config

    @property
    def inventory(self) -> Path:
        """An Ansible inventory of the hosts; written by `up`."""
        return self.places.inventory

    def hosts(self) -> tuple[Running, ...]:
        """The hosts as `up` last left them; none before it."""
        if not self.places.hosts_json.exists():
            return ()
        return tuple(Running.from_dict(entry) for entry in json.loads(self.places.hosts_json.read_text()))

    def up(self, hosts: Sequence[str] | None = None, *, fresh: bool = False) -> tuple[Running, ...]:
        """Bring `hosts` up (without: all five) and return every host of the fleet.

        A host that runs is kept, unless `fresh`; then it is made anew. Raises UsageError for an unknown
        host, MissingError when this machine cannot run the lab, LabError when a host does not come up.
        """
        wanted = chosen(hosts)
        needs.ensure(self._say)
        with self.places.locked():
            started = time.monotonic()
            kept = set() if fresh else self._kept(wanted)
            self._name_outdated(wanted, kept)
            new = [host for host in wanted if host.name not in kept]
            if new or containers.ARCHIVE_HOST not in containers.listed(self.places):
                self._make(new or list(wanted), new)
            running = self._write_client_files()
            self._each(self._await, [host.name for host in wanted])
            spent = time.monotonic() - started
            self._say(f"{len(wanted)} hosts up ({len(new)} new, {len(kept)} kept) in {spent:.1f} s")
        return running

    def prepare(self) -> dict[str, str]:
        """Have everything `up` needs on this machine; return release -> image tag."""
        needs.ensure(self._say)
        return image.ensure_all(RELEASES, self._say)

    def forget_images(self) -> None:
        """Remove the images that no container uses, of whichever fleet."""
        image.remove_unused(self._say)

    def down(self) -> None:
        """Remove the fleet's containers, network and folder; nothing else."""
        with self.places.locked():
            gone = containers.remove(self.places)
            containers.remove_network(self.places)
            self.places.forget()
            self._say(f"fleet {self.name}: {len(gone)} containers removed")

    def status(self) -> tuple[HostStatus, ...]:
        """What every host of the fleet says of itself right now."""
        found = containers.listed(self.places)
        found.pop(containers.ARCHIVE_HOST, None)
        return tuple(self._each(self._status, [found[name] for name in sorted(found)]))

    def exec(
        self, host: str, argv: Sequence[str], *, timeout: float = 120, stdin: str | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` on `host` as root, over SSH. Exit code 255 means that SSH itself failed."""
        ssh = ["ssh", "-F", str(self.ssh_config), "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]
        return run([*ssh, host, "--", shlex.join(argv)], timeout=timeout, stdin=stdin, check=check)

    def publish(self, newest: str, *, only: bool = False) -> tuple[str, ...]:
        """Put claimsd up to version `newest` on offer in the fleet's archive (see Archive.publish)."""
        with self.places.locked():
            return self.archive.publish(newest, only=only)

    def offer(self, debs: Sequence[Path]) -> None:
        """Put these package files on offer beside claimsd (see Archive.offer)."""
        with self.places.locked():
            self.archive.offer(debs)

    def cut_archive(self, host: str) -> None:
        """Let `host` start no connection to the outside any more. A reboot of the host undoes it."""
        self._inside(host, ["nft", "-f", "-"], stdin=_CUT_RULES)

    def restore_archive(self, host: str) -> None:
        """Undo cut_archive; nothing to undo is fine."""
        self._inside(host, ["nft", "-f", "-"], stdin=f"table inet {_CUT}\ndelete table inet {_CUT}\n")

    @contextlib.contextmanager
    def memory_limited(self, host: str, *, spare: int) -> Iterator[None]:
        """Meanwhile `host` may use `spare` bytes more than now; what wants more is ended by the kernel.

        Raises LabError where this machine counts no container's memory.
        """
        pid = run(["podman", "inspect", "--format", "{{.State.Pid}}", self._container(host)]).stdout.strip()
        limit, used = runtime.memory_files(int(pid))
        before = limit.read_text()
        limit.write_text(f"{int(used.read_text()) + spare}\n")
        try:
            yield
        finally:
            limit.write_text(before)

    def kill(self, host: str) -> None:
        """Stop `host` at once, as a power cut would; it stays off until `start`."""
        run(["podman", "stop", "--time", "0", self._container(host)])

    def start(self, host: str) -> None:
        """Start a host that was killed, and wait until it answers."""
        run(["podman", "start", self._container(host)])
        self._write_client_files()
        self._await(host)

    def reboot(self, host: str) -> None:
        """Reboot `host` from the inside, and wait until it answers as a new boot."""
        before = self.boot_marker(host)
        self.exec(host, ["systemctl", "reboot"])

        def started_again() -> str | None:
            done = self.exec(host, _MARKER)
            return done.stdout if done.returncode == 0 and done.stdout.strip() != before else None

        wait_for(f"{host} to come back from its reboot", started_again, within=_READY_SECONDS)
        self.wait_ready(host)

    def wait_ready(self, host: str, *, within: float = _READY_SECONDS) -> str:
        """Wait until `host` answers over SSH and systemd has started everything; return systemd's word.

        Raises LabError after `within` seconds.
        """
        ask = ["systemctl", "is-system-running", "--wait"]
        limit = time.monotonic() + within

        def answer() -> str | None:
            done = self.exec(host, ask, timeout=max(5.0, limit - time.monotonic()))
            return done.stdout.strip() or None if done.returncode != 255 else None

        return wait_for(f"{host} to answer over SSH", answer, within=within)

    def boot_marker(self, host: str) -> str:
        """Changes when `host` has been started again. (boot_id does not: the kernel is the machine's.)"""
        return self.exec(host, _MARKER, check=True).stdout.strip()

    def _kept(self, wanted: Sequence[Host]) -> set[str]:
        """The wanted hosts that can stay: running, of the same release, and with keys that we still hold."""
        found = containers.listed(self.places)
        kept = set()
        for host in wanted:
            there = found.get(host.name)
            known = (self.places.keys / f"host-{host.name}").exists()
            if there is not None and there.running and known and there.release == host.release:
                kept.add(host.name)
        return kept

    def _name_outdated(self, wanted: Sequence[Host], kept: set[str]) -> None:
        """Say which kept hosts come from an image that would be made otherwise today."""
        found = containers.listed(self.places)
        source = mirrors.find() if kept else None
        for host in wanted:
            if source and host.name in kept and found[host.name].image != image.recipe(host.release, source).tag:
                self._say(f"{host.name}: kept, but its image's recipe has changed; --fresh makes it anew")

    def _make(self, wanted: Sequence[Host], new: Sequence[Host]) -> None:
        images = image.ensure_all([host.release for host in wanted], self._say)
        first = images[wanted[0].release]
        engine = runtime.choose(first)
        self._say(engine.sentence())
        self.archive.prepare()
        keys.login_key(self.places)
        address = containers.ensure_network(self.places)
        containers.remove(self.places, {host.name for host in new})
        there = containers.listed(self.places).get(containers.ARCHIVE_HOST)
        if there is None or not there.running:
            containers.remove(self.places, {containers.ARCHIVE_HOST})
            containers.start_archive(self.places, engine, first, self.archive.served, address)

        def make(host: Host) -> None:
            containers.create(self.places, engine, host, images[host.release], self.archive, address)
            run(engine.podman("start", self.places.container(host.name)))

        self._each(make, new)

    def _write_client_files(self) -> tuple[Running, ...]:
        found = containers.listed(self.places)
        found.pop(containers.ARCHIVE_HOST, None)
        alive = [found[name] for name in sorted(found) if found[name].running]
        addresses = containers.network_addresses(self.places, [container.name for container in alive])
        running = tuple(
            Running(c.host, c.release, c.address, c.port, "root", c.name, addresses[c.name]) for c in alive
        )
        keys.write_client_files(self.places, running)
        return running

    def _await(self, host: str) -> None:
        started = time.monotonic()
        state = self.wait_ready(host)
        note = "" if state == "running" else f", but systemd says {state}"
        self._say(f"{host}: answers after {time.monotonic() - started:.1f} s{note}")

    def _status(self, container: containers.Container) -> HostStatus:
        asked = (
            "cat /etc/debian_version; systemctl is-system-running; "
            "dpkg-query -W -f='${Version}' claimsd 2>/dev/null || echo none"
        )
        lines = ["", "", ""]
        reachable = False
        if container.running and self.ssh_config.exists():
            done = self.exec(container.host, ["sh", "-c", asked], timeout=20)
            reachable = done.returncode != 255
            lines = (done.stdout.splitlines() + lines)[:3]
        return HostStatus(
            container.host, container.release, container.address, container.port, container.running, reachable,
            system=lines[1], debian=lines[0], claimsd=lines[2],
        )  # fmt: skip

    def _container(self, host: str) -> str:
        if host not in containers.listed(self.places):
            raise UsageError(f"host {host!r}: not in fleet {self.name}")
        return self.places.container(host)

    def _inside(self, host: str, argv: Sequence[str], stdin: str) -> None:
        """Run `argv` in the container without its network."""
        run(["podman", "exec", "--interactive", self._container(host), *argv], stdin=stdin)

    @staticmethod
    def _each(task: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        """`task` for all items at once; every error is reported, not only the first."""
        if not items:
            return []
        with ThreadPoolExecutor(max_workers=len(items)) as pool:
            futures = [pool.submit(task, item) for item in items]
        errors = [str(error) for future in futures if (error := future.exception()) is not None]
        if errors:
            raise LabError("\n".join(errors))
        return [future.result() for future in futures]
