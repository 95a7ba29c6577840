# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names every obstacle of a host that uses dnf, from the facts package_state has read; changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from . import dnf_sources, locks, rpm_database
from .commands import run
from .dnf_locks import SERVICES
from .dnf_repair import Host
from .hindrances import CLOCK_SECONDS, DAY
from .lists import Lists, iso
from .obstacles import Obstacle
from .pending import Selection, Waiting
from .processes import Process

_REPOSITORY = re.compile(r"repo(?:sitory)? '?([A-Za-z0-9._:-]+)'?")
_SIGNATURE = re.compile(r"GPG|signature|repomd\.xml\.asc|gpg", re.IGNORECASE)
_UNSATISFIED = re.compile(r"^Unsatisfied dependencies for (\S+?):?$")

_KEPT_BACK = {
    "held": (
        "versionlock",
        "dnf's versionlock keeps its version",
        "release it (dnf versionlock delete {name}), or exclude it",
    ),
    "pinned": (
        "pinned",
        "an exclude in dnf's configuration forbids it",
        "take the exclude out (dnf config-manager --dump)",
    ),
    "dependency": (
        "dependency",
        "dnf leaves it out",
        "find what it needs (dnf upgrade --assumeno {name}), or exclude it",
    ),
}


def of_refresh(said: str) -> Iterator[Obstacle]:
    """Yield why a refresh failed, from dnf's own words."""
    named = _REPOSITORY.search(said)
    subject = named.group(1) if named else "repositories"
    if _SIGNATURE.search(said):
        do = "find out who changed the repository or its key before anything is installed from it"
        yield Obstacle("unsigned", subject, f"its signature does not hold ({said[:300]})", do)
    else:
        yield Obstacle("no_archive", subject, said[:300], "mend the way to the repository, or its configuration")


def of_work(holder: locks.Holder | None, host: Host, running: Iterable[Process]) -> Iterator[Obstacle]:
    """Yield what keeps RPM from beginning: somebody at work, or work left half done."""
    if holder is not None:
        yield Obstacle("lock", "rpm", f"held by {holder}", "let that process end")
    at_work = {one.unit: one.pid for one in running if one.unit in SERVICES}
    for unit, pid in sorted((str(unit), pid) for unit, pid in at_work.items()):
        yield Obstacle("timer", unit, f"it is at work (process {pid})", "let it end: it installs what no plan names")
    if holder is not None:
        return  # a transaction that runs looks like one that was killed
    for package in host.torn:
        there = rpm_database.versions(package.name, package.arch)
        whole = "its scripts failed, or its files are not its own"
        found = f"{' and '.join(there)} at once" if len(there) > 1 else whole
        do = "run the change again that was cut off, or mend it with dnf (dnf reinstall, dnf remove --duplicates)"
        yield Obstacle("unfinished", f"{package.name}:{package.arch}", found, do)
    if host.killed is not None:
        found = f"transaction {host.killed.number} was begun and never ended"
        do = f"run the change again that was cut off, or end it with dnf (dnf history info {host.killed.number})"
        yield Obstacle("interrupted", "dnf", found, do)


def of_database() -> Iterator[Obstacle]:
    """Yield a database that RPM itself calls damaged, and installed packages whose needs are not met."""
    verified = run(["rpmdb", "--verifydb"])
    if verified.code != 0:
        yield Obstacle(
            "broken", "rpm", f"its database is damaged: {verified.complaint()[:300]}", "run rpmdb --rebuilddb"
        )
        return
    quiet = ["--nofiles", "--nodigest", "--nosignature", "--noscripts"]
    name = ""
    for line in run(["rpm", "--verify", "--all", *quiet]).out.splitlines():
        unmet = _UNSATISFIED.match(line.strip())
        if unmet:
            name = unmet.group(1)
        elif name and line.strip():
            yield Obstacle("broken", name, line.strip()[:300], "bring what it needs, or remove it (dnf check)")


def of_sources(
    now: float, state: Lists, repositories: Iterable[dict[str, Any]], key_days: int, named: frozenset[str]
) -> Iterator[Obstacle]:
    """Yield what is wrong with the metadata and its repositories; `named` are those spoken of already."""
    if not state.measured and not named & {"repositories", *(source.name for source in state.sources)}:
        yield Obstacle("stale_lists", "repositories", state.why, "refresh them: run package_state with refresh")
    for said in repositories:
        if said["id"] in named:
            continue
        if said["date"] and said["date"] > now + CLOCK_SECONDS:
            yield Obstacle("clock", said["id"], f"its metadata is of {iso(said['date'])}", "set the host's clock")
        if not said["packages_signed"]:
            do = "set gpgcheck=1, and have its owner sign the packages"
            yield Obstacle("unsigned", said["id"], "gpgcheck=0: anything is taken from it", do)
        yield from _of_keys(now, said, key_days)


def _of_keys(now: float, said: dict[str, Any], key_days: int) -> Iterator[Obstacle]:
    keys = dnf_sources.keys_of(said)
    renew = "bring the repository's new key to the host, in a way you trust"
    local = [address for address in said["keys"] if address.startswith(("/", "file:"))]
    if not said["keys"] or (local and not keys):
        found = f"no key in {', '.join(local)}" if local else "its configuration names no gpgkey"
        yield Obstacle("unsigned", said["id"], found, "bring the repository's key to the host, in a way you trust")
    ends = [key.expires for key in keys if key.expires is not None]
    if not ends or len(ends) != len(keys):
        return
    last = max(ends)
    if last <= now:
        yield Obstacle("expired_key", said["id"], f"its signing key expired at {iso(last)}", renew)
    elif last < now + key_days * DAY:
        found = f"its signing key expires in {int((last - now) // DAY)} days, at {iso(last)}"
        yield Obstacle("key_expiring", said["id"], found, renew, blocks=False)


def of_updates(
    updates: Iterable[dict[str, Any]], waiting: Iterable[Waiting], selection: Selection, rollback_required: bool
) -> Iterator[Obstacle]:
    """Yield what keeps single updates out that the policy takes up, and what would have no way back."""
    for line in waiting:
        wanted = selection.selects(line.name) and not selection.excludes(line.name)
        if line.why not in _KEPT_BACK or not wanted or not (line.security or selection.updates == "all"):
            continue
        kind, found, do = _KEPT_BACK[line.why]
        subject = f"{line.name}:{line.arch}"
        yield Obstacle(kind, subject, f"{line.to}: {found}", do.format(name=line.name), blocks=False)
    for update in updates:
        if update["from"] is not None and update["rollback"] is None:
            found = f"no repository has {update['from']} any more"
            do = "bring that version's file to the pool"
            yield Obstacle("no_rollback", f"{update['name']}:{update['arch']}", found, do, blocks=rollback_required)


def of_support(unsupported: Iterable[tuple[str, str, str]]) -> Iterator[Obstacle]:
    """Yield the installed packages that no repository offers any more: no update will ever come for them."""
    for name, arch, version in unsupported:
        found = f"{version} is installed, and no repository offers the package"
        do = "remove it, or bring it into a repository that is maintained"
        yield Obstacle("unsupported", f"{name}:{arch}", found, do, blocks=False)
