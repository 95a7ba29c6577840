# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every history of a change: consent only helps, lost evidence and passing time never do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.rings import BUDGETED
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.decision import decide
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Decision, Question
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from tests.change_cases import REGISTER, Book, plan, policy, when

PLAN = plan()
RINGS = ("lab", "pilot", "production")
PEOPLE = ("ops", "controller", "ana", "ben", "cleo")
Event = dict[str, dict[str, Any]]


def _event(word: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries(fields).map(lambda arguments: {word: arguments})


rings = st.lists(st.sampled_from(RINGS), min_size=1, unique=True)
assets = st.lists(st.sampled_from(sorted(REGISTER)), min_size=1, unique=True)
runs = st.sampled_from(["run_1", "run_2"])
times = st.integers(0, 14 * 24).map(lambda hours: when("2026-11-21 00:00") + timedelta(hours=hours))
approvals = st.fixed_dictionaries(
    {"by": st.sampled_from(PEOPLE), "rings": rings, "until": times, "at": times},
    optional={"plan": st.just("another plan"), "request": st.just("another request")},
).map(lambda arguments: {"approve": arguments})
sights = _event(
    "see",
    run=runs,
    kind=st.sampled_from(["version", "health"]),
    assets=assets,
    verdict=st.sampled_from(["pass", "pass", "fail"]),
    by=st.sampled_from(["checker", "controller"]),
)
whole = st.sampled_from(RINGS).map(
    lambda ring: {"done": {"run": f"run_{ring}", "assets": [a for a, r in REGISTER.items() if r == ring]}}
)
events = st.lists(
    st.one_of(
        approvals,
        approvals,
        sights,
        whole,
        whole,
        _event("reject", by=st.sampled_from(PEOPLE), rings=rings),
        _event("open", run=runs),
        _event("deploy", run=runs, assets=assets),
        _event("close", run=runs),
        _event("roll_back", run=runs, assets=assets),
        _event("roll_back", run=runs, assets=assets, trigger=st.sampled_from(["failed", "request", "rehearsal"])),
        _event("deploy", run=runs, assets=assets, outcome=st.sampled_from(["failed", "unreachable", "skipped"])),
        _event("halt", by=st.sampled_from(PEOPLE), rings=rings, action=st.sampled_from(["stop", "go"])),
    ),
    max_size=12,
)
# Without a way to success most histories are denied, and the properties would hold for want of an allowed one.
ready: list[Event] = [
    {"approve": {"by": "ana"}},
    {"approve": {"by": "ben"}},
    {"done": {"run": "run_lab", "assets": ["lab-1"]}},
    {"done": {"run": "run_pilot", "assets": ["pilot-1"]}},
]
histories = st.one_of(events, events.map(lambda more: [*ready, *more]), events.map(lambda more: [*more, *ready]))


OFFICES = {"ana": ["security", "compliance-officer"], "ben": ["compliance-officer"], "ops": ["security"]}
WANTED = {"offices": ["security"], "sign_off": "required"}
"""What the properties about offices ask of every ring: `ana` alone could fill either seat, and never both."""


def ask(history: list[Event], ring: str, now: Any, budget: int = 0, **more: Any) -> Decision:
    """Ask about the first host of a ring after this history; the dead runs are taken over. `more` is of each ring."""
    book = Book(PLAN).write([{"request": {"until": "2026-12-01 00:00"}}, *history])
    state = book.state(OFFICES, ["164.312(d)"] if more else (), health_required=["pilot-1"])
    assert state is not None
    return decide(
        Question(
            kind="patch",
            mode="apply",
            now=now,
            policy=policy([{"name": one, "failure_budget": dict.fromkeys(BUDGETED, budget), **more} for one in RINGS]),
            register=REGISTER,
            assets=frozenset({next(a for a, r in REGISTER.items() if r == ring)}),
            on_record=True,
            implementer="controller",
            run_id="run_now",
            resumes=frozenset(run.run_id for run in state.open_runs),
            ring=ring,
            wave=1,
            plan=PLAN,
            change=state,
        )
    )


@given(histories, approvals, st.data(), st.sampled_from(RINGS), times)
def test_an_approval_never_turns_yes_into_no(
    history: list[Event], approval: Event, data: st.DataObject, ring: str, now: Any
) -> None:
    """Whoever approves, whatever it names, wherever it stands."""
    before = ask(history, ring, now)
    event(f"before: {before.allowed}")
    assume(before.allowed)
    place = data.draw(st.integers(0, len(history)))
    after = ask([*history[:place], approval, *history[place:]], ring, now)
    assert after.allowed, after.lines()


@given(histories, st.data(), st.sampled_from(RINGS), times)
@example(history=ready, data=None, ring="production", now=when("2026-11-21 09:00"))
def test_losing_an_approval_or_a_pass_never_turns_no_into_yes(
    history: list[Event], data: Any, ring: str, now: Any
) -> None:
    """What speaks for a change is needed: without it the answer is no better."""

    def speaks_for(one: Event) -> bool:
        return "approve" in one or one.get("see", {}).get("verdict") == "pass"

    places = [i for i, one in enumerate(history) if speaks_for(one)]
    # An approval may lift a rejection by the same person; without it the rejection stands, which is no better either.
    for place in places:
        before = ask(history, ring, now)
        after = ask([*history[:place], *history[place + 1 :]], ring, now)
        assert before.allowed or not after.allowed, (history[place], before.lines())


@given(histories, st.sampled_from(RINGS), times, st.integers(1, 2000))
def test_time_alone_never_turns_no_into_yes(history: list[Event], ring: str, now: Any, hours: int) -> None:
    """Approvals and requests only age."""
    before, after = ask(history, ring, now), ask(history, ring, now + timedelta(hours=hours))
    assert before.allowed or not after.allowed, before.lines()
    assert set(before.rules) <= set(after.rules)


@given(histories, st.sampled_from(RINGS), times)
@settings(max_examples=200)
def test_yes_means_what_the_policy_says(history: list[Event], ring: str, now: Any) -> None:
    """Restates the main promises without the engine's own code, over the events themselves."""
    decision = ask(history, ring, now)
    event(f"{ring}: {decision.allowed}")
    if not decision.allowed:
        return
    back = [one["roll_back"].get("trigger", "health") for one in history if "roll_back" in one]
    assert set(back) <= {"rehearsal"}
    halts = [one["halt"] for one in history if "halt" in one and ring in one["halt"]["rings"]]
    assert not halts or halts[-1]["action"] == "go"
    people = {
        one["approve"]["by"]
        for one in history
        if "approve" in one
        and ring in one["approve"].get("rings", RINGS)
        and not {"plan", "request"} & set(one["approve"])
        and when(one["approve"].get("until", "2026-12-20 00:00")) > now
    }
    assert len(people - {"ops", "controller"}) >= (2 if ring == "production" else 1)
    if ring != "lab":
        earlier = {"pilot": "lab-1", "production": "pilot-1"}[ring]
        assert any(earlier in one.get("done", one.get("see", {"assets": []}))["assets"] for one in history), (
            "the ring before was never seen"
        )


def test_the_ready_history_is_allowed_so_the_properties_are_about_something() -> None:
    """Guards the generators: production is allowed after `ready`."""
    assert ask(ready, "production", when("2026-11-21 09:00")).allowed
    assert not ask(ready[1:], "production", when("2026-11-21 09:00")).allowed
    assert replace(ask(ready[1:], "production", when("2026-11-21 09:00")), reasons=()).allowed


@given(histories, st.sampled_from(RINGS), times, st.integers(0, 3), st.integers(1, 3))
@settings(max_examples=200)
def test_enduring_more_never_turns_yes_into_no(
    history: list[Event], ring: str, now: Any, least: int, more: int
) -> None:
    """A larger budget lets more happen, never less, but for a change that it finishes: nothing is left to do there."""
    before, after = ask(history, ring, now, least), ask(history, ring, now, least + more)
    assume(before.allowed)
    assert set(after.rules) <= {"change-closed"}, after.lines()


@given(histories, st.sampled_from(RINGS), times, st.sampled_from(PEOPLE))
@settings(max_examples=200)
def test_a_stop_order_is_always_heard_and_go_never_helps_beyond_it(
    history: list[Event], ring: str, now: Any, by: str
) -> None:
    """Whatever the history, a stop at its end shuts the gate; lifting it brings back what was there, no more."""
    stopped = ask([*history, {"halt": {"by": by, "rings": [ring]}}], ring, now)
    assert "stop-order" in stopped.rules
    lifted = ask([*history, {"halt": {"by": by, "rings": [ring], "action": "go"}}], ring, now)
    assert set(stopped.rules) - {"stop-order"} == set(lifted.rules)


@given(histories, approvals, st.data(), st.sampled_from(RINGS), times)
def test_an_approval_never_turns_yes_into_no_where_offices_are_wanted(
    history: list[Event], approval: Event, data: st.DataObject, ring: str, now: Any
) -> None:
    """Whoever approves besides, and whichever office they hold, nobody who sat is unseated."""
    before = ask(history, ring, now, **WANTED)
    event(f"before: {before.allowed}")
    assume(before.allowed)
    place = data.draw(st.integers(0, len(history)))
    after = ask([*history[:place], approval, *history[place:]], ring, now, **WANTED)
    assert after.allowed, after.lines()


@given(histories, st.sampled_from(RINGS), times)
@example(history=ready, ring="production", now=when("2026-11-21 09:00"))
def test_losing_evidence_never_turns_no_into_yes_where_offices_are_wanted(
    history: list[Event], ring: str, now: Any
) -> None:
    """Without an approval, or a pass, no seat is filled that was empty, and no rule falls silent."""
    before = ask(history, ring, now, **WANTED)
    for place, one in enumerate(history):
        if "approve" in one or one.get("see", {}).get("verdict") == "pass":
            after = ask([*history[:place], *history[place + 1 :]], ring, now, **WANTED)
            assert before.allowed or not after.allowed, (one, before.lines())


@given(histories, st.sampled_from(RINGS), times)
@example(history=ready, ring="production", now=when("2026-11-21 09:00"))
def test_wanting_offices_never_turns_no_into_yes(history: list[Event], ring: str, now: Any) -> None:
    """More is wanted, so the same histories are allowed or fewer; and only the two rules about offices object more."""
    plain, strict = ask(history, ring, now), ask(history, ring, now, **WANTED)
    assert plain.allowed or not strict.allowed
    assert set(strict.rules) - set(plain.rules) <= {"office-filled", "safeguard-signed-off"}


def test_the_ready_history_fills_both_seats() -> None:
    """Guards the properties about offices: with ana and ben it is allowed, without ben it is not."""
    assert ask(ready, "production", when("2026-11-21 09:00"), **WANTED).allowed
    without = ask([ready[0], *ready[2:]], "production", when("2026-11-21 09:00"), **WANTED)
    assert without.rules == ("approvals-enough", "safeguard-signed-off")
