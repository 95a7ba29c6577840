# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from and to CSV (RFC 4180): one row an entry, its columns named as the register's keys or mapped to them.

A cell that a spreadsheet would run as a formula is written behind a single quote, and read without it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from ..advisories.bounds import FeedError, decoded
from ..errors import UsageError
from ..site.item import Item
from ..site.problems import shown
from .cells import COLUMNS, gathered, read_cell, write_cell
from .proposal import MOST, Raw

LARGEST = 16 * 1024 * 1024
"""Bytes of a table."""
WIDEST = 200
"""Columns of a table."""
LONGEST = 8000
"""Characters of a cell."""

_DELIMITERS = (",", ";", "\t")
# What spreadsheets take for the start of a formula; the wide forms are what some turn into the narrow ones.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def guarded(text: str) -> str:
    """Return a cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_FORMULA) else text


def table_of(items: tuple[Item, ...]) -> str:
    """Return all items as CSV, with lines ended by CR LF as RFC 4180 has it."""
    lines = io.StringIO(newline="")
    writer = csv.writer(lines)
    writer.writerow(COLUMNS)
    for item in items:
        data = item.to_dict()
        product = {f"product_{name}": value for name, value in data.get("product", {}).items()}
        cells = {**data, **product, "managed": item.managed}
        writer.writerow([guarded(write_cell(column, cells.get(column))) for column in COLUMNS])
    return lines.getvalue()


def read_table(data: bytes, where: str, columns: Mapping[str, str]) -> tuple[list[Raw], list[str]]:
    """Return the rows of a table and what is to be said of it as a whole.

    `columns` says of a key of the register which column carries it. Raises UsageError for what is no table, or too
    large a one.
    """
    if len(data) > LARGEST:
        raise UsageError(f"{where}: {len(data)} bytes; expected at most {LARGEST}; split it")
    try:
        text = decoded(data, where)
    except FeedError as error:
        raise UsageError(f"{error}; save it as CSV in UTF-8") from error
    if "\x00" in text:
        raise UsageError(f"{where}: holds a NUL character; expected CSV; save it as CSV in UTF-8")
    rows = _rows(text, where)
    header = next(rows, None)
    if header is None:
        raise UsageError(f"{where}: is empty; expected a row of column names first")
    keys, notes = _keys(header[1], where, columns)
    raws = [_raw(line, cells, keys, where) for line, cells in rows if any(cells)]
    return raws, notes


def _rows(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        for count, cells in enumerate(reader):
            if count > MOST or len(cells) > WIDEST or any(len(cell) > LONGEST for cell in cells):
                raise UsageError(
                    f"{where}:{reader.line_num}: more than {MOST} rows, {WIDEST} columns or {LONGEST} characters in a "
                    "cell; expected a list of assets; split it, or look for a quote that is not closed"
                )
            yield reader.line_num, cells
    except csv.Error as error:
        raise UsageError(f"{where}:{reader.line_num}: is no CSV: {error}; save it as CSV anew") from error


def _delimiter(text: str) -> str:
    """Return what parts the most columns in the first line."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _keys(header: list[str], where: str, columns: Mapping[str, str]) -> tuple[list[str | None], list[str]]:
    """Return for each column the key it carries, None for one that is not taken."""
    names = [unguarded(name).strip() for name in header]
    plain = [name.lower().replace(" ", "_").replace("-", "_") for name in names]
    mapped: dict[int, str] = {}
    for key, column in columns.items():
        if column not in names:
            listed = ", ".join(shown(name) for name in names[:20])
            raise UsageError(f"{where}:1: no column {shown(column)}; expected one of {listed}; correct --column {key}=")
        mapped[names.index(column)] = key
    keys: list[str | None] = []
    for place, name in enumerate(plain):
        own = name if name in COLUMNS and name not in columns else None
        keys.append(mapped.get(place, own))
    for key in {key for key in keys if key is not None and keys.count(key) > 1}:
        raise UsageError(f"{where}:1: two columns carry {key}; expected one; rename one, or name it with --column")
    if "id" not in keys and "title" not in keys and "address" not in keys:
        do = "name the one that carries it: --column id='COLUMN'"
        raise UsageError(f"{where}:1: no column id, title or address; expected a name for each row; {do}")
    left = [shown(name) for name, key in zip(names, keys, strict=True) if key is None and name]
    return keys, [f"{where}: columns that were not taken: {', '.join(left)}"] if left else []


def _raw(line: int, cells: list[str], keys: list[str | None], where: str) -> Raw:
    notes: list[str] = []
    facts: dict[str, Any] = {}
    if len(cells) != len(keys):
        notes.append(f"{len(cells)} cells, and the table has {len(keys)} columns")
    for key, cell in zip(keys, cells, strict=False):
        text = unguarded(cell).strip()
        if key is None or not text:
            continue
        try:
            facts[key] = read_cell(key, text)
        except ValueError as error:
            notes.append(f"{key}: {error}; left out")
    # A name of another list's is seldom an id; one is made of it, and that is said.
    named = facts.pop("id", None)
    name = str(named or facts.get("title") or facts.get("address") or "")
    managed = facts.pop("managed", None)
    return Raw(f"{where}:{line}", name, gathered(facts), managed, tuple(notes))
