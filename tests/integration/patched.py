# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of patched hosts compare, asked of the host itself, and how they lay out a plan by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.fleet import Fleet
from lab.process import wait_for
from tests.integration.bare import BareHost, lay_out_modules
from tests.integration.conftest import _fleet, _up

DIGEST = "5" * 64
STAGE = f"/var/lib/holdfast/stage/{DIGEST}"
SECONDS = 90
"""How long to wait for something on a host that takes a few seconds."""

_CONFIGURATION = r"""
cd /etc && find . -xdev \( -type f -o -type l \) ! -name ld.so.cache -printf '%p %m %u:%g %l\n' | sort
find . -xdev -type f ! -name ld.so.cache -print0 | sort -z | xargs -0 sha256sum
"""
# ld.so.cache is ldconfig's index of what lies in the folders of libraries, and depends on the order it met them in.


@dataclass(frozen=True)
class HostState:
    """What a change may alter and its way back must bring back; which units are enabled is told by links in /etc."""

    versions: dict[str, str]
    automatic: frozenset[str]
    configuration: tuple[str, ...]
    active: tuple[str, ...]

    def differences(self, other: HostState) -> dict[str, list[str]]:
        """What differs, by member, as lines a person can read."""
        found = {}
        for name in vars(self):
            mine, theirs = _lines(getattr(self, name)), _lines(getattr(other, name))
            if mine != theirs:
                found[name] = sorted(mine ^ theirs)
        return found


def _lines(member: Any) -> set[str]:
    return {f"{key} {value}" for key, value in member.items()} if isinstance(member, dict) else set(member)


def state_of(host: BareHost) -> HostState:
    """Everything, as the host itself says."""
    return HostState(installed(host), frozenset(automatic(host)), tuple(host.sh(_CONFIGURATION).splitlines()),
                     active(host))  # fmt: skip


def active(host: BareHost) -> tuple[str, ...]:
    """The services, sockets and timers that run, but for those that run once in a while."""
    kinds = "--type=service,socket,timer --state=active --plain --no-legend --no-pager"
    passing = ("session-", "user@", "user-runtime-dir@", "ssh@", "apt-daily", "systemd-tmpfiles-clean")
    names = [line.split()[0] for line in host.sh(f"systemctl list-units {kinds}").splitlines()]
    return tuple(sorted(name for name in names if not name.startswith(passing)))


def installed(host: BareHost) -> dict[str, str]:
    """What dpkg itself says: name:arch to state and version."""
    told = host.sh("dpkg-query -W -f '${Package}:${Architecture} ${db:Status-Abbrev}${Version}\\n'")
    pairs = dict(line.split(" ", 1) for line in told.splitlines())
    return {name: state for name, state in pairs.items() if not state.startswith("rc")}


def automatic(host: BareHost) -> set[str]:
    """What apt remembers as installed only because something needs it."""
    quietly = "-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache="  # looking must not renew apt's cache
    return set(host.sh(f"apt-mark {quietly} showauto").split())


def plan(lines: list[dict[str, Any]], digest: str = DIGEST) -> dict[str, Any]:
    """The arguments of the three modules that act on a plan."""
    return {"packages": lines, "plan_digest": digest}


def stage(host: BareHost, *files: Path, folder: str = STAGE) -> None:
    """Bring files to the stage by another way than an archive."""
    host.sh(f"install -d -m 0755 /var/lib/holdfast && install -d -m 0700 /var/lib/holdfast/stage {folder}")
    for file in files:
        host.send(file, f"{folder}/{file.name}")


def install(host: BareHost, *files: Path) -> None:
    """Put toy packages on a host, as its past."""
    for file in files:
        host.send(file, f"/root/{file.name}")
    host.sh("dpkg -i " + " ".join(f"/root/{file.name}" for file in files))


def there(host: BareHost, path: str) -> None:
    """Wait until a path exists."""

    def seen() -> bool | None:
        return host.fleet.exec(host.name, ["test", "-e", path]).returncode == 0 or None

    wait_for(f"{path} on {host.name}", seen, within=SECONDS)


def kill_all(host: BareHost) -> None:
    """Kill, with no time for a last word, the module that changes packages, and the apt and dpkg it started."""
    host.sh("kill -KILL $(ps -o ppid= -p $(pgrep -o -x apt-get)); pkill -KILL -x 'apt-get|dpkg'")


@contextmanager
def own_host(purpose: str, release: str, folder: Path) -> Iterator[BareHost]:
    """A host for the tests of one file, which look after what they leave on it."""
    with _fleet(purpose) as fleet:
        _up(fleet, [f"{release}-1={release}"])
        yield bare(fleet, f"{release}-1", folder)


def bare(fleet: Fleet, name: str, folder: Path) -> BareHost:
    """A host of a fleet, to run single modules on."""
    return BareHost(fleet, name, lay_out_modules(folder / "collections"))
