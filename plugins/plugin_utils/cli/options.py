# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several verbs share, declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import UsageError
from ..site.keyref import KeyRef, key_ref, of_file
from ..site.place import Place, fault_of, place_of


def add_site(parser: argparse.ArgumentParser) -> None:
    """Add `--site DIR`; without it the folder named by HOLDFAST_SITE, else the current one, is the site."""
    parser.add_argument(
        "--site", type=Path, default=None, metavar="DIR", help="the site's folder (default: $HOLDFAST_SITE, else here)"
    )


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add `--format text|json`; argparse refuses anything else with exit code 2."""
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people or for machines (default: text)"
    )


def named_place(option: str, text: str) -> Place:
    """Return the ledger's place that an option names, from the current folder. Raises UsageError for a bad address."""
    wrong = fault_of(text) if "://" in text else None
    if wrong is not None:
        raise UsageError(f"{option}: {wrong[0]}; expected a path or a PostgreSQL address; {wrong[1]}")
    return place_of(text, Path.cwd())


def key_reference(text: str) -> KeyRef:
    """Return the key that an argument names: a path from the current folder, or a URI (docs/reference/keys.md)."""
    try:
        return key_ref(text, Path.cwd())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def key_file(text: str) -> KeyRef:
    """Return the key in the file that an argument names, whatever characters the name has."""
    return of_file(Path.cwd() / text)
