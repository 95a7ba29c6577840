# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding a CSAF 2.0 document against its schema, offline, in a time that its length bounds."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import HoldfastError
from .bounds import shown

_FOLDER = Path(__file__).with_name("schemas")
_CSAF = "csaf_json_schema.json"
_OTHERS = {
    "https://www.first.org/cvss/cvss-v2.0.json": "cvss-v2.0.json",
    "https://www.first.org/cvss/cvss-v3.0.json": "cvss-v3.0.json",
    "https://www.first.org/cvss/cvss-v3.1.json": "cvss-v3.1.json",
}
_PATTERN_MOST = 2000
"""Characters that a pattern of the schema is tried on: some of them could be led to try for very long."""


def fault(document: Any) -> str | None:
    """Return where and how a document breaks the schema, the first of all, or None."""
    errors = _validator()(document)
    first = next(iter(errors), None)
    if first is None:
        return None
    path = ".".join(str(key) for key in first.absolute_path) or "the document"
    # What it says repeats the value found, which can be the whole document.
    return f"{path}: breaks {first.validator} of the CSAF 2.0 schema: {shown(first.message, 120)}"


@functools.cache
def _validator() -> Callable[[Any], Iterator[Any]]:
    try:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT7
    except ImportError as error:
        raise HoldfastError("CSAF documents cannot be read: jsonschema is missing; pip install jsonschema") from error
    resources = [(uri, DRAFT7.create_resource(_schema(name))) for uri, name in _OTHERS.items()]
    registry: Registry[Any] = Registry().with_resources(resources)
    # Without a way to retrieve, a reference that is not here is an error, never a fetch.
    make: Any = extend  # the library ships no types of this one
    kind = make(Draft202012Validator, {"uniqueItems": _unique, "pattern": _pattern})
    whole = Resource.from_contents(_schema(_CSAF))
    # Formats are not checked: dates and addresses that count are read by us, the others by nobody.
    errors: Callable[[Any], Iterator[Any]] = kind(whole.contents, registry=registry).iter_errors
    return errors


def _schema(name: str) -> Any:
    return json.loads((_FOLDER / name).read_text(encoding="utf-8"))


def _unique(_validator_: Any, wanted: Any, instance: Any, _schema_: Any) -> Iterator[Any]:
    """In one pass: the library compares each pair of what it cannot sort."""
    from jsonschema import ValidationError

    distinct = {json.dumps(one, sort_keys=True) for one in instance} if isinstance(instance, list) else ()
    if wanted and len(distinct) < len(instance):
        yield ValidationError("has members that are not unique")


def _pattern(_validator_: Any, pattern: str, instance: Any, _schema_: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str):
        if len(instance) > _PATTERN_MOST:
            yield ValidationError(f"{len(instance)} characters; expected at most {_PATTERN_MOST}")
        elif not re.search(pattern, instance):
            yield ValidationError(f"{shown(instance)} is not of the form that is wanted")
