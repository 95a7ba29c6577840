# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules between records ask of a statement: a few texts, and the part of its body that any of them reads.

A hundred thousand statements do not fit into memory as they are, nor can one process read them all in the time that
several verify their signatures. So whoever took a statement apart hands on this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from sys import intern
from typing import Any, NamedTuple

UNREAD = {"run-open": frozenset({"ansible_core", "baselines", "forks", "limit", "materials", "nonce_sha256"})}
"""Members of a step's body that no rule reads, beside the run's id, which stands among the facts."""
_OF_NOTE = ('"result":"fail"', '"result":"waived"', '"exception":', '"expected_sha256":', '"observed_sha256":')
_CHECKS = re.compile(r'"checks":\[[^]]*\],|,"detail_sha256":"[0-9a-f]{64}"')


class Facts(NamedTuple):
    """What a statement says, for the rules.

    `head` is size and root its signer saw, `run` what run it says it belongs to, `subject` all its subjects in one
    text, `about` the digest of the first (a plan, a baseline, or a trust document), `request` that of the request among
    them, `trust` the version and digest it names. `gist` is its body without what no rule reads, as JSON; `whole` the
    body of a verify record with its checks, of which the gist has only those that are of note.
    """

    step: str
    principal: str
    role: str
    org: str
    record_id: str
    recorded_at: str
    change: str | None
    run: str | None
    head: tuple[int, str]
    trust: tuple[int, str]
    subject: str
    about: str
    request: str | None
    gist: str
    whole: str | None


def facts(statement: Any) -> Facts:
    """Return the facts of a statement whose form is good."""
    predicate = statement["predicate"]
    step: str = statement["predicateType"].rsplit("/", 2)[1]
    seen, named, body = predicate["ledger_head"], predicate["trust"], predicate["step"]
    unread = UNREAD.get(step, frozenset())
    kept = spelt({name: body[name] for name in body if name not in unread and name != "run_id"})
    return Facts(
        intern(step),
        intern(predicate["actor"]["principal"]),
        intern(predicate["actor"]["role"]),
        intern(predicate["org"]),
        predicate["record_id"],
        predicate["recorded_at"],
        interned(predicate["change_id"]),
        interned(body.get("run_id")),
        (seen["size"], seen["root"]),
        (named["version"], intern(named["sha256"])),
        *about(statement["subject"]),
        *shortened(step, kept),
    )


def about(subjects: Sequence[dict[str, Any]]) -> tuple[str, str, str | None]:
    """Return what the facts say of a statement's subjects: all, the first, and the request."""
    digests = [one["digest"]["sha256"] for one in subjects]
    return (
        intern(" ".join(f"{one['name']}:{one['digest']['sha256']}" for one in subjects)),
        intern(digests[0]),
        intern(digests[1]) if len(digests) > 1 else None,
    )


def shortened(step: str, kept: str) -> tuple[str, str | None]:
    """Return the gist of a body without the members that nobody reads, and the whole of a verify record's."""
    if step != "verify":
        return kept, None
    if any(word in kept for word in _OF_NOTE):
        return kept, kept
    return intern(_CHECKS.sub("", kept)), kept


def interned(text: str | None) -> str | None:
    """Return a text as all hold it who hold the same."""
    return None if text is None else intern(text)


def spelt(value: Any) -> str:
    """Return a value as canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
