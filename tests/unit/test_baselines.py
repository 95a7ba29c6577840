# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped baseline against everything it names: roles and their variables, probes, operators, citations."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.module_utils.probes._registry import KINDS, check_question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.citations import CITATIONS
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import baseline_faults, part_faults
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.compare import OPERATORS

ROOT = Path(__file__).resolve().parents[2]
TYPES = {"str": str, "int": int, "list": list}
# Words that would tie a role to a regulation or to the ids of controls: roles are mechanism, no requirement.
FOREIGN = re.compile(
    r"(?<!holdfast\.)HIPAA|164\.3|\b(?:ssh|kernel|files|services|accounts|time|packages)-\d{2}\b", re.IGNORECASE
)


def load(path):
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


BASELINES = sorted(path.stem for path in (ROOT / "baselines").glob("*.yml"))
PARTS = [(name, part) for name in BASELINES for part in load(f"baselines/{name}.yml")["parts"]]
CONTROLS = [control for name, part in PARTS for control in load(f"baselines/{name}/{part}.yml")["controls"]]
CARRIED = [control for control in CONTROLS if "role" in control]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())


def options(role):
    return load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]


@pytest.mark.parametrize("name", BASELINES)
def test_a_shipped_baseline_has_no_fault(name):
    assert list(baseline_faults(load(f"baselines/{name}.yml"), name)) == []
    parts = [part for whole, part in PARTS if whole == name]
    assert sorted(parts) == sorted(path.stem for path in (ROOT / "baselines" / name).iterdir())


@pytest.mark.parametrize(("name", "part"), PARTS)
def test_a_shipped_part_has_no_fault_and_holds_one_subject(name, part):
    data = load(f"baselines/{name}/{part}.yml")
    assert list(part_faults(data)) == []
    assert {control["id"].rpartition("-")[0] for control in data["controls"]} == {part}
    assert {control.get("role", part) for control in data["controls"]} == {part}


def test_no_id_and_no_title_is_used_twice():
    for member in ("id", "title"):
        values = [control[member] for control in CONTROLS]
        assert sorted(set(values)) == sorted(values)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control["id"])
def test_a_control_names_what_exists(control):
    check_question(control["id"], control["probe"])
    assert control.get("compare", "equals") in OPERATORS
    assert set(control["hipaa"]) <= set(load("baselines/citations/hipaa.yml")["citations"])
    if "role" in control:
        assert control["variable"] in options(control["role"])


@pytest.mark.parametrize("control", [c for c in CARRIED if "value" in c], ids=lambda control: control["id"])
def test_a_value_is_one_its_role_accepts(control):
    option, value = options(control["role"])[control["variable"]], control["value"]
    # Roles take a number for a text, as Ansible does; nothing else is converted.
    assert isinstance(value, TYPES[option["type"]]) or (option["type"] == "str" and isinstance(value, int))
    assert not isinstance(value, bool)
    assert value in option.get("choices", [value])


@pytest.mark.parametrize("control", CARRIED, ids=lambda control: control["id"])
def test_a_role_can_be_told_to_leave_a_control_alone(control):
    # An exception makes the variable null: a list of choices without null would refuse the whole role.
    choices = options(control["role"])[control["variable"]].get("choices", [None])
    assert None in choices, f"add null to the choices of {control['variable']}"


@pytest.mark.parametrize("role", ROLES)
def test_a_role_declares_its_defaults_and_every_setting_has_a_control(role):
    defaults = load(f"roles/{role}/defaults/main.yml")
    assert set(defaults) == set(options(role))
    assert set(defaults) == {control["variable"] for control in CARRIED if control["role"] == role}
    for name, value in defaults.items():
        assert isinstance(value, TYPES[options(role)[name]["type"]])
        assert value in options(role)[name].get("choices", [value])


@pytest.mark.parametrize("role", ROLES)
def test_a_role_knows_no_regulation_and_no_control(role):
    for path in (ROOT / "roles" / role).rglob("*"):
        if path.is_file() and path.name != "README.md":
            assert not FOREIGN.search(path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("role", ROLES)
def test_a_role_ignores_no_error_and_uses_no_shell(role):
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "roles" / role).rglob("*.yml"))
    for word in ("ignore_errors", "failed_when", "ansible.builtin.shell", "ansible.builtin.raw"):
        assert word not in text


def test_citations_are_those_the_report_explains():
    cited = load("baselines/citations/hipaa.yml")["citations"]
    assert {name: item["status"] or "" for name, item in cited.items()} == {
        name: status for name, (_heading, status) in CITATIONS.items()
    }


def test_the_page_of_controls_is_up_to_date():
    maker = runpy.run_path(str(ROOT / "docs/reference/controls.py"))
    page = (ROOT / "docs/reference/controls.md").read_text(encoding="utf-8")
    assert maker["page"](maker["shipped"]()) == page, "run docs/reference/controls.py (its first line says how)"


def test_the_page_of_probes_names_every_kind_and_operator():
    page = (ROOT / "docs/reference/probes.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
    assert set(KINDS) | set(OPERATORS) <= named


def test_technical_safeguards_are_the_paragraphs_of_the_section_of_that_name():
    """All of 164.312 and nothing else, by the catalogue; and the packages are those of roles that exist."""
    safeguards = load("baselines/citations/safeguards.yml")
    cited = load("baselines/citations/hipaa.yml")["citations"]
    assert safeguards["technical"] == [one for one in cited if one.startswith("164.312")]
    assert set(safeguards["packages"]) <= set(ROLES)
