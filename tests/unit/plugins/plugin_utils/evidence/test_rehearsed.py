# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rehearsed way back, and what still runs replaced files, as the page's waves tell of them."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.waves import ROLLED_BACK, VERIFIED, read_waves

from tests.unit.plugins.plugin_utils.evidence.story import Story

STEP = {"name": "claimsd", "from": "1.0", "to": "1.2"}


def test_a_rehearsal_is_a_turn_that_ends_at_the_plan_and_says_how_long_the_way_back_takes(story: Story) -> None:
    host = story.hosts[0]
    run = story.open("rehearse", [host], mode="apply")
    story.deploy(run, [(host, "changed", 8_000)], story.ring[host], [STEP])
    story.look(run, "version", None, {host: "pass"})
    back = {"asset": host, "result": "restored", "products": [{**STEP, "from": "1.2", "to": "1.0"}], "ms": 4_200}
    story.recorder.rollback(story.keys["controller"], run, trigger="rehearsal", results=[back])
    ((turn,),) = (wave.turns for wave in read_waves(story.records(), story.ring))
    assert (turn.result, turn.rehearsed_ms) != (VERIFIED, 4_200)  # half-way it proves nothing
    story.look(run, "version", "before", {host: "pass"})
    story.deploy(run, [(host, "changed", 9_000)], story.ring[host], [STEP])
    story.look(run, "version", None, {host: "pass"})
    story.look(run, "running", None, {host: "fail"})
    ((turn,),) = (wave.turns for wave in read_waves(story.records(), story.ring))
    assert (turn.result, turn.rehearsed_ms, turn.running) == (VERIFIED, 4_200, "fail")


def test_a_rehearsal_whose_way_back_failed_is_told_as_such(story: Story) -> None:
    host = story.hosts[0]
    run = story.open("rehearse", [host], mode="apply")
    story.deploy(run, [(host, "changed", 8_000)], story.ring[host], [STEP])
    story.recorder.rollback(
        story.keys["controller"], run, trigger="rehearsal",
        results=[{"asset": host, "result": "failed", "products": [], "ms": 1}],
    )  # fmt: skip
    ((turn,),) = (wave.turns for wave in read_waves(story.records(), story.ring))
    assert (turn.rollback, turn.result == ROLLED_BACK) == ("failed", False)
