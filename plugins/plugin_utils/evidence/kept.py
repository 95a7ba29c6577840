# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of sealed evidence, until when, under which legal holds; computed from the records each time.

45 CFR 164.316(b)(2)(i): six years from when it was made, or from when it was last in effect, whichever is later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..ledger import canonical
from ..ledger.reading import Record

YEARS = 6


@dataclass(frozen=True)
class Kept:
    """One sealed file: `sha256` is its ciphertext's, `index` the entry that first committed to it."""

    sha256: str
    index: int
    kind: str
    size: int
    change_id: str | None
    principal: str
    recorded_at: datetime
    keep_until: datetime
    holds: tuple[str, ...] = ()
    erased: int | None = None
    """The entry of its tombstone."""

    def due(self, now: datetime) -> bool:
        """Say whether it may be erased at `now`: its time is over, nothing holds it, and it is there."""
        return self.erased is None and not self.holds and now >= self.keep_until

    def to_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "sha256": self.sha256,
            "index": self.index,
            "kind": self.kind,
            "bytes": self.size,
            "change_id": self.change_id,
            "principal": self.principal,
            "recorded_at": self.recorded_at.isoformat(),
            "keep_until": self.keep_until.isoformat(),
            "holds": list(self.holds),
            "erased": self.erased,
        }


@dataclass(frozen=True)
class Keeping:
    """All sealed files by digest, in ledger order, and the holds in force with what they hold (nothing: everything)."""

    files: dict[str, Kept] = field(default_factory=dict)
    holds: dict[str, frozenset[str]] = field(default_factory=dict)


def kept(records: Iterable[Record]) -> Keeping:
    """Return what the records say is kept. The latest moment said of a file counts: nothing shortens its time."""
    files: dict[str, Kept] = {}
    holds: dict[str, frozenset[str]] = {}
    for one in records:
        sha256 = one.subject_sha256
        if one.step == "evidence":
            until = canonical.moment(one.body["keep_until"])
            known = files.get(sha256)
            files[sha256] = replace(known, keep_until=max(known.keep_until, until)) if known else _new(one, until)
        elif one.step == "tombstone" and sha256 in files:
            files[sha256] = replace(files[sha256], erased=one.index)
        elif one.step == "hold":
            _hold(holds, one.body)
    held = {sha256: tuple(sorted(name for name, of in holds.items() if not of or sha256 in of)) for sha256 in files}
    return Keeping({sha256: replace(file, holds=held[sha256]) for sha256, file in files.items()}, holds)


def keep_until(made: datetime, in_effect_until: datetime | None = None) -> datetime:
    """Return the moment from which evidence may be erased: six years from its making, or its last effect if later."""
    last = max(made, in_effect_until or made)
    try:
        return last.replace(year=last.year + YEARS)
    except ValueError:  # the 29th of February
        return last.replace(year=last.year + YEARS, month=3, day=1)


def _new(record: Record, until: datetime) -> Kept:
    return Kept(
        sha256=record.subject_sha256,
        index=record.index,
        kind=record.body["kind"],
        size=record.body["bytes"],
        change_id=record.change_id,
        principal=record.principal,
        recorded_at=record.recorded_at,
        keep_until=until,
    )


def _hold(holds: dict[str, frozenset[str]], body: dict[str, Any]) -> None:
    """Place or lift a hold; what is placed again under its name holds both, and everything once it held everything."""
    name, of = body["hold"], frozenset(body["evidence"])
    if body["action"] == "lift":
        holds.pop(name, None)
    elif name not in holds:
        holds[name] = of
    else:
        holds[name] = holds[name] | of if holds[name] and of else frozenset()
