# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The site: what a shop's own folder says and what the product ships, as one validated, frozen picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import SiteError
from .asset import Asset
from .baseline import Baseline, Control
from .calendar import calendar_faults
from .cluster import Cluster, read_clusters
from .dataflow import DataFlow
from .deviations import exception_conflicts, overlay_conflicts
from .excepting import EXCEPTING
from .exceptions import Waiver, exception_faults
from .files import Files
from .inventory import INVENTORY, inventory_conflicts
from .item import Item
from .keyref import KeyName, KeyRef, key_ref
from .leadership import LEADERSHIP
from .overlays import Overlay, overlay_faults
from .pipeline import PIPELINE
from .place import LedgerPlace, Place, place_of
from .policy import PATCHING, Policy, rings_faults
from .pool import POOL, PoolSettings
from .problems import SiteFilesError
from .register import register_faults
from .remediation import remediation_faults
from .resolve import resolve, role_values
from .risk import risk_faults
from .roster import Entry, roster_conflicts, roster_faults
from .rules import rules_faults
from .safeguards import Safeguards
from .sources import Stamp, stamp
from .standard import standard_faults
from .structure import Fields, Items, Text, Whole, Word, slug
from .vendor import Vendor
from .witnesses import WITNESSES, WitnessSettings

KEYS = {
    "requester": "keys/requester.pem",
    "implementer": "keys/controller.pem",
    "verifier": "keys/verifier.pem",
    "log": "keys/log.pem",
    "root": "keys/root.pem",
}
"""Where each key is kept unless site.yml says otherwise; a controller needs only some of them."""

LEDGER = "ledger/ledger.sqlite"
LEDGER_PATIENCE = 20

SITE = Fields(
    "the site's own settings",
    required={"name": slug("the site's name"), "org": slug("the organisation's name in records")},
    optional={
        "ledger": LedgerPlace(),
        "ledger_patience": Whole("seconds that a record waits for a locked ledger or a server that is away", 0, 3600),
        "exceptions": Word(("written", "signed")),
        "content_outside": Items(Text("an absolute path", r"/[^\x00-\x1f\x7f]+", 1000), most=20, distinct=True),
        "keys": Fields("where the keys are kept", optional=dict.fromkeys(KEYS, KeyName())),
        "pool": POOL,
        "witnesses": WITNESSES,
    },
)
"""What site.yml may hold."""


