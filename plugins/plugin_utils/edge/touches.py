# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles say that they touch outside /etc: `touches` in their meta/holdfast.yml."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..errors import SiteError
from .environment import PRODUCT

KINDS = ("paths", "modes")
"""paths: with all that lies below; modes: mode and owner of this path alone. Both may hold * and ?."""


def declared(others: Iterable[Path] = ()) -> dict[str, list[str]]:
    """Return what the product's roles, and the roles at `others`, touch outside /etc.

    Always that of all roles, so that any two images of a host can be compared. Raises SiteError, naming the file.
    """
    roles = sorted({path.resolve() for path in (*(PRODUCT / "roles").iterdir(), *others)})
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for role in roles:
        file = role / "meta" / "holdfast.yml"
        if file.is_file():
            for kind, paths in _read(file).items():
                found[kind].update(paths)
    return {kind: sorted(paths) for kind, paths in found.items()}


def _read(file: Path) -> dict[str, list[str]]:
    whole: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(whole, dict) or set(whole) != {"touches"} or not isinstance(whole["touches"], dict):
        raise SiteError(f"{file}: expected one key, touches, with the lists {' and '.join(KINDS)}")
    for kind, paths in whole["touches"].items():
        if kind not in KINDS:
            raise SiteError(f"{file}: touches.{kind}: unknown; expected {' or '.join(KINDS)}")
        if not isinstance(paths, list) or any(not isinstance(path, str) or not path.startswith("/") for path in paths):
            raise SiteError(f"{file}: touches.{kind}: expected a list of absolute paths")
    return dict(whole["touches"])
