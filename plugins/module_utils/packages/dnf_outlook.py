# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transaction would do to a host of dnf beyond its packages: room, changed files, restarts, a reboot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from . import dnf_room, restarts, rpm_database, rpm_kernels, space
from .dnf_pending import Found
from .dpkg import Package
from .outlook import Changed, Terms
from .pending import Selection, Waiting
from .processes import Process

_ROUNDS = 3
_UNITS = ("/usr/lib/systemd/system/", "/lib/systemd/system/", "/etc/systemd/system/")


@dataclass(frozen=True)
class Outlook:
    """One transaction, what it needs and what it brings about; budgets are those of all that was wanted at first."""

    found: Found = field(default_factory=Found)
    budgets: tuple[space.Budget, ...] = ()
    changed: tuple[Changed, ...] = ()
    restarts: tuple[str, ...] = ()
    reboot: bool = False


def look(
    offers: dict[str, Any],
    selection: Selection,
    terms: Terms,
    running: Iterable[Process],
    installed: Mapping[tuple[str, str], Package],
    pending: Callable[[dict[str, Any], Selection], Found],
) -> Outlook:
    """Work the transaction out, and again without what has to wait for room or for somebody's changed file."""
    processes = tuple(running)
    aside: dict[str, str] = {}
    first: Outlook | None = None
    changed: dict[str, Changed] = {}
    for _round in range(_ROUNDS):
        without = replace(selection, exclude=(*selection.exclude, *aside))
        now = _once(pending(offers, without), terms, processes, installed)
        first = first or now
        changed.update((one.path, one) for one in now.changed)
        more = _aside(now, terms) if terms.strict else {}
        if not set(more) - set(aside):
            break
        aside.update(more)
    waiting = tuple(_because(line, aside, selection) for line in now.found.waiting)
    waiting += _unfixed(installed, now.found, terms.vulnerable)
    kept = tuple(one for _path, one in sorted(changed.items()) if one.decision == "stop" or one in now.changed)
    return replace(now, found=replace(now.found, waiting=waiting), budgets=first.budgets, changed=kept)


def _once(
    found: Found, terms: Terms, running: tuple[Process, ...], installed: Mapping[tuple[str, str], Package]
) -> Outlook:
    if not found.updates:
        return Outlook(found)
    keys = [(line["name"], line["arch"]) for line in found.updates]
    here = [key for key in keys if key in installed]
    files = dnf_room.every_path(here)
    shipped = {path.rpartition("/")[2] for path in files if path.startswith(_UNITS) and path.endswith(".service")}
    coming = {
        (line["name"], line["arch"]): (
            found.sizes[line["name"], line["arch"]],
            line["size"] + (line["rollback"]["size"] if line["rollback"] else line["size"]),
        )
        for line in found.updates
    }
    return Outlook(
        found=found,
        budgets=dnf_room.budgets(coming),
        changed=_changed(here, terms),
        restarts=tuple(restarts.forecast(running, files, shipped)),
        reboot=rpm_kernels.forecast(name for name, _arch in keys),
    )


def _changed(keys: list[tuple[str, str]], terms: Terms) -> tuple[Changed, ...]:
    return tuple(
        Changed(path, name, arch, terms.decision(path))
        for name, arch in keys
        for path in rpm_database.differing(name, arch)[0]
    )


def _aside(now: Outlook, terms: Terms) -> dict[str, str]:
    """Return the names of what must wait, by the reason package_state gives."""
    short = {name for budget in now.budgets if budget.short(terms.percent) for name in budget.lines}
    stopped = {one.package for one in now.changed if one.decision == "stop"}
    found = {}
    for line in now.found.updates:
        if line["name"] in stopped:
            found[line["name"]] = "conffile"
        elif line["name"] in short and line["from"] is not None:
            found[line["name"]] = "disk"
    return found


def _because(line: Waiting, aside: dict[str, str], selection: Selection) -> Waiting:
    """Give what was set aside its own reason instead of the exclusion that set it aside."""
    if line.why != "excluded" or line.name not in aside or selection.excludes(line.name):
        return line
    return replace(line, why=aside[line.name])


def _unfixed(
    installed: Mapping[tuple[str, str], Package], found: Found, vulnerable: tuple[str, ...]
) -> tuple[Waiting, ...]:
    """Return the packages of sources known to be vulnerable for which no repository has a later version."""
    named = {(line.name, line.arch) for line in found.waiting} | {(one["name"], one["arch"]) for one in found.updates}
    return tuple(
        Waiting(*key, package.version, None, True, "no fix")
        for key, package in sorted(installed.items())
        if package.source in vulnerable and key not in named
    )
