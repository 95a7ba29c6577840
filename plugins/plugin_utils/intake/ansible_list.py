# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from an Ansible inventory: what `ansible-inventory --list` prints, with --export or without.

Only how to connect is taken from variables, never a secret. What a host is comes from its groups, by our own names
(ring_production, data_ephi, tier_1) or as one says: `--group web:ring=production`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..advisories.bounds import Bounds, FeedError, document
from ..errors import UsageError
from ..site.asset import SECRET_ENDINGS
from ..site.problems import shown
from .cells import COLUMNS, read_cell
from .proposal import MOST, Raw

LARGEST = 64 * 1024 * 1024
"""Bytes of a list."""

_BOUNDS = Bounds(document=LARGEST, depth=24, containers=2_000_000, values=8_000_000)
_OURS = {
    "ring": "ring", "data": "data_class", "tier": "tier", "kind": "kind", "environment": "environment",
    "exposure": "exposure", "location": "location",
}  # fmt: skip
_NETWORK = ("network_cli", "netconf", "httpapi")
"""Connections of devices that run no Python: ansible.netcommon's plugins."""
_CONNECTION = re.compile(r"ansible_[a-z0-9_]+")


def raws_of(data: bytes, where: str, rules: Iterable[tuple[str, str, Any]]) -> list[Raw]:
    """Return one Raw a host. `rules` say what membership of a group means: group, key, value.

    Raises UsageError for what is no such list.
    """
    try:
        said = document(data, where, _BOUNDS)
    except FeedError as error:
        raise UsageError(str(error)) from error
    meta = said.get("_meta") if isinstance(said, dict) else None
    variables = meta.get("hostvars") if isinstance(meta, dict) else None
    if not isinstance(said, dict) or not isinstance(variables, dict):
        do = "save what this prints: ansible-inventory -i INVENTORY --list"
        raise UsageError(f"{where}: no _meta.hostvars; expected an inventory as Ansible lists it; {do}")
    groups = {name: group for name, group in said.items() if name != "_meta" and isinstance(group, dict)}
    members = _members(groups, where)
    hosts = dict.fromkeys([*variables, *(host for group in members.values() for host in group)])
    if len(hosts) > MOST:
        raise UsageError(f"{where}: {len(hosts)} hosts; expected at most {MOST}; split the inventory")
    known = tuple(rules)
    for group in {group for group, _key, _value in known if group not in groups}:
        raise UsageError(f"--group {group}: {where} has no such group; expected one of {', '.join([*groups][:30])}")
    return [_raw(where, host, _variables(host, variables, groups, members), members, known) for host in hosts]


def _members(groups: Mapping[str, Mapping[str, Any]], where: str) -> dict[str, dict[str, None]]:
    """Return the hosts of each group, those of its children among them, however they are nested."""
    found: dict[str, dict[str, None]] = {}
    steps = 0
    for name in groups:
        hosts: dict[str, None] = {}
        seen: set[str] = set()
        left = [name]
        while left:
            group = left.pop()
            if group in seen:
                continue
            seen.add(group)
            own, children = (_texts(groups.get(group, {}).get(key)) for key in ("hosts", "children"))
            # Counted as they are looked at: nested groups of many hosts each would else take hours.
            steps += len(own) + len(children)
            if steps > 100 * MOST:
                raise UsageError(f"{where}: more memberships than any inventory has; it was not taken")
            hosts.update(dict.fromkeys(own))
            left += children
        found[name] = hosts
    return found


def _variables(
    host: str,
    variables: Mapping[str, Any],
    groups: Mapping[str, Mapping[str, Any]],
    members: Mapping[str, Mapping[str, None]],
) -> dict[str, Any]:
    """Return a host's variables. With --export those of groups stand with them: the largest group's first, as Ansible.

    It goes by depth, and then by name; how many hosts a group has tells a parent from its child just as well.
    """
    found: dict[str, Any] = {}
    for name in sorted((one for one in groups if host in members[one]), key=lambda one: (-len(members[one]), one)):
        own = groups[name].get("vars")
        found.update(own if isinstance(own, dict) else {})
    own = variables.get(host)
    found.update(own if isinstance(own, dict) else {})
    return found


def _raw(
    where: str,
    host: str,
    variables: Mapping[str, Any],
    members: Mapping[str, Mapping[str, None]],
    rules: Iterable[tuple[str, str, Any]],
) -> Raw:
    notes: list[str] = []
    facts: dict[str, Any] = {"kind": "server"}
    address = variables.get("ansible_host", host)
    if isinstance(address, str) and "{{" not in address:
        facts["address"] = address
    else:
        notes.append("ansible_host: is a template; write the address")
    if _is_network_device(variables):
        facts["kind"] = "network-device"
    else:
        kept = {}
        for name, value in variables.items():
            if not _CONNECTION.fullmatch(name) or name == "ansible_host":
                continue
            if name.endswith(SECRET_ENDINGS) and "{{" not in str(value):
                notes.append(f"{name}: a secret was left out; write a lookup of a vault or the environment")
            elif isinstance(value, (str, int)):
                kept[name] = value
            else:
                notes.append(f"{name}: is neither text nor a number; left out")
        if kept:
            facts["vars"] = kept
    groups = [name for name in members if host in members[name]]
    for name in sorted(groups):
        word, _line, rest = name.partition("_")
        if word in _OURS and rest:
            facts[_OURS[word]] = read_cell(_OURS[word], rest.replace("_", "-"))
    for group, key, value in rules:
        if group in groups:
            facts[key] = value
    return Raw(f"{where}: {shown(host)}", host, facts, None, tuple(notes))


def _is_network_device(variables: Mapping[str, Any]) -> bool:
    connection = str(variables.get("ansible_connection", "")).rpartition(".")[2]
    return connection in _NETWORK or "ansible_network_os" in variables


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def read_rule(text: str) -> tuple[str, str, Any]:
    """Return what `--group GROUP:KEY=VALUE` says; raises ValueError."""
    group, colon, rest = text.partition(":")
    key, equals, value = rest.partition("=")
    if not group or not colon or not equals or not value or key not in COLUMNS or key in ("id", "managed"):
        raise ValueError(f"{shown(text)} is no GROUP:KEY=VALUE, such as web:ring=production")
    return group, key, read_cell(key, value)
