# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller dies at each phase of a wave: the next run finds out where hosts are, and finishes or goes back."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults import matrix
from tests.faults.case import Case
from tests.faults.toyd import OLD, WRONG

KILLED = "controller killed"


def at_task(case: Case, pattern: str, when: str, *, nth: int = 1, after: float = 0.3) -> matrix.Row:
    """Kill the controller when a task that fits has begun on a host, and judge the next run."""
    code = case.run(**case.trip(pattern, nth=nth, after=after))
    assert case.tripped, case.said()
    assert code < 0, case.said()
    row = case.finish(KILLED, when)
    assert set(row.hosts.values()) == {"on the plan"}
    return row


def test_killed_while_the_gate_is_asked(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.gate:", "while the gate is asked", after=0)


def test_killed_while_staging(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.package_stage:", "while it stages")


def test_killed_at_the_first_look_at_health(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.health:", "at the first look at health")


@pytest.mark.parametrize("script", ["preinst", "postinst"])
def test_killed_while_dpkg_works(case: Case, script: str) -> None:
    case.prepare()
    case.hold(script)
    process = case.start()
    case.reached(script)
    case.kill(process)
    case.release(script)
    case.finish(KILLED, "while dpkg unpacks" if script == "preinst" else "while dpkg configures")


def test_killed_while_services_restart(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.service_restarts:", "while services restart")


def test_killed_while_the_host_reboots(case: Case) -> None:
    case.prepare()
    case.inside("touch /etc/toy-reboot")
    at_task(case, r"hipaa\.boot:", "while the host reboots", after=2.0)
    assert case.inside("ls /run").find("reboot-required") < 0


def test_killed_at_the_second_look_at_health(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.health:", "at the second look at health", nth=2)


def test_killed_while_versions_are_compared(case: Case) -> None:
    case.prepare()
    at_task(case, r"hipaa\.verify_packages:", "while versions are compared")


def test_killed_when_all_is_verified_and_the_run_not_closed(case: Case) -> None:
    case.prepare()
    row = at_task(case, r"hipaa\.lease:", "when all is verified", nth=2, after=0.01)
    assert row.then == "took over, verified", "nothing is left to do, and yet somebody has to close"
    assert row.audit.startswith("clean")


def test_killed_while_a_host_is_taken_back(case: Case) -> None:
    case.prepare(to=WRONG)
    case.hold("postinst", OLD)
    process = case.start()
    case.reached("postinst", OLD)
    case.kill(process)
    case.release("postinst", OLD)
    row = case.finish(KILLED, "while a host is taken back")
    assert set(row.hosts.values()) == {"back"}


def test_killed_between_two_waves(case: Case) -> None:
    case.prepare("one", "two")
    at_task(case, r"hipaa\.gate:", "between two waves", nth=2, after=0)
    deploys = [s["predicate"]["step"] for s in case.site.records() if s["predicateType"].endswith("deploy/v1")]
    told = [result["asset"] for body in deploys for result in body["results"] if result["products"]]
    assert told == ["one", "two"], "the verified host is not repeated"


def test_a_second_controller_starts_meanwhile(case: Case) -> None:
    case.prepare()
    case.hold("postinst")
    process = case.start()
    case.reached("postinst")
    other = case.site.play("patch", "-e", f"change={case.change}")
    assert other.returncode == 3, other.stdout + other.stderr
    case.release("postinst")
    assert case.end(process) == 0, case.said()
    case.finish("second controller", "while the first one installs")


@pytest.mark.parametrize("when", ["at the start", "while dpkg works"])
def test_the_ledger_takes_no_record(case: Case, when: str) -> None:
    case.prepare()
    if when == "at the start":
        case.fill_ledger()
        assert case.run() == 3
    else:
        case.hold("postinst")
        process = case.start()
        case.reached("postinst")
        case.fill_ledger()
        case.release("postinst")
        assert case.end(process) == 3, case.said()
    case.free_ledger()
    row = case.finish("ledger unwritable", when)
    assert set(row.hosts.values()) == {"on the plan"}


@pytest.mark.parametrize(
    ("seconds", "dies", "tells"),
    [
        (172800, False, ("time-future",)),
        (172800, True, ("time-future", "time-backwards")),
        (-7200, False, ("time-backwards",)),
    ],
    ids=["ahead", "ahead-and-dies", "back"],
)
def test_the_controllers_clock_jumps(
    case: Case, clock: dict[str, str], seconds: int, dies: bool, tells: tuple[str, ...]
) -> None:
    case.prepare(*(["one", "two"] if dies else []))
    case.hold("postinst")
    # It dies when what it did to the first host is on record, at the wrong time.
    dying = case.trip(r"hipaa\.gate:", nth=2) if dies else {}
    process = case.start(**clock, **dying)
    case.reached("postinst")
    Path(clock["CLOCK_SHIFT"]).write_text(str(seconds), encoding="ascii")
    case.release("postinst")
    assert case.end(process) == (-signal.SIGKILL if dies else 0), case.said()
    jump = "two days ahead" if seconds > 0 else "two hours back"
    when = f"{jump}, while dpkg configures{', and it dies between two waves' if dies else ''}"
    # The clock is right again in the next run.
    row = case.finish("controller's clock jumps", when, tells=tells)
    assert set(row.hosts.values()) == {"on the plan"}


def test_the_approval_ends_between_two_waves(case: Case) -> None:
    case.prepare("one", "two", approvals=1)
    case.approve()
    case.run(**case.trip(r"hipaa\.gate:", case.withdraw(), nth=2))
    assert case.tripped, case.said()
    assert "The gate is shut for two" in case.said()
    row = case.finish("approval gone", "between two waves")
    assert row.hosts == {"one": "on the plan", "two": "back"}
    case.approve()
    assert case.run() == 0, case.said()
    assert [case.state(host) for host in case.hosts] == ["on the plan", "on the plan"]
