# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a host back: everything a difference names, unless it was changed by someone else in between."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from . import live, territory
from .commands import run, trouble
from .errors import ImageError
from .placing import place
from .reloads import tell
from .store import Store

Changed = Mapping[str, Mapping[str, Mapping[str, Any]]]


class Return:
    """One way back; `restored`, `kept` and `troubles` say afterwards what became of it.

    With `conflicts` what is neither as before nor as after is kept as it is. Without `packages` those are left
    alone, and so are the configuration files of packages that came.
    """

    def __init__(self, store: Store, changed: Changed, *, conflicts: bool, packages: bool) -> None:
        self.store, self.changed = store, changed
        self._conflicts, self._packages = conflicts, packages
        self.restored: list[str] = []
        self.kept: list[str] = []
        self.troubles: list[str] = []

    def go(self) -> None:
        """Put everything back: what opens the way in comes first, packages come last."""
        came, went = self._moved_packages()
        theirs = live.conffiles(came)
        # A unit that came is stopped while its file is still there, and may take its firewall table with it.
        self._try(lambda: self._section("units", live.units, self._stop, only=lambda state: state is None))
        self._try(lambda: self._section("tables", live.tables, self._tables))
        self._try(lambda: self._section("sysctl", live.sysctl, self._sysctl))
        self._try(lambda: self._section("mounts", live.mounts, self._mounts))
        self._try(lambda: self._files(theirs))
        self._try(lambda: self._section("units", live.units, self._start, only=lambda state: state == "on"))
        if self._packages and (came or went):
            self._try(lambda: self._move_packages(came, went))
            self._try(lambda: self._files(live.conffiles(came & set(live.packages()))))

    def _try(self, step: Callable[[], None]) -> None:
        """Take one step; whatever fails in it must not keep the others from opening the way in."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - as said above; it is told, and the new image shows what is missing
            self.troubles.append(f"{type(error).__name__}: {error}")

    def _section(
        self,
        section: str,
        read: Callable[[], dict[str, str] | None],
        write: Callable[[dict[str, Any], dict[str, str]], None],
        only: Callable[[Any], bool] = lambda value: True,
    ) -> None:
        """Put one section of live settings back, of it `only` those values, and see what came of it."""
        if not self.changed.get(section):
            return
        present = read()
        if present is None:
            for name in self.changed[section]:
                self._keep(f"{section} {name}")
            return
        wanted = {name: value for name, value in self._wanted(section, present.get).items() if only(value)}
        if not wanted:
            return
        write(wanted, present)
        afterwards = read() or {}
        for name, value in wanted.items():
            (self.restored if afterwards.get(name) == value else self.kept).append(f"{section} {name}")

    def _wanted(self, section: str, present: Callable[[str], Any]) -> dict[str, Any]:
        """Return name -> value to put back; conflicts are noted as kept."""
        wanted = {}
        for name, one in self.changed[section].items():
            now = present(name)
            if now == one["before"]:
                continue
            if self._conflicts and now != one["after"]:
                self._keep(name if section == "files" else f"{section} {name}")
            else:
                wanted[name] = one["before"]
        return wanted

    def _keep(self, name: str) -> None:
        if name not in self.kept:
            self.kept.append(name)

    def _files(self, left_alone: set[str]) -> None:
        """Put files, links and folders back: makes what is missing from the top, takes away from the bottom."""
        changed = self.changed.get("files", {})
        wanted = self._wanted("files", lambda path: territory.now(path, changed[path]))
        # Of some paths only the mode is in the image: what came there since is not for us to take away.
        wanted = {path: entry for path, entry in wanted.items() if entry or changed[path]["after"][0] != "m"}
        going = sorted((path for path, entry in wanted.items() if entry is None), reverse=True)
        done = []
        for path in [*sorted(set(wanted) - set(going)), *going]:
            if path in left_alone and wanted[path] is None:
                continue
            try:
                place(self.store, path, wanted[path], territory.now(path, changed[path]))
            except (ImageError, OSError) as error:
                self._keep(path)
                self.troubles.append(str(error) if isinstance(error, ImageError) else f"{path}: {error.strerror}")
                continue
            done.append(path)
        self.restored += [path for path in done if path not in self.restored]
        self.troubles += tell(done, live.units() or {})

    def _tables(self, wanted: dict[str, Any], present: dict[str, str]) -> None:
        """Exchange the tables in one transaction of nft; tables of others are not touched."""
        lines = [f"delete table {name}\n" for name in wanted if name in present]
        lines += [text for text in wanted.values() if text is not None]
        self._ran(trouble(["nft", "-f", "-"], stdin="".join(lines)))

    def _sysctl(self, wanted: dict[str, Any], _present: dict[str, str]) -> None:
        """Write the settings twice, the wide ones first: some set others when they are written."""
        order = sorted(wanted, key=lambda key: (not key.endswith("ip_forward"), "/all/" not in key, key))
        for key in [*order, *order]:
            if wanted[key] is None:
                continue
            try:
                with open(os.path.join(live.SYSCTL, key), "w", encoding="ascii") as target:
                    target.write(wanted[key] + "\n")
            except OSError as error:
                self._ran(f"sysctl {key}: {error.strerror}")

    def _mounts(self, wanted: dict[str, Any], present: dict[str, str]) -> None:
        for point, before in wanted.items():
            if before is None:
                self._ran(trouble(["umount", "--", point]))
            elif point not in present:
                self._ran(trouble(["mount", "--", point]))
            else:
                flags = {"nosuid": "suid", "nodev": "dev", "noexec": "exec", "ro": "rw"}
                given = before.partition(" ")[2].split(",")
                options = [flag if flag in given else opposite for flag, opposite in flags.items()]
                options += [option for option in given if option.startswith("hidepid")]
                bind = [] if point == "/proc" else ["bind"]
                self._ran(trouble(["mount", "-o", ",".join(["remount", *bind, *options]), "--", point]))

    def _stop(self, wanted: dict[str, Any], _present: dict[str, str]) -> None:
        self._ran(trouble(["systemctl", "stop", "--", *wanted], seconds=90))

    def _start(self, wanted: dict[str, Any], _present: dict[str, str]) -> None:
        run(["systemctl", "reset-failed", "--", *wanted])
        self._ran(trouble(["systemctl", "start", "--", *wanted], seconds=90))

    def _moved_packages(self) -> tuple[set[str], set[str]]:
        """Return packages that came and that went, and are still as they were left."""
        changed, present = self.changed.get("packages", {}), live.packages() if self.changed.get("packages") else {}
        came = {name for name, one in changed.items() if one["before"] is None and name in present}
        went = {name for name, one in changed.items() if one["after"] is None and name not in present}
        if self._packages:
            moved = {name for name, one in changed.items() if one["before"] and one["after"]}
            for name in sorted(moved):
                if present.get(name) != changed[name]["before"]:
                    self._keep(f"packages {name}")
        return came, went

    def _move_packages(self, came: set[str], went: set[str]) -> None:
        """Remove what came, unless something else needs it by now; install what went, where the archive has it."""
        changed, get = self.changed["packages"], ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=60"]
        if came:
            going = sorted(_apt_name(name) for name in came)
            _code, out, _errors = run([*get, "-s", "purge", *going], seconds=120)
            more = {line.split()[1] for line in out.splitlines() if line.startswith(("Remv ", "Purg "))}
            if {name.partition(":")[0] for name in more} <= {name.partition(":")[0] for name in came}:
                self._ran(trouble([*get, "purge", *going], seconds=600))
            else:
                self.troubles.append("packages that came are needed by others that came later; they stay")
        if went:
            exact = ["{}={}".format(_apt_name(name), changed[name]["before"]) for name in sorted(went)]
            keep = ["-o", "Dpkg::Options::=--force-confold", "--no-install-recommends"]
            self._ran(trouble([*get, *keep, "install", *exact], seconds=600))
        present = live.packages()
        for name in sorted(came | went):
            (self.restored if present.get(name) == changed[name]["before"] else self.kept).append(f"packages {name}")

    def _ran(self, line: str) -> None:
        if line and line not in self.troubles:
            self.troubles.append(line)


def _apt_name(name: str) -> str:
    package, _colon, architecture = name.partition(":")
    return package if architecture == "all" else name
