# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller does for a host that stages: serve the pool, copy from it, or say why it does neither."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..change.locked import Locked
from ..site.pool import PoolSettings
from .pool import Pool

SOURCES = ("archive", "pool", "copy")


@dataclass(frozen=True)
class Offer:
    """What the next call of package_stage is told: the sources left, whether to serve, and which files to copy.

    `tried` holds, by file name, a sentence for each source that is passed over.
    """

    sources: tuple[str, ...]
    serve: bool
    copy: tuple[Locked, ...]
    tried: Mapping[str, list[str]]


def offer(answer: Mapping[str, Any], pool: Pool, settings: PoolSettings, hosts: int) -> Offer:
    """Return what to do for what a host asks for, at the first of the sources it has left.

    Over HTTP files are served where site.yml names an address and so many hosts stage at once that it pays; else they
    are copied. Where there is nothing to choose, the one source that was named is used.
    """
    sources = tuple(answer["sources_left"])
    asks = [Locked(one["file"], one["size"], one["sha256"]) for one in answer["asks"]]
    here = [one for one in asks if pool.has(one.sha256)]
    tried = {file: list(said) for file, said in answer["tried"].items()}
    source, rest = sources[0], sources[1:]
    why = "" if here else "not in the controller's pool"
    if source == "pool":
        why = why or _why_not_served(settings, hosts, "copy" in rest)
        if not why:
            return Offer(sources, True, (), tried)
    elif here:
        return Offer(sources, False, tuple(here), tried)
    for one in asks:
        tried.setdefault(one.file, []).append(f"{source}: {why}")
    return Offer(rest, False, (), tried)


def _why_not_served(settings: PoolSettings, hosts: int, copies: bool) -> str:
    if settings.address is None:
        return "site.yml names no pool.address"
    if copies and hosts < settings.many:
        return f"{hosts} hosts at once; to fewer than {settings.many} files are copied"
    return ""


def told(host: str, answer: Mapping[str, Any], seconds: float) -> str:
    """Return one line for people: host, files, bytes, where from, seconds; and why, where a first choice was not it."""
    files, size = len(answer["staged"]), float(answer["bytes"]) / 1e6
    origins = answer["origins"]
    if not origins:
        return f"staged {host}: {files} files, {size:.1f} MB, all there already, {seconds:.1f} s"
    counts = _counted(one["from"] for one in origins)
    reasons = dict.fromkeys(said for one in origins for said in one["tried"])
    why = f"; {'; '.join(reasons)}" if reasons else ""
    return f"staged {host}: {files} files, {size:.1f} MB, {counts}, {seconds:.1f} s{why}"


def lacking(host: str, answer: Mapping[str, Any]) -> str:
    """Return one line for people on what staging would bring to a host: in check mode nothing is brought."""
    missing = list(answer["fetched"])
    if not missing:
        return f"staged {host}: {len(answer['staged'])} files, all there"
    return f"staged {host}: {len(missing)} of {len(answer['staged'])} files are missing: {', '.join(missing)}"


def _counted(names: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} from {name}" for name, count in counts.items())
