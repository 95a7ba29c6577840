# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run writes down, and in which order."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.audit import audit
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge import running
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.contributions import (
    deploy_contribution,
    drift_contribution,
    guard_contribution,
    health_contribution,
    image_contribution,
    prepare_contribution,
    return_contribution,
    revert_contribution,
    rollback_contribution,
    running_contribution,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import utc_now
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.journal import Journal, Signers
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.opening import open_site, require_run
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.running import Particulars, left_behind, open_journal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError, PolicyError, SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.baselines import baseline_digest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

HOST = "host-192-0-2-10"


@pytest.fixture(autouse=True)
def own_environment():
    """Opening a run writes to the process's environment; put it back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def particulars(kind: str, **other) -> Particulars:
    given = {
        "check": False, "hosts": (HOST,), "change": None, "playbook": Path(__file__), "forks": 5, "limited": False,
        **other,
    }  # fmt: skip
    return Particulars(kind=kind, **given)


def told(root: Path) -> list[tuple[str, str]]:
    """Return (step, principal) of every record after the trust document."""
    return [(r.step, r.principal) for r in read_records(Ledger(root / "ledger" / "ledger.sqlite"))][1:]


def body(root: Path, step: str) -> dict:
    (found,) = [r.body for r in read_records(Ledger(root / "ledger" / "ledger.sqlite")) if r.step == step]
    return found


def test_a_check_is_opened_by_the_implementer_and_judged_by_the_verifier(root):
    journal = open_journal(root, particulars("check"))
    check = {"id": "ssh", "result": "pass"}
    journal.saw(HOST, contribution=health_contribution(HOST, "before", [check]))
    journal.flush()
    journal.close(0)
    assert told(root) == [("run-open", "controller"), ("verify", "scanner"), ("run-close", "controller")]
    assert body(root, "run-open")["mode"] == "check"


def test_what_was_done_precedes_what_was_seen(root):
    journal = open_journal(root, particulars("remediate"))
    journal.saw(HOST, changed=True, role="ssh")
    journal.saw(HOST, changed=True, role="time")
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": "fail"}]))
    journal.close(2)
    assert [step for step, _ in told(root)] == ["run-open", "deploy", "verify", "run-close"]
    (result,) = body(root, "deploy")["results"]
    assert (result["outcome"], result["roles"]) == ("changed", ["ssh", "time"])
    assert body(root, "run-close")["outcome"] == "failed"


def test_a_rollback_follows_the_failed_deploy(root):
    journal = open_journal(root, particulars("remediate"))
    product = {"name": "claimsd", "from": "1.0", "to": "1.1"}
    journal.saw(HOST, failed=True, contribution=deploy_contribution("lab", [product]))
    back = {"name": "claimsd", "from": "1.1", "to": "1.0"}
    journal.saw(HOST, contribution=rollback_contribution(HOST, "health", "restored", [back]))
    journal.close(2)
    assert [step for step, _ in told(root)] == ["run-open", "deploy", "rollback", "run-close"]
    assert body(root, "deploy")["results"][0]["outcome"] == "failed"
    assert body(root, "deploy")["ring"] == "lab"


def test_an_asset_that_left_no_trace_is_missing(root):
    open_journal(root, particulars("check")).close(0)
    assert body(root, "run-close")["missing_assets"] == [HOST]


def test_a_host_outside_the_register_opens_no_run(root):
    with pytest.raises(SiteError, match="stranger: not registered"):
        open_journal(root, particulars("check", hosts=("stranger",)))
    assert told(root) == []


def test_a_child_finds_the_run_and_a_stranger_does_not(root):
    journal = open_journal(root, particulars("check"))
    assert require_run().opened.run_id == journal.run.run_id
    os.environ["HOLDFAST_NONCE"] = "00" * 32
    with pytest.raises(LedgerError, match="nonce does not match"):
        require_run()
    del os.environ["HOLDFAST_NONCE"]
    with pytest.raises(LedgerError, match="recorder is not active"):
        require_run()


def test_a_closed_run_is_no_longer_open(root):
    open_journal(root, particulars("check")).close(0)
    with pytest.raises(LedgerError, match="was closed"):
        require_run()


def test_a_play_that_only_says_that_it_stops_has_deployed_nothing(root):
    journal = open_journal(root, particulars("remediate"))
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": "pass"}]))
    journal.saw(HOST, failed=True)
    journal.close(2)
    assert [step for step, _ in told(root)] == ["run-open", "verify", "run-close"]


def test_opening_a_run_states_the_baselines_of_its_hosts(root):
    open_journal(root, particulars("check"))
    site = open_site(root)
    expected = [
        {"id": name, "version": site.baselines[name].version, "sha256": baseline_digest(site.baselines[name])}
        for name in sorted(site.asset(HOST).baselines)
    ]
    assert expected
    assert body(root, "run-open")["baselines"] == expected


def judged(result: str) -> dict:
    return drift_contribution(HOST, [Verdict("ssh-01", result, "no", "yes", "")], "0" * 64)


@pytest.mark.parametrize(
    ("kind", "seen", "silent"),
    [
        ("check", (), (HOST,)),
        ("check", (judged("pass"),), ()),
        ("check", (judged("not_measured"),), ()),
        ("check", (health_contribution(HOST, "before", [{"id": "web", "result": "pass"}]),), (HOST,)),
        ("check", (health_contribution(HOST, "after", [{"id": "web", "result": "fail"}]),), ()),
        ("remediate", (health_contribution(HOST, "after", [{"id": "web", "result": "pass"}]),), ()),
        ("remediate", (judged("fail"),), ()),
        ("plan", (), ()),
    ],
)
def test_a_host_that_a_check_reports_nothing_of_is_named(root, kind, seen, silent):
    journal = open_journal(root, particulars(kind))
    for contribution in seen:
        journal.saw(HOST, contribution=contribution)
    assert journal.silent == silent


def test_a_look_at_one_host_must_be_at_all(root):
    two(root)
    journal = open_journal(root, particulars("remediate", hosts=(HOST, "other-1")))
    assert journal.silent == ()  # it has looked at none, as a playbook without a probe
    journal.saw(HOST, contribution=judged("pass"))
    assert journal.silent == ("other-1",)


@pytest.mark.parametrize(("result", "outcome"), [("pass", "ok"), ("fail", "drift")])
def test_a_check_that_found_a_host_ill_says_so_when_it_closes(root, result, outcome):
    journal = open_journal(root, particulars("check"))
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": result}]))
    journal.close(0)
    assert body(root, "run-close")["outcome"] == outcome


def test_a_look_at_the_health_of_one_host_must_be_at_that_of_all_and_stands_for_no_control(root):
    two(root)
    journal = open_journal(root, particulars("check", hosts=(HOST, "other-1")))
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": "pass"}]))
    assert (journal.silent, journal.feels) == (("other-1",), True)
    journal.saw("other-1", contribution={**judged("pass"), "result": {**judged("pass")["result"], "asset": "other-1"}})
    assert (journal.silent, journal.feels) == ((HOST,), False)


def two(root):
    """Register another host."""
    register = root / "holdfast.yml"
    text = register.read_text(encoding="utf-8")
    asset = text[text.index("  - id: ") : text.index("\n# An example") if "\n# An example" in text else len(text)]
    register.write_text(text.replace(asset, asset.rstrip() + "\n" + asset.replace(HOST, "other-1")), encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "check", "unasked"), [("remediate", False, True), ("remediate", True, False), ("check", False, False)]
)
def test_a_run_that_mends_without_a_change_knows_it(root, kind, check, unasked):
    assert open_journal(root, particulars(kind, check=check)).unasked is unasked


def test_a_run_that_the_gate_denied_has_not_looked(root):
    journal = open_journal(root, particulars("check"))
    journal.deny(["freeze"])
    assert journal.silent == ()


def test_an_exception_that_nobody_in_the_ledger_may_approve_opens_no_run(root):
    (root / "trust.yml").unlink()  # what is written there is not what is in force
    (root / "overlays.yml").write_text(
        "overlays:\n  - {control: ssh-05, value: 3, scope: {all: true}, reason: We type well., approver: nurse}\n",
        encoding="utf-8",
    )
    with pytest.raises(SiteError, match=r'overlays\[0\].approver: "nurse", who may approve nothing'):
        open_journal(root, particulars("check"))
    assert told(root) == []


OUTCOME = {
    "id": "grd_" + "a" * 26, "role": "ssh", "run": "run_" + "b" * 26, "outcome": "reverted", "result": "restored",
    "ms": 6512, "restored": ["/etc/ssh/sshd_config"], "kept": [], "images": {"before": "1" * 64, "after": "0" * 64},
}  # fmt: skip


def test_a_deployment_says_which_guards_it_had_and_between_which_images_it_lies(root):
    journal = open_journal(root, particulars("remediate"))
    journal.saw(HOST, changed=True, role="ssh")
    journal.saw(HOST, role="ssh", contribution=guard_contribution({**OUTCOME, "outcome": "confirmed"}))
    journal.saw(HOST, contribution=image_contribution("0" * 64, "1" * 64))
    journal.close(0)
    (result,) = body(root, "deploy")["results"]
    assert result["guards"] == [{"id": OUTCOME["id"], "role": "ssh", "outcome": "confirmed", "ms": 6512}]
    assert result["images"] == {"before": "0" * 64, "after": "1" * 64}


def test_what_a_guard_undid_is_a_rollback_without_a_name_in_it(root):
    journal = open_journal(root, particulars("check"))
    journal.saw(HOST, contribution=revert_contribution(HOST, OUTCOME))
    journal.close(0)
    assert body(root, "rollback")["trigger"] == "guard"
    (result,) = body(root, "rollback")["results"]
    assert result == {
        "asset": HOST, "result": "restored", "products": [], "files": {"restored": 1, "kept": 0}, "role": "ssh",
        "guard": OUTCOME["id"], "ms": 6512, "images": OUTCOME["images"], "of": OUTCOME["run"],
    }  # fmt: skip


def test_a_rollback_names_its_change_and_asks_for_one(root):
    with pytest.raises(PolicyError, match="no change was named"):
        open_journal(root, particulars("rollback"))
    change = "chg_" + "c" * 26
    journal = open_journal(root, particulars("rollback", change=change))
    one = {
        "run": OUTCOME["run"], "before": "1" * 64, "after": "0" * 64, "restored": ["/etc/a"], "kept": ["/etc/b"],
        "differs": ["/etc/b"], "moved": {"toy:all": {"from": "1.0", "to": None}},
    }  # fmt: skip
    journal.saw(HOST, contribution=return_contribution(HOST, one))
    journal.close(0)
    (result,) = body(root, "rollback")["results"]
    assert (result["result"], result["files"]) == ("partial", {"restored": 1, "kept": 1})
    assert [record.change_id for record in read_records(Ledger(root / "ledger" / "ledger.sqlite"))][1:] == [change] * 3


def test_a_check_that_was_cut_short_is_taken_up_by_the_next_when_it_is_surely_gone(root):
    """A controller that is switched off once must not be a finding of every audit from then on."""
    open_journal(root, particulars("check"))  # never closed
    site = open_site(root)
    records = read_records(Ledger(site.ledger_path))
    (cut,) = [r for r in records if r.step == "run-open"]
    run_id = cut.body["run_id"]
    assert left_behind(records, cut.recorded_at + timedelta(hours=23)) == []
    assert left_behind(records, cut.recorded_at + timedelta(hours=25)) == [run_id]
    closed = replace(cut, index=cut.index + 1, step="run-close")
    assert left_behind([*records, closed], cut.recorded_at + timedelta(hours=25)) == []
    later = {**cut.body, "run_id": "run_0123456789", "resumes": [run_id]}
    taken = replace(cut, index=cut.index + 1, body=later)
    assert left_behind([*records, taken], cut.recorded_at + timedelta(hours=25)) == ["run_0123456789"]
    changing = replace(cut, body={**cut.body, "kind": "remediate"}, change_id="chg_0123456789")
    assert left_behind([changing], cut.recorded_at + timedelta(hours=25)) == []


def test_a_later_check_resumes_what_was_left_behind_and_the_ledger_audits_clean(root, monkeypatch):
    open_journal(root, particulars("check"))
    monkeypatch.setattr(running, "LONGEST", timedelta(0))
    journal = open_journal(root, particulars("check"))
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": "pass"}]))
    journal.close(0)
    first, second = [r.body for r in read_records(Ledger(root / "ledger" / "ledger.sqlite")) if r.step == "run-open"]
    assert second["resumes"] == [first["run_id"]]
    report = audit(root / "ledger" / "ledger.sqlite", now=utc_now())
    assert (report.findings, [one.code for one in report.warnings]) == ((), ["run-resumed"])


class Noted:
    """A recorder that keeps what it is told, for the order and the content of a wave's records."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict]] = []

    def __getattr__(self, step: str):
        return lambda signer, *run, **body: self.told.append((step, body))

    def of(self, step: str) -> list[dict]:
        """Return the results of all records of a step."""
        return [result for name, body in self.told if name == step for result in body["results"]]


@pytest.fixture
def wave() -> tuple[Journal, Noted]:
    """The journal of a patch run that applies."""
    noted = Noted()
    journal = Journal(noted, Signers(None, None, None), kind="patch", mode="apply", expected=(HOST, "other-1"))
    journal.run = object()
    return journal, noted


PRODUCT = {"name": "claimsd", "from": "1.0", "to": "1.1"}
PASSED = {"id": "web", "result": "pass"}


def test_staging_alone_is_no_deployment_and_its_time_is_in_the_one_that_follows(wave):
    journal, noted = wave
    staged = prepare_contribution("lab", [{"step": "stage", "ms": 40}])
    journal.saw(HOST, contribution=staged)
    journal.saw(HOST, contribution=health_contribution(HOST, "before", [PASSED]))
    journal.flush()
    assert [step for step, _ in noted.told] == ["verify"]
    installed = deploy_contribution("lab", [PRODUCT], steps=[{"step": "install", "ms": 900.7}])
    journal.saw(HOST, changed=True, contribution=installed)
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [], restarted=["nginx.service"]))
    reboot = {"before": "c" * 64, "after": "d" * 64, "ms": 31_000, "kernel": "6.1.0-32-amd64"}
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [], reboot={**reboot, "seconds": 31}))
    journal.flush(final=True)
    (result,) = noted.of("deploy")
    assert result["steps"] == [{"step": "stage", "ms": 40}, {"step": "install", "ms": 900}]
    assert (result["restarted"], result["reboot"], result["outcome"]) == (["nginx.service"], reboot, "changed")


