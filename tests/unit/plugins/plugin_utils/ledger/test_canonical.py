# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON: one value, one spelling; everything that two readers could take differently is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=("Cs",)))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_is_read_back_and_spelled_one_way(value: Any) -> None:
    data = canonical.encode(value)
    assert canonical.decode(data) == value
    assert canonical.encode(canonical.decode(data)) == data
    assert canonical.length(value) == len(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":2}', b'{"b":1,"a":2}', b'{"a": 1}', b"1.0", b"1e3", b"-0", b"01", b"NaN", b"Infinity",
        b"9007199254740992", b'"\\u0041"', b'"\\ud800"', b"\xff", b"", b"[1,]", b" 1", b"1\n", b"[" * 5000, b"1" * 5000,
        b'{"\xc3\xa4":1}',
    ],
)  # fmt: skip
def test_second_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(LedgerError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value", [1.5, float("nan"), {1: 2}, {"ä": 1}, "\ud800", b"x", {"a": (1,)}, 2**53, datetime.now(UTC)]
)
def test_value_outside_the_subset_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(LedgerError, match=r"^\$\.deep\[0\]"):
        canonical.encode({"deep": [value]})


def test_times_have_one_spelling() -> None:
    moment = datetime(2026, 11, 22, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))
    assert canonical.timestamp(moment) == "2026-11-21T23:30:00.123Z"
    assert canonical.moment("2026-11-21T23:30:00.123Z") == moment.replace(microsecond=123000)
    with pytest.raises(LedgerError, match="no time zone"):
        canonical.timestamp(datetime(2026, 11, 21))  # naive on purpose
    for text in ("2026-11-21", "2026-11-21T23:30:00Z", "2026-11-21T23:30:00.123+00:00", "2026-13-21T23:30:00.123Z", ""):
        with pytest.raises(LedgerError):
            canonical.moment(text)
