# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from Ansible inventories, as the real ansible-inventory lists them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.inventory_listing import NoInventoryError, listed
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.ansible_list import raws_of, read_rule
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.proposal import Proposal, propose

INVENTORY = """
[web]
web1.example.org ansible_host=192.0.2.11
web2 ansible_host="{{ lookup('env', 'X') }}"

[db]
192.0.2.65 ansible_password=hunter2 ansible_become_password="{{ lookup('env', 'B') }}"

[switches]
core ansible_host=192.0.2.158 ansible_network_os=arista.eos.eos

[ring_production:children]
web
db

[all:vars]
ansible_user=deploy
ansible_port=2222
app_secret=hunter2

[db:vars]
ansible_user=dba
"""


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inventory") / "hosts.ini"
    path.write_text(INVENTORY, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(inventory: Path) -> bytes:
    return listed(inventory)


@pytest.fixture(scope="module")
def exported(inventory: Path) -> bytes:
    program = Path(sys.executable).parent / "ansible-inventory"
    argv = [str(program), "-i", str(inventory), "--list", "--export"]
    environment = {**os.environ, "ANSIBLE_INVENTORY_ENABLED": "ini", "LC_ALL": "C.UTF-8"}
    return subprocess.run(argv, capture_output=True, check=True, timeout=120, env=environment).stdout


def proposal_of(data: bytes, *rules: str) -> Proposal:
    return propose(raws_of(data, "list.json", map(read_rule, rules)), {}, ())


@pytest.mark.parametrize("form", ["run", "exported"])
def test_hosts_come_with_their_connection_and_what_their_groups_say(form: str, request: pytest.FixtureRequest) -> None:
    proposal = proposal_of(request.getfixturevalue(form), "web:tier=2", "db:data_class=ephi")
    by_id = {one.id: one for one in proposal.new}
    assert {*by_id} == {"web1", "web2", "host-192-0-2-65", "core"}
    assert by_id["web1"].data == {
        "id": "web1", "kind": "server", "ring": "production", "address": "192.0.2.11", "tier": 2,
        "vars": {"ansible_user": "deploy", "ansible_port": 2222},
    }  # fmt: skip
    assert by_id["host-192-0-2-65"].data["vars"]["ansible_user"] == "dba"
    assert by_id["host-192-0-2-65"].data["data_class"] == "ephi"
    assert "ansible_host: is a template; write the address" in by_id["web2"].notes
    assert (by_id["core"].part, by_id["core"].data["kind"]) == ("items", "network-device")
    assert "vars" not in by_id["core"].data


@pytest.mark.parametrize("form", ["run", "exported"])
def test_a_secret_is_left_out_and_said_without_its_value(form: str, request: pytest.FixtureRequest) -> None:
    proposal = proposal_of(request.getfixturevalue(form))
    database = next(one for one in proposal.new if one.id == "host-192-0-2-65")
    assert "ansible_password" not in database.data["vars"]
    assert database.data["vars"]["ansible_become_password"] == "{{ lookup('env', 'B') }}"
    assert "ansible_password: a secret was left out; write a lookup of a vault or the environment" in database.notes
    assert "hunter2" not in json.dumps(proposal.to_dict())


def test_an_inventory_that_ansible_cannot_read_is_an_error_and_not_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("[unclosed\n", encoding="utf-8")
    with pytest.raises(NoInventoryError, match="ansible-inventory left with"):
        listed(tmp_path / "hosts.yml")
    with pytest.raises(UsageError, match="no such file or folder; expected an Ansible inventory"):
        listed(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found no JSON to rely on"),
        (b"{}", "no _meta.hostvars; expected an inventory as Ansible lists it"),
        (b'{"_meta": {"hostvars": []}}', "no _meta.hostvars"),
        (b'{"_meta": {"hostvars": {}}, "_meta": {}}', "stands twice in one object"),
        (b'{"_meta": {"hostvars": ' + b'{"x": ' * 30 + b"{}" + b"}" * 32, "nests deeper than 24 levels"),
        (json.dumps({"_meta": {"hostvars": {str(n): {} for n in range(20_001)}}}).encode(), "20001 hosts"),
    ],
)
def test_what_is_no_list_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        raws_of(data, "list.json", [])
    assert message in str(caught.value)
    assert str(caught.value).startswith("list.json: ")


def test_groups_in_a_circle_and_memberships_beyond_all_measure_end() -> None:
    circle: dict[str, Any] = {
        "_meta": {"hostvars": {"a": {}}},
        "all": {"children": ["one"]},
        "one": {"children": ["two"], "hosts": ["a"]},
        "two": {"children": ["one", "nowhere"]},
    }
    assert [raw.name for raw in raws_of(json.dumps(circle).encode(), "x", [])] == ["a"]
    hosts = [f"h{number}" for number in range(2_000)]
    deep = {f"g{number}": {"children": [f"g{number + 1}"], "hosts": hosts} for number in range(300)}
    with pytest.raises(UsageError, match="more memberships than any inventory has"):
        raws_of(json.dumps({"_meta": {"hostvars": {}}, **deep}).encode(), "x", [])


def test_a_group_that_is_not_there_is_refused_by_name(run: bytes) -> None:
    with pytest.raises(UsageError, match=r"--group webb: list.json has no such group; expected one of all, "):
        proposal_of(run, "webb:tier=2")
    for text in ("web", "web:tier", "web:colour=red", "web:id=x", ":tier=2"):
        with pytest.raises(ValueError, match="is no GROUP:KEY=VALUE"):
            read_rule(text)
