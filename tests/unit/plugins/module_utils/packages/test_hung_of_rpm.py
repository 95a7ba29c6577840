# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A script of rpm that hangs is ended alone, with what it started, and what waits for it goes on."""

from __future__ import annotations

from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.commands import run


def test_a_script_that_hangs_is_ended_and_the_rest_goes_on(tmp_path):
    script = tmp_path / "rpm-tmp.A1b2C3"
    script.write_text("sh -c 'while :; do sleep 0.1; done'\n", encoding="utf-8")
    whole = f"sh {script} 2; echo went on"
    done = run(["sh", "-c", whole], seconds=1, log=tmp_path / "log")
    assert done.hung == ("rpm (script)",)
    assert done.out.endswith("went on\n")
