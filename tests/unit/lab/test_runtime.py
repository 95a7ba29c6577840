# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab makes of a machine: cgroups, limits, the programs it needs."""

from __future__ import annotations

import resource

import pytest

from lab import needs, process, runtime
from lab.errors import LabError, MissingError

ROOT_RUNTIME = runtime.Runtime("/usr/sbin/runc", "hybrid", False, (1024, 4096), (512, 512), False, False)


@pytest.mark.parametrize(
    ("files", "kind"),
    [(["cgroup.controllers"], "v2"), (["unified/cgroup.procs", "memory/tasks"], "hybrid"), (["memory/tasks"], "v1")],
)
def test_cgroups(tmp_path, files, kind):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert runtime.cgroups(tmp_path) == kind


def test_crun_is_not_the_first_choice_where_it_refuses_to_start():
    assert [runtime.candidates(kind)[0] for kind in ("v1", "hybrid", "v2")] == ["runc", "runc", "crun"]


def test_limits_stay_below_this_process_own():
    soft, hard = runtime.limit(resource.RLIMIT_NOFILE, 1024, 10**9)
    ours = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert soft == 1024
    assert hard == (10**9 if ours == resource.RLIM_INFINITY else ours)
    assert runtime.limit(resource.RLIMIT_NOFILE, 1024, 16) == (16, 16)


def test_the_sentence_says_what_was_chosen_and_what_is_left_out():
    assert ROOT_RUNTIME.sentence() == (
        "podman with runc, cgroups hybrid, root; settings outside /proc/sys/net are read-only (they are the machine's)"
    )


def test_apparmor_would_refuse_systemd_its_mounts():
    with_it = runtime.Runtime("/usr/bin/crun", "v2", False, (1, 1), (1, 1), apparmor=True, selinux=False)
    assert "apparmor=unconfined" in with_it.system_options()
    assert "apparmor=unconfined" not in ROOT_RUNTIME.system_options()


@pytest.mark.parametrize("kind", ["v1", "hybrid"])
def test_an_ordinary_user_without_cgroups_v2_is_told_at_once(kind):
    with pytest.raises(MissingError, match=f"cgroups are {kind}: .* needs v2; run the lab as root"):
        runtime.refuse(kind, rootless=True)
    runtime.refuse(kind, rootless=False)
    runtime.refuse("v2", rootless=True)


def test_only_the_runtime_that_fits_is_asked_for():
    assert "runc" in needs.wanted("hybrid", rootless=False).values()
    assert "crun" not in needs.wanted("hybrid", rootless=False).values()
    assert "crun" in needs.wanted("v2", rootless=False).values()


def test_an_ordinary_user_also_needs_user_ids():
    assert "uidmap" in needs.wanted("v2", rootless=True).values()
    assert "uidmap" not in needs.wanted("v2", rootless=False).values()


def test_a_failed_program_is_quoted():
    with pytest.raises(LabError, match="exit 3: that went wrong"):
        process.run(["sh", "-c", "echo that went wrong >&2; exit 3"])


def test_a_missing_program_is_named():
    with pytest.raises(LabError, match="no-such-program: no such program on this machine"):
        process.run(["no-such-program"])


def test_a_program_that_hangs_is_given_up():
    with pytest.raises(LabError, match="no answer within 0 s"):
        process.run(["sleep", "60"], timeout=0.1)


def test_waiting_ends_with_the_answer_or_at_the_deadline():
    answers = iter([None, None, "here"])
    assert process.wait_for("an answer", lambda: next(answers), within=5) == "here"
    with pytest.raises(LabError, match="waited 0 s for rain; it did not happen"):
        process.wait_for("rain", lambda: None, within=0)


@pytest.mark.parametrize(
    ("line", "limit", "used"),
    [
        ("9:memory:/libpod/x", "memory/libpod/x/memory.limit_in_bytes", "memory/libpod/x/memory.usage_in_bytes"),
        ("0::/libpod/x/init.scope", "libpod/x/memory.max", "libpod/x/memory.current"),
    ],
)
def test_where_a_containers_memory_is_counted(tmp_path, line, limit, used):
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(f"1:cpu:/other\n{line}\n")
    for name in (limit, used):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = runtime.memory_files(7, tmp_path, tmp_path / "proc")
    assert found == (tmp_path / limit, tmp_path / used)
    (tmp_path / limit).unlink()
    with pytest.raises(LabError, match="expected the controller memory"):
        runtime.memory_files(7, tmp_path, tmp_path / "proc")
