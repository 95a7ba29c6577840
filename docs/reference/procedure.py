# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes procedure.md, how patches are evaluated, tested, deployed, verified and taken back, from what does it.

`python docs/reference/procedure.py >docs/reference/procedure.md`. Steps are the tasks of the playbooks with their
modules' short descriptions, rules are the values of the shipped policy with the comments that stand beside them.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
OURS = "holdfast.hipaa."
HEAD = """# How this product patches: the procedure

Made from `playbooks/` and `policy/` by `docs/reference/procedure.py`; a test says so when it is out of date.
Rules are those of the shipped policy: a site's own `policy/` has its own values, and the same meaning.
Each step is a task, in the order in which it runs, with the module that carries it out. Check mode changes nothing.
"""
PARTS = (
    (
        "Evaluate",
        "What is pending, what stands in its way, and what exactly would change.",
        ("check_patches", "plan_patches"),
    ),
    ("Test", "The same plan forward, back and forward again, where nobody is hurt.", ("rehearse",)),
    ("Deploy", "Exactly the approved plan, ring by ring and wave by wave.", ("stage_patches", "patch")),
    ("Roll back", "Whatever was changed, when somebody asks for it.", ("roll_back",)),
)
"""Heading, what it is about, and the playbooks of it, as far as the product has them."""

JUDGING = ("verify_packages", "health")
OTHER_WORDS = """always block rescue name when tags vars register run_once check_mode become become_user delegate_to
loop loop_control until retries delay changed_when failed_when no_log notify environment any_errors_fatal
throttle ignore_unreachable timeout module_defaults diff listen args"""
"""What may stand in a task besides its module."""

NO_CHECK = "not ansible_check_mode"
INCLUDING = ("ansible.builtin.include_tasks", "ansible.builtin.import_tasks")


@dataclass(frozen=True)
class Step:
    """One task: what it is called, its module, when it runs (or ''), and whether it is part of a rescue."""

    name: str
    module: str
    arguments: Mapping[str, Any]
    when: str
    rescue: bool = False

    def line(self, about: Mapping[str, str]) -> str:
        """Say it for people; `about` maps a module to its short description."""
        short = self.module.removeprefix(OURS)
        told = f": {about[short]}" if short in about else ""
        only = f" Only when `{self.when}`." if self.when else ""
        return f"{self.name} (`{short}`{told}).{only}"


def steps(
    tasks: Sequence[Mapping[str, Any]], folder: Path, rescue: bool = False, only: tuple[str, ...] = ()
) -> Iterator[Step]:
    """Return the tasks of a list in order, those of blocks and of included files in their places, rescues behind.

    `folder` is where included files lie, `only` the conditions of what is around. Raises ValueError for a task whose
    module cannot be told.
    """
    for task in tasks:
        when = task.get("when", [])
        conditions = (*only, *map(condition, when if isinstance(when, list) else [when]))
        if "block" in task:
            for part, saves in (("block", rescue), ("rescue", True), ("always", rescue)):
                yield from steps(task.get(part) or (), folder, saves, conditions)
            continue
        modules = [word for word in task if word not in OTHER_WORDS.split()]
        if len(modules) != 1 or "name" not in task:
            raise ValueError(f"{task.get('name', task)}: found {modules}; expected a name and one module")
        found = task[modules[0]] or {}
        if modules[0] in INCLUDING:
            file = folder / (found if isinstance(found, str) else found["file"])
            yield from steps(yaml.safe_load(file.read_text(encoding="utf-8")), file.parent, rescue, conditions)
            continue
        yield Step(
            task["name"],
            modules[0],
            found if isinstance(found, dict) else {},
            " and ".join(filter(None, conditions)),
            rescue,
        )


def playbook(name: str, root: Path = ROOT) -> tuple[str, list[Step]] | None:
    """Return a playbook's first comment and its steps, all plays together; None when the product has none."""
    file = root / "playbooks" / f"{name}.yml"
    if not file.is_file():
        return None
    text = file.read_text(encoding="utf-8")
    comment = sentence(text)
    plays = yaml.safe_load(text)
    tasks = [task for play in plays for part in ("pre_tasks", "tasks", "post_tasks") for task in play.get(part) or ()]
    return comment, list(steps(tasks, file.parent))


def condition(when: Any) -> str:
    """Return a condition as it can be joined to others; check mode is a mode of the whole page and left out."""
    told = " ".join(str(when).split()).removesuffix(NO_CHECK).removesuffix(" and ")
    return f"({told})" if " or " in told else told


def sentence(text: str) -> str:
    """Return the first comment of a playbook, up to the command by which it is run."""
    lines = []
    for line in text.partition("# ")[2].splitlines():
        if line.startswith(("#   ", "- ")) or line in ("#", ""):
            break
        lines.append(line.removeprefix("# "))
    return " ".join(lines)


