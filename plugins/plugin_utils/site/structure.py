# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes data may have: one declaration gives errors for people and JSON Schema for editors.

A shape is written once, beside the dataclass it becomes. `shape.faults(value)` yields all that is wrong, not
only the first; `shape.schema()` is the same rule as JSON Schema 2020-12 (docs/adr/0005).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Protocol

from .problems import Fault, Key, shown

Path = tuple[Key, ...]

LARGEST_WHOLE = 2**53 - 1
"""The largest whole number every JSON reader keeps exact; larger ones could not be signed for."""


class Shape(Protocol):
    """What a value may be."""

    @property
    def words(self) -> str:
        """What is expected, as the error message says it."""

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        """Yield what is wrong with the value and with everything inside it."""

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema."""


@dataclass(frozen=True)
class Text:
    """Text that matches a pattern as a whole, at most `most` characters; `hide` keeps it out of errors."""

    words: str
    pattern: str = r"[^\x00-\x1f\x7f]+"
    most: int = 500
    do: str = "correct it"
    hide: bool = False

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, str):
            do = (
                "write it as text"
                if isinstance(value, (list, dict))
                else "write it in quotes"
                if value is not None
                else "write it here"
            )
            yield Fault(path, shown(value), self.words, do)
        elif len(value) > self.most:
            yield Fault(path, f"{len(value)} characters", f"{self.words}, at most {self.most} long", "shorten it")
        elif not re.fullmatch(self.pattern, value):
            yield Fault(path, "text of another form" if self.hide else shown(value), self.words, self.do)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "string",
            "description": self.words,
            "pattern": f"^(?:{self.pattern})$",
            "maxLength": self.most,
        }


@dataclass(frozen=True)
class Word:
    """One of a closed set of words."""

    choices: tuple[str, ...]

    @property
    def words(self) -> str:
        return self.choices[0] if len(self.choices) == 1 else f"one of {', '.join(self.choices)}"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, str) or value not in self.choices:
            yield Fault(path, shown(value), self.words, nearest(value, self.choices) or "choose one of these")

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


@dataclass(frozen=True)
class Whole:
    """A whole number within limits, both included."""

    words: str
    low: int = -LARGEST_WHOLE
    high: int = LARGEST_WHOLE

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if isinstance(value, bool) or not isinstance(value, int):
            quoted = isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+", value)
            yield Fault(path, shown(value), self.words, "take the quotes away" if quoted else "write a whole number")
        elif not self.low <= value <= self.high:
            yield Fault(path, shown(value), self.words, f"choose a number from {self.low} to {self.high}")

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "description": self.words, "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Truth:
    """true or false."""

    words: str = "true or false"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, bool):
            yield Fault(path, shown(value), self.words, "write true or false, without quotes")

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Items:
    """A list whose members all have one shape; `distinct` refuses a member that occurs twice."""

    item: Shape
    least: int = 0
    most: int = 100_000
    distinct: bool = False

    @property
    def words(self) -> str:
        return f"a list, each member {self.item.words}"

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(path, shown(value), self.words, "write [...], or one `- ` line for each member")
            return
        if len(value) < self.least:
            yield Fault(
                path,
                shown(value),
                f"at least {self.least} member{'s' * (self.least > 1)}, each {self.item.words}",
                "add one",
            )
        if len(value) > self.most:
            yield Fault(path, f"{len(value)} members", f"at most {self.most}", "take some away")
        for index, member in enumerate(value):
            yield from self.item.faults(member, (*path, index))
            if self.distinct and member in value[:index]:
                yield Fault((*path, index), f"{shown(member)} a second time", "each member once", "take one away")

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "array",
            "items": self.item.schema(),
            "minItems": self.least,
            "maxItems": self.most,
        }
        return {**schema, "uniqueItems": True} if self.distinct else schema


@dataclass(frozen=True)
class Fields:
    """A mapping with named keys: all of `required`, any of `optional`, one of `one_of` where given."""

    words: str
    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    one_of: Mapping[str, Shape] = field(default_factory=dict)

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(path, shown(value), self.words, f"write the keys {', '.join(self._known())}")
            return
        for key in self.required:
            if key not in value:
                yield Fault(path, f"no {key}", f"{key}: {self.required[key].words}", f"add the line `{key}: ...`")
        chosen = [key for key in self.one_of if key in value]
        if self.one_of and len(chosen) != 1:
            found = f"both {' and '.join(chosen)}" if chosen else "none of its kinds"
            yield Fault(
                path,
                found,
                f"exactly one of {', '.join(self.one_of)}",
                "split it in two" if chosen else "add one",
            )
        shapes = {**self.required, **self.optional, **self.one_of}
        for key, member in value.items():
            if key in shapes:
                yield from shapes[key].faults(member, (*path, key))
            else:
                known = self._known()
                yield Fault(
                    (*path, key),
                    "an unknown key",
                    f"one of {', '.join(known)}",
                    nearest(key, known) or "take it away",
                )

    def _known(self) -> tuple[str, ...]:
        return (*self.required, *self.optional, *self.one_of)

    def schema(self) -> dict[str, Any]:
        shapes = {**self.required, **self.optional, **self.one_of}
        schema: dict[str, Any] = {
            "type": "object",
            "description": self.words,
            "properties": {key: shape.schema() for key, shape in shapes.items()},
            "required": list(self.required),
            "additionalProperties": False,
        }
        return {**schema, "oneOf": [{"required": [key]} for key in self.one_of]} if self.one_of else schema


@dataclass(frozen=True)
class Pairs:
    """A mapping whose keys are free within a pattern, all values of one shape."""

    words: str
    key: Text
    value: Shape
    least: int = 0
    most: int = 1000

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(path, shown(value), self.words, "write `key: value` lines")
            return
        if not self.least <= len(value) <= self.most:
            yield Fault(
                path,
                f"{len(value)} keys" if value else "no key",
                self.words,
                "add one" if len(value) < self.least else "keep one",
            )
        for key, member in value.items():
            for fault in self.key.faults(key, (*path, key)):
                yield Fault(fault.path, "a key of this name", self.key.words, fault.do)
            yield from self.value.faults(member, (*path, key))

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "description": self.words,
            "propertyNames": self.key.schema(),
            "additionalProperties": self.value.schema(),
            "minProperties": self.least,
            "maxProperties": self.most,
        }


@dataclass(frozen=True)
class Either:
    """A value of any of several shapes, tried in order; `words` says them all."""

    words: str
    shapes: tuple[Shape, ...]

    def faults(self, value: Any, path: Path = ()) -> Iterator[Fault]:
        if any(not [*shape.faults(value, path)] for shape in self.shapes):
            return
        yield Fault(path, shown(value), self.words, "write one of these")

    def schema(self) -> dict[str, Any]:
        return {"description": self.words, "anyOf": [shape.schema() for shape in self.shapes]}


def nearest(found: Any, known: tuple[str, ...]) -> str:
    """Return `did you mean "owner"?` for a word close to a known one, else the empty text."""
    close = get_close_matches(str(found), known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


SLUG = r"[a-z][a-z0-9-]{0,62}"
"""A name that is safe as a file name, a host name, a member of a record, and a part of a group's name."""


def slug(of_what: str) -> Text:
    """Return the shape of an id."""
    return Text(f"{of_what}: small letters, digits and dashes, a letter first, at most 63", SLUG, 63)


_ATOMS: tuple[Shape, ...] = (Text("text", r"[^\x00]*", 4000), Whole("a whole number"), Truth())
_ATOM = Either("text, a whole number, or true or false", _ATOMS)

_ATOMS_LIST = Items(_ATOM, most=200)
_NAMED = Either("text, a whole number, true or false, or a list of these", (*_ATOMS, _ATOMS_LIST))

SETTING = Either(
    "text, a whole number, true or false, or a list or mapping of these",
    (*_ATOMS, _ATOMS_LIST, Pairs("a mapping of these", Text("a key", most=200), _NAMED, most=200)),
)
"""A value a control sets and a probe reads back; no fractions: two writers could sign them differently."""
