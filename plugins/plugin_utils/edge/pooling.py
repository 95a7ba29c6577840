# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool of a site, with what its plans and its ledger say of each file; filling it through hosts, and pruning it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from ..change.locked import Locked, plan_files
from ..change.plan import Plan
from ..change.reading import change_states
from ..change.store import load_plan
from ..errors import HoldfastError
from ..policy.keeping import needed
from ..site.site import Site
from .environment import utc_now
from .opening import records_of
from .playing import program, surroundings
from .pool import Held, Pool

STAGING = "holdfast.hipaa.stage_patches"
HALF_DONE = timedelta(hours=1)
"""A copy that began so long ago and is still not whole will never be."""


@dataclass(frozen=True)
class Stock:
    """One look at a site's pool."""

    site: Site

    @property
    def pool(self) -> Pool:
        """The pool itself."""
        return Pool(self.site.pool.folder)

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        """Every plan in the site's plans/, by digest. Raises PlanError for a file that is no plan."""
        return {path.stem: load_plan(path) for path in sorted(self.site.plans_dir.glob("*.json"))}

    @cached_property
    def locked(self) -> Mapping[str, Locked]:
        """Every file that any of these plans locks, by SHA-256."""
        found: dict[str, Locked] = {}
        for plan in self.plans.values():
            found.update(plan_files(plan))
        return found

    @cached_property
    def needed(self) -> Mapping[str, tuple[str, ...]]:
        """The digests that must stay, each with the reasons. Raises LedgerError or PlanError where that is unknown."""
        changes = change_states(records_of(self.site), **self.site.traits)
        keep = timedelta(days=self.site.pool.keep_days)
        return needed(self.plans, changes, self.site.policy, utc_now(), keep)

    def missing(self, plan: Plan) -> tuple[Locked, ...]:
        """Return the files of a plan that the pool lacks, by name."""
        return tuple(sorted(one for one in plan_files(plan).values() if not self.pool.has(one.sha256)))

    def prune(self, *, dry: bool) -> tuple[Held, ...]:
        """Remove the files that nothing needs, and return them. What is no file of the pool is left for people."""
        needed_now = self.needed  # first: what cannot be known must stop us before anything is removed
        gone = tuple(one for one in self.pool.held() if not one.fault and one.sha256 not in needed_now)
        if not dry:
            for one in gone:
                self.pool.remove(one.sha256)
            self.pool.forget_unfinished((utc_now() - HALF_DONE).timestamp())
        return gone


def play_staging(root: Path, change_id: str, assets: Sequence[str]) -> int:
    """Run `stage_patches` for a change on some assets, with its output on stderr; return Ansible's exit code."""
    command = [program(), STAGING, "-e", f"change={change_id}", "-e", "fill_pool=true", "--limit", ",".join(assets)]
    try:
        # File descriptor 2: stdout is for results.
        return subprocess.run(
            command, cwd=root, env=surroundings(root), stdin=subprocess.DEVNULL, stdout=2, check=False
        ).returncode
    except OSError as error:
        raise HoldfastError(f"{command[0]}: {error.strerror}; install ansible-core beside holdfast") from error
