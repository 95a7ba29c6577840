# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several verbs share, declared once."""

from __future__ import annotations

import argparse
import re
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


def add_change(parser: argparse.ArgumentParser) -> None:
    """Add `CHG`, which Desk.change looks up."""
    parser.add_argument("change", metavar="CHG", help="the change's id, or as much of it as is unique")


def named_place(option: str, text: str) -> Place:
    """Return the ledger's place that an option names, from the current folder. Raises UsageError for a bad address."""
    wrong = fault_of(text) if "://" in text else None
    if wrong is not None:
        raise UsageError(f"{option}: {wrong[0]}; expected a path or a PostgreSQL address; {wrong[1]}")
    return place_of(text, Path.cwd())


def add_keys(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--key` and `--ssh-key`, one of which may be given; `what` says whose."""
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--key", type=key_reference, metavar="KEY", help=f"{what}: a file, or a URI such as pkcs11:...")
    keys.add_argument("--ssh-key", type=key_file, metavar="PATH", help="an SSH key instead (file, agent or token)")


def sha256(text: str) -> str:
    """Return a digest that an argument names."""
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:70]!r} is no SHA-256; expected 64 digits of 0-9a-f")
    return text


def key_reference(text: str) -> KeyRef:
    """Return the key that an argument names: a path from the current folder, or a URI (docs/reference/keys.md)."""
    try:
        return key_ref(text, Path.cwd())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def key_file(text: str) -> KeyRef:
    """Return the key in the file that an argument names, whatever characters the name has."""
    return of_file(Path.cwd() / text)
