# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast records`: find records by change, run, asset, control, citation, person, step, period and outcome.

What is shown was verified: its signature, its signer's role, and the chain of trust. Exit 0 when the question was
answered, be it by no record, 2 wrong usage, 3 when the ledger cannot be read or a record does not hold.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable

from ..evidence.asking import Question, facts, run_of
from ..evidence.scanning import Answer, find
from ..ledger.reading import Record
from ..ledger.statements import SIGNED_BY
from .asking import add_place, citation, controls_of, opened, since, until
from .options import add_format, add_site

PAGE = 50
SHOWN = 4
"""Assets of one record that a line names; of more only the count is said."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("records", help="find records in the ledger", description=__doc__)
    add_site(parser)
    add_place(parser)
    for name, metavar, what in (
        ("change", "CHG", "of this change"),
        ("run", "RUN", "of this run"),
        ("asset", "ID", "that say something of this asset"),
        ("control", "ID", "that say something of this control or check"),
        ("person", "NAME", "signed by this principal"),
        ("outcome", "WORD", "in which something ended so: changed, failed, pass, fail, reject, drift ..."),
    ):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=metavar, help=f"only records {what}; may be repeated"
        )
    parser.add_argument(
        "--citation", type=citation, metavar="PARAGRAPH", help="only of controls that answer to it: 164.312(d)"
    )
    parser.add_argument(
        "--step", action="append", default=[], choices=tuple(SIGNED_BY), help="only this kind; may be repeated"
    )
    parser.add_argument("--since", type=since, metavar="TIME", help="recorded then or later: 2026-11-21, in UTC")
    parser.add_argument("--until", type=until, metavar="TIME", help="recorded before; of a date, on that day too")
    parser.add_argument("--limit", type=_limit, default=PAGE, metavar="N", help=f"at most so many (default: {PAGE})")
    parser.add_argument("--before", type=_index, metavar="INDEX", help="only entries older than this: the next page")
    add_format(parser)
    parser.set_defaults(func=_run)


def _run(args: argparse.Namespace) -> int:
    site, ledger = opened(args)
    cited = controls_of(site, args.citation) if args.citation else frozenset()
    asked = frozenset(args.control)
    question = Question(
        changes=frozenset(args.change),
        runs=frozenset(args.run),
        assets=frozenset(args.asset),
        controls=(cited & asked or frozenset({""})) if cited and asked else cited | asked,
        people=frozenset(args.person),
        steps=frozenset(args.step),
        outcomes=frozenset(args.outcome),
        since=args.since,
        until=args.until,
    )
    answer = find(ledger, question, limit=args.limit, before=args.before)
    print(_json(answer) if args.format == "json" else text(answer, question))
    return 0


def _json(answer: Answer) -> str:
    records = [{**one.to_dict(), "doubted": one.doubted} for one in answer.records]
    return json.dumps({"entries": answer.entries, "before": answer.before, "records": records}, sort_keys=True)


def text(answer: Answer, question: Question) -> str:
    """Return the records for people, one line each, the newest first, and how to see older ones."""
    rows = [
        (
            f"{one.index}",
            one.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            one.step,
            f"{one.principal} ({one.role}){' IN DOUBT' if one.doubted else ''}",
            one.change_id or run_of(one) or "-",
            told(one, question),
        )
        for one in answer.records
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    count = len(rows)
    lines.append(f"{count or 'no'} record{'s' * (count != 1)}, of {answer.entries} entries in the ledger")
    if answer.before is not None:
        lines.append(f"older ones: --before {answer.before}")
    return "\n".join(lines)


def told(record: Record, question: Question) -> str:
    """Return what a record says, in a few words: of each asset how it ended, and which controls did not pass."""
    said: dict[str, dict[str, None]] = {}
    for fact in facts(record.body):
        if question.assets and fact.asset is not None and fact.asset not in question.assets:
            continue
        words = said.setdefault(fact.asset or "", {})
        if fact.control is None:
            words.update(dict.fromkeys(sorted(fact.words)))
        elif fact.control in question.controls or not fact.words & {"pass", "not_applicable"}:
            words[f"{fact.control} {' '.join(sorted(fact.words))}"] = None
    whole = ", ".join(said.pop("", {}))
    kind = str(record.body.get("kind", ""))
    named = [f"{asset}: {', '.join(words)}" if words else asset for asset, words in said.items()]
    return "; ".join(one for one in (kind, whole, *_few(named)) if one)


def _few(named: list[str]) -> Iterable[str]:
    return [*named[:SHOWN], *([f"and {len(named) - SHOWN} more"] if len(named) > SHOWN else [])]


def _limit(text: str) -> int:
    number = _index(text)
    if not 0 < number <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} records on one page; expected 1 to 10000")
    return number


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no whole number")
    return int(text)
