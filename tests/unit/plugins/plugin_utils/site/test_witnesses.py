# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""site.yml: witnesses: a key that is not one is met when the site is read, not when a run ends."""

from __future__ import annotations

import re

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import LOG, WITNESS, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.witnesses import (
    WITNESSES,
    WitnessKey,
    WitnessSettings,
)

KEY = NoteKey("compliance.example.org", WITNESS, bytes(range(32))).written
URL = "https://witness.example.org/one"


def test_a_witness_with_and_without_an_address() -> None:
    data = [{"key": KEY, "url": URL}, {"key": KEY}]
    assert [*WITNESSES.faults(data)] == []
    assert re.search(WitnessKey().schema()["pattern"], KEY)
    assert WitnessSettings.from_list(data) == (WitnessSettings(KEY, URL), WitnessSettings(KEY))


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": KEY.replace("compliance", "complience")},
        {"key": KEY[:-2]},
        {"key": NoteKey("log", LOG, bytes(32)).written},
        {"key": 7},
        {"key": KEY, "url": "ftp://witness.example.org"},
        {"key": KEY, "url": f"{URL}/"},
        {"key": KEY, "url": f"{URL}?x=1"},
        {"url": URL},
    ],
)
def test_what_is_none_is_named(wrong: dict[str, object]) -> None:
    assert len([*WITNESSES.faults([wrong])]) == 1
