# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks are looked at, the failed ones again, and nothing a host does breaks the module."""

from __future__ import annotations

import time

from ansible_collections.holdfast.hipaa.plugins.module_utils.health.checks import Patience, Watch, kind_of, run_checks

ONCE = Patience(retries=0)


def command(name, *argv, timeout=5.0):
    """A command check."""
    return {"id": name, "timeout": timeout, "command": {"argv": list(argv)}, "tcp": None}


def test_every_check_is_answered_in_the_order_asked():
    results = run_checks([command("good", "true"), command("bad", "false"), command("gone", "/no/such")], ONCE)
    assert [(result.id, result.kind, result.passed, result.why) for result in results] == [
        ("good", "command", True, ""),
        ("bad", "command", False, "exit code 1, expected 0"),
        ("gone", "command", False, "cannot be started: /no/such: No such file or directory"),
    ]
    assert results[1].to_dict() == {
        "id": "bad",
        "kind": "command",
        "result": "fail",
        "ms": results[1].milliseconds,
        "why": "exit code 1, expected 0",
        "looks": 1,
        "digest": None,
    }


def test_a_check_that_comes_right_later_passes_and_the_others_are_not_asked_again(tmp_path):
    count, steady = tmp_path / "count", tmp_path / "steady"
    third = f"echo x >> {count}; test $(wc -l < {count}) -ge 3"
    checks = [command("late", "sh", "-c", third), command("steady", "sh", "-c", f"echo x >> {steady}")]
    late, once = run_checks(checks, Patience(retries=5, delay=0.01, deadline=30))
    assert (late.passed, late.looks, once.looks) == (True, 3, 1)
    assert steady.read_text() == "x\n"


def test_a_check_that_stays_wrong_is_looked_at_no_more_than_asked():
    (result,) = run_checks([command("bad", "false")], Patience(retries=3, delay=0.01, deadline=30))
    assert (result.passed, result.looks) == (False, 4)


def test_no_look_begins_after_the_deadline():
    began = time.monotonic()
    run_checks([command("bad", "false")], Patience(retries=10**6, delay=0.05, deadline=0.5))
    assert time.monotonic() - began < 5


def test_each_check_has_its_own_time():
    began = time.monotonic()
    slow, good = run_checks([command("slow", "sleep", "60", timeout=0.5), command("good", "true")], ONCE)
    assert (slow.passed, slow.why) == (False, "no answer within 0.5 s")
    assert good.passed
    assert time.monotonic() - began < 10


def test_a_check_that_breaks_has_failed():
    (result,) = run_checks([{"id": "odd", "timeout": 5.0, "tcp": {"port": "no number"}}], ONCE)
    assert not result.passed
    assert result.why.startswith("the check broke") or "port" in result.why


def test_no_checks_give_no_results():
    assert run_checks([], ONCE) == []


def test_the_kind_is_the_member_that_is_set():
    assert kind_of({"id": "a", "service": None, "tcp": {"port": 1}, "sql": None}) == "tcp"


def saying(name, text, **more):
    """A check for the same answer."""
    return {"id": name, "timeout": 5.0, "command": {"argv": ["echo", text], "same": True}, **more}


def test_an_answer_becomes_a_digest_and_the_same_answer_the_same_digest():
    first, again, other, plain = run_checks(
        [saying("a", "x"), saying("b", "x"), saying("c", "y"), command("d", "echo", "x")], ONCE, salt="one"
    )
    assert first.digest == again.digest != other.digest
    assert len(first.digest or "") == 64
    assert plain.digest is None
    (salted,) = run_checks([saying("a", "x")], ONCE, salt="two")
    assert salted.digest != first.digest


def test_an_answer_must_be_the_one_from_before():
    (seen,) = run_checks([saying("a", "x")], ONCE)
    same, other, unknown = run_checks(
        [
            saying("same", "x", before=seen.digest),
            saying("other", "y", before=seen.digest),
            saying("new", "x", before=""),
        ],
        ONCE,
    )
    assert (same.passed, other.passed, unknown.passed) == (True, False, False)
    assert other.why == "the answer is another than before the change"
    assert unknown.why.startswith("nothing is known of the answer before the change")


def test_a_watch_lasts_its_time_and_looks_at_its_end():
    began = time.monotonic()
    (good,) = run_checks([command("good", "true")], ONCE, Watch(0.5, 0.2))
    assert (good.passed, good.looks) == (True, 4)
    assert 0.5 <= time.monotonic() - began < 5


def test_the_first_failure_in_the_watch_ends_it_and_is_not_looked_at_again(tmp_path):
    count = tmp_path / "count"
    third = f"echo x >> {count}; test $(wc -l < {count}) -ne 3"
    began = time.monotonic()
    good, flaps = run_checks(
        [command("good", "true"), command("flaps", "sh", "-c", third)], Patience(retries=5, delay=0.01), Watch(60, 0.05)
    )
    assert time.monotonic() - began < 10
    assert (good.passed, flaps.passed, flaps.looks) == (True, False, 3)
    assert flaps.why == "held, and after 0 s of the watch no more: exit code 1, expected 0"


def test_what_never_held_is_not_watched():
    began = time.monotonic()
    run_checks([command("bad", "false")], ONCE, Watch(60, 0.05))
    assert time.monotonic() - began < 10


def test_a_log_makes_the_watch_as_long_as_it_asks(tmp_path):
    path = tmp_path / "log"
    path.write_text("FATAL: of yesterday\n", encoding="utf-8")
    late = f"sleep 0.4; echo FATAL >> {path}"
    asked = [
        {"id": "log", "timeout": 5.0, "log": {"path": str(path), "pattern": "FATAL", "seconds": 1}},
        command("writer", "sh", "-c", f"({late}) >/dev/null 2>&1 &"),
    ]
    quiet, _writer = run_checks(asked, ONCE, Watch(0, 0.1))
    assert not quiet.passed
    assert quiet.why.endswith("with the pattern")
