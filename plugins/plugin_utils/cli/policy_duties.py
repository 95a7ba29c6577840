# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast policy duties`: who may do what, who must agree, who is asked and told; and what nobody can do."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from ..edge.environment import find_site
from ..edge.opening import open_ledger, open_site
from ..edge.sending import read_channels
from ..ledger.reading import trust_in_force
from ..policy.duties import Duty, duties

_AUDIENCES = ("users", "executives", "clinics", "payers", "vendors")
"""The keys of `changes` in notices.yml that name people, in its order."""


def run(args: argparse.Namespace) -> int:
    """Print every duty; leave with 1 where nobody can do one of them."""
    site = open_site(find_site(args.site))
    told = read_channels(site.root).changes
    informed = [name for name in _AUDIENCES if told.get(name)]
    found = duties(site.policy, trust_in_force(open_ledger(site)), informed)
    if args.format == "json":
        print(json.dumps([asdict(one) for one in found], sort_keys=True))
    else:
        print("\n".join(line for one in found for line in _lines(one)))
    return 1 if any(one.lacking for one in found) else 0


def _lines(duty: Duty) -> list[str]:
    rows = {
        "responsible": ", ".join(duty.responsible) or "nobody",
        "accountable": duty.accountable,
        "consulted": ", ".join(duty.consulted),
        "informed": ", ".join(duty.informed),
        "LACKING": duty.lacking,
    }
    return [duty.what, *(f"  {name + ':':<13}{said}" for name, said in rows.items() if said)]
