# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names every obstacle of a host that uses apt, from the facts package_state has read; changes and asks nothing."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable, Iterator, Mapping

from . import locks
from .archives import Archive
from .dpkg import Package
from .lists import Lists, Source
from .obstacles import Obstacle
from .outlook import Changed
from .pending import Selection, Update, Waiting
from .processes import Process

DAY = 86400
CLOCK_SECONDS = 300
"""How far a host's clock may be from the controller's: what Kerberos allows, and far above what a slow link adds."""

_APT_UNITS = ("apt-daily.service", "apt-daily-upgrade.service")
_UPGRADER = "/usr/bin/unattended-upgrade"

_KEPT_BACK = {
    "held": ("it is on hold", "release it (apt-mark unhold {name}), or exclude it in policy/patching.yml"),
    "pinned": (
        "a pin forbids it",
        "take the pin out of /etc/apt/preferences.d (apt-cache policy {name}), or exclude it",
    ),
    "phased": ("the archive does not give it to this host yet", "wait: its share of hosts grows by itself"),
    "dependency": ("apt keeps it back", "find what it needs (apt-get --simulate install {name}), or exclude it"),
}
_CONFFILES = {
    "keep": "let it be so, or say replace in policy/patching.yml",
    "replace": "let it be so, or say keep in policy/patching.yml",
    "stop": "merge it by hand, or say keep or replace in policy/patching.yml",
}


def of_work(
    holder: locks.Holder | None, unfinished: Iterable[Package], interrupted: bool, running: Iterable[Process]
) -> Iterator[Obstacle]:
    """Yield what keeps dpkg from beginning: somebody at work, or work left half done."""
    if holder is not None:
        yield Obstacle("lock", "dpkg", f"held by {holder}", "let that process end")
    at_work: dict[str, int] = {}
    for one in running:
        if one.unit in _APT_UNITS or _UPGRADER in one.files:
            at_work.setdefault(one.unit or one.command, one.pid)
    for name, pid in sorted(at_work.items()):
        yield Obstacle("timer", name, f"it is at work (process {pid})", "let it end: it installs what no plan names")
    for package in unfinished:
        do = "run dpkg --configure -a, and mend what it names"
        yield Obstacle("unfinished", f"{package.name}:{package.arch}", f"dpkg left it {package.status}", do)
    if interrupted:
        yield Obstacle("interrupted", "dpkg", "it was killed in the middle of its work", "run dpkg --configure -a")


def of_clock(now: float, controller: float | None) -> Iterator[Obstacle]:
    """Yield a clock that is not the controller's: signatures, windows and records would be judged by it."""
    if controller is None or abs(now - controller) <= CLOCK_SECONDS:
        return
    word = "ahead of" if now > controller else "behind"
    found = f"{abs(now - controller):.0f} s {word} the controller's"
    yield Obstacle("clock", "clock", found, "set it, and have it kept right (systemd-timesyncd or chrony)")


def of_lists(
    now: float, state: Lists, known: Iterable[Archive], key_days: int, named: frozenset[str] = frozenset()
) -> Iterator[Obstacle]:
    """Yield what is wrong with the lists and their archives; `named` are archives a failed refresh spoke of already."""
    if not state.measured and not named and not any(source.expired for source in state.sources):
        yield Obstacle("stale_lists", "lists", state.why, "refresh them: run package_state with refresh")
    for source in state.sources:
        if source.name not in named:
            yield from _of_source(now, source, key_days)
    fetched = {source.name for source in state.sources}
    for archive in known:
        if archive.trusted:
            do = f"have it signed, and take that option out of {archive.file}"
            yield Obstacle("unsigned", archive.name, "its source says trusted=yes: anything is taken from it", do)
        if archive.name not in fetched | named and state.sources:
            yield Obstacle("stale_lists", archive.name, "its lists were never fetched", "refresh the lists")


def _of_source(now: float, source: Source, key_days: int) -> Iterator[Obstacle]:
    if source.expired:
        do = "refresh the lists; if that does not help, see why the archive is not published any more"
        yield Obstacle("expired_lists", source.name, f"valid until {source.valid_until}", do)
    made = None if source.date is None else calendar.timegm(time.strptime(source.date, "%Y-%m-%dT%H:%M:%SZ"))
    if made is not None and made > now + CLOCK_SECONDS:
        yield Obstacle("clock", source.name, f"its Release file is of {source.date}", "set the host's clock")
    ends = [str(key["expires_at"]) for key in source.keys if key["expires_at"] is not None]
    last = max(ends) if ends and len(ends) == len(source.keys) else None
    ended = None if last is None else calendar.timegm(time.strptime(last, "%Y-%m-%dT%H:%M:%SZ"))
    renew = "bring the archive's new key to the host, in a way you trust"
    if ended is not None and ended <= now:
        yield Obstacle("expired_key", source.name, f"its signing key expired at {last}", renew)
    elif source.signature in ("bad", "none"):
        words = {"bad": "its signature is not by a key that its source names", "none": "it is not signed"}
        do = "find out who changed the archive or its key before anything is installed from it"
        yield Obstacle("unsigned", source.name, words[source.signature], do)
    elif ended is not None and ended < now + key_days * DAY:
        days = int((ended - now) // DAY)
        found = f"its signing key expires in {days} days, at {last}"
        yield Obstacle("key_expiring", source.name, found, renew, blocks=False)


def of_updates(
    updates: Iterable[Update], waiting: Iterable[Waiting], selection: Selection, rollback_required: bool
) -> Iterator[Obstacle]:
    """Yield what keeps single updates out that the policy takes up, and what would have no way back."""
    for line in waiting:
        wanted = selection.selects(line.name) and not selection.excludes(line.name)
        if line.why not in _KEPT_BACK or not wanted or not (line.security or selection.updates == "all"):
            continue
        found, do = _KEPT_BACK[line.why]
        words = f"{line.to}: {found}" + (f" ({line.detail[:300]})" if line.detail else "")
        yield Obstacle(line.why, f"{line.name}:{line.arch}", words, do.format(name=line.name), blocks=False)
    for update in updates:
        if update.before is not None and update.rollback is None:
            found = f"no archive has {update.before} any more"
            do = "bring that version's file to the pool, or let it be packed anew from what is installed"
            subject = f"{update.to.name}:{update.to.arch}"
            yield Obstacle("no_rollback", subject, found, do, blocks=rollback_required)


def of_conffiles(changed: Iterable[Changed]) -> Iterator[Obstacle]:
    """Yield the configuration files that were changed on the host and whose packages the transaction replaces."""
    for one in changed:
        found = f"changed on this host, and its package {one.package} is to be replaced; policy says {one.decision}"
        do = _CONFFILES.get(one.decision, _CONFFILES["keep"])
        yield Obstacle("conffile", one.path, found, do, blocks=one.decision == "stop")


def of_support(
    unsupported: Iterable[tuple[str, str]], installed: Mapping[tuple[str, str], Package]
) -> Iterator[Obstacle]:
    """Yield the installed packages that no archive offers any more: no update will ever come for them."""
    for key in unsupported:
        package = installed[key]
        found = f"{package.version} is installed, and no archive offers the package"
        do = "remove it, or bring it into an archive that is maintained"
        yield Obstacle("unsupported", f"{package.name}:{package.arch}", found, do, blocks=False)
