# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""FIRST's EPSS scores of one day, CSV as published: a comment with model and day, a header, one CVE a line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from . import reading
from .bounds import BOUNDS, FeedError, decoded, shown
from .model import Epss, Vulnerability
from .parts import Options, Part, each, only
from .reading import BadRecordError, Contents

_COMMENT = re.compile(r"#\s*model_version:(v[0-9][0-9.]{0,30}),\s*score_date:([0-9T:+.Z-]{10,40})")
_HEADER = "cve,epss,percentile"


def read(contents: Contents, parts: Iterable[Part], options: Options) -> None:
    """Read one day's scores, plain or packed with gzip."""
    feed = contents.feed
    name, data = only(feed, parts, (".csv",))
    if data.count(b"\n") > BOUNDS.records:
        raise FeedError(f"{feed}: {name}: more than {BOUNDS.records} lines; it was not taken")
    rows = iter(reading.lines(decoded(data, f"{feed}: {name}")))
    _number, comment = next(rows)
    stated = _COMMENT.fullmatch(comment)
    if stated is None:
        raise FeedError(
            f"{feed}: {name}: line 1: found {shown(comment)}; expected #model_version:...,score_date:..., "
            "as first.org writes it"
        )
    _number, header = next(rows, (2, ""))
    if header != _HEADER:
        raise FeedError(f"{feed}: {name}: line 2: found {shown(header)}; expected {_HEADER}")
    try:
        contents.feed_date = reading.moment(stated[2], "score_date")
    except BadRecordError as error:
        raise FeedError(f"{feed}: {name}: line 1: {error}") from error
    contents.feed_version = model = stated[1]
    day = contents.feed_date.date()
    seen: set[str] = set()

    def take(row: str) -> None:
        fields = row.split(",")
        if len(fields) != 3:
            raise BadRecordError(f"{len(fields)} fields; expected 3")
        cve = reading.cve(fields[0])
        if cve in seen:
            raise BadRecordError(f"{cve} stands here a second time")
        score = reading.decimal(fields[1], "epss", 0, 1)
        percentile = reading.decimal(fields[2], "percentile", 0, 1)
        seen.add(cve)
        if options.wants(cve):
            contents.vulnerabilities[cve] = Vulnerability(cve, epss=Epss(score, percentile, model, day))

    each(((f"line {number}", row) for number, row in rows if row), contents, take)
