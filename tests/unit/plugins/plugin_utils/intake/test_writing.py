# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proposal as a register's text, and the whole register as JSON: our own reader takes each for what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.exporting import register_json
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.proposal import Proposal, Proposed, Raw, propose
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.writing import inline, register_text
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.reading import read_yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.register import REGISTER
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site
from hypothesis import example, given
from hypothesis import strategies as st

from tests.site_cases import EXAMPLE, GOOD, Case

# What can stand in a file of UTF-8 at all.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ATOMS = TEXT | st.integers(-(2**53), 2**53) | st.booleans()
VALUES = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(VALUES)
@example("no")
@example("on")
@example("0644")
@example("22:30")
@example("1e3")
@example("a\u2028b\u0085c")
@example("\ufffe\U0001f600")
@example({"yes": "null", "=": "<<"})
def test_a_value_is_read_back_as_it_was_by_us_and_by_another_reader(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    file = tmp_path_factory.mktemp("value") / "value.yml"
    file.write_text(f"value: {inline(value)}\n", encoding="utf-8", newline="")
    assert read_yaml(file) == {"value": value}
    assert yaml.safe_load(file.read_text(encoding="utf-8")) == {"value": value}


@pytest.mark.parametrize("folder", [EXAMPLE, GOOD], ids=["example", "good"])
def test_a_register_written_as_json_is_the_same_register(folder: Path, tmp_path: Path) -> None:
    if not folder.is_dir():
        pytest.skip("only a checkout has the example")
    site = load_site(folder, PRODUCT)
    text = register_json(site)
    case = Case("", "", [{"file": "holdfast.yml", "put": text}], [], folder)
    again = load_site(case.lay_out(tmp_path), PRODUCT)
    for name in ("items", "assets", "vendors", "data_flows", "segments", "clusters", "register_version"):
        assert getattr(again, name) == getattr(site, name), name
    assert json.loads(text)["plugin"] == "holdfast.hipaa.register"
    assert register_json(again) == text


def test_what_is_whole_is_a_register_and_what_is_not_says_what_is_missing(tmp_path: Path) -> None:
    facts = {
        "kind": "application", "owner": "office", "location": "cloud", "environment": "production",
        "exposure": "internet", "data_class": "internal", "tier": 2, "title": "on: # not a comment",
    }  # fmt: skip
    proposal = propose([Raw("a.csv:2", "mail", facts), Raw("a.csv:3", "web-1", {"kind": "server"})], {}, ())
    text = register_text(proposal, "a.csv\nplugin: evil")
    assert "# Proposed from a.csv?plugin: evil. " in text
    assert "  # missing: owner, environment, data_class, tier, ring, address, baselines, location, exposure\n" in text
    (tmp_path / "holdfast.yml").write_text(text, encoding="utf-8")
    data = read_yaml(tmp_path / "holdfast.yml")
    assert data["items"] == [{"id": "mail", **facts}]
    assert {fault.where for fault in REGISTER.faults(data)} == {"assets[0]"}


def test_a_note_of_a_stranger_stays_in_its_comment() -> None:
    one = Proposed("x.csv:2\nassets: []", "items", {"id": "mail"}, (), ("line\nitems: []\u2028more",))
    lines = register_text(Proposal(new=(one,)), "x").splitlines()
    assert [line for line in lines if line.startswith("items")] == ["items:"]
    assert "  # line?items: []?more" in lines
