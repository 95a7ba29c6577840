# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leases in a real ledger: taken, refused, given back, and won by exactly one of two runs that ask at once."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import leasing
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import Run, open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record, read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger


@pytest.fixture
def site(root: Path) -> Any:
    """A site with a pair of databases that must not be out together, and a host that stands alone."""
    register = yaml.safe_load((root / "holdfast.yml").read_text(encoding="utf-8"))
    first = register["assets"][0]
    pair = [{**first, "id": name, "cluster": "claims-db"} for name in ("db-1", "db-2")]
    register.update(assets=[first, *pair], clusters={"claims-db": {"up_at_least": 1}})
    (root / "holdfast.yml").write_text(json.dumps(register), encoding="utf-8")
    return open_site(root)


def opened(site: Any, asset: str) -> Run:
    """A run on record for one asset."""
    recorder, signer = open_recorder(site), FileSigner.load(site.key_paths["implementer"])
    run = recorder.open_run(
        signer, kind="remediate", mode="apply", expected_assets=[asset], ansible_core="2.19.0",
        baseline=site.controls_digest([asset], utc_now()),
    )  # fmt: skip
    return Run(site, run)


def told(site: Any) -> list[tuple[str, str]]:
    """What the leases on record say, in their order."""
    return [(r.body["action"], r.body["asset"]) for r in records(site) if r.step == "lease"]


def records(site: Any) -> list[Record]:
    return read_records(Ledger(site.ledger_path))


def test_a_lease_is_on_record_until_it_is_released(site: Any) -> None:
    run = opened(site, "db-1")
    lease = leasing.take(run, "db-1", 30, {})
    assert lease is not None
    assert leasing.held(run, "db-1") == lease
    assert leasing.take(run, "db-1", 30, {}) == lease, "what is held is not taken twice"
    leasing.require_lease(run, "db-1")
    assert leasing.release(run, "db-1") == lease
    assert leasing.release(run, "db-1") is None
    assert told(site) == [("take", "db-1"), ("release", "db-1")]
    with pytest.raises(PolicyError, match="db-1 is not leased by this run"):
        leasing.require_lease(run, "db-1")


def test_the_other_member_is_refused_while_the_first_is_out_and_nothing_is_written(site: Any) -> None:
    one, two = opened(site, "db-1"), opened(site, "db-2")
    leasing.take(one, "db-1", 30, {})
    with pytest.raises(PolicyError, match=re.escape(f"db-1 leased by {one.opened.run_id} until")):
        leasing.take(two, "db-2", 30, {})
    assert told(site) == [("take", "db-1")]
    leasing.release(one, "db-1")
    assert leasing.take(two, "db-2", 30, {}) is not None


def test_a_lease_that_has_ended_by_itself_is_in_nobodys_way(site: Any) -> None:
    one, two = opened(site, "db-1"), opened(site, "db-2")
    leasing.take(one, "db-1", 0, {})
    assert leasing.held(one, "db-1") is None
    assert leasing.take(two, "db-2", 30, {}) is not None


def test_a_member_that_was_just_seen_unwell_counts_as_out(site: Any) -> None:
    with pytest.raises(PolicyError, match="db-1 cannot be reached now"):
        leasing.take(opened(site, "db-2"), "db-2", 30, {"db-1": "cannot be reached now"})
    assert told(site) == []


def test_a_host_of_no_cluster_needs_no_lease(site: Any) -> None:
    alone = next(asset.id for asset in site.assets if asset.cluster is None)
    run = opened(site, alone)
    assert leasing.take(run, alone, 30, {}) is None
    leasing.require_lease(run, alone)
    assert told(site) == []


@pytest.fixture
def together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold every run between its look at the ledger and its record, until both have looked."""
    both, real = threading.Barrier(2, timeout=30), leasing.open_recorder

    def after_both(site: Any) -> Any:
        both.wait()
        return real(site)

    monkeypatch.setattr(leasing, "open_recorder", after_both)


@pytest.mark.usefixtures("together")
def test_of_two_runs_that_ask_at_once_exactly_one_holds_and_the_other_gives_back(site: Any) -> None:
    runs = {asset: opened(site, asset) for asset in ("db-1", "db-2")}
    won: dict[str, Any] = {}

    def ask(asset: str) -> None:
        try:
            won[asset] = leasing.take(runs[asset], asset, 30, {})
        except PolicyError as error:
            won[asset] = str(error)

    threads = [threading.Thread(target=ask, args=(asset,)) for asset in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = next(record.body["asset"] for record in records(site) if record.step == "lease")
    second = "db-2" if first == "db-1" else "db-1"
    assert won[first].asset == first
    assert f"{second} may not be out of service now" in won[second]
    assert told(site) == [("take", first), ("take", second), ("release", second)]
    assert leasing.held(runs[first], first) is not None
    assert leasing.held(runs[second], second) is None
