# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An observation is read strictly, written the same again, and unknown when it is old or lies ahead."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed import model
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import MOST, ObservationError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.offers import Offer, Offers
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import (
    Account,
    Connection,
    Identity,
    Listener,
    Package,
    Service,
)

READ = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
RUN = "run_0"


def seen() -> Observation:
    """One observation with a row of each part."""
    return Observation(
        asset="billing-1",
        read_at=READ,
        distribution="debian:12",
        kernel="6.1.0-40-amd64",
        manager="dpkg",
        packages=(Package("nginx", "1.22.1-9+deb12u9", "amd64", "nginx", "1.22.1-9+deb12u9"),),
        services=(Service("nginx.service", "active", "enabled"),),
        listeners=(Listener("tcp", "192.0.2.10", 443, "nginx"), Listener("tcp", "::1", 5432, "postgres")),
        connections=(Connection("tcp", "out", "192.0.2.10", "198.51.100.20", 443, "claims"),),
        accounts=(Account("deploy", 1000, "/bin/bash", "open", True, True),),
        identity=Identity("billing-1", "0" * 64, ("SHA256:" + "A" * 43,), ("02:00:00:00:00:01",), ("192.0.2.10",)),
        offers=Offers(
            "host", READ, READ + timedelta(days=7),
            (Offer("nginx", "amd64", "1.22.1-9+deb12u11", "nginx", "", True, "held"),),
        ),
        not_measured={"services": "systemd does not run here"},
        clock_ahead=-3,
    )


def test_what_is_written_is_read_as_the_same() -> None:
    assert Observation.from_bytes(seen().to_bytes(RUN)) == (seen(), RUN)


def test_what_an_earlier_release_wrote_has_no_offers_and_they_are_not_known() -> None:
    data = json.loads(seen().to_bytes(RUN))
    del data["offers"]
    read, _run = Observation.from_bytes(json.dumps(data).encode())
    assert read.offers is None
    assert "read the asset again" in read.not_measured["offers"]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (timedelta(hours=24), None),
        (timedelta(hours=24, seconds=1), "24 hours old, and the limit is 24"),
        (timedelta(days=7, seconds=1), "valid until 2026-11-29T12:00:00Z"),
    ],
)
def test_offers_by_lists_that_were_too_old_when_read_are_unknown(after: timedelta, says: str | None) -> None:
    offers = seen().offers
    assert offers is not None
    found = offers.unknown_because(READ + after, 24)
    assert (found is None) == (says is None)
    assert (says or "") in (found or "")


def test_a_part_that_was_not_measured_is_told_from_one_that_is_empty() -> None:
    one = seen()
    assert (one.measured("services"), one.measured("packages"), one.measured("kernel")) == (False, True, True)


def test_loopback_is_known_as_what_no_network_reaches() -> None:
    assert [one.local_only for one in seen().listeners] == [False, True]


@pytest.mark.parametrize(
    ("age", "says"),
    [
        (timedelta(hours=48), None),
        (timedelta(hours=48, seconds=1), "read 48 hours ago, and the limit is 48"),
        (timedelta(days=3), "read 72 hours ago"),
        (-model.AHEAD, None),
        (-model.AHEAD - timedelta(seconds=1), "lies ahead"),
    ],
)
def test_an_old_observation_is_unknown_and_one_from_the_future_too(age: timedelta, says: str | None) -> None:
    found = seen().unknown_because(READ + age, 48)
    assert (found is None) == (says is None)
    assert (says or "") in (found or "")


def broken(change: Callable[[dict[str, Any]], object]) -> bytes:
    data = json.loads(seen().to_bytes(RUN))
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is no observation"),
        (b'{"schema": NaN}', "NaN"),
        (b'{"schema": 1, "schema": 1}', "a member twice"),
        (broken(lambda d: d.update(schema="holdfast/observation/v2")), "schema"),
        (broken(lambda d: d.update(more=1)), "more"),
        (broken(lambda d: d.pop("accounts")), "accounts"),
        (broken(lambda d: d.update(asset="../x")), "asset"),
        (broken(lambda d: d.update(run_id="../x")), "run_id"),
        (broken(lambda d: d.update(read_at="2026-02-30T00:00:00Z")), "no moment"),
        (broken(lambda d: d.update(read_at="2026-02-03T00:00:00+01:00")), "read_at"),
        (broken(lambda d: d.update(packages={})), "packages: expected a list"),
        (broken(lambda d: d["packages"][0].update(version=1)), "packages[0].version"),
        (broken(lambda d: d["packages"][0].update(extra="x")), "packages[0]"),
        (broken(lambda d: d["packages"][0].update(name="two words")), "packages[0].name"),
        (broken(lambda d: d["listeners"][0].update(port=0)), "listeners[0].port"),
        (broken(lambda d: d["listeners"][0].update(port=True)), "listeners[0].port"),
        (broken(lambda d: d["listeners"][0].update(address="192.0.2.01")), "listeners[0].address"),
        (broken(lambda d: d["connections"][0].update(direction="up")), "connections[0].direction"),
        (broken(lambda d: d["accounts"][0].update(privileged="yes")), "accounts[0].privileged"),
        (broken(lambda d: d["accounts"][0].update(uid=-1)), "accounts[0].uid"),
        (broken(lambda d: d["identity"].update(machine="abc")), "identity.machine"),
        (broken(lambda d: d.update(not_measured={"everything": "why"})), "not_measured"),
        (broken(lambda d: d.update(offers=[])), "offers: expected a mapping"),
        (broken(lambda d: d["offers"].update(as_of="yesterday")), "offers.as_of"),
        (broken(lambda d: d["offers"].update(lists="ours")), "offers.lists"),
        (broken(lambda d: d["offers"]["rows"][0].update(security="yes")), "offers.rows[0].security"),
        (broken(lambda d: d["offers"]["rows"][0].update(kept="gone")), "offers.rows[0].kept"),
        (broken(lambda d: d["offers"]["rows"][0].update(version="")), "offers.rows[0].version"),
        (broken(lambda d: d.update(packages=[None] * (MOST + 1))), f"at most {MOST}"),
    ],
)
def test_what_is_no_observation_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ObservationError) as refused:
        Observation.from_bytes(data)
    assert says in str(refused.value)


def test_a_file_too_large_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "LARGEST", 10)
    with pytest.raises(ObservationError, match="at most 10"):
        Observation.from_bytes(seen().to_bytes(RUN))
