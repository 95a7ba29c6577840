# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a site: which there are, each one's own problems, and the problems between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from .baseline import baseline_faults, part_faults
from .mechanism import mechanism_faults
from .network import ANYWHERE
from .problems import Fault, Problem, SiteFilesError
from .reading import Document, read_document
from .remediation import unlimited
from .sources import Stamp, stamp
from .structure import SLUG, nearest

REGISTERS = ("holdfast.yml", "holdfast.yaml")
"""What the register may be called; the inventory plugin reads files of these names and no others."""


class Files:
    """Reads the files of a site and gathers everything that is wrong with them in `problems`."""

    def __init__(self, root: Path, product: Path) -> None:
        self.problems: list[Problem] = []
        self.sources: dict[Path, Stamp] = {}
        """The folders that were looked into, and every file that was read; each stamp is older than the look."""
        for folder in (root, root / "policy", root / "baselines", product / "policy", product / "baselines"):
            self._note(folder)
        self._root = root
        self._product = product

    def read(self, path: Path, faults: Callable[[Any], Iterator[Fault]]) -> Document:
        """Return one file's document; where it cannot be read at all, an empty one, and a problem."""
        self._note(path.parent)
        self._note(path)
        name = str(path.relative_to(self._root)) if path.is_relative_to(self._root) else str(path)
        try:
            document, problems = read_document(path, name)
        except SiteFilesError as error:
            self.problems += error.problems
            return Document(name, None, {})
        # A text with problems is not looked at further: a duplicate key hides what it was meant to be.
        self.problems += problems or document.problems([*faults(document.data)])
        return document

    def _note(self, path: Path) -> None:
        self.sources.setdefault(path, stamp(path))

    def register(self) -> Path:
        """Return the path of the asset register; two of them are a problem."""
        found = [self._root / name for name in REGISTERS if (self._root / name).exists()]
        if len(found) > 1:
            fault = Fault(
                (),
                "a second register",
                "holdfast.yml or holdfast.yaml, not both",
                "move its assets into the other",
            )
            self.problems.append(Problem(REGISTERS[1], 1, fault))
        return found[0] if found else self._root / REGISTERS[0]

    def policy(self, name: str, faults: Callable[[Any], Iterator[Fault]]) -> Document:
        """Return a policy file: the site's own where it has one, else the product's."""
        own = self._root / "policy" / f"{name}.yml"
        return self.read(own if own.exists() else self._product / "policy" / f"{name}.yml", faults)

    def optional(self, name: str, faults: Callable[[Any], Iterator[Fault]]) -> Document:
        """Return a file `<name>.yml` of the site's, whose one key is its name; without it, an empty list."""
        path = self._root / f"{name}.yml"
        return self.read(path, faults) if path.exists() else Document(path.name, {name: []}, {})

    def baselines(self, register: Document) -> dict[str, Document]:
        """Return all baselines of the site's own and those of the product's that its assets name, by id."""
        own = {path.stem: path for path in sorted((self._root / "baselines").glob("*.yml"))}
        shipped = {path.stem: path for path in sorted((self._product / "baselines").glob("*.yml"))}
        for name in sorted(own.keys() & shipped.keys()):
            fault = Fault(
                ("id",),
                f'the id "{name}" of a baseline that the product ships',
                "an id of its own",
                "rename the file and its id",
            )
            self.problems.append(Problem(f"baselines/{name}.yml", 1, fault))
        wanted = {name for _unused, asset in _members(register, "assets") for name in _texts(asset.get("baselines"))}
        paths = {**{name: path for name, path in shipped.items() if name in wanted}, **own}
        self._known_baselines = tuple(sorted({**shipped, **own}))
        documents = {}
        for name, path in paths.items():
            whole = self.read(path, partial(baseline_faults, name=name))
            parts = [self.read(path.with_suffix("") / f"{part}.yml", part_faults) for part in _parts(whole)]
            for document in (whole, *parts) if name in own else ():
                self.problems += document.problems([*mechanism_faults(document.data, self._product)])
            documents[name] = _joined(whole, parts)
            if parts:
                self.problems += whole.problems([*_repeated(parts)])
        return documents

    def cross_check(
        self, register: Document, baselines: dict[str, Document], rings: Document, calendar: Document
    ) -> None:
        """Gather what is wrong between the register and the rest: unknown rings, windows, baselines, controls twice."""
        named = _names(rings, "rings")
        self.problems += register.problems([*self._asset_faults(register, baselines, named)])
        self.problems += register.problems([*_item_faults(register, named, _names(calendar, "windows"))])

    def cross_check_policy(
        self, rings: Document, patching: Document, remediation: Document, calendar: Document
    ) -> None:
        """Gather what is wrong between the files of policy: rings and windows that nobody wrote down."""
        named, windows = _names(rings, "rings"), _names(calendar, "windows")
        faults = [*_rule_faults(remediation, named, windows), *unlimited(remediation.data, named)]
        self.problems += remediation.problems(faults)
        self.problems += rings.problems([*_ring_window_faults(rings, windows)])
        restarts = patching.data.get("restarts") if isinstance(patching.data, dict) else None
        chosen = restarts.get("windows") if isinstance(restarts, dict) else None
        self.problems += patching.problems([*_window_faults(chosen, ("restarts", "windows"), windows)])
        self.problems += calendar.problems([*_freeze_faults(calendar, named)])

    def cross_check_rules(self, rings: Document, rules: Document) -> None:
        """Gather the rings that the site's own rules name and nobody wrote down."""
        self.problems += rules.problems([*_site_rule_faults(rules, _names(rings, "rings"))])

    def _asset_faults(
        self, register: Document, baselines: dict[str, Document], rings: tuple[str, ...]
    ) -> Iterator[Fault]:
        clashes: dict[tuple[str, ...], list[Fault]] = {}
        segments = _segments(register)
        for index, asset in _members(register, "assets"):
            path = ("assets", index)
            if isinstance(ring := asset.get("ring"), str) and rings and ring not in rings:
                yield _unknown((*path, "ring"), "ring", ring, rings)
            yield from _segment_faults(asset.get("flows"), path, segments)
            wanted = _texts(asset.get("baselines"))
            for place, name in enumerate(wanted):
                if name not in self._known_baselines:
                    yield _unknown((*path, "baselines", place), "baseline", name, self._known_baselines)
            # Hundreds of assets share a list of baselines: each list is compared once.
            if wanted not in clashes:
                clashes[wanted] = [*_clashes([(name, baselines[name]) for name in wanted if name in baselines])]
            yield from (Fault((*path, "baselines"), fault.found, fault.expected, fault.do) for fault in clashes[wanted])


