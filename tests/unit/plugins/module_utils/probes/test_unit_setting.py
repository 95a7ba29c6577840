# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unit's setting is what systemd has loaded; files that it has not read yet are said."""

from __future__ import annotations

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes import unit, unit_setting
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._common import BadArgumentError

SHOWN = """LoadState=loaded
NeedDaemonReload=no
ProtectSystem=strict
RootImage=

LoadState=not-found
NeedDaemonReload=no
ProtectSystem=no

LoadState=loaded
NeedDaemonReload=yes
ProtectSystem=strict
"""
STATE = unit.parse(SHOWN, ["a.service", "gone.service", "late.service"])


@pytest.mark.parametrize(
    ("name", "setting", "status", "actual"),
    [
        ("a.service", "ProtectSystem", "observed", "strict"),
        ("a.service", "RootImage", "observed", None),
        ("a.service", "Magic", "not_applicable", None),
        ("gone.service", "ProtectSystem", "not_applicable", None),
        ("late.service", "ProtectSystem", "observed", ["strict", "files not read yet"]),
    ],
)
def test_a_setting_is_what_systemd_has_loaded(name, setting, status, actual):
    assert unit_setting.answer({"name": name, "setting": setting}, STATE)[:2] == (status, actual)


@pytest.mark.parametrize(
    "argument",
    ["a.service", {"name": "a.service"}, {"name": "a", "setting": "X"}, {"name": "-a.service", "setting": "X"},
     {"name": "a.service", "setting": "X Y"}],
)  # fmt: skip
def test_a_question_it_cannot_answer_is_refused(argument):
    with pytest.raises(BadArgumentError):
        unit_setting.check(argument)
