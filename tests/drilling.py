# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drills: how each control is broken on a host, whether its probe saw it, and whether its role mended it.

Roles are applied with plain Ansible and the baselines' values; probes are asked without a playbook: they travel as a
zip file that Python runs, the same files that Ansible would carry, without Ansible's second.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import yaml
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.baseline import Baseline, Control
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.judge import judge_all
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.verdicts.verdict import Verdict

from tests import events

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "tests" / "drills"
PLAYBOOKS = ROOT / "tests" / "playbooks"
PROBES = ROOT / "plugins" / "module_utils" / "probes"
ON_HOST = "/root/drill-probe.zip"
PACKAGE_TOOL = "/root/drill-package"
PLACES = ("container", "vm")
LONGEST_SECONDS = 2400
MAIN = """
import json, subprocess, sys, tempfile
from probes._registry import observe
asked, known = json.load(sys.stdin), {}
for command in asked["commands"]:
    # A file, for what a command leaves running would keep a pipe open.
    with tempfile.TemporaryFile() as told:
        code = subprocess.call(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=told, stderr=told)
        told.seek(0)
        said = told.read().decode(errors="replace")[-500:]
    seen = {answer["id"]: answer for answer in observe(asked["controls"])}
    news = [answer for name, answer in seen.items() if known.get(name) != answer]
    print(json.dumps({"code": code, "said": said, "news": news}), flush=True)
    known = seen
"""


class Host(Protocol):
    """What can be drilled: a lab container's fleet, or the virtual machine."""

    @property
    def ssh_config(self) -> Path: ...
    @property
    def inventory(self) -> Path: ...


@dataclass(frozen=True)
class Drill:
    """A shell command that breaks one control; `place` is where it can be shown, `needs` is "archive" or nothing."""

    control: str
    run: str
    place: str = "container"
    needs: str = ""


@dataclass(frozen=True)
class Answer:
    """What a host said after one command: its exit code and last words, and the verdict on every control by id."""

    code: int
    said: str
    verdicts: dict[str, Verdict]


@dataclass(frozen=True)
class Wrong:
    """A drill that did not do what it should, in words."""

    drill: Drill
    why: str

    def __str__(self) -> str:
        return f"{self.drill.control}: {self.why}\n    {self.drill.run}"


def read_drills(text: str) -> tuple[Drill, ...]:
    """Return the drills of one file. Raises ValueError, naming the control, for what is none."""
    drills = []
    for control, told in (yaml.safe_load(text) or {}).items():
        entry = {"run": told} if isinstance(told, str) else told
        if not isinstance(entry, dict) or not isinstance(entry.get("run"), str) or not entry["run"].strip():
            raise ValueError(f"{control}: expected a shell command, or {{run: command}} with on or needs")
        # YAML 1.1 reads the bare word `on` as true.
        entry = {"on" if key is True else key: value for key, value in entry.items()}
        if not set(entry) <= {"run", "on", "needs"}:
            raise ValueError(f"{control}: {', '.join(sorted(set(entry) - {'run', 'on', 'needs'}))}: no such member")
        place, needs = entry.get("on", "container"), entry.get("needs", "")
        if place not in PLACES or needs not in ("", "archive"):
            raise ValueError(f"{control}: on is one of {', '.join(PLACES)}; needs is archive, or left out")
        drills.append(Drill(str(control), entry["run"], place, needs))
    return tuple(drills)


@cache
def drills() -> dict[str, tuple[Drill, ...]]:
    """Return subsystem -> its drills, in the order of their files."""
    files = sorted(FOLDER.glob("*.yml"))
    return {file.stem: read_drills(file.read_text(encoding="utf-8")) for file in files}


@cache
def baselines() -> dict[str, Baseline]:
    """Return the shipped baselines by name, with the values of the lab's own site in place."""
    own = yaml.safe_load((ROOT / "tests" / "lab_values.yml").read_text(encoding="utf-8"))
    found = {}
    for path in sorted((ROOT / "baselines").glob("*.yml")):
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
        files = [path.with_suffix("") / f"{part}.yml" for part in whole.pop("parts")]
        parts = [yaml.safe_load(file.read_text(encoding="utf-8"))["controls"] for file in files]
        baseline = Baseline.from_dict({**whole, "controls": [control for part in parts for control in part]})
        found[path.stem] = replace(baseline, controls=tuple(_resolved(control, own) for control in baseline.controls))
    return found


def _resolved(control: Control, own: Mapping[str, Any]) -> Control:
    if control.from_register:
        return replace(control, value=own["register"][control.from_register])
    return replace(control, value=own["values"].get(control.id, control.value))


def controls() -> tuple[Control, ...]:
    """Return all controls of all baselines, in their order."""
    return tuple(control for baseline in baselines().values() for control in baseline.controls)


def roles() -> tuple[str, ...]:
    """Return the roles that the baselines name, in the order in which they name them."""
    return tuple(dict.fromkeys(control.role for control in controls() if control.role))


def values(wanted: Sequence[str]) -> dict[str, Any]:
    """Return variable -> value for these roles."""
    return {control.variable: control.value for control in controls() if control.role in wanted}


def with_result(verdicts: Mapping[str, Verdict], *results: str) -> set[str]:
    """Return the ids of the controls with one of these results."""
    return {control_id for control_id, verdict in verdicts.items() if verdict.result in results}


