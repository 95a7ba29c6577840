# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action adds to the run's records: closed bodies of ids, enumerations, integers and digests, never text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..ledger.canonical import encode
from ..verdicts.verdict import Verdict

MEMBER = "holdfast"
"""The member of a task's result in which an action says what belongs into the run's records."""

RESULTS = ("pass", "fail", "waived", "not_applicable", "not_measured")


def sealed(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's result with its contributions, one or a list, as one JSON text among the invocation.

    Ansible copies, cleans and looks through every value of a result several times for each of its callbacks; of
    hundreds of controls that costs more than to probe them. A text it takes as it is. And whoever reads why a task
    failed is spared them: Ansible shows the invocation only at -vvv.
    """
    if MEMBER not in result:
        return dict(result)
    told = {name: value for name, value in result.items() if name != MEMBER}
    return {**told, "invocation": {MEMBER: json.dumps(result[MEMBER])}}


def unsealed(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the contributions in a task's result, none where it has none; raises ValueError for what is no JSON."""
    sealed_text = (result.get("invocation") or {}).get(MEMBER)
    said = json.loads(sealed_text) if sealed_text else []
    return said if isinstance(said, list) else [said]


def value_digest(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON. Numbers with a fraction are written as text."""
    return hashlib.sha256(encode(str(value) if isinstance(value, float) else value)).hexdigest()


def drift_contribution(asset: str, verdicts: Iterable[Verdict], detail: str | None = None) -> dict[str, Any]:
    """Return the verify body for one asset's controls.

    Expected and observed go in as digests, and only on a fail; a waived result names its exception. `detail` is the
    SHA-256 of the file of results that is kept beside the ledger.
    """
    checks = []
    for verdict in verdicts:
        check: dict[str, Any] = {"id": verdict.control_id, "result": verdict.result}
        if verdict.result == "fail":
            check["expected_sha256"] = value_digest(verdict.expected)
            check["observed_sha256"] = value_digest(verdict.actual)
        if verdict.result == "waived":
            check["exception"] = verdict.exception
        checks.append(check)
    more = {"detail_sha256": detail} if detail else {}
    return {"step": "verify", "kind": "drift", "phase": None, "result": {**_verdict(asset, checks), **more}}


def health_contribution(asset: str, phase: str, results: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verify body for one asset's health checks, before or after its turn."""
    checks = [{"id": check["id"], "result": check["result"]} for check in results]
    return {"step": "verify", "kind": "health", "phase": phase, "result": _verdict(asset, checks)}


def version_contribution(
    asset: str, differences: Mapping[str, tuple[str | None, str | None]], phase: str | None = None
) -> dict[str, Any]:
    """Return the verify body for installed versions against the plan; in phase before, against those before it.

    `differences` maps each planned package (name:arch) to (wanted version, installed version); None means absent. What
    is seen in phase before proves a way back, and never that a host has what was planned.
    """
    checks: list[dict[str, Any]] = []
    for package, (planned, installed) in sorted(differences.items()):
        check: dict[str, Any] = {"id": package, "result": "pass" if planned == installed else "fail"}
        if planned != installed:
            check["expected_sha256"], check["observed_sha256"] = value_digest(planned), value_digest(installed)
        checks.append(check)
    return {"step": "verify", "kind": "version", "phase": phase, "result": _verdict(asset, checks)}


def running_contribution(asset: str, checks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the verify body for what runs on one asset: `checks` are {id, result, expected, observed}.

    Ids are `kernel` (the running kernel is the newest that is installed) and `processes` (none runs on replaced
    files). Expected and observed go in as digests, and only on a fail.
    """
    told = []
    for check in checks:
        one = {"id": check["id"], "result": check["result"]}
        if check["result"] == "fail":
            one["expected_sha256"] = value_digest(check.get("expected"))
            one["observed_sha256"] = value_digest(check.get("observed"))
        told.append(one)
    return {"step": "verify", "kind": "running", "phase": None, "result": _verdict(asset, told)}


def seen_contribution(kind: str, asset: str, parts: Mapping[str, bool], detail: str) -> dict[str, Any]:
    """Return the verify body for what was seen of one asset (kind inventory) or from it (discovery): no verdicts.

    `parts` maps each thing that was to be read to whether it could be, whole; `detail` is the SHA-256 of what is kept.
    """
    checks = [{"id": part, "result": "pass" if read else "not_measured"} for part, read in sorted(parts.items())]
    result = {**_verdict(asset, checks), "detail_sha256": detail}
    return {"step": "verify", "kind": kind, "phase": None, "result": result}


def deploy_contribution(
    ring: str | None,
    products: Iterable[Mapping[str, Any]],
    images: Mapping[str, str] | None = None,
    guards: Iterable[Mapping[str, Any]] = (),
    *,
    steps: Iterable[Mapping[str, Any]] = (),
    restarted: Iterable[str] = (),
    reboot: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what a deploy record says of one asset; the journal adds outcome, times and roles.

    `images` are the digests {before, after} of what was touched; `guards` are {id, role, outcome, ms}; `steps` are
    {step, ms}, what was done one after the other; `restarted` are units; `reboot` is {before, after, ms, kernel}, the
    digests of the boot markers around it. What several tasks say of one asset is put together.
    """
    more: dict[str, Any] = {"images": dict(images)} if images else {}
    for name, found in (("guards", list(guards)), ("steps", _steps(steps)), ("restarted", sorted(set(restarted)))):
        if found:
            more[name] = found
    if reboot:
        more["reboot"] = {name: reboot[name] for name in ("before", "after", "ms", "kernel")}
    return {"step": "deploy", "ring": ring, "products": _products(products), **more}


def prepare_contribution(
    ring: str | None, steps: Iterable[Mapping[str, Any]] = (), obstacles: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what is known of an asset before anything is changed on it: how long staging took, what is in the way.

    It stands in the asset's deploy record when the run goes on there; where the run stops before it changed anything,
    the record says that the asset was skipped, and `obstacles` (the kinds of package_state) why.
    """
    return {"step": "prepare", "ring": ring, "steps": _steps(steps), "obstacles": sorted(set(obstacles))}


def rollback_contribution(
    asset: str,
    trigger: str,
    outcome: str,
    products: Iterable[Mapping[str, Any]],
    **more: Any,
) -> dict[str, Any]:
    """Return the rollback body for one asset; `trigger` is health, failed, guard, request or rehearsal.

    `outcome` is restored, partial (files were kept, for somebody had changed them since) or failed. `more` may be
    `files` {restored, kept}, `guard` (there when a guard fired), `role`, `ms`, `images` {before, after}, `of` (the run
    that is undone; there on request).
    """
    result = {"asset": asset, "result": outcome, "products": _products(products), **more}
    return {"step": "rollback", "trigger": trigger, "result": result}


def guard_contribution(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a deploy record says of one guard; `outcome` is what the host told of it."""
    guard = {name: outcome[name] for name in ("id", "role", "outcome", "ms")}
    return {"step": "deploy", "ring": None, "products": [], "guards": [guard]}


def image_contribution(before: str, after: str) -> dict[str, Any]:
    """Return what a deploy record says of the host around the run: two digests."""
    return {"step": "deploy", "ring": None, "products": [], "images": {"before": before, "after": after}}


def revert_contribution(asset: str, outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rollback body for what a guard put back by itself."""
    result: dict[str, Any] = {
        "asset": asset,
        "result": outcome["result"],
        "products": [],
        "files": outcome.get("files") or {name: len(outcome[name]) for name in ("restored", "kept")},
        "guard": outcome["id"],
        "role": outcome["role"],
        "ms": outcome["ms"],
        "images": dict(outcome["images"]),
    }
    if outcome["run"].startswith("run_"):  # a role used outside a run on record is guarded too
        result["of"] = outcome["run"]
    return {"step": "rollback", "trigger": "guard", "result": result}


def return_contribution(asset: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rollback body for one run of a change that was taken back because someone asked for it.

    It is restored when nothing was kept and nothing the run changed differs from before.
    """
    missing = set(one["kept"]) | set(one["differs"])
    moved = [{"name": name, "from": of["from"], "to": of["to"]} for name, of in sorted(one["moved"].items())]
    result = {
        "asset": asset,
        "result": "restored" if not missing else ("partial" if one["restored"] else "failed"),
        "products": _products(moved),
        "files": {"restored": len(one["restored"]), "kept": len(missing)},
        "images": {"before": one["before"], "after": one["after"]},
        "of": one["run"],
    }
    return {"step": "rollback", "trigger": "request", "result": result}


def _products(products: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": p["name"], "from": p["from"], "to": p["to"]} for p in products]


def _steps(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"step": one["step"], "ms": int(one["ms"])} for one in steps]


def _verdict(asset: str, checks: list[dict[str, Any]]) -> dict[str, Any]:
    found = [check["result"] for check in checks]
    counts = {result: found.count(result) for result in RESULTS}
    return {"asset": asset, "verdict": "fail" if counts["fail"] else "pass", "counts": counts, "checks": checks}
