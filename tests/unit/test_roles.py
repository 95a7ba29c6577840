# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every role says what it takes, what it can break and what to do when something goes wrong, and is up to date."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKER = runpy.run_path(str(ROOT / "docs/reference/roles.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
SPECS = {"demo_word": {"type": "str", "choices": ["a", "b"], "description": "One | other."}}


def readme(role: str) -> str:
    return (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")


def advice(text: str) -> list[str]:
    """Return the entries of a README's last section: the items of its lists, and the rows of its tables."""
    section = text.partition("\n## When something goes wrong\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")][2:]
    return rows + re.findall(r"^[-*] .+", section, re.MULTILINE)


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_page_is_up_to_date(role):
    assert MAKER["page"](role) == readme(role), f"run docs/reference/roles.py {role}"


@pytest.mark.parametrize("role", ROLES)
def test_a_roles_page_has_its_parts(role):
    text = readme(role)
    assert re.match(rf"# (holdfast\.hipaa\.)?{role}\b", text)
    assert "What it can break:" in text
    assert len(advice(text)) >= 3
    assert all(len(entry) > 40 for entry in advice(text))


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_of_a_role_is_declared_with_a_meaning(role):
    folder = ROOT / "roles" / role
    specs = yaml.safe_load((folder / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    assert specs["short_description"]
    files = [path for path in folder.rglob("*") if path.suffix in (".yml", ".j2") and path.parent.name != "meta"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # `ssh_x`, but neither `_ssh_x`, which is the role's own, nor a member such as `.ssh_x` or a tag's `ssh_`.
    used = set(re.findall(rf"(?<![\w./'\"-]){role}_[a-z0-9_]*[a-z0-9]\b", text))
    options = specs.get("options", {})
    assert used <= set(options)
    for name, option in options.items():
        assert option["description"], name
        assert option["type"], name


def test_a_table_says_type_default_choices_and_meaning():
    (_head, _line, row) = MAKER["table"](SPECS, {"demo_word": "a"}).splitlines()
    assert row == "| `demo_word` | str | `a` | One \\| other. One of `a`, `b`. |"


def test_only_what_stands_between_the_markers_is_renewed():
    begin, end = MAKER["BEGIN"], MAKER["END"]
    assert MAKER["renewed"](f"x\n{begin}\nold\n{end}\ny\n", "new") == f"x\n{begin}\nnew\n{end}\ny\n"
    for text in ("none", f"{end}{begin}", f"{begin}{begin}{end}", f"{begin}{end}{end}"):
        with pytest.raises(ValueError, match="once each"):
            MAKER["renewed"](text, "new")


def test_advice_is_counted_in_lists_and_tables():
    head = "# a\n\n## When something goes wrong\n\n"
    assert len(advice(f"{head}- one\n- two\n\n## Next\n\n- three\n")) == 2
    assert len(advice(f"{head}| a | b |\n| --- | --- |\n| 1 | 2 |\n")) == 1
    assert advice("# a\n") == []
