# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong between a site's exceptions and overlays and the rest of it: nobody and nothing they could mean."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .baseline import Control
from .exceptions import Waiver
from .overlays import Overlay
from .problems import Fault, SiteFilesError, shown
from .reading import read_document
from .scope import Scope
from .structure import nearest

if TYPE_CHECKING:
    from .site import Site

APPROVER = "approver"
"""The role of trust.yml whose holders may approve exceptions and overlays."""

_OPTION_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str, int),
    "int": (int,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def exception_conflicts(site: Site) -> Iterator[Fault]:
    """Yield what is wrong with the exceptions of a site that is sound otherwise."""
    known = _Known(site)
    taken: dict[tuple[str, str], int] = {}
    for index, waiver in enumerate(site.exceptions):
        path = ("exceptions", index)
        bound = yield from known.bound(waiver, path)
        yield from known.overlap(waiver, bound, path, taken, "exception")
        yield from known.approver(waiver.approver, path)
        without = [asset for asset in bound if waiver.compensating not in known.controls_of[asset]]
        if waiver.compensating and without:
            yield Fault(
                (*path, "compensating", "control"),
                f'"{waiver.compensating}", which {", ".join(without)} does not have',
                "a control of every asset that the exception is about",
                nearest(waiver.compensating, known.ids) or "name another, or write none: why",
            )


def overlay_conflicts(site: Site, product: Path) -> Iterator[Fault]:
    """Yield what is wrong with the overlays of a site that is sound otherwise."""
    known = _Known(site)
    taken: dict[tuple[str, str], int] = {}
    for index, overlay in enumerate(site.overlays):
        path = ("overlays", index)
        bound = yield from known.bound(overlay, path)
        yield from known.overlap(overlay, bound, path, taken, "overlay")
        yield from known.approver(overlay.approver, path)
        if overlay.control in known.ids:
            yield from _value_faults(known.controls[overlay.control], overlay.value, (*path, "value"), product)


class _Known:
    """What of a site exceptions and overlays may name."""

    def __init__(self, site: Site) -> None:
        self.site = site
        by_baseline = {name: {c.id: c for c in one.controls} for name, one in site.baselines.items()}
        self.controls: dict[str, Control] = {id_: c for controls in by_baseline.values() for id_, c in controls.items()}
        self.ids = tuple(self.controls)
        self.controls_of: dict[str, set[str]] = {
            asset.id: {id_ for name in asset.baselines for id_ in by_baseline[name]} for asset in site.assets
        }
        self._approvers: tuple[str, ...] | None = None

    def bound(self, one: Waiver | Overlay, path: tuple[str | int, ...]) -> Generator[Fault, None, list[str]]:
        """Return the ids of the assets concerned; yield what of control and scope nobody knows."""
        flaw = isinstance(one, Waiver) and bool(one.vulnerability)
        if not flaw and one.control not in self.ids:
            yield _unknown((*path, "control"), "control", one.control, self.ids)
            return []
        strangers = [*self._strangers(one.scope, path)]
        yield from strangers
        assets = [asset.id for asset in self.site.assets if one.scope.covers(asset)]
        bound = [asset for asset in assets if flaw or one.control in self.controls_of[asset]]
        if not bound and not strangers:
            found = f"{one.scope}, of which none has {one.control}" if assets else f"{one.scope}, which names no asset"
            yield Fault((*path, "scope"), found, "at least one asset that has the control", "correct scope or control")
        return bound

    def _strangers(self, scope: Scope, path: tuple[str | int, ...]) -> Iterator[Fault]:
        assets = self.site.assets
        known: dict[str, tuple[str, ...]] = {
            "assets": tuple(asset.id for asset in assets),
            "rings": tuple(ring.name for ring in self.site.policy.rings),
            "groups": tuple(sorted({group for asset in assets for group in asset.groups})),
            "baseline": tuple(self.site.baselines),
        }
        for place, name in enumerate(scope.names):
            where = (*path, "scope", scope.kind, *((place,) if scope.kind != "baseline" else ()))
            if name not in known[scope.kind]:
                yield _unknown(where, scope.kind.rstrip("s"), name, known[scope.kind])

    def overlap(
        self,
        one: Waiver | Overlay,
        bound: Iterable[str],
        path: tuple[str | int, ...],
        taken: dict[tuple[str, str], int],
        of_what: str,
    ) -> Iterator[Fault]:
        """Yield one fault where an earlier entry speaks of the same control on the same asset."""
        twice: dict[int, list[str]] = {}
        about = one.about if isinstance(one, Waiver) else one.control
        for asset in bound:
            other = taken.setdefault((about, asset), int(path[-1]))
            if other != path[-1]:
                twice.setdefault(other, []).append(asset)
        for other, assets in twice.items():
            yield Fault(
                path,
                f"{about} on {_some(assets)} a second time (the other is {path[0]}[{other}])",
                f"at most one {of_what} for a control on an asset",
                "narrow one of the two scopes, or take one away; renew by changing expires"
                if of_what == "exception"
                else "narrow one of the two scopes, or take one away",
            )

    def approver(self, name: str, path: tuple[str | int, ...]) -> Iterator[Fault]:
        """Yield a fault where nobody of that name may approve."""
        if not self.site.trust_path.exists():
            return  # the run that would go by it asks the trust in force: see edge/running.py
        if self._approvers is None:
            self._approvers = _approvers(self.site.trust_path)
        if name not in self._approvers:
            found = f'"{name}", who may approve nothing'
            listed = ", ".join(self._approvers)
            expected = f"one of {listed}" if listed else "a principal with the role approver, and trust.yml has none"
            do = nearest(name, self._approvers) or "name who approved it, or add that person to trust.yml"
            yield Fault((*path, "approver"), found, expected, do)


def _approvers(path: Path) -> tuple[str, ...]:
    """Return who may approve by trust.yml; nobody where it cannot be read, which `holdfast check` says by itself."""
    try:
        document, problems = read_document(path, path.name)
    except SiteFilesError:
        return ()
    principals = document.data.get("principals") if isinstance(document.data, dict) and not problems else None
    found = [one for one in principals if isinstance(one, dict)] if isinstance(principals, list) else []
    return tuple(str(one.get("id")) for one in found if APPROVER in (one.get("roles") or ()))


def _value_faults(control: Control, value: Any, path: tuple[str | int, ...], product: Path) -> Iterator[Fault]:
    """Yield why a value cannot stand for a control's: the register says it, comparison or role cannot hold it."""
    # Here and not above: comparisons and roles are looked at only for a site that has overlays.
    from ..verdicts.compare import unfit

    if control.from_register:
        found = f"a value for {control.id}, whose value comes from the register"
        yield Fault(path, found, f"the asset's {control.from_register} in holdfast.yml", "write it there")
    elif why := unfit(control.compare, value) or _kind_of(control.value, value):
        yield Fault(path, shown(value), f"{why}, for {control.id} is compared by {control.compare}", "correct it")
    elif control.role:
        yield from _role_faults(control, value, path, product)


def _kind_of(expected: Any, value: Any) -> str:
    """Return what a value must be to stand where `expected` stands: a list for a list, and so on; empty where it is."""
    for kind, words in ((list, "a list"), (dict, "a mapping")):
        if isinstance(expected, kind) != isinstance(value, kind):
            return words if isinstance(expected, kind) else f"no {words.removeprefix('a ')}"
    return ""


def _role_faults(control: Control, value: Any, path: tuple[str | int, ...], product: Path) -> Iterator[Fault]:
    specs = product / "roles" / control.role / "meta" / "argument_specs.yml"
    try:
        document, _unused = read_document(specs, specs.name)
        option = document.data["argument_specs"]["main"]["options"][control.variable]
    except (SiteFilesError, KeyError, TypeError):
        return  # a role of the product's is under its tests
    wanted = _OPTION_TYPES.get(option.get("type", "str"), (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted and object not in wanted):
        expected = f"a value of type {option.get('type', 'str')}, for the role {control.role} takes no other"
        yield Fault(path, shown(value), expected, "correct it")
    elif choices := [choice for choice in option.get("choices", ()) if choice is not None]:
        for member in value if isinstance(value, list) else [value]:
            if member not in choices:
                yield Fault(path, shown(member), f"one of {', '.join(map(str, choices))}", "choose one of these")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _unknown(path: tuple[str | int, ...], of_what: str, name: str, known: tuple[str, ...]) -> Fault:
    listed = _some(known) if of_what == "control" else ", ".join(known)
    do = nearest(name, known) or "choose one of these"
    return Fault(path, f'the unknown {of_what} "{name}"', f"one of {listed}", do)
