# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sound register leaves unsaid, or says and ought not to stay so: for people to settle, no reason to refuse it.

A register must be able to tell the truth. That an agreement has ended is a gap, and not a mistake of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from .item import Item
from .vendor import Vendor

if TYPE_CHECKING:
    from .site import Site

SOON = timedelta(days=30)
"""How long before its end an agreement or a contract is named."""


@dataclass(frozen=True)
class Gap:
    """One thing to settle: `about` is the id of an item, a vendor or a data flow, `owner` who answers for it."""

    kind: str
    about: str
    owner: str
    found: str
    do: str

    def __str__(self) -> str:
        return f"{self.about}{f' ({self.owner})' if self.owner else ''}: {self.found}; {self.do}"

    def to_dict(self) -> dict[str, str]:
        """Return the gap as plain data."""
        return dict(vars(self))


def gaps(site: Site, today: date) -> tuple[Gap, ...]:
    """Return the gaps of a site's register on a day: items first, then vendors, then data flows."""
    return (*_item_gaps(site), *_vendor_gaps(site, today), *_flow_gaps(site))


def _item_gaps(site: Site) -> Iterator[Gap]:
    needed_by = _most_critical(site.items)
    moving = {end for flow in site.data_flows if flow.data_class == "ephi" for end in (flow.source, flow.target)}
    for item in site.items:
        for key in ("location", "exposure"):
            if getattr(item, key) is None:
                yield _of(item, f"no-{key}", f"no {key}", f"add the line `{key}: ...`")
        # Software is where its hosts' data flows go; a switch passes on what is declared between others.
        silent = item.kind != "network-device" and moving.isdisjoint((item.id, *item.depends_on))
        if item.data_class == "ephi" and silent:
            found = "holds ePHI, and no data flow says how it comes or goes"
            yield _of(item, "no-data-flow", found, "add its flows to data_flows")
        if item.vendor is not None and item.product is None:
            found = "has a vendor and no product, so that no advisory of theirs is matched with it"
            yield _of(item, "no-product", found, "add product: vendor and name as their advisories spell them")
        above = needed_by.get(item.id)
        if above is not None and above.tier < item.tier:
            found = f"is of tier {item.tier}, and {above.id} of tier {above.tier} needs it"
            yield _of(item, "tier", found, f"make it tier {above.tier}, or take the dependency away")


def _of(item: Item, kind: str, found: str, do: str) -> Gap:
    return Gap(kind, item.id, item.owner, found, do)


def _most_critical(items: Iterable[Item]) -> dict[str, Item]:
    """Return, for each item that others need, the one of the lowest tier that needs it, at any distance."""
    by_id = {item.id: item for item in items}
    found: dict[str, Item] = {}
    for item in sorted(by_id.values(), key=lambda one: (one.tier, one.id)):
        left = [*item.depends_on]
        while left:
            # Whoever was there before is at least as critical, and has been through all beneath it.
            if (name := left.pop()) not in found:
                found[name] = item
                left += by_id[name].depends_on
    return found


def _vendor_gaps(site: Site, today: date) -> Iterator[Gap]:
    for name, vendor in site.vendors.items():
        items = [item for item in site.items if item.vendor == name]
        flows = [flow for flow in site.data_flows if flow.vendor == name]
        owner = min((item.owner for item in items), default="")
        if not items and not flows:
            yield Gap("unused-vendor", name, owner, "no item and no data flow names this vendor", "take it away")
            continue
        # Who only supplies what runs in our own house is no business associate; who hosts or receives ePHI is.
        hosted = (item.data_class for item in items if item.kind in ("cloud-resource", "integration"))
        if "ephi" in {*hosted, *(flow.data_class for flow in flows)}:
            yield from _agreement_gaps(vendor, owner, today)
        if items and not vendor.patch_days:
            found = "no patch_days, so that only our own deadlines bind its flaws"
            yield Gap("no-contract", name, owner, found, "add contract: patch_days")
        if items and vendor.security_page is None:
            yield Gap("no-security-page", name, owner, "no security_page", "add where it publishes advisories")
        yield from _ended("contract", vendor, vendor.contract_ends, owner, today)


def _agreement_gaps(vendor: Vendor, owner: str, today: date) -> Iterator[Gap]:
    if vendor.baa is None:
        found = "meets ePHI, and no business associate agreement is on record (45 CFR 164.308(b))"
        yield Gap(
            "no-baa", vendor.name, owner, found, "sign one and add baa, or record in an exception why none is due"
        )
        return
    yield from _ended("baa", vendor, vendor.baa.ends, owner, today)


def _ended(kind: str, vendor: Vendor, ends: str | None, owner: str, today: date) -> Iterator[Gap]:
    what = {"baa": "business associate agreement", "contract": "contract"}[kind]
    if ends is None:
        return
    last = date.fromisoformat(ends)
    if last < today:
        yield Gap(f"{kind}-ended", vendor.name, owner, f"its {what} ended on {ends}", "renew it, or end the use")
    elif last - today <= SOON:
        yield Gap(f"{kind}-ends", vendor.name, owner, f"its {what} ends on {ends}", "renew it before")


def _flow_gaps(site: Site) -> Iterator[Gap]:
    for flow in site.data_flows:
        ends = (site.item(flow.source), site.item(flow.target))
        owner = ends[0].owner
        if flow.data_class != "ephi":
            continue
        if flow.encryption == "none":
            found = f"carries ePHI that nothing encrypts: {flow.unencrypted_because}"
            yield Gap("unencrypted", flow.id, owner, found, "encrypt it")
        nobody = flow.payer is None and flow.vendor is None
        if nobody and any(end.kind == "integration" for end in ends):
            yield Gap(
                "no-party", flow.id, owner, "carries ePHI to or from others, and names nobody", "add payer or vendor"
            )
