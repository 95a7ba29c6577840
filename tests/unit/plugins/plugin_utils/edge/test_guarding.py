# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a guard waits, what the controller says of it, where a change ran, and what roles say that they touch."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.guarding import Armed, run_name, time_for, told
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.returning import touched
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.touches import declared
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError


@pytest.mark.parametrize(
    ("hosts", "forks", "given", "seconds"),
    [(1, 5, None, 60), (5, 5, None, 60), (6, 5, None, 120), (1000, 5, None, 900), (1000, 5, 8, 8), (0, 0, None, 60)],
)
def test_a_guard_waits_longer_where_hosts_take_turns(hosts, forks, given, seconds):
    assert time_for(hosts, forks, given) == seconds


def test_what_is_kept_between_two_tasks_survives_as_plain_data():
    armed = Armed("grd_a", "00", 60, 1.5, True, ("python3", "-I", "guard.pyz"))
    assert Armed.from_dict(armed.to_dict()) == armed


def test_guards_of_one_playbook_know_each_other():
    assert run_name("run_a") == "run_a"
    assert run_name(None) == run_name(None)


def test_the_operator_is_told_what_was_undone_and_how_long_it_took():
    outcome = {"id": "a", "with": "a", "ms": 6512, "restored": ["/etc/pam.d/sshd"], "kept": []}
    assert told(outcome) == "the host undid it by itself within 6.5 s: /etc/pam.d/sshd"
    assert "could not be put back: /etc/x" in told({**outcome, "kept": ["/etc/x"]})
    assert "together with guard b" in told({**outcome, "with": "b"})


def record(step: str, **body) -> SimpleNamespace:
    return SimpleNamespace(step=step, change_id=body.pop("change", "chg_a"), body={"run_id": "run_a", **body})


def test_a_change_ran_where_something_was_done_or_nobody_knows():
    opened = record("run-open", mode="apply", kind="remediate", expected_assets=["a", "b", "c"])
    done = record("deploy", results=[{"asset": "a", "outcome": "changed"}, {"asset": "b", "outcome": "unreachable"}])
    closed = record("run-close")
    assert touched([opened, done, closed], "chg_a") == {"a"}
    assert touched([opened, done], "chg_a") == {"a", "b", "c"}, "its controller died"
    assert touched([opened, done, closed], "chg_b") == set()


def role(folder: Path, text: str) -> Path:
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "holdfast.yml").write_text(text, encoding="utf-8")
    return folder


def test_a_role_of_the_sites_own_adds_to_what_the_products_roles_touch(tmp_path):
    mine = role(tmp_path / "mine", "touches: {paths: [/opt/mine], modes: [/srv]}\n")
    ours, all_of_them = declared(), declared([mine])
    assert set(all_of_them["paths"]) - set(ours["paths"]) == {"/opt/mine"}
    assert set(all_of_them["modes"]) - set(ours["modes"]) == {"/srv"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paths: [/opt]\n", "expected one key, touches"),
        ("touches: {files: [/opt]}\n", "touches.files: unknown; expected paths or modes"),
        ("touches: {paths: [opt]}\n", "touches.paths: expected a list of absolute paths"),
    ],
)
def test_a_declaration_that_means_nothing_is_refused_by_its_file(tmp_path, text, said):
    with pytest.raises(SiteError, match=said):
        declared([role(tmp_path / "mine", text)])
