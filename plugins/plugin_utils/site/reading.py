# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a YAML file of a site: bounded, and without the parts of YAML that let one text mean two things."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .problems import Fault, Key, Problem, SiteFilesError, shown

LARGEST = 4 * 1024 * 1024
"""Bytes a file may hold: some ten thousand assets; more is a mistake or an attack."""

DEEPEST = 32
"""How many levels a file may nest; no file of a site needs ten."""

_YAML_TAG = "tag:yaml.org,2002:"
_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_BROKEN = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+\Z")
# What YAML 1.1 (Ansible's) reads as a number or a truth value and YAML 1.2, or a person, reads as text.
_TWO_MEANINGS = re.compile(
    r"(?:yes|no|on|off)\Z|[-+]?0[0-9_]+\Z|[-+]?0[xob][0-9a-f_]+\Z|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"
    r"|[-+]?[0-9][0-9_]*_[0-9_]*\Z|[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:e[-+]?[0-9]+)?\Z|[-+]?[0-9.]+e[-+]?[0-9]+\Z|[-+]?\.(?:inf|nan)\Z",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Document:
    """One file as read: its data, and on which line each part of it stands.

    `data` holds only mappings with text keys, lists, text, whole numbers, floats, truth values and None.
    """

    name: str
    data: Any
    lines: dict[int, dict[Key, int]] = field(repr=False, compare=False)

    def line(self, path: Sequence[Key]) -> int:
        """Return the line (from 1) of the part at `path`, or of the nearest part around it that exists."""
        here, line = self.data, 1
        for key in path:
            line = self.lines.get(id(here), {}).get(key, line)
            try:
                here = here[key]
            except (KeyError, IndexError, TypeError):
                break
        return line

    def problems(self, faults: Iterator[Fault] | Sequence[Fault]) -> list[Problem]:
        """Return the faults with this file's name and their lines."""
        return [Problem(self.name, self.line(fault.path), fault) for fault in faults]


def read_yaml(path: Path) -> Any:
    """Return the data of one YAML file; raises SiteFilesError with everything that is wrong with its text."""
    document, problems = read_document(path, str(path))
    if problems:
        raise SiteFilesError(problems)
    return document.data


def read_document(path: Path, name: str) -> tuple[Document, list[Problem]]:
    """Return one YAML file as a Document, called `name` in messages, and every problem of its text.

    Reports all duplicate keys, keys that are not text, anchors, aliases, tags and words with two meanings.
    Raises SiteFilesError where there is no document to go on with (unreadable, not YAML, too large).
    """
    try:
        return _Builder(name, _text(path, name)).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = " ".join(part for part in (error.context, error.problem) if part)
        raise _stop(
            name,
            mark.line + 1 if mark else 1,
            found,
            "YAML",
            "mend the text at this line or the one before it",
        ) from error
    except yaml.YAMLError as error:
        raise _stop(
            name, 1, str(error).splitlines()[0], "YAML in UTF-8", "save the file as plain UTF-8 text"
        ) from error


def _text(path: Path, name: str) -> str:
    """Return the file's text; refuses what is no regular file, too large, or not UTF-8."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise _stop(name, 1, "not a regular file", "a YAML file", "put a plain file in its place")
        if about.st_size > LARGEST:
            raise _stop(
                name,
                1,
                f"{about.st_size} bytes",
                f"at most {LARGEST}",
                "split the site, or look for what was pasted here",
            )
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise _stop(
            name,
            1,
            f"a byte that is no UTF-8 at offset {error.start}",
            "UTF-8 text",
            "save the file as UTF-8",
        ) from error
    except OSError as error:
        raise _stop(
            name,
            1,
            (error.strerror or "cannot be read").lower(),
            "a readable file",
            "create it, or mend its permissions",
        ) from error


def _stop(name: str, line: int, found: str, expected: str, do: str) -> SiteFilesError:
    return SiteFilesError([Problem(name, line, Fault((), found, expected, do))])


class _Builder:
    """Builds data from the parser's events, for only events still show anchors, tags and duplicate keys."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._loader = _LOADER(text)
        self._lines: dict[int, dict[Key, int]] = {}
        self._problems: list[Problem] = []

    def document(self) -> tuple[Document, list[Problem]]:
        """Return the one document of the text and its problems."""
        self._next()  # the stream's start
        data: Any = None
        if not isinstance(self._next(), yaml.StreamEndEvent):
            data = self._value(self._next(), ())
            self._next()  # the document's end
            extra = self._next()
            if not isinstance(extra, yaml.StreamEndEvent):
                self._complain(extra, (), "a second document", "one document a file", "put it into a file of its own")
        return Document(self._name, data, self._lines), self._problems

    def _next(self) -> Any:
        return self._loader.get_event()

    def _complain(self, event: Any, path: tuple[Key, ...], found: str, expected: str, do: str) -> None:
        self._problems.append(Problem(self._name, event.start_mark.line + 1, Fault(path, found, expected, do)))

    def _value(self, event: Any, path: tuple[Key, ...]) -> Any:
        if len(path) > DEEPEST:
            raise _stop(
                self._name,
                event.start_mark.line + 1,
                f"more than {DEEPEST} levels",
                "a flat file",
                "take levels away",
            )
        if isinstance(event, yaml.AliasEvent):
            self._complain(event, path, f"the alias *{event.anchor}", "plain values", "write the value out")
            return None
        if event.anchor is not None:
            self._complain(
                event,
                path,
                f"the anchor &{event.anchor}",
                "plain values",
                "take it away, and write the value out where it is used",
            )
        if event.tag is not None:
            self._complain(event, path, f"the tag {event.tag.replace(_YAML_TAG, '!!')}", "plain values", "take it away")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._mapping(path)

    def _list(self, path: tuple[Key, ...]) -> list[Any]:
        data: list[Any] = []
        lines = self._lines[id(data)] = {}
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            lines[len(data)] = event.start_mark.line + 1
            data.append(self._value(event, (*path, len(data))))
        return data

    def _mapping(self, path: tuple[Key, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines = self._lines[id(data)] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._value(event, path)
            if not isinstance(key, str):
                self._complain(event, path, f"{shown(key)} as a key", "text", "put the key in quotes")
                key = str(key)
            elif key == "<<":
                self._complain(event, path, "the merge key <<", "plain values", "write the values out")
            if key in data:
                do = f"keep one of the two (the other is on line {lines[key]})"
                self._complain(event, (*path, key), "a duplicate key", "each key once", do)
            lines[key] = event.start_mark.line + 1
            data[key] = self._value(self._next(), (*path, key))
        return data

    def _scalar(self, event: Any, path: tuple[Key, ...]) -> Any:
        text: str = event.value
        if event.style or not event.implicit[0]:  # quoted, a block, or tagged: text as it stands
            return text
        lower = text.lower()
        if lower in _WORDS:
            return _WORDS[lower]
        first = text[0]
        if first.isalpha() and len(text) > 3:
            return text
        if _WHOLE.match(text):
            return int(text)
        if _BROKEN.match(text):
            return float(text)
        if _TWO_MEANINGS.match(text):
            expected = "text in quotes, or true, false or a decimal number"
            self._complain(
                event,
                path,
                f"the bare word {text}, which YAML readers take for different things",
                expected,
                f'write "{text}" for the text',
            )
        return text
