# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `holdfast`: finds the verb, runs it, turns errors into exit codes.

0 ok, 1 findings, 2 wrong usage or bad input, 3 could not evaluate.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType

from ..errors import HoldfastError
from . import (
    assets,
    audit,
    baseline,
    bundle,
    calendar,
    change,
    check,
    content,
    drift,
    evidence,
    exception,
    feeds,
    findings,
    gate,
    init,
    key,
    ledger,
    notice,
    policy,
    pool,
    records,
    report,
    results,
    risk,
    schedule,
    standard,
    trust,
    watch,
    witness,
)

# One file a verb; each has `register(subparsers)`, which sets `func: Callable[[Namespace], int]` as a parser default.
VERBS: tuple[ModuleType, ...] = (
    assets, audit, baseline, bundle, calendar, change, check, content, drift, evidence, exception, feeds, findings,
    gate, init, key, ledger, notice, policy, pool, records, report, results, risk, schedule, standard, trust, watch,
    witness,
)  # fmt: skip


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line as one parser, so that help and reference come from one place."""
    parser = argparse.ArgumentParser(
        prog="holdfast",
        description="Plan, approve and audit changes to systems that hold ePHI. Results go to stdout.",
    )
    subparsers = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.register(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the return value is the process's exit code."""
    args = build_parser().parse_args(argv)
    try:
        code = int(args.func(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read us has enough. Python would complain about it again when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except HoldfastError as error:
        print(f"holdfast: {error}", file=sys.stderr)
        return error.exit_code
