# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register as Ansible's own inventory manager reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.template import is_trusted_as_template
from ansible_collections.holdfast.hipaa.plugins.inventory.register import InventoryModule

from tests.site_cases import EXAMPLE, GOOD, Case, case


@pytest.fixture(scope="module")
def inventory() -> InventoryManager:
    manager = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    plugin = InventoryModule()
    assert plugin.verify_file(str(GOOD / "holdfast.yml"))
    plugin.parse(manager._inventory, manager._loader, str(GOOD / "holdfast.yml"))
    manager._inventory.reconcile_inventory()
    return manager


def test_every_asset_is_a_host_in_the_registers_order(inventory: InventoryManager) -> None:
    assert [host.name for host in inventory.get_hosts("all")] == ["lab-1", "prod-1"]


@pytest.mark.parametrize(
    ("group", "hosts"),
    [
        ("ring_lab", ["lab-1"]),
        ("ring_production", ["prod-1"]),
        ("data_ephi", ["prod-1"]),
        ("tier_4", ["lab-1"]),
        ("baseline_clinic_server", ["lab-1", "prod-1"]),
        ("holdfast_none", []),
    ],
)
def test_groups_come_from_the_assets(group: str, hosts: list[str], inventory: InventoryManager) -> None:
    assert [host.name for host in inventory.groups[group].get_hosts()] == hosts


def test_a_host_knows_its_address_its_asset_its_ring_and_its_values(inventory: InventoryManager) -> None:
    values = inventory.get_host("prod-1").vars
    assert values["ansible_host"] == "prod-1.example.org"
    assert values["ansible_user"] == "root"
    assert values["holdfast_asset"] == "prod-1"
    assert values["holdfast_ring"] == "production"
    assert inventory.get_host("lab-1").vars["ssh_client_alive_interval"] == 300


@pytest.mark.parametrize(("ends", "value"), [("2999-12-31T00:00:00Z", None), ("2026-01-01T00:00:00Z", 300)])
def test_a_waived_control_leaves_its_role_without_a_value(ends: str, value: int | None, tmp_path: Path) -> None:
    edits = [
        {"file": "exceptions.yml", "find": "2027-03-31T18:00:00+02:00", "put": ends},
        {"file": "exceptions.yml", "find": "    first_due: 2026-10-01T00:00:00Z\n", "put": ""},
    ]
    register = Case("", "", edits, []).lay_out(tmp_path) / "holdfast.yml"
    manager = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    InventoryModule().parse(manager._inventory, manager._loader, str(register))
    assert manager.get_host("prod-1").vars["ssh_client_alive_interval"] == value


def test_only_connection_variables_may_be_templates(inventory: InventoryManager) -> None:
    values = inventory.get_host("prod-1").vars
    assert is_trusted_as_template(values["ansible_become_password"])
    assert not is_trusted_as_template(values["ssh_permit_root_login"])


@pytest.mark.parametrize("name", ["holdfast.yml", "holdfast.yaml"])
def test_the_plugin_takes_every_file_of_the_registers_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")  # even an empty one: it is a mistake to report
    assert InventoryModule().verify_file(str(tmp_path / name))


def test_the_plugin_leaves_other_inventories_alone(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("plugin: holdfast.hipaa.register\n")
    assert not InventoryModule().verify_file(str(tmp_path / "hosts.yml"))


def test_a_spoiled_site_adds_no_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = case("asset-without-owner").lay_out(tmp_path)
    manager = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    with pytest.raises(AnsibleError, match="refused for the problems listed above"):
        InventoryModule().parse(manager._inventory, manager._loader, str(folder / "holdfast.yml"))
    assert manager.get_hosts("all") == []
    assert "holdfast.yml:4: assets[0]: no owner" in capsys.readouterr().err


@pytest.fixture(scope="module")
def company() -> InventoryManager:
    manager = InventoryManager(loader=DataLoader(), sources=None, parse=False)
    InventoryModule().parse(manager._inventory, manager._loader, str(EXAMPLE / "holdfast.yml"))
    manager._inventory.reconcile_inventory()
    return manager


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="only a checkout has the example")
@pytest.mark.parametrize(
    ("group", "hosts"),
    [
        ("kind_endpoint", ["desk-coding-1", "laptop-billing-1"]),
        ("environment_pilot", ["stage-1"]),
        ("exposure_internet", ["portal-1"]),
        ("exposure_partner", ["sftp-1"]),
        ("location_office_main", ["desk-coding-1"]),
        ("segment_databases", ["bill-db-1", "bill-db-2"]),
        ("segment_remote", ["laptop-billing-1"]),
        ("data_none", ["test-1"]),
        ("tier_2", ["scan-1"]),
        ("ring_lab", ["test-1"]),
    ],
)
def test_groups_come_from_what_the_register_says_of_a_company(
    group: str, hosts: list[str], company: InventoryManager
) -> None:
    assert [host.name for host in company.groups[group].get_hosts()] == hosts


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="only a checkout has the example")
def test_no_play_can_be_pointed_at_an_item_that_is_no_host(company: InventoryManager) -> None:
    assert len(company.get_hosts("all")) == 15
    for name in ("claims-gateway", "edge-firewall", "mail"):
        assert company.get_host(name) is None
    assert "kind_integration" not in company.groups
