# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stranger sent is measured before it is built: bombs are refused by what they would become."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories import bounds
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.advisories.bounds import BOUNDS, FeedError
from hypothesis import given
from hypothesis import strategies as st

SMALL = replace(BOUNDS, document=10_000, unpacked=25_000, files=5, containers=100, values=200)


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


@pytest.mark.parametrize("levels", [1, 2, BOUNDS.depth])
def test_a_document_may_nest_as_deep_as_is_allowed(levels: int) -> None:
    assert bounds.document(nested(levels), "x") == json.loads(nested(levels))


@pytest.mark.parametrize(
    "data",
    [
        nested(BOUNDS.depth + 1),
        nested(100_000),
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b'{"a":[' * 400 + b"]}" * 400,
        b"[[]," * 60 + b"[]" + b"]" * 60,
    ],
    ids=["one-more", "very-deep", "never-closed", "objects", "mixed", "with-siblings"],
)
def test_one_that_nests_deeper_is_refused(data: bytes) -> None:
    with pytest.raises(FeedError, match=r"nests deeper than 48 levels"):
        bounds.document(data, "x")


def test_brackets_within_texts_are_no_levels() -> None:
    text = json.dumps({"a": "[" * 5000 + '\\"]{"', "b": "\\\\"}).encode()
    assert bounds.document(text, "x") == json.loads(text)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[" + b"[]," * 1_000_001 + b"[]]", "expected at most 1000000 and 4000000"),
        (b"[" + b"1," * 4_000_001 + b"1]", "expected at most 1000000 and 4000000"),
        (b'"' + b"x" * BOUNDS.document, "expected a document of at most 67108864"),
    ],
    ids=["many-lists", "many-values", "too-long"],
)
def test_one_of_too_many_parts_is_refused_before_it_is_built(data: bytes, said: str) -> None:
    with pytest.raises(FeedError, match=said):
        bounds.document(data, "x")


def test_a_text_of_escaped_quotes_that_never_ends_takes_no_longer_than_any() -> None:
    # Quadratic, this would be 10^13 steps.
    for data in (b'"' + b'\\"' * 3_000_000, b'"' + b'\\"' * 3_000_000 + b"\\"):
        with pytest.raises(FeedError, match="no JSON to rely on"):
            bounds.document(data, "x")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
        (b'{"x": {"fixed": "1", "fixed": "2"}}', "the key 'fixed' stands twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is beyond any number"),
        (b"[" + b"9" * 10_000 + b"]", "no JSON to rely on"),
        (b'["\xff"]', "byte 2 is no UTF-8"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
    ],
)
def test_json_that_two_readers_could_read_in_two_ways_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(FeedError, match=said):
        bounds.document(data, "x")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(VALUES, st.booleans())
def test_any_plain_json_is_read_as_it_is(value: Any, ascii_only: bool) -> None:
    data = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert bounds.document(data, "x") == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(FeedError):
        assert bounds.document(data, "x") == json.loads(data.decode())


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return whole.getvalue()


def test_an_archive_gives_its_members_by_name_and_no_others() -> None:
    data = zipped({"b.json": b"2", "a.json": b"1", "../up.json": b"3", "readme": b"4"})
    assert list(bounds.unzip(data, "x", (".json",))) == [("../up.json", b"3"), ("a.json", b"1"), ("b.json", b"2")]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.json": b"0" * 10_001}, "'a.json': unpacks to more than 10000 bytes"),
        ({f"{n}.json": b"0" * 9_000 for n in range(3)}, "'2.json': unpacks to more than 7000 bytes"),
        ({f"{n}": b"" for n in range(6)}, "more than 5 members"),
    ],
)
def test_an_archive_that_unpacks_to_too_much_is_refused(members: dict[str, bytes], said: str) -> None:
    with pytest.raises(FeedError, match=said):
        list(bounds.unzip(zipped(members), "x", (".json",), SMALL))


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    data = zipped({"a.json": b"0" * 200_000})
    # Both places where the size unpacked is written, now one byte.
    lying = data.replace((200_000).to_bytes(4, "little"), (1).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(FeedError, match=r"zip archive|unpacks to more"):
        list(bounds.unzip(lying, "x", (".json",), SMALL))


def test_two_members_of_one_name_are_refused() -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("a.json", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.json", b"2")
    with pytest.raises(FeedError, match="two members of one name"):
        list(bounds.unzip(whole.getvalue(), "x", (".json",)))


def test_a_damaged_archive_is_refused_wherever_it_is_damaged() -> None:
    data = zipped({f"{n}.json": json.dumps([n] * 200).encode() for n in range(4)})
    whole = list(bounds.unzip(data, "x", (".json",)))
    for at in range(0, len(data), 3):
        try:
            found = list(bounds.unzip(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :], "x", (".json",)))
        except FeedError:
            continue
        # Names, times and rights of members are not in any checksum; contents are.
        assert {content for _name, content in found} <= {content for _name, content in whole}


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_gzip_cut_off_or_damaged_is_refused(cut: int) -> None:
    data = gzip.compress(b"cve,epss,percentile\n" * 100)
    with pytest.raises(FeedError, match="no whole gzip file"):
        bounds.gunzip(data[:-cut], "x", 10_000)
    with pytest.raises(FeedError, match="no whole gzip file"):
        bounds.gunzip(data[:-8] + b"\0" * 8, "x", 10_000)


def test_gzip_is_unpacked_no_further_than_is_allowed() -> None:
    assert bounds.gunzip(gzip.compress(b"x" * 5000), "x", 5000) == b"x" * 5000
    with pytest.raises(FeedError, match="unpacks to more than 5000 bytes"):
        bounds.gunzip(gzip.compress(b"x" * 5001), "x", 5000)
    with pytest.raises(FeedError, match="unpacks to more than 5000 bytes"):
        bounds.gunzip(gzip.compress(b"x" * 4000) * 2, "x", 5000)