def _item_faults(register: Document, rings: tuple[str, ...], windows: tuple[str, ...]) -> Iterator[Fault]:
    """Yield the rings, windows and segments of `items` that nobody declared."""
    segments = _segments(register)
    for index, item in _members(register, "items"):
        path = ("items", index)
        if isinstance(ring := item.get("ring"), str) and rings and ring not in rings:
            yield _unknown((*path, "ring"), "ring", ring, rings)
        yield from _window_faults([item.get("window")], (*path, "window"), windows)
        yield from _segment_faults(item.get("flows"), path, segments)


def _segments(register: Document) -> tuple[str, ...]:
    named = register.data.get("segments") if isinstance(register.data, dict) else None
    return (ANYWHERE, *(named if isinstance(named, dict) else ()))


def _parts(baseline: Document) -> tuple[str, ...]:
    """Return the names of a baseline's parts that may be file names."""
    parts = baseline.data.get("parts") if isinstance(baseline.data, dict) else None
    return tuple(part for part in _texts(parts) if re.fullmatch(SLUG, part))


def _joined(whole: Document, parts: list[Document]) -> Document:
    """Return a baseline as if it were written in one file, the controls of its parts in their order."""
    if not parts:
        return whole
    data = {key: value for key, value in whole.data.items() if key != "parts"}
    controls = [control for part in parts for _unused, control in _members(part, "controls")]
    return Document(whole.name, {**data, "controls": controls}, {})


def _repeated(parts: list[Document]) -> Iterator[Fault]:
    """Yield the control ids and variables that two parts of one baseline share."""
    for fault in _clashes([(part.name, part) for part in parts]):
        yield Fault(("parts",), fault.found, "each once in a baseline", "rename one of the two")