def test_a_clock_that_is_set_back_meanwhile_makes_no_deployment_shorter(wave, monkeypatch):
    journal, noted = wave
    with monkeypatch.context() as ahead:
        ahead.setattr("ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.journal.utc_now",
                      lambda: utc_now() + timedelta(hours=2))  # fmt: skip
        journal.begins(HOST)
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [PRODUCT]))
    journal.flush(final=True)
    (result,) = noted.of("deploy")
    assert 0 <= result["duration_ms"] < 60_000


def test_a_host_that_stops_before_anything_was_changed_is_on_record_as_skipped(wave):
    journal, noted = wave
    journal.saw(HOST, contribution=prepare_contribution("lab", obstacles=["lock", "full", "lock"]))
    journal.saw(HOST, stopped=True)
    journal.saw("other-1", changed=True, contribution=deploy_contribution("lab", [PRODUCT]))
    journal.flush()
    assert noted.told == []  # the wave goes on
    journal.flush(final=True)
    results = {result["asset"]: result for result in noted.of("deploy")}
    assert (results[HOST]["outcome"], results[HOST]["obstacles"]) == ("skipped", ["full", "lock"])
    assert (results["other-1"]["outcome"], "obstacles" in results["other-1"]) == ("changed", False)


def test_a_host_that_was_changed_or_put_back_is_never_skipped(wave):
    journal, noted = wave
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [PRODUCT]))
    journal.saw(HOST, contribution=health_contribution(HOST, "after", [{"id": "web", "result": "fail"}]))
    journal.saw(HOST, stopped=True)
    journal.saw("other-1", contribution=rollback_contribution("other-1", "rehearsal", "failed", [], ms=7))
    journal.saw("other-1", stopped=True)
    journal.flush()
    journal.flush(final=True)
    assert [(result["asset"], result["outcome"]) for result in noted.of("deploy")] == [(HOST, "changed")]


