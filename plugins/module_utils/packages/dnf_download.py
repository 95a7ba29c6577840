# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings package files from the host's repositories, through Holdfast's own verified metadata."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import Any

from . import dnf_ask, rpm_signatures
from .errors import PackageError, Refusal
from .lines import Deb
from .stagedir import Stage

_SECONDS = 1800
_FRESH = 3600
"""Seconds for which metadata that was verified once is taken without asking the repository again."""

OUT_OF_REACH = re.compile(
    r"Curl error \((?:5|6|7|28|35|52|55|56)\)|[Cc]onnection refused|[Cc]ould ?n.t (?:connect|resolve)|timed? ?out"
)


def bring(debs: tuple[Deb, ...], stage: Stage) -> dict[str, str]:
    """Download these files and take them into the stage; return, by file, why one was not brought.

    Metadata that is older than an hour, or does not know a version, is refreshed. Raises PackageError naming each line
    that a repository has otherwise than planned, that arrived otherwise, or that has no good signature, and for what
    else keeps the repositories from being used; that they cannot be reached only counts as a reason.
    """
    if not debs:
        return {}
    known, trouble = _known(debs)
    if trouble:
        return {deb.file: trouble for deb in debs}
    missed = {deb.file: f"no version {deb.version} in this host's repositories" for deb in debs if not known[deb.file]}
    there = tuple(deb for deb in debs if deb.file not in missed)
    _refuse_changed(there, known)
    if there:
        missed.update(_download(there, stage))
    return missed


def _known(debs: tuple[Deb, ...]) -> tuple[dict[str, Any], str]:
    """Return what the metadata says of each file, after a refresh where one is due, and why there is none."""
    stamped = dnf_ask.STAMP.stat().st_mtime if dnf_ask.STAMP.exists() else 0
    known = _ask(debs, None)["files"] if stamped else {}
    if time.time() - stamped > _FRESH or not all(known.get(_key(deb)) for deb in debs):
        try:
            dnf_ask.refresh()
        except PackageError as problem:
            if not OUT_OF_REACH.search(str(problem)):
                raise
            return {}, "the repositories cannot be reached"
        known = _ask(debs, None)["files"]
    return {deb.file: known.get(_key(deb)) for deb in debs}, ""


def _download(debs: tuple[Deb, ...], stage: Stage) -> dict[str, str]:
    shutil.rmtree(dnf_ask.INCOMING, ignore_errors=True)
    dnf_ask.INCOMING.mkdir(mode=0o700)
    try:
        try:
            arrived = _ask(debs, dnf_ask.INCOMING)["files"]
        except PackageError as problem:
            return {deb.file: f"the download failed: {problem}" for deb in debs}
        files = {Path(arrived[_key(deb)]["path"]): deb for deb in debs}
        refused = rpm_signatures.unproved(files)
        if refused:
            raise PackageError("what the repository sent proves nothing", refused)
        refused = tuple(filter(None, (stage.take(path, deb) for path, deb in files.items())))
    finally:
        shutil.rmtree(dnf_ask.INCOMING, ignore_errors=True)
    if refused:
        raise PackageError("what the repository sent is not what the plan locks", refused)
    return {}


def _refuse_changed(debs: tuple[Deb, ...], known: dict[str, Any]) -> None:
    """Compare the repository's own words with the plan before a byte is fetched."""
    refused = [
        Refusal(
            f"{deb.name} ({deb.arch})",
            f"{deb.version} in the repository with SHA-256 {said['sha256']}, {said['size']} bytes",
            f"{deb.sha256}, {deb.size} bytes",
            "find out why the repository changed a published file; plan again only then",
        )
        for deb in debs
        for said in (known[deb.file],)
        if (said["sha256"], said["size"]) != (deb.sha256, deb.size)
    ]
    if refused:
        raise PackageError("the repository has other files than the plan locks", tuple(refused))


def _ask(debs: tuple[Deb, ...], folder: Path | None) -> dict[str, Any]:
    asked = [[deb.name, deb.arch, deb.version] for deb in debs]
    question = {"ask": "download", "packages": asked, "fetch": folder is not None, "folder": str(folder or "")}
    return dnf_ask.ask(question, seconds=_SECONDS)


def _key(deb: Deb) -> str:
    return f"{deb.name} {deb.arch} {deb.version}"
