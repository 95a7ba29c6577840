# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's packages as a software bill of materials: CycloneDX 1.6 or 1.7 (ECMA-424), as JSON.

The same observation gives the same bytes: the serial number is made from it, and the time is when it was read.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any

from .forms import ObservationError
from .model import Observation
from .parts import Package

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from packageurl import PackageURL

SPECS = ("1.6", "1.7")
MISSING = "cyclonedx-python-lib is not installed; bills of materials are written with it: pip install 'holdfast[sbom]'"
_SERIALS = uuid.UUID("8f3f1a52-6f5e-5d5f-9a43-3a1d7b0c5e11")
"""The name space of our serial numbers (RFC 9562, version 5)."""


def serial_of(seen: Observation) -> uuid.UUID:
    """Return the serial number of an observation's bill."""
    text = json.dumps(seen.to_dict(), sort_keys=True, ensure_ascii=False)
    return uuid.uuid5(_SERIALS, hashlib.sha256(text.encode()).hexdigest())


def purl_of(package: Package, seen: Observation) -> PackageURL:
    """Return a package's URL (ECMA-427) with its architecture and distribution; an rpm's epoch is a qualifier there."""
    from packageurl import PackageURL

    system, _colon, release = seen.distribution.partition(":")
    qualifiers = {"arch": package.architecture, "distro": f"{system}-{release}"}
    epoch, colon, rest = package.version.partition(":")
    if seen.manager != "rpm":
        return PackageURL("deb", system, package.name, package.version, qualifiers)
    if colon:
        return PackageURL("rpm", system, package.name, rest, {**qualifiers, "epoch": epoch})
    return PackageURL("rpm", system, package.name, package.version, qualifiers)


def bill(seen: Observation, version: str) -> Bom:
    """Return the bill of an observation, made by this release. Raises ObservationError where there is nothing to bill.

    A bill without packages would be read as a host without flaws, so packages that were not read are refused.
    """
    try:
        from cyclonedx.model import Property
        from cyclonedx.model.bom import Bom, BomMetaData
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.model.tool import ToolRepository
    except ImportError as error:
        raise ObservationError(MISSING) from error
    if not seen.measured("packages"):
        raise ObservationError(f"{seen.asset}: packages were not measured: {seen.not_measured['packages']}")
    system, _colon, release = seen.distribution.partition(":")
    host = Component(name=seen.asset, type=ComponentType.DEVICE, bom_ref=seen.asset)
    tool = Component(name="holdfast", version=version, type=ComponentType.APPLICATION)
    found = Bom(
        serial_number=serial_of(seen),
        metadata=BomMetaData(timestamp=seen.read_at, component=host, tools=ToolRepository(components=[tool])),
    )
    operating = Component(
        name=system, version=release, type=ComponentType.OPERATING_SYSTEM, bom_ref="operating-system",
        properties=[Property(name="holdfast:kernel", value=seen.kernel)] if seen.kernel else [],
    )  # fmt: skip
    components = [operating]
    for package in seen.packages:
        purl = purl_of(package, seen)
        components.append(
            Component(
                name=package.name,
                version=package.version,
                type=ComponentType.LIBRARY,
                purl=purl,
                bom_ref=str(purl),
                properties=[
                    Property(name="holdfast:source", value=package.source),
                    Property(name="holdfast:source_version", value=package.source_version),
                ],
            )
        )
    found.components.update(components)
    found.register_dependency(host, components)
    return found


def as_json(document: Bom, spec: str) -> str:
    """Return a bill as JSON of one of SPECS. Raises ObservationError where CycloneDX's own strict schema refuses it."""
    from cyclonedx.output.json import BY_SCHEMA_VERSION
    from cyclonedx.schema import SchemaVersion

    written = BY_SCHEMA_VERSION[SchemaVersion.from_version(spec)](document).output_as_string()
    if wrong := faults(written, spec):
        raise ObservationError(
            f"the document is no valid CycloneDX {spec}: {wrong}; report it, the fault is Holdfast's"
        )
    # Members in order, so that the same observation gives the same bytes.
    return json.dumps(json.loads(written), indent=1, sort_keys=True, ensure_ascii=False)


def faults(text: str, spec: str) -> str | None:
    """Return what CycloneDX's own strict schema has against a document, or None."""
    from cyclonedx.exception import MissingOptionalDependencyException
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    try:
        found: Any = JsonStrictValidator(SchemaVersion.from_version(spec)).validate_str(text)
    except MissingOptionalDependencyException as error:
        raise ObservationError(MISSING) from error
    return None if found is None else str(found)[:500]
