# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a site's own baseline names and this product does not know: roles, probes, comparisons, paragraphs of law."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .baseline import CITATION
from .problems import Fault
from .reading import read_yaml
from .structure import nearest


def mechanism_faults(data: Any, product: Path) -> Iterator[Fault]:
    """Yield a fault for each control that no role could make true, no probe read back, or no law asks for.

    Only sites' own baselines are looked at: those the product ships are under its tests.
    """
    # Here and not above: fourteen kinds of probe are loaded only for a site that has baselines of its own.
    from ...module_utils.probes._common import BadArgumentError
    from ...module_utils.probes._registry import KINDS
    from ..verdicts.compare import OPERATORS

    roles = tuple(sorted(path.name for path in (product / "roles").glob("*/")))
    catalogue = read_yaml(product / "baselines" / "citations" / "hipaa.yml")["citations"]
    controls = data.get("controls") if isinstance(data, dict) else None
    for index, control in enumerate(controls if isinstance(controls, list) else ()):
        if not isinstance(control, dict):
            continue
        path = ("controls", index)
        role, probe, compare = (control.get(key) for key in ("role", "probe", "compare"))
        if isinstance(compare, str) and compare not in OPERATORS:
            yield _unknown((*path, "compare"), f'the unknown comparison "{compare}"', compare, tuple(OPERATORS))
        if isinstance(role, str) and role not in roles:
            yield _unknown((*path, "role"), f'the unknown role "{role}"', role, roles)
        hipaa = control.get("hipaa")
        for place, citation in enumerate(hipaa if isinstance(hipaa, list) else ()):
            # Of another form altogether: the shape has said so.
            if isinstance(citation, str) and re.fullmatch(CITATION, citation) and citation not in catalogue:
                found, expected = f'"{citation}", which does not exist', "a paragraph of the Security Rule"
                yield Fault(
                    (*path, "hipaa", place), found, expected, nearest(citation, tuple(catalogue)) or "correct it"
                )
        for kind, argument in probe.items() if isinstance(probe, dict) else ():
            if kind not in KINDS:
                yield _unknown((*path, "probe", kind), "an unknown kind of probe", kind, tuple(sorted(KINDS)))
                continue
            try:
                KINDS[kind].check(argument)
            except BadArgumentError as error:
                yield Fault((*path, "probe", kind), str(error), "a question this probe can answer", "correct it")


def _unknown(path: tuple[str | int, ...], found: str, name: str, known: tuple[str, ...]) -> Fault:
    return Fault(path, found, f"one of {', '.join(known)}", nearest(name, known) or "choose one of these")
