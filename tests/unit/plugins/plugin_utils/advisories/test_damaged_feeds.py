# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A damaged feed is refused, or loses the damaged record and says which; nothing vanishes and nothing else changes.

What no reader can see is a digit that became another in a place where any digit may stand; hashes are for that.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import FeedError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.reading import Contents
from hypothesis import given
from hypothesis import strategies as st

from tests.feed_cases import CASES, SHARED, Case, lost, records
from tests.shared import shared

TOUCHED = {
    "kev": 1, "epss": 2, "osv": 2, "csaf": 1, "debian-changelogs": 24, "debian-support": 2, "enrichment": 2,
    "debian-list": 2, "cve": 1,
}  # fmt: skip
"""Records that one byte can be in: a line break stands between two; a line about a changelog holds several uploads."""


@functools.cache
def whole(case: Case) -> Contents:
    """The feed as it is."""
    return case.read()


def judge(case: Case, before: Contents, data: bytes) -> str:
    """Read damaged bytes; return refused, rejected or taken. Fails where more was touched, or went silently."""
    try:
        after = case.read(data)
    except FeedError:
        return "refused"
    gone = lost(before, after)
    assert gone <= TOUCHED[case.kind] + (case.kind == "csaf") * 6, (gone, after.rejected)
    missing = before.count - after.count
    # Two lines that became one are one record that is rejected; a line that became two is two.
    # In a list for people a note can swallow the line after it, and a comment the line it stands in.
    assert missing <= 2 * after.rejected_count + ("support-lists" in case.path), (missing, after.rejected)
    for one in after.rejected:
        assert one.where
        assert one.reason
    return "rejected" if after.rejected_count else "taken"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_byte_changed_touches_one_record_or_refuses_all(case: Case) -> None:
    data, before = case.bytes(), whole(case)
    step = max(1, len(data) // 120)
    results = {
        judge(case, before, data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])
        for flip in (0x01, 0x20)
        for at in range(0, len(data), step)
    }
    assert results & {"refused", "rejected"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@given(data=st.data())
def test_any_byte_may_become_any_other(case: Case, data: st.DataObject) -> None:
    feed = case.bytes()
    at = data.draw(st.integers(0, len(feed) - 1))
    byte = data.draw(st.integers(0, 255))
    judge(case, whole(case), feed[:at] + bytes([byte]) + feed[at + 1 :])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_feed_cut_off_anywhere_is_shorter_by_what_was_cut_or_refused(case: Case) -> None:
    data, before = case.bytes(), whole(case)
    for at in range(0, len(data), max(1, len(data) // 40)):
        try:
            after = case.read(data[:at])
        except FeedError:
            continue
        assert after.count <= before.count
        assert lost(after, before) <= 1


JSON = [case for case in CASES if case.name.endswith((".json", ".jsonl"))]


OTHER = bytes.maketrans(b"[]{}", b"{}[]")


def outside_strings(data: bytes) -> Iterator[int]:
    """The places of all brackets that are structure, and not part of a text."""
    inside = False
    at = 0
    while at < len(data):
        byte = data[at : at + 1]
        if inside and byte == b"\\":
            at += 1
        elif byte == b'"':
            inside = not inside
        elif not inside and byte in b"[]{}":
            yield at
        at += 1


@pytest.mark.parametrize("case", JSON, ids=lambda case: case.name)
@pytest.mark.parametrize(
    "damage",
    [
        lambda data, at: data[:at] + data[at + 1 :],
        lambda data, at: data[: at + 1] + data[at:],
        lambda data, at: (
            data[:at] + {b"[": b"{", b"]": b"}", b"{": b"[", b"}": b"]"}[data[at : at + 1]] + data[at + 1 :]
        ),
    ],
    ids=["taken-away", "doubled", "of-the-other-kind"],
)
def test_one_bracket_damaged_is_never_taken(case: Case, damage: Callable[[bytes, int], bytes]) -> None:
    data, before = case.bytes(), whole(case)
    places = list(outside_strings(data))
    results = [judge(case, before, damage(data, at)) for at in places[:: max(1, len(places) // 40)]]
    assert set(results) <= {"refused", "rejected"}


WRONG = [
    None,
    True,
    -1,
    1e300,
    "",
    "\x00",
    "x" * 20_000,
    [],
    {},
    [None],
    {"": ""},
    "2026-99-99",
    ["a"] * 3,
    10**400,
    "\ud800",
]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every member of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from leaves(member, (*path, key))


def put(value: Any, path: tuple[Any, ...], wrong: Any) -> Any:
    """The document with another value in one place."""
    if not path:
        return wrong
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = put(value[path[0]], path[1:], wrong)
    return copy


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """The document without one member."""
    copy = list(value) if isinstance(value, list) else dict(value)
    if len(path) > 1:
        copy[path[0]] = without(value[path[0]], path[1:])
    else:
        del copy[path[0]]
    return copy


def damaged_documents(data: bytes) -> Iterator[bytes]:
    """The feed with one member of one record replaced, taken away, or called by another name, for many members."""
    lines = data.splitlines() if data.count(b"\n{") else [data]
    record = json.loads(lines[0])
    rest = b"".join(b"\n" + line for line in lines[1:])
    places = list(leaves(record))
    for number, path in enumerate(places[:: max(1, len(places) // 60)]):
        for wrong in (WRONG[number % len(WRONG)], WRONG[(number * 5 + 3) % len(WRONG)]):
            yield json.dumps(put(record, path, wrong)).encode() + rest
        if isinstance(path[-1], str):
            yield json.dumps(without(record, path)).encode() + rest


@pytest.mark.parametrize("case", JSON, ids=lambda case: case.name)
def test_one_field_damaged_touches_one_record_or_refuses_all(case: Case) -> None:
    before = whole(case)
    results = [judge(case, before, data) for data in damaged_documents(case.bytes())]
    assert {"refused", "rejected"} & set(results)


ROWS = [
    ("epss.csv", ["CVE-2026-1,0.1,0.2", "CVE-2026-1000,0.1", "CVE-2026-1000,1.1,0.2", "CVE-2026-1000,-0.1,0.2",
                  "CVE-2026-1000,nan,0.2", "CVE-2026-1000,1e9,0.2", "CVE-2026-1000,0.1,0.2,0.3", "=CMD(),0.1,0.2",
                  "CVE-2026-1000,0.1,2", "CVE-2026-1000,,", ",,", "CVE-2002-0367,0.9,0.9"]),
    ("dsa/list", ["[31 Feb 2026] DSA-1-1 toys", "[1 Foo 2026] DSA-1-1 toys", "no head", "[1 Jan 2026] XSA-1 toys",
                  "[1 Jan 2026] DSA-1-1 toys\n\t{CVE-2026-1}", "[1 Jan 2026] DSA-1-1 toys\n\t{CVE-2026-1000",
                  "[1 Jan 2026] DSA-1-1 toys\n\t[mars] - toys 1.0", "[1 Jan 2026] DSA-1-1 toys\n\t[bookworm] toys 1.0",
                  "[1 Jan 2026] DSA-1-1 toys\n\t[bookworm] - toys <fixed-somehow>",
                  "[1 Jan 2026] DSA-1-1 toys\n\t[bookworm] - toys 1.0;reboot", "[1 Jan 2026] DSA-1-1 toys\n\tanything",
                  "[1 Jan 2026] DSA-5724-1 openssh"]),
    ("support-lists/security-support-ended.deb12", ["toys", "toys 1.0", "toys 1.0 yesterday", "to*ys 1.0 2026-01-01",
                                                     "(a+)+$ 1.0 2026-01-01", "toys ;1 2026-01-01"]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "row"), [(path, row) for path, rows in ROWS for row in rows])
def test_a_bad_row_is_rejected_with_its_place_and_the_rest_is_kept(path: str, row: str) -> None:
    case = next(case for case in CASES if case.path == path)
    before = whole(case)
    after = case.read(case.bytes().rstrip(b"\n") + b"\n" + row.encode() + b"\n")
    (rejected,) = after.rejected
    assert (after.count, lost(before, after)) == (before.count, 0)
    assert rejected.where.startswith("line ")
    assert "found" in rejected.reason or "expected" in rejected.reason or "second time" in rejected.reason


@pytest.mark.parametrize("case", [case for case, _count in SHARED], ids=lambda case: case.name)
def test_one_byte_of_a_whole_feed(case: Case) -> None:
    data = shared(case.path).read_bytes()
    before = case.read(data)
    for number in range(8):
        at = (2 * number + 1) * len(data) // 16
        judge(case, before, data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" -- Toy Maintainer <toys@example.org>  Fri, 13", "  -- nobody", "no trailer with a date"),
        ("Fri, 13 Nov 2026 13:27:47", "Fri, 99 Nov 2026 99:27:47", "found the date"),
        ("(1.2-1+deb12u3)", "(1.2;1)", "expected a version"),
        ("toys (1.2-1+deb12u2)", " toys (1.2-1+deb12u2)", "after the trailer"),
        ("toys (1.2-1+deb12u2)", "Toys: (1.2-1+deb12u2)", "expected source (version) distribution"),
    ],
)
def test_a_bad_entry_of_a_changelog_is_rejected_alone(old: str, new: str, said: str) -> None:
    case = next(case for case in CASES if case.path == "changelog/toys.changelog")
    after = case.read(case.bytes().replace(old.encode(), new.encode()))
    (rejected,) = after.rejected
    assert said in rejected.reason


def test_too_much_that_is_wrong_refuses_all() -> None:
    case = next(case for case in CASES if case.path == "dsa/list")
    with pytest.raises(FeedError, match="2 of 8 records are not what they should be; expected at most 2%"):
        case.read(case.bytes() + b"one\ntwo\n")


def test_a_catalogue_of_another_length_than_it_says_is_refused() -> None:
    data = json.loads(CASES[0].bytes())
    del data["vulnerabilities"][3]
    with pytest.raises(FeedError, match="count: found 9; expected 8, as it holds"):
        CASES[0].read(json.dumps(data).encode())


def test_what_is_said_of_one_flaw_twice_counts_once() -> None:
    for path in ("enrichment.jsonl", "epss.csv"):
        case = next(case for case in CASES if case.path == path)
        lines = case.bytes().splitlines(keepends=True)
        after = case.read(b"".join([*lines, lines[-1]]))
        assert records(after) == records(case.read())
        assert "second time" in after.rejected[0].reason


def test_an_entry_of_the_catalogue_that_stands_twice_counts_once() -> None:
    data = json.loads(CASES[0].bytes())
    data["vulnerabilities"].append({**data["vulnerabilities"][0], "dueDate": "2030-01-01"})
    after = CASES[0].read(json.dumps({**data, "count": 10}).encode())
    assert records(after) == records(whole(CASES[0]))
    assert "CVE-2026-73570 stands here a second time" in after.rejected[0].reason


RECORD = json.loads(CASES[2].bytes().splitlines()[0])


@pytest.mark.parametrize("member", ["related", "upstream", "affected"])
def test_a_member_of_osv_whose_name_is_damaged_rejects_its_record(member: str) -> None:
    # Taken for a member that is not known yet, it would lose the flaws or the packages.
    record = {**RECORD, "related": ["CVE-2026-1000"], "upstream": ["CVE-2026-1001"], "affected": RECORD["affected"]}
    damaged = json.dumps({**record, "id": "DSA-1-2"}).replace(f'"{member}"', f'"{member[:-1]}z"')
    lines = CASES[2].bytes() + damaged.encode()
    after = CASES[2].read(lines)
    assert after.rejected[0].where == "debian12.osv.jsonl:21"
    assert "found the unknown member" in after.rejected[0].reason
    newer = damaged.replace('"1.7.3"', '"1.8.0"')
    assert ("found the unknown member" in str(CASES[2].read(CASES[2].bytes() + newer.encode()).rejected)) is False


@pytest.mark.parametrize("value", [["none"], {"none": 1}, 10**400, 7, True, None])
@pytest.mark.parametrize("path", [("ssvc", "exploitation"), ("epss", "score"), ("cvss",), ("kev", "date_added")])
def test_a_fact_of_another_type_rejects_its_flaw_alone(path: tuple[str, ...], value: object) -> None:
    case = next(case for case in CASES if case.path == "enrichment.jsonl")
    lines = case.bytes().splitlines()
    number = next(number for number, line in enumerate(lines) if path[0] in json.loads(line))
    lines[number] = json.dumps(put(json.loads(lines[number]), path, value)).encode()
    after = case.read(b"\n".join(lines))
    if value is None and path in (("ssvc", "exploitation"), ("cvss",)):
        assert after.rejected == []  # nothing said is a normal answer
    else:
        assert [one.where for one in after.rejected] == [f"enrichment.jsonl:{number + 1}"]
