# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from NetBox's answers, saved ones here: what becomes of each field, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.netbox import raws_of, read_page, read_role
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.proposal import MOST, Proposal, propose

from tests.site_cases import CASES

ANSWERS = CASES / "netbox"


def results(*names: str) -> list[tuple[str, dict[str, Any]]]:
    files = [ANSWERS / f"{name}.json" for name in names]
    return [(file.name, one) for file in files for one in read_page(file.read_bytes(), file.name)[0]]


@pytest.fixture(scope="module")
def proposal() -> Proposal:
    found = results("devices", "virtual-machines", "ip-addresses")
    return propose(raws_of(found, {"patch-panel": "skip"}), {}, ())


def test_devices_that_are_not_there_or_skipped_are_not_proposed(proposal: Proposal) -> None:
    assert [one.id for one in proposal.new] == [
        "edge-fw-01",
        "core-sw-01",
        "db-01",
        "bill-app-1",
        "two-homed",
        "lonely",
    ]
    assert [(told.where, told.why) for told in proposal.rejected] == [
        ("devices.json dcim/devices 6", "has no name; give it one")
    ]


def test_a_device_with_tags_or_custom_fields_is_whole(proposal: Proposal) -> None:
    firewall, switch = proposal.new[:2]
    assert firewall.part == "items"
    assert firewall.missing == ()
    assert firewall.data == {
        "id": "edge-fw-01", "kind": "network-device", "title": "Firewall at the edge", "owner": "Network",
        "location": "datacenter-east", "environment": "production", "exposure": "internet", "data_class": "ephi",
        "tier": 1, "address": "192.0.2.126", "product": {"vendor": "Network Maker Example", "name": "Edge 200"},
    }  # fmt: skip
    assert firewall.notes == ('kind network-device after its role the text "firewall"',)
    assert (switch.data["tier"], switch.data["exposure"], switch.missing) == (1, "internal", ())


def test_an_address_comes_from_the_only_interface_where_none_is_primary(proposal: Proposal) -> None:
    by_id = {one.id: one for one in proposal.new}
    assert by_id["db-01"].data["address"] == "192.0.2.65"
    assert "its only address, for it has no primary one" in by_id["db-01"].notes
    assert "address" in by_id["two-homed"].missing
    assert "no primary address among 192.0.2.50, 192.0.2.51" in by_id["two-homed"].notes
    assert "address" in by_id["lonely"].missing, "a deprecated address is none"


def test_a_machine_is_a_host_and_says_what_it_lacks(proposal: Proposal) -> None:
    machine = next(one for one in proposal.new if one.id == "bill-app-1")
    assert machine.part == "assets"
    assert (machine.data["ring"], machine.data["tier"], machine.data["data_class"]) == ("production", 1, "ephi")
    assert machine.missing == ("environment", "baselines", "exposure")
    lonely = next(one for one in proposal.new if one.id == "lonely")
    assert 'tier: the text "low"; expected a tier, 1 (most critical) to 4; left out' in lonely.notes


def test_a_role_may_be_given_its_kind() -> None:
    found = raws_of(results("devices"), {"patch-panel": "network-device", "database-server": "server"})
    assert [raw.facts["kind"] for raw in found if raw.name in ("PP:B117", "db_01.example.org")] == [
        "network-device",
        "server",
    ]
    unknown = next(raw for raw in raws_of(results("devices"), {}) if raw.name == "PP:B117")
    assert unknown.notes == ('its role the text "patch-panel" is of no kind known here',)
    assert read_role("patch-panel=skip") == ("patch-panel", "skip")
    with pytest.raises(ValueError, match="is no ROLE=KIND; kinds are server, "):
        read_role("patch-panel=cabinet")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found no JSON to rely on"),
        (b"<html>", "found no JSON to rely on"),
        (b'{"detail": "Invalid token"}', "found no results"),
        (b'{"results": [1]}', "found no results"),
        (b'{"results": [], "results": []}', "stands twice in one object"),
        (b"[" * 100_000, "nests deeper than 24 levels"),
        (b"[" * 30 + b"]" * 30, "nests deeper than 24 levels"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_page(data, "devices.json")
    assert message in str(caught.value)
    assert str(caught.value).startswith("devices.json: ")


@pytest.mark.parametrize("url", [None, 7, "", "https://netbox.example.org/api/dcim/sites/1/", "x" * 5000])
def test_a_result_of_another_kind_is_refused(url: Any) -> None:
    with pytest.raises(UsageError, match="without the url of a device, virtual machine or IP address"):
        raws_of([("x", {"url": url, "name": "x"})], {})


def test_more_devices_than_a_register_holds_are_refused() -> None:
    one = {"url": "https://netbox.example.org/api/dcim/devices/1/", "name": "x"}
    with pytest.raises(UsageError, match="more than 20000 devices"):
        raws_of((("x", one) for _count in range(MOST + 1)), {})


WRONG: tuple[Any, ...] = (
    None,
    0,
    True,
    "",
    "\x00\n",
    "x" * 100_000,
    [],
    [[]],
    {},
    {"slug": 1, "name": [], "value": {}},
)


@pytest.mark.parametrize("name", ["devices", "virtual-machines", "ip-addresses"])
def test_no_wrong_value_of_any_field_breaks_the_import(name: str, tmp_path: Path) -> None:
    for place, (_where, one) in enumerate(results(name)):
        for key in [key for key in one if key != "url"]:
            for wrong in WRONG:
                proposal = propose(raws_of([("x", {**one, key: wrong})], {}), {}, ())
                for new in proposal.new:
                    assert "\n" not in json.dumps(new.to_dict(), ensure_ascii=False), (place, key)
