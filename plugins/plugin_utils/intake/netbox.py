# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from NetBox: devices, virtual machines and IP addresses as its REST API answers (NetBox 3.5 to 4.x).

Each answer is a page `{"count": ..., "next": ..., "previous": ..., "results": [...]}`; which kind of thing a result is
its own `url` says. What NetBox has no field for is taken from custom fields and tags that bear the register's names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..advisories.bounds import Bounds, FeedError, document
from ..errors import UsageError
from ..site.item import KINDS
from ..site.problems import shown
from .cells import read_cell
from .proposal import MOST, Raw

DEVICES, MACHINES, ADDRESSES = "dcim/devices", "virtualization/virtual-machines", "ipam/ip-addresses"
PATHS = (DEVICES, MACHINES, ADDRESSES)
"""What is asked for, below /api/."""

PAGE = 16 * 1024 * 1024
"""Bytes of one answer."""
SKIP = "skip"
"""What a role is said to be whose devices are not taken, such as patch panels."""

_BOUNDS = Bounds(document=PAGE, depth=24, containers=1_000_000, values=4_000_000)
_ABSENT = ("planned", "inventory")
"""Statuses of what is not there yet: dcim.choices.DeviceStatusChoices of NetBox."""
_ROLES = (
    (("server", "hypervisor", "controller"), "server"),
    (("switch", "router", "firewall", "gateway", "access-point", "wireless", "load-balancer", "vpn"), "network-device"),
    (("laptop", "desktop", "workstation", "printer", "copier", "phone", "endpoint"), "endpoint"),
    (("database",), "database"),
)
_ASKED = ("owner", "ring", "environment", "data_class", "tier", "exposure", "segment", "vendor", "window")
"""What custom fields and tags may say."""
_TAGS = {"data": "data_class", **{name: name for name in ("ring", "tier", "environment", "exposure", "segment")}}