class Prober:
    """Puts the probes on one host once, and asks them about some controls as often as wanted."""

    def __init__(self, ssh_config: Path, host: str, asked: Sequence[Control] | None = None) -> None:
        self._ssh = ["ssh", "-F", str(ssh_config), "-o", "BatchMode=yes", host]
        self.controls = tuple(controls() if asked is None else asked)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("__main__.py", MAIN)
            archive.writestr("probes/__init__.py", "")
            for path in PROBES.glob("*.py"):
                archive.write(path, f"probes/{path.name}")
        self._run(f"cat >{ON_HOST}", packed.getvalue())
        self._run(f"cat >{PACKAGE_TOOL} && chmod 0700 {PACKAGE_TOOL}", (FOLDER / "drill-package").read_bytes())

    def now(self) -> dict[str, Verdict]:
        """Return the verdict on every control by id."""
        return next(iter(self.after(["true"]))).verdicts

    def after(self, commands: Sequence[str]) -> Iterator[Answer]:
        """Run shell commands on the host, one after the other; yield what it said after each of them."""
        questions = [{"id": control.id, "probe": control.probe} for control in self.controls]
        asked = json.dumps({"controls": questions, "commands": list(commands)}).encode()
        known: dict[str, Any] = {}
        for line in self._run(f"python3 {ON_HOST}", asked).splitlines():
            answer = json.loads(line)
            known |= {news["id"]: news for news in answer["news"]}
            verdicts = judge_all(self.controls, known.values())
            yield Answer(answer["code"], answer["said"], {verdict.control_id: verdict for verdict in verdicts})

    def drill(self, wanted: Sequence[Drill], already: set[str]) -> tuple[list[Wrong], set[str]]:
        """Break controls one after the other; return what went wrong, and which fail at the end.

        `already` are those that fail before. Each drill must make its own control fail, no other, and mend none.
        """
        wrong, broken = [], set(already)
        for drill, answer in zip(wanted, self.after([drill.run for drill in wanted]), strict=True):
            failing = with_result(answer.verdicts, "fail")
            own = answer.verdicts[drill.control]
            if answer.code:
                wrong.append(Wrong(drill, f"the command ended with {answer.code}: {answer.said.strip()}"))
            elif drill.control in broken:
                wrong.append(Wrong(drill, "an earlier drill had broken it already"))
            elif drill.control not in failing:
                wrong.append(Wrong(drill, f"not detected: {own.result}, actual {own.actual!r} {own.why}"))
            others = {name: answer.verdicts[name].actual for name in failing - broken - {drill.control}}
            if others:
                wrong.append(Wrong(drill, f"broke others too: {others}"))
            if broken - failing:
                wrong.append(Wrong(drill, f"mended others: {', '.join(sorted(broken - failing))}"))
            broken = failing
        return wrong, broken

    def _run(self, command: str, stdin: bytes) -> str:
        done = subprocess.run(
            [*self._ssh, command], input=stdin, capture_output=True, timeout=LONGEST_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode()


def apply(host: Host, name: str, folder: Path, wanted: Sequence[str], *options: str) -> events.Run:
    """Apply roles with the baselines' values; return the run by its events. Fails when the play does."""
    (folder / "values.json").write_text(json.dumps({**values(wanted), "roles_to_apply": wanted}), encoding="utf-8")
    told = folder / "events.jsonl"
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(host.inventory), "--limit", name,
         "-e", f"@{folder / 'values.json'}", str(PLAYBOOKS / "apply_roles.yml"), *options],
        env={**os.environ, "ANSIBLE_CONFIG": str(PLAYBOOKS / "apply_roles.cfg"), "ANSIBLE_NOCOLOR": "1",
             **events.environment(told)},
        text=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr
    run = events.read(told)[-1]
    assert run.ended
    assert run.failed == ()
    return run


def main() -> int:
    """Bring one host to some subsystems' controls, drill them, mend them; exit code 1 when anything went wrong."""
    from lab.fleet import Fleet

    parser = argparse.ArgumentParser(prog="python -m tests.drilling", description=main.__doc__)
    parser.add_argument("--fleet", required=True, help="a fleet of the lab that is up")
    parser.add_argument("host")
    parser.add_argument("subsystem", nargs="+", choices=sorted(drills()))
    asked = parser.parse_args()
    fleet, names = Fleet(asked.fleet), set(asked.subsystem)
    mine = [control for control in controls() if control.id.rpartition("-")[0] in names]
    wanted = list(dict.fromkeys(control.role for control in mine if control.role))
    prober = Prober(fleet.ssh_config, asked.host, mine)
    to_break = [drill for name in asked.subsystem for drill in drills()[name] if drill.place == "container"]
    with tempfile.TemporaryDirectory() as folder:
        apply(fleet, asked.host, Path(folder), wanted)
        again = apply(fleet, asked.host, Path(folder), wanted)
        before = prober.now()
        wrong, _broken = prober.drill([drill for drill in to_break if not drill.needs], with_result(before, "fail"))
        apply(fleet, asked.host, Path(folder), wanted)
        after = prober.now()
    for name, verdicts in (("after the role", before), ("after mending", after)):
        for control_id in sorted(with_result(verdicts, "fail", "not_measured", "not_applicable")):
            verdict = verdicts[control_id]
            print(f"{name}: {control_id}: {verdict.result}, actual {verdict.actual!r} {verdict.why}")
    for line in [*map(str, wrong), *(f"changed again: {task}" for task in again.changed)]:
        print(line)
    count = len([drill for drill in to_break if not drill.needs])
    bad = {one.drill.control for one in wrong}
    print(f"Detected {count - len(bad)} of {count}")
    return 1 if wrong or again.changed or with_result(after, "fail") - with_result(before, "fail") else 0


if __name__ == "__main__":
    sys.exit(main())
