# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast gate`: ask, from a pipeline, what a play's gate asks, and for tests and files of what would be deployed.

It leaves with 0 where the change may go ahead now, 1 where it may not, 2 for wrong usage, 3 where it could not be
decided; only 0 is a yes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from ..edge.product import product_version
from ..errors import UsageError
from ..intake.junit import LARGEST, read_junit
from ..policy.explaining import Explained
from ..policy.handed import Artefact, Pipeline, Report
from ..policy.sarif import log
from .change_desk import Desk
from .options import add_site
from .outlook import look_out

_CHUNK = 1024 * 1024


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "gate", help="say whether a pipeline may deploy a change now, and if not, why not", description=__doc__
    )
    parser.add_argument("--change", required=True, metavar="CHG", help="the change that would be deployed")
    parser.add_argument("--ring", metavar="RING", help="the ring it would go to (default: the next one)")
    parser.add_argument(
        "--tests", action="append", default=[], type=Path, metavar="FILE", help="a JUnit report; may be given again"
    )
    parser.add_argument(
        "--artefact", action="append", default=[], type=Path, metavar="FILE",
        help="a file that would be deployed; may be given again",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=("text", "json", "sarif"), default="text",
        help="for people, for machines, or for pull requests (default: text)",
    )  # fmt: skip
    add_site(parser)
    parser.set_defaults(func=_gate)


def _gate(args: argparse.Namespace) -> int:
    handed = Pipeline(tuple(map(_report, args.tests)), tuple(map(_artefact, args.artefact)))
    desk = Desk.open(args.site)
    answer = look_out(desk, desk.change(args.change), args.ring, handed)
    if args.format == "sarif":
        print(json.dumps(log(answer, desk.site.name, product_version()), indent=2, sort_keys=True))
    elif args.format == "json":
        print(json.dumps(_data(answer, handed), sort_keys=True))
    else:
        print("\n".join(answer.lines()))
    return 0 if answer.decision.allowed else 1


def _data(answer: Explained, handed: Pipeline) -> dict[str, Any]:
    return {
        **answer.to_dict(),
        "tests": [
            {"file": one.name, "sha256": one.sha256, "ran": one.tests, "wrong": one.wrong, "of": sorted(one.of)}
            for one in handed.reports
        ],
        "artefacts": [{"file": one.name, "sha256": one.sha256} for one in handed.artefacts],
    }


def _report(path: Path) -> Report:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"--tests {path}: {error.strerror}; expected a JUnit report") from error
    found = read_junit(data, str(path))
    return Report(str(path), hashlib.sha256(data).hexdigest(), found.ran, found.wrong, found.of)


def _artefact(path: Path) -> Artefact:
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                whole.update(piece)
    except OSError as error:
        raise UsageError(f"--artefact {path}: {error.strerror}; expected a file that would be deployed") from error
    return Artefact(str(path), whole.hexdigest())
