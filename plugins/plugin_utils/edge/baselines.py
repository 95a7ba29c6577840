# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a baseline that somebody names: a file, an id of the site, or TAG:ID of a git repository."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError
from ..site.baseline import Baseline, baseline_faults, part_faults
from ..site.problems import SiteFilesError
from ..site.reading import read_document
from ..site.structure import SLUG

TAG = r"[0-9A-Za-z][0-9A-Za-z._/-]{0,200}"
"""Names of tags, branches and commits that we hand to git: none begins with a dash, none holds a colon or a blank."""
PATIENCE = 30
"""Seconds that git may take to read one file."""


def find_baseline(named: str, folders: Mapping[str, Path]) -> Baseline:
    """Return the baseline that `named` means.

    `folders` are the site's and the product's own folders, by what they are called, in the order to look into. A path
    ends in .yml or has a slash; TAG:ID is read from the git repository of the first folder that has it at that tag;
    an ID is what is there now. Raises UsageError or SiteFilesError, naming what was looked for.
    """
    if (tagged := re.fullmatch(rf"({TAG}):({SLUG})", named)) and ".." not in tagged[1]:
        return _at_tag(tagged[1], tagged[2], folders)
    if named.endswith((".yml", ".yaml")) or "/" in named:
        return read_baseline(Path(named), named)
    if re.fullmatch(SLUG, named):
        for folder in folders.values():
            path = folder / "baselines" / f"{named}.yml"
            if path.exists():
                return read_baseline(path, str(path))
    raise UsageError(f"{named}: no such baseline; name a file, an id that the site or the product has, or TAG:ID")


def read_baseline(path: Path, shown: str) -> Baseline:
    """Return the baseline in a file and the parts beside it. Raises SiteFilesError with every problem of its shape.

    What only counts within a site (whether a role or a probe exists) is not looked at: an old release had others.
    """
    document, problems = read_document(path, shown)
    named = document.data.get("id") if isinstance(document.data, dict) else None
    problems = problems or document.problems([*baseline_faults(document.data, str(named))])
    if problems:
        raise SiteFilesError(problems)
    data = dict(document.data)
    controls = list(data.get("controls", ()))
    for part in data.pop("parts", ()):
        inner, problems = read_document(path.with_suffix("") / f"{part}.yml", f"{shown}: part {part}")
        problems = problems or inner.problems([*part_faults(inner.data)])
        if problems:
            raise SiteFilesError(problems)
        controls += inner.data["controls"]
    return Baseline.from_dict({**data, "controls": controls})


def _at_tag(tag: str, name: str, folders: Mapping[str, Path]) -> Baseline:
    looked = []
    for called, folder in folders.items():
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{tag}^{{commit}}")
        if commit is None:
            looked.append(f"the {called}'s folder ({folder}) has no git repository with {tag}")
            continue
        files = _git(folder, "ls-tree", "-r", "--name-only", commit.decode().strip(), f"baselines/{name}.yml",
                     f"baselines/{name}/")  # fmt: skip
        listed = (files or b"").decode("utf-8", "replace").splitlines()
        if f"baselines/{name}.yml" not in listed:
            looked.append(f"the {called}'s repository has no baselines/{name}.yml at {tag}")
            continue
        with tempfile.TemporaryDirectory(prefix="holdfast-baseline-") as copy:
            for file in listed:
                _copy(folder, commit.decode().strip(), file, Path(copy))
            return read_baseline(Path(copy) / f"baselines/{name}.yml", f"{tag}:{name}")
    raise UsageError(f"{tag}:{name}: {'; '.join(looked)}; name a tag and an id that are there")


def _copy(folder: Path, commit: str, file: str, target: Path) -> None:
    """Write one file of a commit below `target`; what is no plain name below baselines/ is left alone."""
    if not re.fullmatch(rf"baselines/(?:{SLUG}/)?{SLUG}\.yml", file):
        return
    content = _git(folder, "cat-file", "blob", f"{commit}:./{file}")
    if content is None:
        raise UsageError(f"{file}: cannot be read from {commit[:12]}; run `git fsck` in {folder}")
    (target / file).parent.mkdir(parents=True, exist_ok=True)
    (target / file).write_bytes(content)


def _git(folder: Path, *words: str) -> bytes | None:
    """Return what git prints about the repository around a folder; None where it cannot.

    Raises UsageError where there is no git, or it does not end.
    """
    environment = {
        "PATH": f"{os.defpath}:/usr/local/bin",
        "HOME": str(Path.home()),  # where a person says which folders of others git may read
        "LC_ALL": "C",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    command = ["git", "--no-replace-objects", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=PATIENCE, check=False, env=environment, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as error:
        raise UsageError("git: is not installed, and TAG:ID is read with it; install git, or name files") from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(f"git: took more than {PATIENCE} s in {folder}; name a file instead") from error
    return done.stdout if done.returncode == 0 else None
