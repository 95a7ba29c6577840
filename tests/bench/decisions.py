# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures how many decisions a second the gate makes, over a policy of 200 rules and a history of 10,000 records.

    python -m tests.bench.decisions [--rules N] [--records N] [--seconds S]

Three figures in processor time of one core: the decision by itself, of a question that nobody has asked yet, at another
moment each time, which is what one costs once its facts are known; the same with a site that has no rules of its own;
and the way from verified records to an answer, which a run goes once for each wave (docs/adr/0035 says what bounds it).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.change.reading import change_state
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import Record
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.decision import decide
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.ledgered import with_ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.policy.question import Question
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.rules import SiteRules

from tests.change_cases import CHANGE, REGISTER, Book, plan, policy, when

LIMIT = 10_000
"""Decisions a second that one core is to make."""
CONDITIONS = (
    "weekday == 'fri' and hour >= {n}",
    "hosts | length > {n}",
    "packages is like('linux-image-{n}*')",
    "approvals < 1 and plan_hosts > {n}",
    "'person-{n}' not in approvers and change_kind == 'config'",
    "days_left < 0 or request_hours > 100{n}",
    "cves is overlapping(['CVE-2026-{n}']) and not emergency",
    "ring == 'production' and wave > 10{n}",
)


def rules_of(count: int) -> dict[str, Any]:
    """Return so many rules, none of which objects here."""
    return {
        "zone": "America/New_York",
        "rules": [
            {
                "id": f"rule-{n}", "message": "it objects", "citation": "164.316(a)",
                "deny": CONDITIONS[n % len(CONDITIONS)].format(n=n + 30),
            }
            for n in range(count)
        ],
    }  # fmt: skip


def history(count: int) -> list[Record]:
    """Return so many records of other changes, and after them those of the change that is asked about."""
    records: list[Record] = []
    number = 0
    while len(records) < count - 20:
        other = Book(plan(title=f"change {number}"))
        other.request()
        other.approve(by="ana")
        other.approve(by="ben")
        for ring in ("lab", "pilot", "production"):
            other.done(run=f"run_{number}_{ring}", assets=[a for a, r in REGISTER.items() if r == ring])
        records += [replace(one, change_id=f"chg_{number:016d}") for one in other.records]
        number += 1
    book = Book(plan())
    book.write(
        [
            {"request": {}}, {"approve": {"by": "ana"}}, {"approve": {"by": "ben"}},
            {"done": {"run": "run_lab", "assets": ["lab-1"]}}, {"done": {"run": "run_pilot", "assets": ["pilot-1"]}},
        ]
    )  # fmt: skip
    return [replace(one, index=index) for index, one in enumerate([*records, *book.records])]


def question(records: Sequence[Record], rules: int) -> Question:
    """Return the question of a wave of production, with all that the ledger knows."""
    said = replace(policy(), rules=SiteRules.from_dict(rules_of(rules)))
    asked = Question(
        kind="patch", mode="apply", now=when("2026-11-22 08:00"), policy=said, register=REGISTER,
        assets=frozenset({"prod-1"}), on_record=True, implementer="controller", ring="production", wave=1,
        plan=plan(), change=change_state(records, CHANGE),
    )  # fmt: skip
    return with_ledger(asked, records, {})


def rate(work: Callable[[Any], object], asked: Callable[[], Any], seconds: float) -> float:
    """Return how often a second the work is done; the best of three. What it is done with is made before, each anew."""
    best = 0.0
    for _unused in range(3):
        done, spent = 0, 0.0
        while spent < seconds / 3:
            fresh = [asked() for _one in range(100)]
            began = time.process_time()
            for one in fresh:
                work(one)
            spent += time.process_time() - began
            done += len(fresh)
        best = max(best, done / spent)
    return best


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 0, or 1 where the gate denies what it should not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=6.0)
    args = parser.parse_args(argv)
    records = history(args.records)
    asked, plain = question(records, args.rules), question(records, 0)
    if not decide(asked) or not decide(plain):
        print("\n".join(decide(asked).lines()))
        return 1
    moments = (asked.now + timedelta(milliseconds=one) for one in count())
    figures = {
        "decisions a second": rate(decide, lambda: replace(asked, now=next(moments)), args.seconds),
        "without rules of a site": rate(decide, lambda: replace(plain, now=next(moments)), args.seconds),
        "records to an answer": rate(lambda one: decide(question(one, args.rules)), lambda: records, args.seconds),
    }
    print(f"{args.rules} rules of the site, {len(records)} records, one core, load {os.getloadavg()[0]:.1f}")
    for name, value in figures.items():
        print(f"{name:<26}{value:10.0f} a second  {1e6 / value:10.1f} us  {value / LIMIT:8.3f} of {LIMIT}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
