# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration items: what the company owns or uses and must protect, whether a play can reach it or not.

An item of `assets` is a host under Holdfast's care (asset.py). One of `items` is everything else: hosted applications,
integrations, devices without SSH. No inventory has those, so no play can be pointed at them (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .health import ADDRESS
from .network import FLOW, Flow, segments_of
from .structure import Fields, Items, Shape, Text, Whole, Word, slug

KINDS = ("server", "endpoint", "network-device", "cloud-resource", "application", "database", "integration")
DATA_CLASSES = ("none", "internal", "ephi")
EXPOSURES = ("internet", "partner", "internal", "none")
"""Who can open a connection to an item: anyone; named other companies; only our own networks; nobody."""

PRODUCT = Fields(
    "the product as advisories name it: vendor and name",
    required={
        "vendor": Text("the vendor as advisories spell it", most=200),
        "name": Text("the product as advisories spell it", most=200),
    },
    optional={
        "version": Text("the version that runs", most=100),
        "cpe": Text("a CPE 2.3 name: cpe:2.3:a:...", r"cpe:2\.3:[aho]:[!-~]{1,240}", 250),
        "purl": Text("a package URL: pkg:...", r"pkg:[!-~]{1,490}"),
    },
)

DESCRIBED: Mapping[str, Shape] = {
    "id": slug("the asset's id, which is also its inventory host name"),
    "kind": Word(KINDS),
    "owner": Text("the person or team that answers for this asset", r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}"),
    "environment": slug("lab, pilot, production, or the like"),
    "data_class": Word(DATA_CLASSES),
    "tier": Whole("a tier, 1 (most critical) to 4", 1, 4),
}
"""What every item has."""

_SERVED = Text("a clinic, or a function of billing, by its name", r"[A-Za-z0-9][A-Za-z0-9 .,&'()/-]{0,98}", 100)

PLACED: Mapping[str, Shape] = {
    "location": slug("where it stands or is hosted"),
    "exposure": Word(EXPOSURES),
}
"""What every item has, but for assets of registers before version 2."""

RELATED: Mapping[str, Shape] = {
    "title": Text("what it is, in one line", most=200),
    "vendor": slug("one of the vendors below"),
    "product": PRODUCT,
    "segment": slug("one of the segments below"),
    "flows": Items(FLOW, most=200),
    "depends_on": Items(slug("the id of an asset or item"), least=1, most=200, distinct=True),
    "serves": Fields(
        "whose work it carries: clinics, functions",
        optional={
            "clinics": Items(_SERVED, least=1, most=200, distinct=True),
            "functions": Items(_SERVED, least=1, most=200, distinct=True),
        },
    ),
}
"""What any item may have."""

ITEM = Fields(
    "an item",
    required={**DESCRIBED, **PLACED},
    optional={
        **RELATED,
        "ring": slug("one of the rings of policy/rings.yml"),
        "window": slug("one of the windows of policy/calendar.yml"),
        "address": ADDRESS,
    },
)
"""What a member of `items` may hold."""


@dataclass(frozen=True)
class Product:
    """What runs there, in the words of those who publish advisories on it."""

    vendor: str
    name: str
    version: str | None = None
    cpe: str | None = None
    """As CPE 2.3 (NIST IR 7695) writes it."""
    purl: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the product as the register writes it."""
        return {key: value for key, value in vars(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One configuration item; `id` is its name in every record, and never another's."""

    id: str
    kind: str
    owner: str
    environment: str
    data_class: str
    tier: int
    """1 (most hangs on it) to 4."""
    ring: str | None
    """None: it is in no ring, for no change of ours reaches it."""
    address: str | None
    """A host name or an IP address."""
    location: str | None
    exposure: str | None
    """One of EXPOSURES; None where nobody has said, which is to be taken for the worst."""
    title: str
    vendor: str | None
    """A key of the site's `vendors`."""
    product: Product | None
    window: str | None
    """For an item no play reaches: when it may be changed. An asset has the windows of its ring."""
    flows: tuple[Flow, ...]
    """What it accepts from the network; for an asset, what its firewall lets in."""
    depends_on: tuple[str, ...]
    """Ids of items that it needs to do its work; never in a circle."""
    segment: str | None
    """The segment it names, where its address does not tell."""
    segments: tuple[str, ...]
    """The segments in which its address lies, and the one it names."""
    clinics: tuple[str, ...] = ()
    """The clinics that work with it, by name."""
    functions: tuple[str, ...] = ()
    """The functions of billing that need it, such as claim scrubbing."""

    @classmethod
    def from_dict(cls, data: dict[str, Any], segments: Mapping[str, Any] | None = None) -> Item:
        """Read a checked member of the register's `items`; `segments` is the register's own."""
        return cls(**common(data, segments or {}), ring=data.get("ring"), address=data.get("address"))

    @property
    def managed(self) -> bool:
        """Whether it is a host under Holdfast's care, which plays can reach."""
        return False

    @property
    def groups(self) -> tuple[str, ...]:
        """The inventory groups that an asset with these members belongs to; an item that is none is in no inventory."""
        names = (
            *([f"ring_{self.ring}"] if self.ring else ()),
            f"data_{self.data_class}",
            f"tier_{self.tier}",
            f"kind_{self.kind}",
            f"environment_{self.environment}",
            *([f"exposure_{self.exposure}"] if self.exposure else ()),
            *([f"location_{self.location}"] if self.location else ()),
            *(f"segment_{name}" for name in self.segments),
        )
        return tuple(name.replace("-", "_") for name in names)

    def to_dict(self) -> dict[str, Any]:
        """Return the item as the register writes it, without what is not said."""
        plain = {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "owner": self.owner,
            "ring": self.ring,
            "address": self.address,
            "segment": self.segment,
            "location": self.location,
            "environment": self.environment,
            "exposure": self.exposure,
            "data_class": self.data_class,
            "tier": self.tier,
            "vendor": self.vendor,
            "product": self.product.to_dict() if self.product else None,
            "window": self.window,
            "flows": [flow.to_dict() for flow in self.flows],
            "depends_on": list(self.depends_on),
            "serves": {
                name: list(served)
                for name, served in (("clinics", self.clinics), ("functions", self.functions))
                if served
            },
        }
        return {key: value for key, value in plain.items() if value not in (None, "", [], {})}


def common(data: Mapping[str, Any], segments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that items and assets share, as Item takes them, from a checked member of the register."""
    return {
        **{name: data[name] for name in DESCRIBED},
        "location": data.get("location"),
        "exposure": data.get("exposure"),
        "title": data.get("title", ""),
        "vendor": data.get("vendor"),
        "segment": data.get("segment"),
        "product": Product(**data["product"]) if "product" in data else None,
        "window": data.get("window"),
        "flows": tuple(Flow.from_dict(flow) for flow in data.get("flows", [])),
        "depends_on": tuple(data.get("depends_on", ())),
        **{name: tuple(data.get("serves", {}).get(name, ())) for name in ("clinics", "functions")},
        "segments": segments_of(data, segments),
    }
