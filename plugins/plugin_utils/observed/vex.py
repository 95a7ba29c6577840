# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found of flaws on a host, as VEX for others: CycloneDX beside the bill of the host, or CSAF 2.0.

A flaw that stands is `exploitable` (CycloneDX) or `known_affected` (CSAF), whether it has been shown to be or not: only
what somebody who may say so has cleared is not affected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .forms import ObservationError, stamp
from .model import Observation
from .parts import Package
from .sbom import MISSING, purl_of, serial_of

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom

_STATUS = {True: "known_affected", False: "known_not_affected", None: "under_investigation"}


@dataclass(frozen=True)
class Statement:
    """One flaw in one package of the host, as plain values.

    `package` is a source's or a binary package's name, `installed` its version there; `fixed` the version that mends
    it, None where there is none. `affected` None says that nobody knows. `detail` are the reasons, in words.
    """

    vulnerability: str
    package: str
    installed: str
    fixed: str | None
    affected: bool | None
    detail: str = ""

    @property
    def action(self) -> str:
        """What removes the flaw, in words."""
        if self.fixed:
            return f"Update {self.package} to {self.fixed}."
        return f"There is no fixed version of {self.package}; mitigate it, or have the risk accepted."


def concerned(statement: Statement, seen: Observation) -> tuple[Package, ...]:
    """Return the installed packages that a statement is about: those of the source it names, or the one it names."""
    return tuple(
        one
        for one in seen.packages
        if (one.source, one.source_version) == (statement.package, statement.installed)
        or (one.name, one.version) == (statement.package, statement.installed)
    )


def cyclonedx(seen: Observation, statements: Iterable[Statement], now: datetime, version: str) -> Bom:
    """Return the statements as a CycloneDX document that points into the bill of the same observation (BOM-Link)."""
    try:
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState
        from cyclonedx.model.tool import ToolRepository
        from cyclonedx.model.vulnerability import BomTarget, Vulnerability, VulnerabilityAnalysis
    except ImportError as error:
        raise ObservationError(MISSING) from error
    bill = f"urn:cdx:{serial_of(seen)}/1#"
    states: dict[bool | None, ImpactAnalysisState] = {
        True: ImpactAnalysisState.EXPLOITABLE,
        False: ImpactAnalysisState.NOT_AFFECTED,
        None: ImpactAnalysisState.IN_TRIAGE,
    }
    flaws = []
    for one in _ordered(statements):
        state = states[one.affected]
        responses = [ImpactAnalysisResponse.UPDATE] if one.affected and one.fixed else []
        flaws.append(
            Vulnerability(
                bom_ref=f"{one.vulnerability}/{one.package}",
                id=one.vulnerability,
                recommendation=one.action if one.affected else None,
                analysis=VulnerabilityAnalysis(state=state, responses=responses, detail=one.detail or None),
                affects=[BomTarget(ref=bill + str(purl_of(each, seen))) for each in concerned(one, seen)],
            )
        )
    tool = Component(name="holdfast", version=version, type=ComponentType.APPLICATION)
    host = Component(name=seen.asset, type=ComponentType.DEVICE, bom_ref=seen.asset)
    return Bom(
        metadata=BomMetaData(
            timestamp=now.replace(microsecond=0), component=host, tools=ToolRepository(components=[tool])
        ),
        vulnerabilities=flaws,
    )


def csaf(
    seen: Observation, statements: Iterable[Statement], now: datetime, version: str, publisher: str, namespace: str
) -> str:
    """Return the statements as a CSAF 2.0 document of profile 5 (VEX), https://docs.oasis-open.org/csaf/csaf/v2.0.

    `publisher` is the organisation's name, `namespace` its own address (a URI), which says whose ids these are.
    """
    ordered = _ordered(statements)
    if not ordered:
        raise ObservationError(f"{seen.asset}: no flaw is known there, and VEX without one is no VEX (CSAF 2.0, 4.5)")
    products: dict[str, dict[str, Any]] = {}
    flaws: dict[str, dict[str, Any]] = {}
    for one in ordered:
        ids = _products(one, seen, products)
        flaw = flaws.setdefault(one.vulnerability, _flaw(one.vulnerability))
        flaw["product_status"].setdefault(_STATUS[one.affected], []).extend(ids)
        said = one.detail or "No more is known."
        flaw["notes"].append({"category": "details", "title": one.package, "text": said})
        if one.affected:
            category = "vendor_fix" if one.fixed else "none_available"
            flaw["remediations"].append({"category": category, "details": one.action, "product_ids": ids})
        elif one.affected is False:
            flaw["threats"].append({"category": "impact", "details": said, "product_ids": ids})
    at = stamp(now)
    document = {
        "document": {
            "category": "csaf_vex",
            "csaf_version": "2.0",
            "publisher": {"category": "user", "name": publisher, "namespace": namespace},
            "title": f"Flaws on {seen.asset}",
            "tracking": {
                "id": f"{seen.asset}-{now.strftime('%Y%m%dT%H%M%SZ')}".lower(),
                "status": "final",
                "version": "1",
                "initial_release_date": at,
                "current_release_date": at,
                "revision_history": [{"number": "1", "date": at, "summary": "First and only version."}],
                "generator": {"engine": {"name": "holdfast", "version": version}},
            },
        },
        "product_tree": {"full_product_names": [products[name] for name in sorted(products)]},
        "vulnerabilities": [_without_nothing(flaws[name]) for name in sorted(flaws)],
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)


def _ordered(statements: Iterable[Statement]) -> Sequence[Statement]:
    return sorted(statements, key=lambda one: (one.vulnerability, one.package, one.installed))


def _products(one: Statement, seen: Observation, products: dict[str, dict[str, Any]]) -> list[str]:
    """Enter the packages of a statement into the product tree and return their ids."""
    ids = []
    for package in concerned(one, seen):
        purl = str(purl_of(package, seen))
        products[purl] = {
            "product_id": purl,
            "name": f"{package.name} {package.version} on {seen.asset}",
            "product_identification_helper": {"purl": purl},
        }
        ids.append(purl)
    if not ids:
        name = f"{seen.asset}/{one.package}@{one.installed}"
        products[name] = {"product_id": name, "name": f"{one.package} {one.installed} on {seen.asset}"}
        ids.append(name)
    return ids


def _flaw(name: str) -> dict[str, Any]:
    other = {"ids": [{"system_name": "advisory", "text": name}]}
    named = {"cve": name} if re.fullmatch(r"CVE-[0-9]{4}-[0-9]{4,}", name) else other
    return {**named, "notes": [], "product_status": {}, "remediations": [], "threats": []}


def _without_nothing(flaw: dict[str, Any]) -> dict[str, Any]:
    status = {name: sorted(set(ids)) for name, ids in flaw["product_status"].items()}
    kept = {name: value for name, value in flaw.items() if value}
    return {**kept, "product_status": status}
