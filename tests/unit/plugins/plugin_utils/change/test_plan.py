# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans: what a plan's file may hold (tests/unit/cases/plan), its digest, and its life on disk."""

from __future__ import annotations

import copy
import hashlib
import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.plan import Plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.shape import PLAN
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.store import load_plan, plan_path, save_plan
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

from tests.change_cases import load, package, plan


def _walk(data: Any, path: str) -> tuple[Any, Any]:
    """Return the container that holds the last step of `a.0.b`, and that step."""
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in steps:
        data = data[step]
    return data, last


def spoil(case: dict[str, Any]) -> dict[str, Any]:
    """Return a good plan's data with the case's edits."""
    data = copy.deepcopy(plan().to_dict())
    for path, value in case.get("put", {}).items():
        holder, last = _walk(data, path)
        holder[last] = value
    if "drop" in case:
        holder, last = _walk(data, case["drop"])
        del holder[last]
    if "copy" in case:
        holder, last = _walk(data, case["copy"]["from"])
        target, name = _walk(data, case["copy"]["to"])
        target[name].append(copy.deepcopy(holder[last]))
    return data


@pytest.mark.parametrize("case", load("plan"))
def test_a_spoilt_plan_is_refused_by_name(case: dict[str, Any], tmp_path: Path) -> None:
    """The error names the file, the place, what was found and what was expected."""
    data = spoil(case)
    path = tmp_path / "plan.json"
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(PlanError) as error:
        load_plan(path)
    assert case["error"] in str(error.value)
    assert str(path) in str(error.value)


def test_the_schema_for_editors_accepts_a_good_plan_and_refuses_a_spoilt_one() -> None:
    """docs and editors use the same rule, as JSON Schema."""
    import jsonschema

    jsonschema.validate(plan().to_dict(), PLAN.schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**plan().to_dict(), "comment": "x"}, PLAN.schema())


def test_the_digest_is_the_files_sha256_for_any_tool(tmp_path: Path) -> None:
    """An approver needs none of our code to see which plan a file is."""
    path = plan().save(tmp_path / "plans")
    said = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True, timeout=30).stdout
    assert said.split()[0] == plan().digest == path.stem


def test_a_saved_plan_loads_as_it_was(tmp_path: Path) -> None:
    """Writing and reading lose nothing, of both kinds."""
    for one in (plan(), plan("config"), plan(title="Ünïcode and «quotes»")):
        assert load_plan(one.save(tmp_path)) == one


def test_a_plan_file_can_be_read_by_all_and_written_by_its_owner(tmp_path: Path) -> None:
    """Mode 0644 whatever the umask says, and nothing else is left in the folder."""
    path = plan().save(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [path] == list(tmp_path.iterdir())


def test_saving_again_leaves_the_file_alone(tmp_path: Path) -> None:
    """The same plan twice is one file, untouched."""
    first = plan().save(tmp_path).stat()
    second = plan().save(tmp_path).stat()
    assert (first.st_ino, first.st_mtime_ns) == (second.st_ino, second.st_mtime_ns)


def test_a_file_with_other_bytes_is_never_overwritten(tmp_path: Path) -> None:
    """Somebody's edit is evidence; it is reported, not destroyed."""
    path = plan_path(tmp_path, plan().digest)
    path.write_bytes(b"{}")
    with pytest.raises(PlanError, match="holds other bytes"):
        plan().save(tmp_path)
    assert path.read_bytes() == b"{}"
    assert [path] == list(tmp_path.iterdir())


def test_an_unfit_plan_is_not_saved(tmp_path: Path) -> None:
    """What would not load is refused before it is written."""
    with pytest.raises(PlanError, match="title"):
        save_plan(plan(title=" "), tmp_path)
    assert not list(tmp_path.iterdir())


def test_every_flipped_byte_is_seen(tmp_path: Path) -> None:
    """Under its own name, no plan file differs from what was planned by even one byte."""
    path = plan(hosts=["lab-1"]).save(tmp_path)
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(PlanError):
            load_plan(path)


@pytest.mark.parametrize(
    ("spell", "expected"),
    [
        (lambda good: json.dumps(json.loads(good), indent=2).encode(), "not canonical"),
        (lambda good: good + b"\n", "not canonical"),
        (lambda good: good.replace(b'"kind":"patch"', b'"kind":"config","kind":"patch"'), "a member is named twice"),
        (lambda good: good.replace(b'"size":2000', b'"size":2000.0'), "is no integer"),
        (lambda good: good.replace(b'"size":2000', b'"size":NaN'), "is no integer"),
        (lambda good: good[:-1], "not canonical JSON"),
        (lambda good: b"\xff" + good, "not canonical JSON"),
        (lambda good: b"[" * 100_000, "not canonical JSON"),
        (lambda good: b"", "not canonical JSON"),
    ],
)
def test_a_plan_has_one_spelling(spell: Any, expected: str, tmp_path: Path) -> None:
    """Two readers never see two things in the same file."""
    path = tmp_path / "plan.json"
    path.write_bytes(spell(plan().canonical))
    with pytest.raises(PlanError, match=expected):
        load_plan(path)


def test_a_plan_under_another_digest_is_refused(tmp_path: Path) -> None:
    """The name is a claim about the content, and it is checked."""
    path = plan().save(tmp_path)
    other = tmp_path / f"{hashlib.sha256(b'other').hexdigest()}.json"
    path.rename(other)
    with pytest.raises(PlanError, match="expected the one it is named after"):
        load_plan(other)


def test_a_missing_plan_is_said(tmp_path: Path) -> None:
    """The error names the file and what to do."""
    with pytest.raises(PlanError, match=r"no\.json: cannot be read .*; expected a plan; copy it here or plan again"):
        load_plan(tmp_path / "no.json")


@pytest.mark.parametrize("name", ["", "../x", "A" * 64, "0" * 63])
def test_only_a_digest_names_a_plan(name: str, tmp_path: Path) -> None:
    """A digest from a record is checked before it becomes a path."""
    with pytest.raises(PlanError, match="is no digest"):
        plan_path(tmp_path, name)


@given(st.permutations(list(plan().to_dict())))
def test_the_digest_does_not_depend_on_the_order_of_members(names: list[str]) -> None:
    """Equal content, equal digest."""
    data = plan().to_dict()
    assert plan().digest == Plan.from_dict({name: data[name] for name in names}).digest


def test_what_no_earlier_ring_gets_is_named() -> None:
    """An approver of production sees which packages were never tried."""
    one = plan()
    more = tuple(
        type(asset)(asset.asset, asset.ring, asset.release, asset.arch, (*asset.packages, package("postgresql-15")))
        if asset.asset == "prod-2"
        else asset
        for asset in one.assets
    )
    mixed = plan(assets=more)
    assert mixed.untested("production", ["lab", "pilot"]) == {"postgresql-15:amd64 1.22.1-9+deb12u1": ("prod-2",)}
    assert one.untested("production", ["pilot"]) == {}


def test_an_asset_that_is_not_planned_is_said() -> None:
    """The error names the assets that are."""
    with pytest.raises(PlanError, match="has no asset 'lab-9'; expected one of lab-1, pilot-1"):
        plan().packages_for("lab-9")