def test_a_host_lost_in_the_middle_says_which_step_it_was_lost_in(wave):
    journal, noted = wave
    lost = deploy_contribution("lab", [], steps=[{"step": "install", "ms": 12_000}])
    journal.saw(HOST, unreachable=True, contribution=lost)
    journal.flush(final=True)
    (result,) = noted.of("deploy")
    assert (result["outcome"], result["steps"]) == ("unreachable", [{"step": "install", "ms": 12_000}])


def test_a_run_that_only_looks_skips_nobody(wave):
    journal, noted = wave
    journal.mode = "check"
    journal.saw(HOST, stopped=True)
    journal.flush(final=True)
    assert noted.told == []
    assert (journal.exit_code, journal.ends) == (2, {HOST: "failed"})  # check mode fails where the run would


def test_what_runs_is_told_by_digests():
    checks = [
        {"id": "kernel", "result": "fail", "expected": "6.1.0-33", "observed": "6.1.0-32"},
        {"id": "processes", "result": "pass", "expected": [], "observed": []},
    ]
    told_of = running_contribution(HOST, checks)
    assert (told_of["kind"], told_of["result"]["verdict"]) == ("running", "fail")
    kernel, processes = told_of["result"]["checks"]
    assert kernel["expected_sha256"] != kernel["observed_sha256"]
    assert processes == {"id": "processes", "result": "pass"}


def test_a_host_that_a_wave_went_past_is_in_the_exit_code(wave):
    journal, _noted = wave
    assert journal.exit_code == 0
    journal.saw("other-1", unreachable=True)
    journal.flush(final=True)
    assert (journal.exit_code, journal.ends) == (4, {"other-1": "unreachable"})
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [PRODUCT]))
    journal.saw(HOST, stopped=True)
    journal.saw(HOST, contribution=rollback_contribution(HOST, "health", "restored", [], ms=4))
    journal.flush(final=True)
    assert (journal.exit_code, journal.ends[HOST]) == (6, "rolled back")


def test_a_rehearsal_that_went_well_is_no_failure(wave):
    journal, _noted = wave
    journal.kind = "rehearse"
    journal.saw(HOST, contribution=rollback_contribution(HOST, "rehearsal", "restored", [], ms=4))
    journal.saw(HOST, changed=True, contribution=deploy_contribution("lab", [PRODUCT]))
    journal.flush(final=True)
    assert (journal.exit_code, journal.ends) == (0, {})
    journal.saw(HOST, contribution=rollback_contribution(HOST, "rehearsal", "partial", [], ms=4))
    journal.flush(final=True)
    assert journal.ends == {HOST: "way back partial"}
