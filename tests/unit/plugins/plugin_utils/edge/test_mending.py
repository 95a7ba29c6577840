# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which roles run on a host without an approved change, and what each failing control left alone waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.mending import Mending, mending
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import OpenRun
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

from tests.site_cases import Case

DAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 22, tzinfo=UTC)
"""A Monday, 13:00 and 23:00 in Berlin."""


def decided(folder: Path, asset: str, now: datetime, failing: dict[str, str], severity: str = "high") -> Mending:
    """Return what may be mended on an asset of the good site; `failing` maps controls to severities."""
    baseline = "baselines/clinic-server.yml"
    edits = [
        {"file": baseline, "find": "severity: high", "put": f"severity: {failing.get('ssh-01', severity)}"},
        {"file": baseline, "find": "severity: medium", "put": f"severity: {failing.get('ssh-02', severity)}"},
    ]
    site = load_site(Case("", "", edits, []).lay_out(folder), PRODUCT)
    opened = OpenRun("run_0000000000", "00", 1, "0" * 64, None, (), "remediate", "apply", (asset,))
    controls = site.controls_for(asset, now)
    verdicts = [Verdict(c.id, "fail" if c.id in failing else "pass", c.value, "x", "") for c in controls]
    return mending(Run(site, opened), asset, controls, verdicts, now)


@pytest.mark.parametrize(
    ("what", "asset", "now", "failing", "expected"),
    [
        ("nothing failed", "lab-1", DAY, {}, Mending(())),
        ("policy mends at once", "lab-1", DAY, {"ssh-01": "high"}, Mending(("ssh",), ("ssh-01",))),
        ("no rule speaks of it", "lab-1", DAY, {"ssh-02": "medium"}, Mending((), asked=("ssh-02",))),
        ("one of a role's is asked about", "lab-1", DAY, {"ssh-01": "high", "ssh-02": "medium"},
         Mending((), asked=("ssh-01", "ssh-02"))),
        ("its window is shut", "prod-1", DAY, {"ssh-01": "low"},
         Mending((), waiting=(("ssh-01", "window nights, which opens 2026-11-23T22:00+01:00"),))),
        ("its window is open", "prod-1", NIGHT, {"ssh-01": "low"}, Mending(("ssh",), ("ssh-01",))),
        ("its exception does not hold", "prod-1", NIGHT, {"ssh-01": "low", "ssh-02": "low"},
         Mending(("ssh",), ("ssh-01",), broken=("ssh-02",))),
        ("only its exception does not hold", "prod-1", NIGHT, {"ssh-02": "low"}, Mending((), broken=("ssh-02",))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_role_mends_all_its_failing_controls_or_none(
    what: str, asset: str, now: datetime, failing: dict[str, str], expected: Mending, tmp_path: Path
) -> None:
    assert decided(tmp_path, asset, now, failing) == expected


def test_what_is_left_says_what_it_waits_for() -> None:
    window = "window nights, which opens 2026-11-23T22:00+01:00"
    left = Mending((), asked=("ssh-01",), waiting=(("time-01", window), ("time-02", window)), broken=("files-09",))
    assert list(left.lines("prod-1")) == [
        "prod-1: waits for an approved change: ssh-01",
        f"prod-1: waits for {window}: time-01, time-02",
        "prod-1: waits for what its exception rests on: files-09",
    ]
    assert list(Mending(("ssh",), ("ssh-01",)).lines("lab-1")) == []