def _clashes(chosen: list[tuple[str, Document]]) -> Iterator[Fault]:
    """Yield the control ids and variables that two baselines of one asset share."""
    first: dict[tuple[str, str], str] = {}
    for name, document in chosen:
        for _unused, control in _members(document, "controls"):
            for key in ("id", "variable"):
                value = control.get(key)
                other = first.setdefault((key, value), name) if isinstance(value, str) else name
                if other != name:
                    of_what = "control" if key == "id" else "variable"
                    yield Fault(
                        (),
                        f'the {of_what} "{value}" in both {other} and {name}',
                        f"each {of_what} once on an asset",
                        "take one of the two baselines away",
                    )


def _segment_faults(flows: Any, path: tuple[str | int, ...], known: tuple[str, ...]) -> Iterator[Fault]:
    for index, flow in enumerate(flows if isinstance(flows, list) else ()):
        for place, name in enumerate(_texts(flow.get("from") if isinstance(flow, dict) else None)):
            if name not in known:
                yield _unknown((*path, "flows", index, "from", place), "segment", name, known)


def _rule_faults(remediation: Document, rings: tuple[str, ...], windows: tuple[str, ...]) -> Iterator[Fault]:
    for index, rule in _members(remediation, "rules"):
        when = rule.get("when")
        for place, ring in enumerate(_texts(when.get("ring") if isinstance(when, dict) else None)):
            if rings and ring not in rings:
                yield _unknown(("rules", index, "when", "ring", place), "ring", ring, rings)
        if rule.get("then") == "window":
            yield from _window_faults([rule.get("window")], ("rules", index, "window"), windows)
    for index, limit in _members(remediation, "limits"):
        for ring in _texts([limit.get("ring")]):
            if rings and ring not in rings:
                yield _unknown(("limits", index, "ring"), "ring", ring, rings)


def _site_rule_faults(rules: Document, rings: tuple[str, ...]) -> Iterator[Fault]:
    for index, rule in _members(rules, "rules"):
        for place, ring in enumerate(_texts(rule.get("rings"))):
            if rings and ring not in rings:
                yield _unknown(("rules", index, "rings", place), "ring", ring, rings)


def _ring_window_faults(rings: Document, windows: tuple[str, ...]) -> Iterator[Fault]:
    for index, ring in _members(rings, "rings"):
        yield from _window_faults(ring.get("windows"), ("rings", index, "windows"), windows)


def _window_faults(chosen: Any, path: tuple[str | int, ...], windows: tuple[str, ...]) -> Iterator[Fault]:
    for place, name in enumerate(_texts(chosen)):
        if name not in windows:
            listed = f"one of {', '.join(windows)}" if windows else "one of policy/calendar.yml, which has none"
            where = (*path, place) if path[-1] == "windows" else path
            do = nearest(name, windows) or "add it to policy/calendar.yml"
            yield Fault(where, f'the unknown window "{name}"', listed, do)


def _freeze_faults(calendar: Document, rings: tuple[str, ...]) -> Iterator[Fault]:
    for key in ("freezes", "billing"):
        for index, freeze in _members(calendar, key):
            for place, ring in enumerate(_texts(freeze.get("rings"))):
                if rings and ring not in rings:
                    yield _unknown((key, index, "rings", place), "ring", ring, rings)


def _names(document: Document, key: str) -> tuple[str, ...]:
    return tuple(name for _unused, member in _members(document, key) for name in _texts([member.get("name")]))


def _unknown(path: tuple[str | int, ...], of_what: str, name: str, known: tuple[str, ...]) -> Fault:
    return Fault(
        path,
        f'the unknown {of_what} "{name}"',
        f"one of {', '.join(known)}",
        nearest(name, known) or "choose one of these",
    )


def _members(document: Document, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the mappings in a list of a document, with their places; what else is there has been reported."""
    members = document.data.get(key) if isinstance(document.data, dict) else None
    for index, member in enumerate(members if isinstance(members, list) else []):
        if isinstance(member, dict):
            yield index, member


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(member for member in value if isinstance(member, str)) if isinstance(value, list) else ()
