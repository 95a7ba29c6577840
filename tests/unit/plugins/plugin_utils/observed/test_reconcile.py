# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Register, sweeps and facts are held against each other: what differs is one task, and the same one next time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.difference import memory, remembered
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.discovery import Discovery, Found
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.forms import ObservationError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.model import Observation
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.parts import (
    Account,
    Connection,
    Identity,
    Listener,
    Package,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.observed.reconcile import Reconciliation, reconcile
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site

from tests.site_cases import Case

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REGISTER = {
    "plugin": "holdfast.hipaa.register",
    "segments": {"servers": ["192.0.2.0/24"], "office": ["198.51.100.0/24"]},
    "assets": [
        {
            "id": f"billing-{number}", "kind": "server", "owner": "revenue-cycle", "ring": "lab", "tier": 1,
            "address": f"192.0.2.1{number}", "environment": "lab", "data_class": "ephi", "baselines": ["clinic-server"],
            "flows": [{"port": 22, "from": ["servers"]}, {"port": 443, "from": ["office"]}],
            "product": {"vendor": "x", "name": "claimsd", "version": "1.4"},
        }
        for number in (1, 2)
    ],
    "items": [{
        "id": "clearinghouse", "kind": "integration", "owner": "edi-desk", "environment": "production", "tier": 1,
        "data_class": "ephi", "location": "hosted", "exposure": "partner", "address": "203.0.113.7",
        "flows": [{"port": 443, "from": ["any"]}],
    }],
}  # fmt: skip
POLICY = {
    "sweep": [{"segment": "servers", "from": "billing-1"}],
    "connections": [{"port": 123, "protocol": "udp", "program": "chronyd"}],
    "listeners": [{"port": 9100, "program": "node_exporter"}],
}
ROSTER = {
    "roster": [
        {"id": "e-1001", "accounts": ["deploy"]},
        {"id": "e-1002", "accounts": ["leaver"], "ends": "2026-11-21"},
        {"id": "e-1003", "accounts": ["today"], "ends": "2026-11-22"},
        {"id": "e-1004", "accounts": ["elsewhere"], "assets": ["billing-2"]},
    ]
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Two hosts, one hosted item, a sweep and a roster."""
    edits = [
        {"file": name, "put": yaml.safe_dump(data)}
        for name, data in (("holdfast.yml", REGISTER), ("policy/inventory.yml", POLICY), ("roster.yml", ROSTER))
    ]
    edits += [{"file": name} for name in ("exceptions.yml", "overlays.yml")]
    return load_site(Case("", "", edits, []).lay_out(tmp_path / "site"), PRODUCT)


def key(number: int) -> str:
    return f"SHA256:{number}".ljust(50, "A")


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02d}"


def facts(number: int, **more: Any) -> Observation:
    """What a host of the register says when all is well."""
    one = Observation(
        asset=f"billing-{number}",
        read_at=NOW - timedelta(hours=1),
        distribution="debian:12",
        packages=(Package("claimsd", "1.4-2", "all", "claimsd", "1.4-2"),),
        listeners=(Listener("tcp", "::", 22, "sshd"), Listener("tcp", "192.0.2.11", 443, "nginx")),
        identity=Identity(
            f"billing-{number}", str(number) * 64, (key(number),), (mac(number),), (f"192.0.2.1{number}",)
        ),
    )
    return replace(one, **more)


def seen(*ones: Observation) -> dict[str, Observation]:
    return {one.asset: one for one in ones}


def swept(*found: Found, **more: Any) -> Discovery:
    """A sweep of the servers that was whole."""
    return replace(Discovery("billing-1", NOW, "connect", {"servers": ("192.0.2.0/24",)}, found), **more)


def answers(number: int, address: str | None = None) -> Found:
    return Found(address or f"192.0.2.1{number}", mac(number), (22,), (key(number),))


ALL = (facts(1), facts(2))
BOTH = (answers(1), answers(2))


def compared(
    site: Site,
    ones: Sequence[Observation] = ALL,
    sweep: Discovery | None = None,
    before: Mapping[str, datetime] | None = None,
    now: datetime = NOW,
) -> Reconciliation:
    return reconcile(site, seen(*ones), {}, (sweep or swept(*BOTH),), before or {}, now)


def kinds(found: Reconciliation) -> list[tuple[str, str | None]]:
    return [(one.kind, one.asset) for one in found.differences]


def test_where_all_agree_there_is_no_task(site: Site) -> None:
    found = compared(site)
    assert kinds(found) == []
    assert found.not_compared == (
        "segment office: policy/inventory.yml sweeps it from nowhere, so who else is there is not known",
    )


def test_a_host_that_nobody_registered_is_one_task_of_the_policys_owner(site: Site) -> None:
    stranger = Found("192.0.2.77", mac(77), (22, 80))
    (one,) = compared(site, sweep=swept(*BOTH, stranger)).differences
    assert (one.kind, one.asset, one.owner) == ("undeclared-host", None, "it-operations")
    assert "192.0.2.77" in one.found
    again = replace(stranger, address="192.0.2.78")
    assert [each.id for each in compared(site, sweep=swept(*BOTH, again)).differences] == [one.id]


def test_a_stranger_with_two_addresses_is_one_task(site: Site) -> None:
    two = (
        Found("192.0.2.77", mac(77)),
        Found("192.0.2.78", mac(77), (), (key(7),)),
        Found("192.0.2.79", "", (), (key(7),)),
    )
    assert kinds(compared(site, sweep=swept(*BOTH, *two))) == [("undeclared-host", None)]


def test_a_registered_host_that_is_silent_is_one_task_of_its_owner(site: Site) -> None:
    (one,) = compared(site, [facts(1)], swept(answers(1))).differences
    assert (one.kind, one.asset, one.owner) == ("silent", "billing-2", "revenue-cycle")


@pytest.mark.parametrize("how", ["keys", "mac"])
def test_a_host_that_moved_and_was_renamed_is_one_task_and_not_two(site: Site, how: str) -> None:
    there = replace(answers(2, "192.0.2.99"), **({"mac": ""} if how == "keys" else {"host_keys": ()}))
    old = facts(2, read_at=NOW - timedelta(days=9))
    (one,) = compared(site, [facts(1), old], swept(answers(1), there)).differences
    assert (one.kind, one.asset) == ("moved", "billing-2")
    assert "192.0.2.99" in one.found


def test_the_task_stays_the_same_while_the_host_is_silent_then_found_then_misnamed(site: Site) -> None:
    old = facts(2, read_at=NOW - timedelta(days=9))
    silent = compared(site, [facts(1), old], swept(answers(1)))
    moved = compared(site, [facts(1), old], swept(answers(1), answers(2, "192.0.2.99")))
    named = compared(site, [facts(1), facts(2, identity=replace(facts(2).identity, hostname="billing-9"))])
    assert [[one.kind for one in each.differences] for each in (silent, moved, named)] == [
        ["silent"], ["moved"], ["name-differs"],
    ]  # fmt: skip
    assert len({one.id for each in (silent, moved, named) for one in each.differences}) == 1


def test_what_two_hosts_share_says_of_neither_that_it_is_the_one(site: Site) -> None:
    shared = [facts(n, identity=replace(facts(n).identity, host_keys=(key(0),), macs=())) for n in (1, 2)]
    stranger = Found("192.0.2.99", "", (22,), (key(0),))
    assert kinds(compared(site, shared, swept(*BOTH, stranger))) == [("undeclared-host", None)]


def test_another_host_at_a_registered_address_is_told(site: Site) -> None:
    other = replace(answers(2), host_keys=(key(9),), mac=mac(9))
    old = facts(2, read_at=NOW - timedelta(days=9))
    assert kinds(compared(site, [facts(1), old], swept(answers(1), other))) == [("another-host", "billing-2")]


def test_two_entries_for_one_machine_are_told(site: Site) -> None:
    twin = facts(2, identity=replace(facts(2).identity, machine="1" * 64))
    assert kinds(compared(site, [facts(1), twin])) == [("registered-twice", "billing-1")]


def test_old_facts_and_old_sweeps_are_no_facts(site: Site) -> None:
    late = NOW + timedelta(days=3)
    found = compared(site, [facts(1), facts(2, listeners=())], swept(*BOTH, Found("192.0.2.77")), now=late)
    assert kinds(found) == [("not-observed", "billing-1"), ("not-observed", "billing-2")]
    assert "72 hours ago" in " ".join(found.not_compared)


def test_a_segment_that_was_not_swept_whole_makes_nobody_silent(site: Site) -> None:
    found = compared(site, [facts(1), facts(2)], swept(not_swept={"servers": "no time was left"}))
    assert kinds(found) == []
    assert "segment servers: no time was left" in found.not_compared


def test_an_undeclared_listener_is_told_and_what_policy_or_register_expects_is_not(site: Site) -> None:
    listeners = (
        *facts(1).listeners,
        Listener("tcp", "::", 4444, "nc"),
        Listener("tcp", "127.0.0.1", 5432, "postgres"),
        Listener("tcp", "::", 9100, "node_exporter"),
        Listener("udp", "192.0.2.11", 40000, "resolver"),
    )
    (one,) = compared(site, [facts(1, listeners=listeners), facts(2)]).differences
    assert (one.kind, one.asset, one.found) == ("undeclared-listener", "billing-1", "nc listens on tcp/4444")


def test_an_expected_port_served_by_another_program_is_told(site: Site) -> None:
    listeners = (*facts(1).listeners, Listener("tcp", "::", 9100, "nc"))
    assert kinds(compared(site, [facts(1, listeners=listeners), facts(2)])) == [("undeclared-listener", "billing-1")]


def test_a_declared_flow_that_nobody_serves_is_told_but_not_where_it_could_not_be_read(site: Site) -> None:
    only = facts(1).listeners[:1]
    assert kinds(compared(site, [facts(1, listeners=only), facts(2)])) == [("unserved-flow", "billing-1")]
    blind = facts(1, listeners=(), not_measured={"listeners": "no /proc here"})
    found = compared(site, [blind, facts(2)])
    assert kinds(found) == []
    assert "billing-1: listeners: no /proc here" in found.not_compared


@pytest.mark.parametrize(
    ("connection", "told"),
    [
        (Connection("tcp", "in", "192.0.2.11", "192.0.2.50", 22, "sshd"), False),
        (Connection("tcp", "in", "192.0.2.11", "203.0.113.9", 22, "sshd"), True),
        (Connection("tcp", "out", "192.0.2.11", "203.0.113.7", 443, "claimsd"), False),
        (Connection("tcp", "out", "192.0.2.11", "203.0.113.8", 443, "claimsd"), True),
        (Connection("tcp", "out", "192.0.2.11", "203.0.113.7", 25, "claimsd"), True),
        (Connection("tcp", "out", "192.0.2.11", "192.0.2.12", 22, "ssh"), False),
        (Connection("tcp", "out", "192.0.2.11", "192.0.2.12", 443, "curl"), True),
        (Connection("udp", "out", "192.0.2.11", "203.0.113.9", 123, "chronyd"), False),
        (Connection("udp", "out", "192.0.2.11", "203.0.113.9", 123, "dns2tcp"), True),
    ],
)
def test_a_connection_that_no_flow_declares_is_told(site: Site, connection: Connection, told: bool) -> None:
    found = compared(site, [facts(1, connections=(connection, connection)), facts(2)])
    assert kinds(found) == ([("undeclared-connection", "billing-1")] if told else [])


@pytest.mark.parametrize(("version", "told"), [("1.4-2", False), ("1:1.4-2", False), ("1.4", False), ("1.5-1", True)])
def test_another_version_than_the_registers_is_told(site: Site, version: str, told: bool) -> None:
    packages = (Package("claimsd", version, "all", "claimsd", version),)
    assert bool(compared(site, [facts(1, packages=packages), facts(2)]).differences) is told


@pytest.mark.parametrize(
    ("account", "kind"),
    [
        (Account("deploy", 1000, "/bin/bash", "open", True, True), None),
        (Account("today", 1000, "/bin/bash", "open", False, True), None),
        (Account("leaver", 1001, "/bin/bash", "locked", False, True), "leavers-account"),
        (Account("leaver", 1001, "/bin/bash", "expired", False, True), None),
        (Account("leaver", 1001, "/usr/sbin/nologin", "open", False, False), None),
        (Account("stranger", 1002, "/bin/bash", "locked", False, True), "account-without-entry"),
        (Account("elsewhere", 1003, "/bin/bash", "open", False, True), "account-without-entry"),
        (Account("toor", 0, "/bin/sh", "open", True, True), "account-without-entry"),
        (Account("root", 0, "/bin/bash", "open", True, True), None),
        (Account("sync", 4, "/bin/sync", "locked", False, True), None),
    ],
)
def test_accounts_are_held_against_the_roster(site: Site, account: Account, kind: str | None) -> None:
    found = compared(site, [facts(1, accounts=(account,)), facts(2)])
    assert kinds(found) == ([(kind, "billing-1")] if kind else [])


def test_without_a_roster_nobody_is_called_a_stranger(site: Site) -> None:
    account = Account("stranger", 1002, "/bin/bash", "open", False, True)
    found = compared(replace(site, roster=None), [facts(1, accounts=(account,)), facts(2)])
    assert kinds(found) == []
    assert "roster.yml" in found.not_compared[-1]


def test_a_task_remembers_when_it_was_first_seen(site: Site) -> None:
    stranger = swept(*BOTH, Found("192.0.2.77"))
    first = compared(site, sweep=stranger)
    later = compared(site, sweep=stranger, before=remembered(memory(first.first_seen)), now=NOW + timedelta(hours=2))
    assert [(one.id, one.first_seen) for one in later.differences] == [(one.id, NOW) for one in first.differences]


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"schema": "x"}', b'{"schema":"holdfast/differences/v1","first_seen":{"a":1}}']
)
def test_a_memory_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ObservationError):
        remembered(data)
