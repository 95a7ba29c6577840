# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change's state from its records: what is read of each step, and that the ledger's own records are read the same."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_state, change_states
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.rings import ring_verified
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_recorder, open_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, SshSigner

from tests.change_cases import CHANGE, Book, plan, policy, when

PRODUCTION = policy().ring("production")


def test_no_request_no_change() -> None:
    """Approvals alone are no change, and neither is another change's request."""
    book = Book(plan()).write([{"approve": {"by": "ana"}}])
    assert book.state() is None
    assert change_state(Book(plan()).write([{"request": {"change": "chg_another00000"}}]).records, CHANGE) is None


def test_a_second_request_under_the_same_id_changes_nothing() -> None:
    """The first stands, with its own digest, requester and end."""
    book = Book(plan()).write([{"request": {}}, {"request": {"by": "mallory", "until": "2030-01-01 00:00"}}])
    state = book.state()
    assert state is not None
    assert (state.requester, state.request, state.expires_at) == (
        "ops",
        book.records[0].sha256,
        when("2026-12-20 00:00"),
    )


def test_records_of_another_change_are_not_read() -> None:
    """Each change is told by its own records alone."""
    book = Book(plan()).write([{"request": {}}, {"reject": {"by": "ana", "change": "chg_another00000"}}])
    state = book.state()
    assert state is not None
    assert state.consents == ()


def test_all_changes_in_the_order_they_were_asked_for() -> None:
    """One state for each change id that has a request."""
    events: list[dict[str, Any]] = [{"request": {"change": f"chg_{name}0000000000"}} for name in "bac"]
    states = change_states(Book(plan()).write(events).records)
    assert [state.change_id[4] for state in states] == ["b", "a", "c"]


def test_progress_of_an_asset_starts_anew_with_each_deploy() -> None:
    """What was seen before the last change of a host says nothing of it now."""
    events: list[dict[str, Any]] = [{"request": {}}, {"done": {"run": "run_1", "assets": ["lab-1", "prod-1"]}}]
    book = Book(plan()).write(events)
    state = book.state()
    assert state is not None
    assert state.done() == {"lab-1", "prod-1"}
    book.write([{"open": {"run": "run_2"}}, {"deploy": {"run": "run_2", "assets": ["prod-1"], "outcome": "failed"}}])
    state = book.state()
    assert state is not None
    assert state.done() == {"lab-1"}
    assert state.progress["prod-1"].outcome == "failed"


def test_a_ring_is_verified_when_all_of_it_is() -> None:
    """One host of three is not the ring; and a plan of another digest has no verified ring."""
    book = Book(plan()).write([{"request": {}}, {"done": {"run": "run_1", "assets": ["prod-1", "prod-2"]}}])
    state = book.state()
    assert state is not None
    assert not ring_verified(state, plan(), PRODUCTION)
    state = book.write([{"done": {"run": "run_2", "assets": ["prod-3"]}}]).state()
    assert state is not None
    assert ring_verified(state, plan(), PRODUCTION)
    assert not ring_verified(state, plan(title="Other"), PRODUCTION)
    assert not ring_verified(state, plan(hosts=["lab-1"]), PRODUCTION)


def test_an_implementers_word_neither_makes_good_nor_hides_bad() -> None:
    """A pass of theirs is not read; a fail of theirs is."""
    start: list[dict[str, Any]] = [
        {"request": {}},
        {"open": {"run": "r"}},
        {"deploy": {"run": "r", "assets": ["lab-1"]}},
    ]
    for by, verdict, healthy in (("checker", "fail", False), ("controller", "fail", False), ("checker", "pass", True)):
        seen = {"run": "r", "kind": "version", "assets": ["lab-1"]}
        events = [*start, {"see": {**seen, "by": by, "verdict": verdict}}, {"see": {**seen, "by": "controller"}}]
        state = Book(plan()).write(events).state()
        assert state is not None
        assert (state.verified("lab-1"), state.unhealthy("lab-1")) == (healthy, not healthy), (by, verdict)