def read_page(data: bytes, where: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return the results of one answer and the address of the next; raises UsageError for what is none."""
    try:
        page = document(data, where, _BOUNDS)
    except FeedError as error:
        raise UsageError(str(error)) from error
    results = page.get("results") if isinstance(page, dict) else page
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        do = "save what the API answers: .../api/dcim/devices/?limit=0"
        raise UsageError(f"{where}: found no results; expected an answer of NetBox's REST API; {do}")
    following = page.get("next") if isinstance(page, dict) else None
    return results, following if isinstance(following, str) else None


def raws_of(results: Iterable[tuple[str, Mapping[str, Any]]], roles: Mapping[str, str]) -> list[Raw]:
    """Return the devices and virtual machines among results, each with where it came from.

    `roles` says of a role's slug which kind its devices are, or SKIP. Raises UsageError for more than MOST.
    """
    owners: dict[tuple[str, str], list[str]] = {}
    found: list[tuple[str, str, Mapping[str, Any]]] = []
    for where, one in results:
        kind = _path_of(one)
        if kind is None:
            raise UsageError(f"{where}: a result without the url of a device, virtual machine or IP address")
        if kind == ADDRESSES:
            _note_address(one, owners)
        else:
            found.append((where, kind, one))
        if len(found) > MOST:
            raise UsageError(f"{where}: more than {MOST} devices; expected fewer; ask for one site after the other")
    return [raw for where, kind, one in found for raw in _raw(where, kind, one, owners, roles)]


def _path_of(one: Mapping[str, Any]) -> str | None:
    path = urlsplit(str(one.get("url", ""))[:1000]).path
    return next((known for known in PATHS if re.search(f"/api/{known}/[0-9]+/?$", path)), None)


def _note_address(one: Mapping[str, Any], owners: dict[tuple[str, str], list[str]]) -> None:
    """Note an active address under the device or machine whose interface has it."""
    interface = one.get("assigned_object")
    if not isinstance(interface, dict) or _word(one.get("status")) not in (None, "active"):
        return
    for key, kind in (("device", DEVICES), ("virtual_machine", MACHINES)):
        owner = interface.get(key)
        address = _address(one)
        if isinstance(owner, dict) and isinstance(owner.get("id"), int) and address:
            owners.setdefault((kind, str(owner["id"])), []).append(address)


def _raw(
    where: str,
    path: str,
    one: Mapping[str, Any],
    owners: Mapping[tuple[str, str], list[str]],
    roles: Mapping[str, str],
) -> Iterator[Raw]:
    notes: list[str] = []
    role = _slug(one.get("role")) or _slug(one.get("device_role"))
    kind = roles.get(role or "")
    status = _word(one.get("status"))
    if kind == SKIP or status in _ABSENT:
        return
    facts: dict[str, Any] = {}
    if kind is None:
        kind = "server" if path == MACHINES else _guess(role or "")
        notes.append(
            f"kind {kind} after its role {shown(role)}" if kind else f"its role {shown(role)} is of no kind known here"
        )
    _put(facts, "kind", kind)
    _put(facts, "title", _line(one.get("description")))
    _put(facts, "owner", _line(_name(one.get("tenant"))))
    _put(facts, "location", _slug(one.get("site")))
    _put(facts, "address", _own_address(path, one, owners, notes))
    if path == DEVICES and kind in ("network-device", "endpoint"):
        type_ = one.get("device_type")
        maker, model = (
            (_line(_name(type_.get("manufacturer"))), _line(type_.get("model")))
            if isinstance(type_, dict)
            else (None, None)
        )
        if maker and model:
            facts["product"] = {"vendor": maker, "name": model}
    for key, text in _said(one):
        try:
            facts[key] = read_cell(key, text)
        except ValueError as error:
            notes.append(f"{key}: {error}; left out")
    yield Raw(f"{where} {path} {_number(one)}", _line(one.get("name")) or "", facts, None, tuple(notes))


def _own_address(
    path: str, one: Mapping[str, Any], owners: Mapping[tuple[str, str], list[str]], notes: list[str]
) -> str | None:
    for key in ("primary_ip", "primary_ip4", "primary_ip6"):
        primary = one.get(key)
        if isinstance(primary, dict) and (address := _address(primary)):
            return address
    others = sorted(set(owners.get((path, _number(one)), ())))
    if len(others) == 1:
        notes.append("its only address, for it has no primary one")
        return others[0]
    if others:
        notes.append(f"no primary address among {', '.join(others[:10])}")
    return None


def _said(one: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what tags and custom fields say of the register's keys; fields come last and win."""
    tags = one.get("tags")
    for tag in tags if isinstance(tags, list) else ():
        name, _dash, rest = (_slug(tag) or "").partition("-")
        if name in _TAGS and rest:
            yield _TAGS[name], rest
    fields = one.get("custom_fields")
    for key in _ASKED:
        value = fields.get(key) if isinstance(fields, dict) else None
        text = _line(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
        if text:
            yield key, text


def _guess(role: str) -> str | None:
    return next((kind for words, kind in _ROLES if any(word in role for word in words)), None)


def _put(facts: dict[str, Any], key: str, value: Any) -> None:
    if value is not None:
        facts[key] = value


def _address(one: Mapping[str, Any]) -> str | None:
    """Return an address without the length of its network's prefix."""
    text = one.get("address")
    return text.partition("/")[0] if isinstance(text, str) and len(text) < 100 else None


def _number(one: Mapping[str, Any]) -> str:
    """Return a thing's number in NetBox as text."""
    number = one.get("id")
    return str(number) if isinstance(number, int) else "?"


def _slug(value: Any) -> str | None:
    slug = value.get("slug") if isinstance(value, dict) else None
    return slug if isinstance(slug, str) and slug else None


def _name(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else None


def _word(value: Any) -> str | None:
    """Return a choice's value: `{"value": "active", "label": "Active"}`."""
    word = value.get("value") if isinstance(value, dict) else value
    return word if isinstance(word, str) else None


def _line(value: Any) -> str | None:
    """Return text on one line, printable and not too long, None where there is none."""
    text = "".join(char for char in value[:200] if char.isprintable()).strip() if isinstance(value, str) else ""
    return text or None


def read_role(text: str) -> tuple[str, str]:
    """Return what `--role ROLE=KIND` says; raises ValueError."""
    role, equals, kind = text.partition("=")
    if not role or not equals or kind not in (*KINDS, SKIP):
        raise ValueError(f"{shown(text)} is no ROLE=KIND; kinds are {', '.join(KINDS)}, or {SKIP}")
    return role, kind