@dataclass(frozen=True)
class Site:
    """A validated site. Paths are absolute; whether keys and ledger exist is not looked at here."""

    root: Path
    name: str
    org: str
    assets: tuple[Asset, ...]
    """The hosts under Holdfast's care: those that an inventory has."""
    items: tuple[Item, ...]
    """All configuration items: the assets, and after them those that no play can reach."""
    vendors: dict[str, Vendor]
    data_flows: tuple[DataFlow, ...]
    register_version: int
    baselines: dict[str, Baseline]
    segments: dict[str, tuple[str, ...]]
    """The networks of each segment of the register."""
    clusters: dict[str, Cluster]
    exceptions: tuple[Waiver, ...]
    overlays: tuple[Overlay, ...]
    """All that the site's files say, those that have ended too."""
    roster: tuple[Entry, ...] | None
    """Who has which account; None where the site keeps no roster.yml."""
    policy: Policy
    trust_path: Path
    ledger_path: Place
    """An SQLite file, or as text the address of a PostgreSQL database."""
    ledger_patience: int
    """Seconds that a record waits for a locked ledger, or for a server that is away, before the run stops."""
    exceptions_signed: bool
    """Whether runs are refused while an exception in force is not signed by its approver, on record."""
    content_outside: tuple[Path, ...]
    """Folders that Ansible may load from though nobody signs what lies there."""
    plans_dir: Path
    reports_dir: Path
    pool: PoolSettings
    witnesses: tuple[WitnessSettings, ...]
    keys: dict[str, KeyRef]
    """Where each key is kept, by who signs with it."""
    sources: Mapping[Path, Stamp] = field(repr=False, compare=False)
    """The files and folders that this picture rests on, whether they exist or not."""
    safeguards: Safeguards = field(default_factory=Safeguards, repr=False)
    """Which controls are technical safeguards."""

    @cached_property
    def _by_id(self) -> dict[str, Asset]:
        return {asset.id: asset for asset in self.assets}

    def asset(self, asset_id: str) -> Asset:
        """Return the asset of that id; raises SiteError where the register has none."""
        try:
            return self._by_id[asset_id]
        except KeyError:
            raise SiteError(
                f"holdfast.yml: assets: no asset {asset_id}; expected one of the register; add it"
            ) from None

    @cached_property
    def _items_by_id(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}

    def item(self, item_id: str) -> Item:
        """Return the asset or item of that id; raises SiteError where the register has none."""
        try:
            return self._items_by_id[item_id]
        except KeyError:
            raise SiteError(f"holdfast.yml: no asset or item {item_id}; expected one of the register; add it") from None

    def windows_of(self, item: Item) -> tuple[str, ...]:
        """Return the names of the windows in which an item may be changed: its own, or else those of its ring."""
        if item.window is not None:
            return (item.window,)
        return tuple(self.policy.ring(item.ring).windows) if item.ring is not None else ()

    @property
    def key_paths(self) -> dict[str, Path]:
        """The files of those keys that lie in files."""
        return {name: ref.path for name, ref in self.keys.items() if ref.path is not None}

    @property
    def traits(self) -> dict[str, frozenset[str]]:
        """What the register says of assets that decides how a change stands: see change_state."""
        return {
            "health_required": frozenset(asset.id for asset in self.assets if asset.health),
            "intermittent": frozenset(asset.id for asset in self.assets if asset.intermittent),
        }

    def controls_for(self, asset_id: str, now: datetime) -> tuple[Control, ...]:
        """Return the controls that bind an asset at `now` (aware), in the order of its baselines: see resolve.py."""
        asset = self.asset(asset_id)
        controls = (control for name in asset.baselines for control in self.baselines[name].controls)
        return tuple(resolve(asset, controls, self.segments, self.exceptions, self.overlays, now))

    def role_values(self, asset_id: str, now: datetime) -> dict[str, Any]:
        """Return the role variables that make an asset's controls true: the same values its probe expects."""
        return role_values(self.controls_for(asset_id, now))

    def lapsed(self, asset_ids: Iterable[str], since: datetime, now: datetime) -> tuple[Waiver, ...]:
        """Return the exceptions of controls on any of these assets that were in force at `since`, and are not now."""
        assets = [self.asset(one) for one in asset_ids]
        ended = (one for one in self.exceptions if one.control and one.in_force(since) and not one.in_force(now))
        return tuple(one for one in ended if any(one.scope.covers(asset) for asset in assets))

    def controls_digest(self, asset_ids: Iterable[str], now: datetime) -> str:
        """Return the SHA-256 (hex) of these assets' controls, resolved at `now`, as canonical JSON, in any order."""
        resolved = {one: self.controls_for(one, now) for one in sorted(set(asset_ids))}
        # Most controls are the same objects for every asset: each is spelt once, not once an asset.
        different = {id(control): control for controls in resolved.values() for control in controls}
        spelt = {key: _canonical(control.to_dict()) for key, control in different.items()}
        members = (
            f"{_canonical(one)}:[{','.join(spelt[id(control)] for control in controls)}]"
            for one, controls in resolved.items()
        )
        return hashlib.sha256(f"{{{','.join(members)}}}".encode()).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def load_site(root: Path, product: Path) -> Site:
    """Return the site in the folder `root`; `product` is the collection's, with its baselines/ and policy/.

    Raises SiteFilesError with every problem of every file, so that one round of mending is enough.
    """
    root = root.resolve()
    files = Files(root, product)
    settings = files.read(root / "site.yml", SITE.faults)
    register = files.read(files.register(), register_faults)
    rings = files.policy("rings", rings_faults)
    patching = files.policy("patching", PATCHING.faults)
    remediation = files.policy("remediation", remediation_faults)
    calendar = files.policy("calendar", calendar_faults)
    risk = files.policy("risk", risk_faults)
    inventory = files.policy("inventory", INVENTORY.faults)
    excepting = files.policy("excepting", EXCEPTING.faults)
    standard = files.policy("standard", standard_faults)
    rules = files.policy("rules", rules_faults)
    pipeline = files.policy("pipeline", PIPELINE.faults)
    leadership = files.policy("leadership", LEADERSHIP.faults)
    exceptions = files.optional("exceptions", exception_faults)
    overlays = files.optional("overlays", overlay_faults)
    roster = files.optional("roster", roster_faults)
    baselines = files.baselines(register)
    files.cross_check(register, baselines, rings, calendar)
    files.cross_check_policy(rings, patching, remediation, calendar)
    files.cross_check_rules(rings, rules)
    if files.problems:
        raise SiteFilesError(files.problems)
    keys = {**KEYS, **settings.data.get("keys", {})}
    segments = register.data.get("segments", {})
    assets = tuple(Asset.from_dict(data, segments) for data in register.data["assets"])
    site = Site(
        root=root,
        name=settings.data["name"],
        org=settings.data["org"],
        assets=assets,
        items=(*assets, *(Item.from_dict(data, segments) for data in register.data.get("items", []))),
        vendors={name: Vendor.from_dict(name, data) for name, data in register.data.get("vendors", {}).items()},
        data_flows=tuple(map(DataFlow.from_dict, register.data.get("data_flows", []))),
        register_version=register.data.get("version", 1),
        baselines={name: Baseline.from_dict(document.data) for name, document in baselines.items()},
        segments={name: tuple(networks) for name, networks in segments.items()},
        clusters=read_clusters(register.data),
        exceptions=tuple(map(Waiver.from_dict, exceptions.data["exceptions"])),
        overlays=tuple(map(Overlay.from_dict, overlays.data["overlays"])),
        roster=tuple(map(Entry.from_dict, roster.data["roster"])) if (root / "roster.yml").exists() else None,
        policy=Policy.from_files(
            rings.data, patching.data, remediation.data, calendar.data, risk.data, inventory.data, rules.data,
            pipeline.data, leadership.data, exceptions=excepting.data, standard=standard.data
        ),
        trust_path=root / "trust.yml",
        ledger_path=place_of(settings.data.get("ledger", LEDGER), root),
        ledger_patience=settings.data.get("ledger_patience", LEDGER_PATIENCE),
        exceptions_signed=settings.data.get("exceptions") == "signed",
        content_outside=tuple(map(Path, settings.data.get("content_outside", ()))),
        plans_dir=root / "plans",
        reports_dir=root / "reports",
        pool=PoolSettings.from_dict(root, settings.data.get("pool", {})),
        witnesses=WitnessSettings.from_list(settings.data.get("witnesses", [])),
        keys={name: key_ref(text, root) for name, text in keys.items()},
        sources={**files.sources, root / "trust.yml": stamp(root / "trust.yml")},
        safeguards=Safeguards.load(product),
    )
    # What they may mean is judged last, against a site that is sound otherwise.
    problems = exceptions.problems([*exception_conflicts(site)]) if site.exceptions else []
    problems += overlays.problems([*overlay_conflicts(site, product)]) if site.overlays else []
    names = tuple(asset.id for asset in assets)
    problems += inventory.problems([*inventory_conflicts(site.policy.inventory, site.segments, names)])
    problems += roster.problems([*roster_conflicts(site.roster or (), names)])
    if problems:
        raise SiteFilesError(problems)
    return site
