# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building plans: from what hosts reported and the policy, or from a site's resolved controls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import PlanError
from ..site.policy import Policy
from ..site.site import Site
from .package import Conffile, Package, PlannedAsset, inconsistencies
from .plan import Plan
from .states import hindrance
from .words import plan_lines


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
    waiting: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Pending updates that are not in the plan: by reason and package, the assets that have them."""

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
        lines += [f"left out, {what}: {', '.join(hosts)}" for what, hosts in self.waiting.items()]
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

    `states` has the answer of the module package_state for each asset asked, None where there was no answer. `cves`
    are CVE ids by `source/version`, for answers that name none of their own. An asset is refused, and said so, when
    it gave no answer, when its lists are not measured, too old or expired, when dpkg was interrupted, and when its
    updates would remove a package, take up one that policy/patching.yml excludes, have no way back though the
    policy requires one, or meet settings that the policy says to stop at.

    Raises SiteError for an asset that is not registered, and PlanError when an answer is malformed, when the texts
    are not fit to be shown, and when a package would not be the same content on all assets of one release.
    """
    planned: list[PlannedAsset] = []
    refused: list[Refusal] = []
    current: list[str] = []
    waiting: dict[str, dict[str, None]] = {}
    for asset_id in sorted(states):
        ring, state = site.asset(asset_id).ring, states[asset_id]
        try:
            why = hindrance(state, site.policy.patching)
        except (KeyError, TypeError) as error:
            raise _malformed(asset_id, error) from error
        if state is None or why:
            refused.append(Refusal(asset_id, why))
            continue
        for update in state.get("other_updates", ()):
            waiting.setdefault(_waits(update), {})[asset_id] = None
        packages = _packages(state, asset_id, cves or {})
        if packages:
            planned.append(_planned(asset_id, ring, state, packages, site.policy))
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
    named = {what: tuple(hosts) for what, hosts in sorted(waiting.items())}
    return Draft(plan, site.policy, tuple(refused), tuple(current), named)


def build_config_plan(site: Site, asset_ids: Iterable[str], *, title: str, reason: str, created_at: datetime) -> Plan:
    """Return a plan to make the controls of these assets true, as they resolve now.

    Raises PlanError where no asset is named or the texts are not fit to be shown, SiteError for an unknown
    asset.
    """
    ids = sorted(set(asset_ids))
    assets = tuple(PlannedAsset(asset_id, site.asset(asset_id).ring) for asset_id in ids)
    baseline = site.controls_digest(ids, created_at)
    return Plan("config", title, reason, created_at, site.name, assets, baseline=baseline).checked()


def _planned(
    asset_id: str, ring: str, state: Mapping[str, Any], packages: tuple[Package, ...], policy: Policy
) -> PlannedAsset:
    """Return an asset's part of the plan; what an answer does not speak of is forecast as nothing."""
    forecast = state.get("forecast") or {}
    changed = {str(one["path"]): str(one["package"]).partition(":")[0] for one in state.get("conffiles", ())}
    decide = policy.patching.conffiles.decision
    return PlannedAsset(
        asset_id,
        ring,
        str(state["release"]),
        str(state["arch"]),
        packages,
        str(state.get("manager", "apt")),
        tuple(Conffile(path, package, decide(path)) for path, package in sorted(changed.items())),
        tuple(sorted(set(map(str, forecast.get("restarts", ()))))),
        bool(forecast.get("reboot", False)),
    )


def _packages(state: Mapping[str, Any], asset_id: str, cves: Mapping[str, Sequence[str]]) -> tuple[Package, ...]:
    packages = []
    for i, one in enumerate(state["updates"]):
        try:
            source = f"{one['source']}/{one['source_version']}"
            found = state.get("cves", {}).get(source, cves.get(source, ()))
            back = one["rollback"]
            if back is not None:
                back = {"from": "archive", **back}
            packages.append(Package.from_dict({**one, "cves": sorted(set(found)), "rollback": back}))
        except (KeyError, TypeError) as error:
            raise _malformed(f"{asset_id}: updates[{i}]", error) from error
    return tuple(sorted(packages, key=lambda package: package.key))


def _malformed(where: str, error: Exception) -> PlanError:
    return PlanError(
        f"{where}: malformed ({error!r}); expected the answer of package_state; "
        "see that the host is asked with this version's modules"
    )


def _waits(update: Mapping[str, Any]) -> str:
    """Return how a waiting update is named: each security update by itself, the others together."""
    if update["why"] == "not security":
        return "not security updates"
    kind = "security update" if update["security"] else "update"
    version = update["to"] or "that no archive has yet"
    return f"{update['why']}: {kind} {update['name']}:{update['arch']} {version}"
