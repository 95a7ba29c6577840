# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shape's own errors and its JSON Schema, judged by a library that is not ours, agree on every spoiled value."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.check import SHAPES
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.reading import read_yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.structure import nearest

from tests.site_cases import EXAMPLE, GOOD

FILES = {
    "baseline": GOOD / "baselines/clinic-server.yml",
    "calendar": GOOD / "policy/calendar.yml",
    "exceptions": GOOD / "exceptions.yml",
    "holdfast": GOOD / "holdfast.yml",
    "inventory": GOOD / "policy/inventory.yml",
    "leadership": PRODUCT / "policy/leadership.yml",
    "overlays": GOOD / "overlays.yml",
    "patching": GOOD / "policy/patching.yml",
    "pipeline": PRODUCT / "policy/pipeline.yml",
    "remediation": GOOD / "policy/remediation.yml",
    "rings": GOOD / "policy/rings.yml",
    "roster": GOOD / "roster.yml",
    "risk": PRODUCT / "policy/risk.yml",
    "site": GOOD / "site.yml",
    "debian-server": PRODUCT / "baselines/debian-server.yml",
    "debian-server/ssh": PRODUCT / "baselines/debian-server/ssh.yml",
}
SHAPE_OF = {"debian-server": "baseline", "debian-server/ssh": "part", "example": "holdfast"}
if EXAMPLE.is_dir():
    FILES["example"] = EXAMPLE / "holdfast.yml"

# Fractions such as 1.0 are left out: JSON Schema calls them whole numbers, and we do not.
STRANGE: tuple[Any, ...] = (
    None, True, 0, -1, 1, 5, 10**9, 2**53, 0.5,
    "", "x", "UPPER", "a b", "lab", "100%", "101%", "\n", "\x00", "a" * 5000,
    [], [1], ["x", "x"], [None], {}, {"a": 1}, {"id": "x"}, {"a": {"b": {"c": 1}}},
)  # fmt: skip


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of the data."""
    yield path
    for key, member in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(member, (*path, key))


def spoiled(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield copies of the data, each with one part replaced, taken away, added to or doubled."""
    for path in places(data):
        for strange in STRANGE:
            yield (
                f"{path} = {strange!r:.40}",
                _with(data, path, lambda parent, key, new=strange: parent.__setitem__(key, new)),
            )
        if path:
            yield f"{path} away", _with(data, path, lambda parent, key: parent.pop(key))
        part = _at(data, path)
        if isinstance(part, dict):
            yield (
                f"{path} with a stranger",
                _with(data, (*path, "stranger"), lambda parent, key: parent.__setitem__(key, 1)),
            )
        if isinstance(part, list) and part:
            yield f"{path} doubled", _with(data, path, lambda parent, key: parent[key].append(parent[key][0]))


def _at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _with(data: Any, path: tuple[Any, ...], change: Any) -> Any:
    box = {"": copy.deepcopy(data)}
    whole = ("", *path)
    change(_at(box, whole[:-1]), whole[-1])
    return box[""]


@pytest.mark.parametrize("name", FILES)
def test_our_errors_and_json_schema_agree(name: str) -> None:
    shape = SHAPES[SHAPE_OF.get(name, name)]
    validator = jsonschema.Draft202012Validator(shape.schema())
    jsonschema.Draft202012Validator.check_schema(shape.schema())
    data = read_yaml(FILES[name])
    if name == "debian-server/ssh":
        data["controls"] = data["controls"][:3]  # one shape for all; the rest are checked as they stand, below
    if name == "example":
        data = {key: data[key] for key in ("plugin", "version")} | {
            "assets": [one for one in data["assets"] if one["id"] == "edi-1"],
            "items": [one for one in data["items"] if one["id"] == "core-switch"],
            "vendors": {"clearinghouse": data["vendors"]["clearinghouse"]},
            "data_flows": [one for one in data["data_flows"] if one["id"] in ("claims-out", "state-claims")],
        }
    assert not [*shape.faults(data)]
    tried = 0
    for what, case in spoiled(data):
        tried += 1
        ours = [*shape.faults(case)]
        theirs = [*validator.iter_errors(case)]
        assert bool(ours) == bool(theirs), f"{what}: ours {ours}, JSON Schema {theirs}"
    assert tried > 50


def test_every_shipped_file_fits_its_schema() -> None:
    for path in sorted((PRODUCT / "policy").glob("*.yml")):
        jsonschema.Draft202012Validator(SHAPES[path.stem].schema()).validate(read_yaml(path))
    for path in sorted((PRODUCT / "baselines").glob("*.yml")):
        jsonschema.Draft202012Validator(SHAPES["baseline"].schema()).validate(read_yaml(path))
        for part in sorted(path.with_suffix("").glob("*.yml")):
            jsonschema.Draft202012Validator(SHAPES["part"].schema()).validate(read_yaml(part))


def test_a_slip_of_the_pen_is_recognised() -> None:
    assert nearest("prodution", ("lab", "production")) == 'did you mean "production"?'
    assert nearest("zzz", ("lab", "production")) == ""
