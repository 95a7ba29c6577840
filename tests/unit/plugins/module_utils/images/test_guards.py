# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard's own file runs by itself, and knows who may end it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.images import guards, logins
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.errors import ImageError
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.reverts import DAYS, reverts
from ansible_collections.holdfast.hipaa.plugins.module_utils.images.store import Store

GUARD = "grd_" + "a" * 26
NONCE = "5e" * 32


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one armed guard."""
    found = Store(str(tmp_path))
    found.prepare()
    arm(found, GUARD)
    return found


def arm(store: Store, guard: str, **more) -> None:
    os.makedirs(os.path.join(store.guards, guard))
    store.write(os.path.join(store.guards, guard, "guard.pyz"), guards.packed())
    store.save(
        os.path.join(store.guards, guard, "guard.json"),
        {
            "id": guard, "role": "ssh", "run": "run_a", "seconds": 60, "before": "0" * 64, "at": time.time(),
            "ticks": logins.ticks(), "login": None, "declared": {},
            "nonce_sha256": hashlib.sha256(NONCE.encode()).hexdigest(), **more,
        },
    )  # fmt: skip


def ask(store: Store, *argv: str) -> tuple[int, dict]:
    """Run the guard's file as the host would, with nothing but Python."""
    done = subprocess.run(
        [sys.executable, "-I", os.path.join(store.guards, GUARD, "guard.pyz"), *argv],
        cwd="/", env={}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout)


def test_the_file_runs_by_itself(store):
    assert ask(store, "status") == (0, {"id": GUARD, "outcome": "armed"})


def test_the_secret_confirms_once_and_is_kept_as_a_digest_only(store):
    assert NONCE not in Path(store.guards, GUARD, "guard.json").read_text()
    code, refused = ask(store, "confirm", "11" * 32)
    assert (code, refused["outcome"]) == (4, "refused")
    code, outcome = ask(store, "confirm", NONCE)
    assert (code, outcome["outcome"]) == (0, "confirmed")
    assert ask(store, "status")[1] == outcome
    assert ask(store, "confirm", NONCE) == (0, outcome)


def test_a_guard_that_was_armed_over_ssh_wants_a_login_younger_than_itself(tmp_path):
    store = Store(str(tmp_path))
    store.prepare()
    arm(store, GUARD, login=[1, 0], ticks=logins.ticks() + 10**9)
    with pytest.raises(ImageError, match="only a fresh one confirms"):
        guards.confirm(store, GUARD, NONCE)


def test_what_came_too_late_is_told_what_became_of_it(store):
    outcome = {"id": GUARD, "outcome": "reverted", "role": "ssh"}
    store.save(os.path.join(store.guards, GUARD, "outcome.json"), outcome)
    assert ask(store, "confirm", NONCE) == (3, outcome)


def test_nobody_arms_while_a_guard_of_another_run_has_not_done_its_work(store):
    guards.wait_for_others(store, "run_a")
    late = {**json.loads(Path(store.guards, GUARD, "guard.json").read_text()), "at": time.time() - 10_000}
    store.save(os.path.join(store.guards, GUARD, "guard.json"), late)
    with pytest.raises(ImageError, match="journalctl -u holdfast-guard-" + GUARD):
        guards.wait_for_others(store, "run_b")


def test_a_check_carries_home_what_fired_lately_and_no_names(store):
    outcome = {
        "id": GUARD, "role": "ssh", "run": "run_a", "outcome": "reverted", "result": "restored", "ms": 5,
        "images": {"before": "0" * 64, "after": "1" * 64}, "at": time.time(),
        "restored": ["/etc/a", "/etc/b"], "kept": [],
    }  # fmt: skip
    assert reverts(store.guards) == []
    store.save(os.path.join(store.guards, GUARD, "outcome.json"), outcome)
    (told,) = reverts(store.guards)
    assert told["files"] == {"restored": 2, "kept": 0}
    assert "/etc" not in json.dumps(told)
    store.save(os.path.join(store.guards, GUARD, "outcome.json"), {**outcome, "at": time.time() - (DAYS + 1) * 86_400})
    assert reverts(store.guards) == []
    assert reverts("/nowhere") == []


def test_a_login_is_found_by_the_process_of_sshd_above():
    assert logins.login(1) is None
    assert logins.ticks() > 0