def test_a_host_this_change_did_not_touch_is_not_unhealthy_by_it() -> None:
    """Other versions than planned, seen before anything was done, are what a change is for."""
    seen = {"run": "r", "kind": "version", "assets": ["lab-1"], "verdict": "fail"}
    state = Book(plan()).write([{"request": {}}, {"open": {"run": "r"}}, {"see": seen}]).state()
    assert state is not None
    assert (state.unhealthy("lab-1"), state.verified("lab-1"), state.unhealthy("pilot-1")) == (False, False, False)


def test_a_taken_over_run_is_open_no_more() -> None:
    """The later run names it; a run that was closed is not taken over."""
    book = Book(plan()).write(
        [
            {"request": {}},
            {"open": {"run": "run_1"}},
            {"open": {"run": "run_2", "resumes": ["run_1"]}},
            {"close": {"run": "run_2"}},
            {"open": {"run": "run_3", "resumes": ["run_2"]}},
        ]
    )
    state = book.state()
    assert state is not None
    assert [run.run_id for run in state.open_runs] == ["run_3"]
    assert [(run.outcome, run.resumed_by) for run in state.runs] == [(None, "run_2"), ("ok", None), (None, None)]


def test_real_records_are_read_the_same(tmp_path: Path) -> None:
    """Signed by real keys, stored in a real ledger, read back verified: lab is done and approved by Ana."""
    key = tmp_path / "ana"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    assert main(["init", str(tmp_path / "site"), "--approver", f"ana={key}.pub"]) == 0
    site = open_site(tmp_path / "site")
    recorder, now = open_recorder(site), utc_now()
    signers = {name: FileSigner.load(path) for name, path in site.key_paths.items()}
    wanted = plan(hosts=["lab-1"])
    asked = recorder.request(
        signers["requester"],
        plan=wanted.digest,
        kind="patch",
        rings=["lab"],
        assets=["lab-1"],
        expires_at=now.replace(year=now.year + 1),
    )
    assert asked.change_id is not None
    recorder.approve(
        SshSigner(key),
        change_id=asked.change_id,
        plan=wanted.digest,
        request=asked.sha256,
        rings=["lab"],
        not_after=now.replace(year=now.year + 1),
    )
    run = recorder.open_run(
        signers["implementer"],
        kind="patch",
        mode="apply",
        expected_assets=["lab-1"],
        ansible_core="2.19.0",
        plan=wanted.digest,
        change_id=asked.change_id,
        request=asked.sha256,
    )
    outcome = {"asset": "lab-1", "outcome": "changed", "started_at": "2026-11-21T22:00:00.000Z", "duration_ms": 1}
    recorder.deploy(signers["implementer"], run, ring="lab", results=[{**outcome, "products": [], "roles": []}])
    counts = {"pass": 1, "fail": 0, "waived": 0, "not_applicable": 0, "not_measured": 0}
    seen = [{"asset": "lab-1", "verdict": "pass", "counts": counts, "checks": []}]
    recorder.verify(signers["verifier"], run, kind="version", phase=None, results=seen)
    recorder.close_run(signers["implementer"], run, outcome="ok", exit_code=0)

    state = change_state(read_records(recorder.ledger), asked.change_id)
    assert state is not None
    assert (state.plan, state.request, state.requester) == (wanted.digest, asked.sha256, "requester")
    assert [(c.principal, c.rings) for c in state.consents] == [("ana", ("lab",))]
    assert [(r.run_id, r.outcome, r.principal) for r in state.runs] == [(run.run_id, "ok", "controller")]
    assert ring_verified(state, wanted, policy().ring("lab"))
    waiting = change_state(read_records(recorder.ledger), asked.change_id, health_required=["lab-1"])
    assert waiting is not None
    assert not ring_verified(waiting, wanted, policy().ring("lab"))


def test_a_host_that_was_put_back_is_not_verified_by_what_is_seen_of_it_then() -> None:
    """Its earlier versions are as they were, and it is healthy: that is no proof that it has what was planned."""
    events: list[dict[str, Any]] = [{"request": {}}, {"done": {"run": "run_1", "assets": ["lab-1"]}}]
    book = Book(plan()).write(
        [*events, {"open": {"run": "run_2"}}, {"roll_back": {"run": "run_2", "assets": ["lab-1"]}}]
    )
    for kind in ("version", "health"):
        book.see("run_2", kind, ["lab-1"])
    state = book.state()
    assert state is not None
    assert (state.verified("lab-1"), state.rolled_back) == (False, ("lab-1",))


