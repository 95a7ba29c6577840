# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register of a whole company: what it holds, what it refuses and in which words, and what its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.asset import Asset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.dataflow import DataFlow
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.item import KINDS, Item
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.problems import SiteFilesError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.reading import read_yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.register import REGISTER
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.vendor import Vendor

from tests.site_cases import EXAMPLE, Case, cases, register_cases

SCHEMA = PRODUCT / "docs" / "reference" / "holdfast.schema.json"

pytestmark = pytest.mark.skipif(
    not EXAMPLE.is_dir(), reason="the built collection carries its tests, but no inventories"
)


@pytest.fixture(scope="module")
def site() -> Site:
    return load_site(EXAMPLE, PRODUCT)


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **REGISTER.schema()}
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def test_the_example_holds_thirty_items_of_all_kinds_and_half_are_hosts(site: Site) -> None:
    assert len(site.items) == 30
    assert {item.kind for item in site.items} == set(KINDS)
    assert [item.id for item in site.items if item.managed] == [asset.id for asset in site.assets]
    assert len(site.assets) == 15
    assert all(item.location and item.exposure for item in site.items)


def test_an_item_is_found_by_its_id_whether_a_play_reaches_it_or_not(site: Site) -> None:
    assert site.item("sftp-1") is site.asset("sftp-1")
    assert site.item("claims-gateway").vendor == "clearinghouse"
    assert site.vendors["clearinghouse"].patch_days == {"critical": 2, "high": 5, "medium": 30}
    with pytest.raises(SiteError, match="no asset claims-gateway"):
        site.asset("claims-gateway")
    with pytest.raises(SiteError, match="no asset or item nobody; expected one of the register; add it"):
        site.item("nobody")


def test_an_asset_lies_in_the_segments_of_its_address_and_in_the_one_it_names(site: Site) -> None:
    assert site.asset("bill-db-1").segments == ("databases",)
    assert site.asset("laptop-billing-1").segments == ("remote",)
    assert site.item("identity").segments == ()
    assert "segment_databases" in site.asset("bill-db-1").groups
    assert {"kind_endpoint", "exposure_none", "location_office_main"} <= {*site.asset("desk-coding-1").groups}


def test_an_item_has_its_own_window_and_a_host_those_of_its_ring(site: Site, tmp_path: Path) -> None:
    assert site.windows_of(site.item("core-switch")) == ("sunday-night",)
    assert site.windows_of(site.item("mail")) == ()
    rings = (PRODUCT / "policy/rings.yml").read_text(encoding="utf-8")
    windows = rings.replace("  - name: production\n", "  - name: production\n    windows: [weekday-evening]\n")
    case = Case("", "", [{"file": "policy/rings.yml", "put": windows}], [], EXAMPLE)
    changed = load_site(case.lay_out(tmp_path), PRODUCT)
    assert changed.windows_of(changed.asset("sftp-1")) == ("weekday-evening",)
    assert changed.windows_of(changed.asset("test-1")) == ()


def test_what_is_read_can_be_written_and_read_again(site: Site) -> None:
    for asset in site.assets:
        assert Asset.from_dict(asset.to_dict(), site.segments) == asset
    for item in site.items[len(site.assets) :]:
        assert Item.from_dict(item.to_dict(), site.segments) == item
    for flow in site.data_flows:
        assert DataFlow.from_dict(flow.to_dict()) == flow
    for name, vendor in site.vendors.items():
        assert Vendor.from_dict(name, vendor.to_dict()) == vendor


def test_there_are_forty_damaged_registers_and_more() -> None:
    assert len(register_cases()) >= 40


@pytest.mark.parametrize("case", register_cases(), ids=lambda case: case.name)
def test_a_damaged_register_is_refused_with_every_mistake_named(case: Case, tmp_path: Path) -> None:
    with pytest.raises(SiteFilesError) as caught:
        load_site(case.lay_out(tmp_path), PRODUCT)
    assert [str(problem) for problem in caught.value.problems] == case.problems
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("case", [*register_cases(), *cases()], ids=lambda case: case.name)
def test_the_schema_refuses_what_the_register_shape_refuses_and_nothing_else(
    case: Case, validator: Any, tmp_path: Path
) -> None:
    try:
        data = read_yaml(case.lay_out(tmp_path) / "holdfast.yml")
    except SiteFilesError:
        return  # a text that YAML readers take for different things has no data to judge
    ours, theirs = [*REGISTER.faults(data)], [*validator.iter_errors(data)]
    assert bool(ours) == bool(theirs), f"ours {ours}, JSON Schema {theirs}"


def test_the_schema_takes_the_example(validator: Any) -> None:
    validator.validate(read_yaml(EXAMPLE / "holdfast.yml"))


def test_a_register_from_before_these_keys_stays_sound(validator: Any) -> None:
    old = read_yaml(PRODUCT / "inventories/demo/holdfast.yml")
    assert not [*REGISTER.faults(old)]
    validator.validate(old)
    assert [fault.found for fault in REGISTER.faults({**old, "version": 2})] == ["no location", "no exposure"] * 5
    assert not validator.is_valid({**old, "version": 2})


def test_the_published_schema_is_the_one_of_the_code() -> None:
    said = {"$schema": "https://json-schema.org/draft/2020-12/schema", **REGISTER.schema()}
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == said, (
        "run: holdfast check --schema holdfast > docs/reference/holdfast.schema.json"
    )