def descriptions(root: Path = ROOT) -> dict[str, str]:
    """Return the short description of each module of the collection, without importing any."""
    found = {}
    for file in sorted((root / "plugins" / "modules").glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            names = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
            if isinstance(node, ast.Assign) and "DOCUMENTATION" in names:
                told = yaml.safe_load(ast.literal_eval(node.value))["short_description"]
                found[file.stem] = told[0].lower() + told[1:]
    return found


def comments(text: str) -> dict[str, str]:
    """Return what the comments beside a policy file's keys say, by key; of a key that comes twice the first counts."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = re.match(r"[\s-]*(\w+):.*?\s#\s+(.*)$", line)
        if match and match[1] not in found:
            found[match[1]] = match[2].strip()
    return found


def defaults(text: str) -> dict[str, tuple[Any, str]]:
    """Return what a policy file names as the defaults of what it leaves out: key to value and meaning.

    They stand as comments behind a line that ends in `defaults` or `them:`; a key below another is `outer.inner`.
    """
    found: dict[str, tuple[Any, str]] = {}
    outer, named = "", False
    for line in text.splitlines():
        named = named or "with these as the defaults" in line
        match = re.match(r"\s*#( +)(\w+):(.*)$", line) if named else None
        if match is None:
            named = named and line.lstrip().startswith("#")
            continue
        written, _mark, meaning = match[3].partition(" # ")
        name = match[2] if len(match[1]) < 3 else f"{outer}.{match[2]}"
        outer = outer if len(match[1]) >= 3 else match[2]
        if written.strip():
            found[name] = (yaml.safe_load(written), meaning.strip())
    return found


def value(found: Any) -> str:
    """Return a value as it stands in a table: as YAML would write it in one line."""
    return f"`{found if isinstance(found, (str, int)) else json.dumps(found)}`".replace("|", "\\|")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def rings(root: Path = ROOT) -> list[str]:
    """Return what each ring demands."""
    text = (root / "policy" / "rings.yml").read_text(encoding="utf-8")
    found, told = yaml.safe_load(text)["rings"], comments(text)
    keys = [key for key in dict.fromkeys(key for ring in found for key in ring) if key != "name"]
    rows = []
    left_out = {key: one for key, one in defaults(text).items() if key not in keys}
    for key in keys:
        of_rings = [value(ring[key]) if key in ring else "" for ring in found]
        rows.append([f"`{key}`", *of_rings, told.get(key, "")])
    rows += [[f"`{key}`", *([value(one)] * len(found)), meaning] for key, (one, meaning) in left_out.items()]
    return table(["rule", *(ring["name"] for ring in found), "meaning"], rows)


def settings(name: str, root: Path = ROOT) -> list[str]:
    """Return the values at the top of a policy file, or nothing where the product has no such file."""
    file = root / "policy" / f"{name}.yml"
    if not file.is_file():
        return []
    text = file.read_text(encoding="utf-8")
    told = comments(text)
    given = yaml.safe_load(text)
    rows = [[f"`{key}`", value(found), told.get(key, "")] for key, found in given.items()]
    for key, (found, meaning) in defaults(text).items():
        if key not in given:
            rows.append([f"`{key}`", value(found), meaning])
    return ["", f"`policy/{name}.yml`:", "", *table(["rule", "value", "meaning"], rows)]


def judged(found: Sequence[Step]) -> list[Step]:
    """Return the steps that look at a host again after it was changed, and change nothing."""
    return [
        step
        for step in found
        if step.module.removeprefix(OURS) in JUDGING and step.arguments.get("phase", "after") == "after"
        if not step.rescue
    ]


def numbered(found: Sequence[Step], about: Mapping[str, str]) -> list[str]:
    """Return the steps as a numbered list."""
    return [f"{number}. {step.line(about)}" for number, step in enumerate(found, 1)]


def page(root: Path = ROOT) -> str:
    """Return the whole page."""
    about = descriptions(root)
    lines = [HEAD]
    for heading, meaning, names in PARTS:
        if heading == "Roll back":
            lines += verification(root, about)
        chapters = [line for name in names for line in chapter(name, root, about)]
        if not chapters:
            continue
        lines += [f"## {heading}", "", meaning, "", *chapters]
        if heading == "Deploy":
            lines += ["What the rings demand:", "", *rings(root)]
            lines += [*settings("patching", root), *settings("calendar", root), ""]
        if heading == "Roll back":
            lines += rescue(root, about)
    return "\n".join(lines).rstrip() + "\n"


def chapter(name: str, root: Path, about: Mapping[str, str]) -> list[str]:
    """Return one playbook's part, without what it does only when a host fails; nothing for one that is not there."""
    found = playbook(name, root)
    if found is None:
        return []
    comment, all_steps = found
    return [f"`{OURS}{name}`: {comment}", "", *numbered([s for s in all_steps if not s.rescue], about), ""]


def verification(root: Path, about: Mapping[str, str]) -> list[str]:
    """Return how a patched host is judged, by others than what patched it."""
    found = playbook("patch", root)
    head = ["## Verify", "", "In the same wave, by other modules than those that made the change:", ""]
    return [*head, *numbered(judged(found[1] if found else ()), about), ""]


def rescue(root: Path, about: Mapping[str, str]) -> list[str]:
    """Return what a wave does at once on a host that fails."""
    found = playbook("patch", root)
    taken = [step for step in found[1] if step.rescue] if found else []
    return ["At once, on a host that fails in its wave:", "", *numbered(taken, about), ""]


if __name__ == "__main__":
    sys.stdout.write(page())