def test_a_rehearsal_takes_nothing_back_from_the_change_and_proves_nothing_before_it_went_forward() -> None:
    """Between its two halves the host is not verified; after them it is, and nobody was rolled back."""
    book = Book(plan()).write(
        [{"request": {}}, {"done": {"run": "run_1", "assets": ["lab-1"]}}, {"open": {"run": "r"}}]
    )
    book.roll_back("r", ["lab-1"])
    book.records[-1].body["trigger"] = "rehearsal"
    book.see("r", "version", ["lab-1"])
    state = book.state()
    assert state is not None
    assert (state.verified("lab-1"), state.rolled_back) == (False, ())
    book.deploy("r", ["lab-1"])
    book.see("r", "version", ["lab-1"])
    state = book.state()
    assert state is not None
    assert (state.verified("lab-1"), state.rolled_back) == (True, ())


def test_a_run_that_only_looks_undoes_no_proof() -> None:
    """It says which hosts it did not reach; what was seen of them before still holds."""
    book = Book(plan()).write([{"request": {}}, {"done": {"run": "run_1", "assets": ["lab-1"]}}])
    book.write([{"open": {"run": "r", "mode": "check"}}, {"deploy": {"run": "r", "assets": ["lab-1"]}}])
    state = book.state()
    assert state is not None
    assert state.verified("lab-1")


def test_a_host_left_in_between_is_one_that_is_bad_or_not_wholly_back() -> None:
    """Bad and not taken back, or taken back in part: the next run takes it back before anything else is tried."""
    book = Book(plan()).write([{"request": {}}, {"open": {"run": "r"}}])
    book.deploy("r", ["lab-1", "pilot-1", "prod-1", "prod-2"])
    book.see("r", "health", ["lab-1", "pilot-1", "prod-1"], verdict="fail")
    book.roll_back("r", ["pilot-1"])
    book.roll_back("r", ["prod-1"], result="partial")
    state = book.state()
    assert state is not None
    assert state.left_between == ("lab-1", "prod-1")
    book.roll_back("r", ["lab-1", "prod-1"])
    state = book.state()
    assert state is not None
    assert state.left_between == ()


def test_the_newest_order_for_a_ring_says_whether_it_is_stopped() -> None:
    """A stop holds for its rings until somebody lets them go on."""
    book = Book(plan()).write([{"request": {}}])
    book._add("halt", "ana", "approver", {"action": "stop", "rings": ["lab", "pilot"]})
    book._add("halt", "ops", "requester", {"action": "go", "rings": ["lab"]})
    state = book.state()
    assert state is not None
    halt = state.stopped("pilot")
    assert (state.stopped("lab"), state.stopped("production")) == (None, None)
    assert halt is not None
    assert (halt.principal, halt.role, halt.index) == ("ana", "approver", 1)


def test_restarts_on_the_way_back_and_earlier_versions_make_no_host_verified() -> None:
    """A restart is a deployment without packages; what is seen in phase before proves a way back and nothing else."""
    book = Book(plan()).write([{"request": {}}, {"open": {"run": "r"}}])
    book.deploy("r", ["lab-1"])
    book.roll_back("r", ["lab-1"])
    book.deploy("r", ["lab-1"])
    book.see("r", "version", ["lab-1"], phase="before")
    book.see("r", "health", ["lab-1"])
    state = book.state()
    assert state is not None
    assert not state.verified("lab-1")


def test_a_verified_host_that_a_rehearsal_skipped_is_still_verified() -> None:
    """Nothing was changed on it, so what was seen of it still holds; one that was never seen ended as skipped."""
    book = Book(plan()).write(
        [{"request": {}}, {"done": {"run": "run_1", "assets": ["lab-1"]}}, {"open": {"run": "r"}}]
    )
    book.deploy("r", ["lab-1", "pilot-1"], outcome="skipped")
    state = book.state()
    assert state is not None
    assert state.verified("lab-1")
    assert state.progress["pilot-1"].outcome == "skipped"
