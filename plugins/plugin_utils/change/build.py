# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building plans: from what hosts reported and the policy, or from a site's resolved controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..site.policy import Patching, Policy
from ..site.site import Site
from .package import Package, PlannedAsset, Rollback, inconsistencies
from .plan import Plan
from .words import plan_lines

HOUR = 3600


@dataclass(frozen=True)
class Refusal:
    """An asset that is not planned, and why; nothing of it is in the plan."""

    asset: str
    why: str

    def __str__(self) -> str:
        return f"{self.asset}: {self.why}"


@dataclass(frozen=True)
class Draft:
    """What planning came to: a plan, or none where nothing is to be done, and what was left out."""

    plan: Plan | None
    policy: Policy
    refused: tuple[Refusal, ...] = ()
    current: tuple[str, ...] = ()
    """Assets on which nothing is pending that the policy takes up."""
    excluded: Mapping[str, tuple[str, ...]] | None = None
    """By package, the assets where policy/patching.yml left it out."""

    @property
    def digest(self) -> str:
        """The plan's digest, or '' where there is no plan."""
        return self.plan.digest if self.plan else ""

    def save(self, directory: Path) -> Path | None:
        """Write the plan's file and return its path; None, and nothing is written, where there is no plan."""
        return self.plan.save(directory) if self.plan else None

    def lines(self) -> tuple[str, ...]:
        """Return all of it as lines for people; what was left out is said last, where it is seen."""
        lines = ["nothing to plan: no asset has an update that the policy takes up"]
        if self.plan:
            lines = [f"plan {self.plan.digest}", *plan_lines(self.plan, self.policy)]
        if self.current:
            lines.append(f"nothing pending: {', '.join(self.current)}")
        lines += [f"excluded by policy: {name} on {', '.join(hosts)}" for name, hosts in (self.excluded or {}).items()]
        return (*lines, *(f"REFUSED {refusal}" for refusal in self.refused))


def build_patch_plan(
    states: Mapping[str, Mapping[str, Any] | None],
    site: Site,
    *,
    title: str,
    reason: str,
    created_at: datetime,
    cves: Mapping[str, Sequence[str]] | None = None,
) -> Draft:
    """Lock what hosts reported as pending into one plan.

    `states` has the answer of the module package_state for each asset asked, None where there was no
    answer. `cves` are CVE ids by `source/version`, as package_state returns them. Policy decides what is taken up
    (policy/patching.yml). An asset is refused, and said so, when it gave no answer, when its package lists
    are not measured, too old or expired, and when an update has no way back though the policy requires one.

    Raises PlanError when an asset is not registered, when an answer is malformed, and when a package would
    not be the same content on all assets of one release: a plan that tests one thing and installs another
    is no plan.
    """
    patching = site.policy.patching
    planned: list[PlannedAsset] = []
    refused: list[Refusal] = []
    current: list[str] = []
    excluded: dict[str, list[str]] = {}
    for asset_id in sorted(states):
        ring = _ring(site, asset_id)
        state = states[asset_id]
        why = _unusable(state, patching)
        if state is None or why:
            refused.append(Refusal(asset_id, why))
            continue
        packages = []
        for package in _pending(state, asset_id, cves or {}):
            if patching.updates == "security" and not package.security:
                continue
            if any(fnmatchcase(package.name, glob) for glob in patching.exclude):
                excluded.setdefault(package.name, []).append(asset_id)
            else:
                packages.append(package)
        stuck = [p.name for p in packages if p.rollback is None and p.from_version is not None]
        if stuck and patching.rollback == "required":
            names = ", ".join(stuck)
            refused.append(
                Refusal(
                    asset_id,
                    f"{names}: no archive or pool has the installed version, so there is no way back",
                )
            )
        elif packages:
            ordered = tuple(sorted(packages, key=lambda p: p.key))
            planned.append(PlannedAsset(asset_id, ring, str(state["release"]), str(state["arch"]), ordered))
        else:
            current.append(asset_id)
    if differing := inconsistencies(planned):
        lines = "\n".join(differing)
        raise PlanError(
            f"plan: the same package is not the same content everywhere:\n{lines}\n"
            "expected one version and one SHA-256 for each package of a release; "
            "refresh the lists of all hosts within one plan run, and plan again"
        )
    plan = None
    if planned:
        plan = Plan("patch", title, reason, created_at, site.name, tuple(planned)).checked()
    left_out = {name: tuple(hosts) for name, hosts in sorted(excluded.items())}
    return Draft(plan, site.policy, tuple(refused), tuple(current), left_out)


def build_config_plan(site: Site, asset_ids: Iterable[str], *, title: str, reason: str, created_at: datetime) -> Plan:
    """Return a plan to make the controls of these assets true, as they resolve now.

    Raises PlanError where no asset is named or the texts are not fit to be shown, SiteError for an unknown
    asset.
    """
    ids = sorted(set(asset_ids))
    assets = tuple(PlannedAsset(asset_id, site.asset(asset_id).ring) for asset_id in ids)
    return Plan("config", title, reason, created_at, site.name, assets, baseline=site.controls_digest(ids)).checked()


def _ring(site: Site, asset_id: str) -> str:
    return site.asset(asset_id).ring


def _unusable(state: Mapping[str, Any] | None, patching: Patching) -> str:
    """Return why a host's answer cannot be planned from, or ''."""
    if state is None or state.get("failed") or state.get("unreachable") or "updates" not in state:
        said = [line[:200] for line in str((state or {}).get("msg", "")).splitlines()[:1]]
        return f"{': '.join(['gave no package state', *said])}; expected an answer; mend the host and plan again"
    lists = state["lists"]
    if not lists["measured"] or lists["age_seconds"] is None:
        return f"its package lists are not measured ({lists['why']}); refresh them and plan again"
    limit = patching.lists_max_age_hours
    if lists["age_seconds"] > limit * HOUR:
        age = lists["age_seconds"] // HOUR
        return f"its package lists are {age} hours old; expected at most {limit}; refresh them and plan again"
    expired = [f"{s['origin'] or s['uri']} {s['suite']}".strip() for s in lists["sources"] if s["expired"]]
    if expired:
        named = ", ".join(expired)
        return f"archives past their Valid-Until date: {named}; expected fresh ones; mend its sources and plan again"
    return ""


def _pending(state: Mapping[str, Any], asset_id: str, cves: Mapping[str, Sequence[str]]) -> list[Package]:
    packages = []
    for i, one in enumerate(state["updates"]):
        try:
            back = one["rollback"]
            packages.append(
                Package(
                    name=one["name"],
                    arch=one["arch"],
                    from_version=one["from"],
                    to=one["to"],
                    sha256=one["sha256"],
                    size=one["size"],
                    file=one["file"],
                    origin=one["origin"],
                    suite=one["suite"],
                    security=one["security"],
                    source=one["source"],
                    cves=_cves(one, cves),
                    rollback=None if back is None else Rollback.from_dict(back),
                )
            )
        except (KeyError, TypeError) as error:
            raise PlanError(
                f"{asset_id}: updates[{i}]: malformed ({error!r}); expected a line of package_state; "
                "see that the host runs this version's modules"
            ) from error
    return packages


def _cves(one: Mapping[str, Any], cves: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the CVE ids that the changelog of a package's source names as mended by the pending version."""
    return tuple(sorted(set(cves.get(f"{one['source']}/{one['source_version']}", ()))))
