# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of one run: one verdict per control and asset, with everything a reader of any format needs.

The ledger holds verdicts and digests; expected and actual values lie beside it, one file an asset, whose digest the
signed record names. What does not agree with its record is refused: see `agreed`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from ..errors import HoldfastError
from ..ledger.reading import Record
from ..site.baseline import Control
from ..verdicts.verdict import RESULTS, Verdict

SCHEMA = "holdfast/results/v1"


class ResultsError(HoldfastError):
    """Results are not at hand, or are not what the verifier signed."""


@dataclass(frozen=True)
class ControlResult:
    """One control on one asset. `expected` and `actual` are what the probe held against each other, as plain data."""

    id: str
    title: str
    severity: str
    hipaa: tuple[str, ...]
    nist: tuple[str, ...]
    result: str
    expected: Any
    actual: Any
    why: str
    exception: str

    @classmethod
    def of(cls, control: Control, verdict: Verdict) -> ControlResult:
        """Put together what the baseline says of a control and what was judged of it."""
        return cls(
            id=control.id,
            title=control.title,
            severity=control.severity,
            hipaa=tuple(control.hipaa),
            nist=tuple(control.nist),
            result=verdict.result,
            expected=verdict.expected,
            actual=verdict.actual,
            why=verdict.why,
            exception=verdict.exception,
        )

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ControlResult:
        """Read what `to_dict` wrote; raises ResultsError for anything else."""
        if not isinstance(data, Mapping) or set(data) != {one.name for one in fields(cls)}:
            raise ResultsError("a result has other members than a result of this release; probe the asset again")
        return cls(**{**data, "hipaa": tuple(data["hipaa"]), "nist": tuple(data["nist"])})

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {**vars(self), "hipaa": list(self.hipaa), "nist": list(self.nist)}


@dataclass(frozen=True)
class AssetResults:
    """What one look at one asset found."""

    asset: str
    controls: tuple[ControlResult, ...]

    def to_bytes(self, run_id: str) -> bytes:
        """Return the file that is kept beside the ledger, whose SHA-256 the signed record names."""
        data = {
            "schema": SCHEMA,
            "run_id": run_id,
            "asset": self.asset,
            "controls": [control.to_dict() for control in self.controls],
        }
        return (json.dumps(data, sort_keys=True, ensure_ascii=False) + "\n").encode("utf-8")

    @classmethod
    def from_bytes(cls, data: bytes) -> AssetResults:
        """Read such a file; raises ResultsError when it is none."""
        try:
            said = json.loads(data)
            if said["schema"] != SCHEMA:
                raise ResultsError(f"schema {said['schema']!r}; expected {SCHEMA}")
            return cls(str(said["asset"]), tuple(map(ControlResult.from_dict, said["controls"])))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ResultsError(f"is no file of results ({type(error).__name__})") from error


@dataclass(frozen=True)
class RunResults:
    """What a run found on each of its assets."""

    site: str
    run_id: str
    kind: str
    opened_at: datetime
    version: str
    assets: tuple[AssetResults, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many results there are of each of the five kinds, over all assets."""
        found = [control.result for asset in self.assets for control in asset.controls]
        return {name: found.count(name) for name in RESULTS}

    def only(self, assets: Sequence[str], controls: Sequence[str], results: Sequence[str]) -> RunResults:
        """Return the part that concerns these assets, controls and results; an empty choice chooses all.

        Raises ResultsError for an asset or a control the run has nothing of: nothing would read as nothing wrong.
        """
        known = {asset.asset for asset in self.assets}
        named = {control.id for asset in self.assets for control in asset.controls}
        for what, asked, there in (("asset", assets, known), ("control", controls, named)):
            if strange := sorted(set(asked) - there):
                raise ResultsError(f"--{what} {strange[0]}: {self.run_id} has no result of it; name one it has")
        kept = (
            replace(
                asset,
                controls=tuple(
                    one
                    for one in asset.controls
                    if (not controls or one.id in controls) and (not results or one.result in results)
                ),
            )
            for asset in self.assets
            if not assets or asset.asset in assets
        )
        return replace(self, assets=tuple(kept))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, for machines."""
        return {
            "schema": SCHEMA,
            "site": self.site,
            "run_id": self.run_id,
            "kind": self.kind,
            "opened_at": self.opened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "version": self.version,
            "counts": self.counts,
            "assets": [
                {"asset": one.asset, "controls": [control.to_dict() for control in one.controls]} for one in self.assets
            ],
        }


@dataclass(frozen=True)
class Signed:
    """What the verifier signed of one asset's last look in a run: index of the record, digest of the file, verdicts."""

    index: int
    detail: str | None
    checks: Mapping[str, Mapping[str, Any]]


def drift_run(records: Iterable[Record], named: str | None) -> Record:
    """Return the run-open record of the run that is named, else of the newest that judged controls.

    `named` may be the beginning of an id. Raises ResultsError where there is none, or more than one.
    """
    opened = {str(record.body["run_id"]): record for record in records if record.step == "run-open"}
    judged = [
        str(record.body["run_id"]) for record in records if record.step == "verify" and record.body["kind"] == "drift"
    ]
    if named is None:
        if not judged:
            raise ResultsError("no run has judged controls yet; run ansible-playbook holdfast.hipaa.check_drift")
        return opened[judged[-1]]
    found = [name for name in opened if name == named] or [
        name for name in opened if len(named) > 4 and name.startswith(named)
    ]
    if len(found) != 1:
        raise ResultsError(f"run {named}: {len(found)} runs on record have an id that begins so; name one by its id")
    if found[0] not in judged:
        raise ResultsError(f"run {found[0]}: judged no controls, so there are no results of it")
    return opened[found[0]]


def signed_of(records: Iterable[Record], run_id: str) -> dict[str, Signed]:
    """Return what is signed of each asset's last look in a run; one look may be told by several records."""
    found: dict[str, Signed] = {}
    for record in records:
        if record.step != "verify" or record.body["kind"] != "drift" or record.body["run_id"] != run_id:
            continue
        for result in record.body["results"]:
            checks = {check["id"]: check for check in result["checks"]}
            before = found.get(result["asset"])
            # A control named a second time begins the next look, such as the one after a repair.
            if before is not None and not checks.keys() & before.checks.keys():
                checks = {**before.checks, **checks}
            found[result["asset"]] = Signed(record.index, result.get("detail_sha256"), checks)
    return found


def agreed(asset: str, run_id: str, data: bytes, signed: Signed) -> AssetResults:
    """Return the results in a file's bytes; raises ResultsError unless they are what the verifier signed."""
    where = f"{asset}: results of {run_id}"
    if signed.detail is None:
        raise ResultsError(f"{where}: record {signed.index} names no digest of them; probe the asset again")
    digest = hashlib.sha256(data).hexdigest()
    if digest != signed.detail:
        raise ResultsError(
            f"{where}: were changed after they were signed: SHA-256 {digest[:16]}..., record {signed.index} says "
            f"{signed.detail[:16]}...; believe the record, find out who wrote the file, and probe the asset again"
        )
    found = AssetResults.from_bytes(data)
    said = {control.id: (control.result, control.exception) for control in found.controls}
    stated = {name: (check["result"], check.get("exception", "")) for name, check in signed.checks.items()}
    if found.asset != asset or said != stated or len(said) != len(found.controls):
        raise ResultsError(f"{where}: hold other verdicts than record {signed.index}; probe the asset again")
    return found
