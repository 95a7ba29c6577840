# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The register's values as one cell of a table each: what `--set` takes, and what CSV files hold.

Lists are words with blanks between; flows are `tcp/443 from office dmz; udp/51820 from any`; what has more parts is
JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..advisories.bounds import Bounds, FeedError, document
from ..site.problems import shown

TEXTS = (
    "id", "kind", "title", "owner", "ring", "address", "segment", "location", "environment", "exposure", "data_class",
    "vendor", "window", "cluster",
)  # fmt: skip
LISTS = ("baselines", "depends_on")
TRUTHS = ("managed", "intermittent")
JSONS = ("vars", "health", "serves")
PRODUCT = ("product_vendor", "product_name", "product_version", "product_cpe", "product_purl")
COLUMNS = ("managed", *TEXTS, "tier", *LISTS, "flows", *PRODUCT, "intermittent", *JSONS)
"""The columns that are known, in the order in which they are written."""

_YES, _NO = ("true", "yes", "y", "1", "x"), ("false", "no", "n", "0")
_FLOW = re.compile(r"(?:(tcp|udp)/)?([0-9]{1,5}) from ([a-z][a-z0-9-]*(?:[ ,]+[a-z][a-z0-9-]*)*)", re.IGNORECASE)
_BOUNDS = Bounds(document=64 * 1024, depth=8, containers=1000, values=4000)


def read_cell(column: str, text: str) -> Any:
    """Return the value of a cell that is not empty; raises ValueError, in words for people, for what it cannot be."""
    if column == "tier":
        return int(text) if re.fullmatch("[0-9]{1,3}", text) else text
    if column in LISTS:
        return [word for word in re.split(r"[\s,;]+", text) if word]
    if column in TRUTHS:
        word = text.lower()
        if word not in (*_YES, *_NO):
            raise ValueError(f"{shown(text)} is neither yes nor no")
        return word in _YES
    if column == "flows":
        return [_flow(part.strip()) for part in text.split(";") if part.strip()]
    if column in JSONS:
        try:
            return document(text.encode("utf-8"), column, _BOUNDS)
        except FeedError as error:
            raise ValueError(str(error)) from error
    return text


def _flow(text: str) -> dict[str, Any]:
    found = _FLOW.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is no flow; expected the like of: tcp/443 from office dmz")
    flow = {"port": int(found[2]), "from": re.split(r"[ ,]+", found[3].lower())}
    return {"protocol": "udp", **flow} if (found[1] or "tcp").lower() == "udp" else flow


def write_cell(column: str, value: Any) -> str:
    """Return a value of the register as the text of its cell."""
    if value is None or value in ("", [], {}):
        return ""
    if column in LISTS:
        return " ".join(value)
    if column in TRUTHS:
        return "yes" if value else "no"
    if column == "flows":
        return "; ".join(f"{one['protocol']}/{one['port']} from {' '.join(one['from'])}" for one in value)
    if column in JSONS:
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def gathered(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return cells as the register's keys: those of a product in one mapping."""
    product = {name.removeprefix("product_"): cells[name] for name in PRODUCT if name in cells}
    facts = {name: value for name, value in cells.items() if name not in PRODUCT}
    return {**facts, "product": product} if product else facts
