# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only declared networks are swept, and what a sweep found is read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import (
    Discovery,
    Found,
    parts_of,
    targets,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import ObservationError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.inventory import Inventory, Sweep

SEGMENTS = {"office": ("192.0.2.0/25", "2001:db8::/64"), "servers": ("198.51.100.0/28",), "guests": ("203.0.113.0/24",)}
POLICY = Inventory(sweep=(Sweep("office", "lab-1"), Sweep("servers", "lab-2")))
SEEN = Discovery(
    "lab-1", datetime(2026, 11, 22, 12, tzinfo=UTC), "connect", {"office": SEGMENTS["office"]},
    (Found("192.0.2.7", "02:00:00:00:00:07", (22, 80), ("SHA256:" + "A" * 43,)), Found("192.0.2.9")),
    {"office": "some reason"},
)  # fmt: skip


def test_each_asset_sweeps_what_is_declared_for_it() -> None:
    assert targets(POLICY, SEGMENTS, "lab-1", ()) == {"office": SEGMENTS["office"]}
    assert targets(POLICY, SEGMENTS, "lab-2", ()) == {"servers": SEGMENTS["servers"]}
    assert targets(POLICY, SEGMENTS, "lab-3", ()) == {}


def test_a_sweep_may_be_narrowed_and_others_then_do_nothing() -> None:
    assert targets(POLICY, SEGMENTS, "lab-1", ["192.0.2.16/28"]) == {"office": ("192.0.2.16/28",)}
    assert targets(POLICY, SEGMENTS, "lab-2", ["192.0.2.16/28"]) == {}


@pytest.mark.parametrize(
    "text", ["203.0.113.0/24", "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "office", "192.0.2.1/24"]
)
def test_what_no_sweep_declares_is_refused_whoever_else_may_be_swept(text: str) -> None:
    for asset in ("lab-1", "lab-2"):
        with pytest.raises(PolicyError, match=r"declared|expected a network"):
            targets(POLICY, SEGMENTS, asset, ["192.0.2.16/28", text])


def test_what_is_written_is_read_as_the_same() -> None:
    assert Discovery.from_bytes(SEEN.to_bytes("run_0")) == (SEEN, "run_0")


def test_a_segment_that_was_not_swept_whole_covers_nothing() -> None:
    whole = Discovery(SEEN.asset, SEEN.read_at, SEEN.method, SEEN.swept, SEEN.found)
    assert [whole.covers("192.0.2.9"), whole.covers("192.0.2.200"), SEEN.covers("192.0.2.9")] == [True, False, False]
    assert not whole.covers("2001:db8::9")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(schema="x"), "schema"),
        (lambda d: d.update(more=1), "exactly the members"),
        (lambda d: d.update(method="guess"), "method"),
        (lambda d: d["found"][0].update(ports=[0]), "ports"),
        (lambda d: d["found"][0].update(address="x"), "address"),
        (lambda d: d["found"][0].update(mac="x"), "mac"),
        (lambda d: d["swept"].update(office="x"), "swept.office"),
    ],
)
def test_what_is_no_sweep_is_refused(change: Callable[[dict[str, Any]], object], says: str) -> None:
    data = json.loads(SEEN.to_bytes("run_0"))
    change(data)
    with pytest.raises(ObservationError, match=says):
        Discovery.from_bytes(json.dumps(data).encode())


def test_a_wide_network_is_swept_in_parts() -> None:
    assert parts_of(["192.0.2.0/25"]) == ["192.0.2.0/25"]
    assert len(parts_of(["10.0.0.0/20", "2001:db8::/64"])) == 17
