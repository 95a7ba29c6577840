# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A billing company's site for the calendar's tests: windows, a billing calendar, and what depends on the hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.change_cases import REGISTER

PRODUCT = Path(__file__).resolve().parents[1]
NEW_YORK = "America/New_York"
CALENDAR: dict[str, Any] = {
    "windows": [
        {"name": "nights", "days": ["mon", "tue", "wed", "thu", "fri"], "from": "22:00", "to": "04:00",
         "zone": NEW_YORK},
    ],
    "freezes": [
        {"name": "audit week", "from": "2027-01-11T00:00:00-05:00", "to": "2027-01-16T00:00:00-05:00",
         "rings": ["production"], "owner": "compliance", "reason": "auditors work on the systems"},
    ],
    "billing": [
        {"name": "month end close", "kind": "month-end", "falls": {"business_day": -1}, "zone": NEW_YORK,
         "owner": "revenue-cycle", "reason": "books close", "days_after": 1, "rings": ["production"]},
        {"name": "Thanksgiving", "kind": "holiday", "falls": {"weekday": "thu", "nth": 4, "months": [11]},
         "zone": NEW_YORK, "owner": "office", "reason": "nobody is there"},
        {"name": "payer files arrive", "kind": "other", "falls": {"day": 5}, "zone": NEW_YORK, "owner": "edi",
         "reason": "remittances are loaded", "changes": "allowed"},
    ],
}  # fmt: skip
ITEMS: list[dict[str, Any]] = [
    {"id": "scrubber", "kind": "application", "title": "Claim scrubber", "depends_on": ["prod-1"],
     "serves": {"functions": ["claim scrubbing"]}},
    {"id": "portal", "kind": "application", "title": "Clinic portal", "depends_on": ["scrubber"],
     "serves": {"clinics": ["North Clinic", "South Clinic"], "functions": ["charge entry"]}, "vendor": "portal-maker"},
    {"id": "edi-secret-host", "kind": "integration", "depends_on": ["prod-2"]},
    {"id": "payroll", "kind": "application", "title": "Payroll"},
]  # fmt: skip
FLOWS: list[dict[str, Any]] = [
    {"id": "claims-out", "from": "prod-2", "to": "edi-secret-host", "port": 443, "encryption": "tls",
     "carries": "837P claims", "payer": "First Payer"},
    {"id": "remits-in", "from": "edi-secret-host", "to": "prod-2", "port": 22, "encryption": "ssh",
     "carries": "835 remittances", "payer": "Second Payer", "vendor": "clearinghouse"},
    {"id": "wages", "from": "payroll", "to": "edi-secret-host", "port": 443, "encryption": "tls",
     "carries": "wages", "payer": "No Payer of Claims"},
]  # fmt: skip


def billing_site(root: Path, calendar: Mapping[str, Any] | None = None, rings: Mapping[str, Any] | None = None) -> Site:
    """Write the site into a folder and load it; `rings` says what differs for the ring production."""
    site = root / "site"
    (site / "policy").mkdir(parents=True)
    (site / "site.yml").write_text(json.dumps({"name": "demo", "org": "org-demo"}), encoding="utf-8")
    write_billing(site, calendar, rings)
    return load_site(site, PRODUCT)


def write_billing(
    site: Path, calendar: Mapping[str, Any] | None = None, rings: Mapping[str, Any] | None = None
) -> None:
    """Write register, calendar and rings into the folder of a site."""
    common = {"owner": "revenue-cycle", "environment": "production", "data_class": "ephi", "tier": 1,
              "location": "here", "exposure": "internal"}  # fmt: skip
    assets = [
        {**common, "id": name, "kind": "server", "ring": ring, "address": "192.0.2.1", "baselines": ["debian-server"],
         "flows": [{"port": 22, "from": ["any"]}]}
        for name, ring in REGISTER.items()
    ]  # fmt: skip
    register = {
        "plugin": "holdfast.hipaa.register",
        "assets": assets,
        "items": [{**common, **item, "flows": [{"port": 443, "from": ["any"]}]} for item in ITEMS],
        "vendors": {"portal-maker": {"title": "Portal Maker Inc"}, "clearinghouse": {"title": "Clearing House LLC"}},
        "data_flows": FLOWS,
    }
    ringed = [
        {"name": name, "waves": [1, "100%"], "approvals_required": 2 if name == "production" else 1,
         "approval_max_age_hours": 336, "promotion": "none" if name == "lab" else "verified",
         **({"windows": ["nights"], "host_minutes": 60, **(rings or {})} if name == "production" else {})}
        for name in ("lab", "pilot", "production")
    ]  # fmt: skip
    files = {
        "holdfast.yml": register,
        "policy/calendar.yml": CALENDAR if calendar is None else calendar,
        "policy/rings.yml": {"rings": ringed, "promotion_kinds": ["patch"]},
    }
    for name, data in files.items():
        (site / name).write_text(json.dumps(data), encoding="utf-8")
