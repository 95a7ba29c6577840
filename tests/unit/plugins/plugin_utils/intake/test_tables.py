# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assets from and to CSV: what goes out comes back, nothing runs in a spreadsheet, and no file is too much."""

from __future__ import annotations

import csv
import io
import re

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake import tables
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.cells import COLUMNS, read_cell, write_cell
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.proposal import MOST, propose
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.intake.tables import (
    guarded,
    read_table,
    table_of,
    unguarded,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.asset import Asset
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.item import Item
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import Site, load_site
from hypothesis import given
from hypothesis import strategies as st

from tests.site_cases import EXAMPLE, GOOD

HEADER = "id,kind,owner,location,environment,exposure,data_class,tier\n"
ROW = "mail,application,office,cloud,production,internet,internal,2\n"


@pytest.fixture(params=[EXAMPLE, GOOD], ids=["example", "good"])
def site(request: pytest.FixtureRequest) -> Site:
    if not request.param.is_dir():
        pytest.skip("only a checkout has the example")
    return load_site(request.param, PRODUCT)


def test_what_goes_out_as_a_table_comes_back_as_the_same_items(site: Site) -> None:
    raws, notes = read_table(table_of(site.items).encode(), "out.csv", {})
    proposal = propose(raws, {}, ())
    assert notes == []
    assert (proposal.differs, proposal.rejected) == ((), ())
    again = [(Asset if one.part == "assets" else Item).from_dict(one.data, site.segments) for one in proposal.new]
    assert tuple(again) == site.items
    assert [one.notes for one in proposal.new] == [()] * len(site.items)


def test_a_table_of_the_register_itself_brings_nothing_new(site: Site) -> None:
    raws, _notes = read_table(table_of(site.items).encode(), "out.csv", {})
    proposal = propose(raws, {}, site.items)
    assert proposal.same == tuple(item.id for item in site.items)
    assert (proposal.new, proposal.differs, proposal.rejected) == ((), (), ())
    assert proposal.settled


@given(st.text("'=+-@\t\r\n\uff1da ", max_size=6) | st.text())
def test_no_cell_begins_as_a_formula_and_every_cell_comes_back(text: str) -> None:
    cell = guarded(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"))
    assert unguarded(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''@x", "-1", "\t=x", "\uff1d1"])
def test_formulas_are_written_behind_a_quote_and_nothing_else_is(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert [guarded(other) for other in ("it's", "'quoted'", "1=1")] == ["it's", "'quoted'", "1=1"]


def test_a_title_that_is_a_formula_does_not_run_in_a_spreadsheet(site: Site) -> None:
    data = {**site.items[0].to_dict(), "title": '=HYPERLINK("https://evil.example.org")'}
    item = Asset.from_dict(data, site.segments)
    rows = [*csv.DictReader(io.StringIO(table_of((item,)), newline=""))]
    assert rows[0]["title"].startswith("'=")
    raws, _notes = read_table(table_of((item,)).encode(), "out.csv", {})
    assert raws[0].facts["title"] == data["title"]


def test_every_column_is_documented_by_its_cells() -> None:
    for column in COLUMNS:
        assert write_cell(column, None) == ""
    assert read_cell("flows", "tcp/443 from office, dmz; UDP/51820 from any") == [
        {"port": 443, "from": ["office", "dmz"]},
        {"protocol": "udp", "port": 51820, "from": ["any"]},
    ]
    assert read_cell("baselines", "debian-server; nginx") == ["debian-server", "nginx"]
    assert read_cell("intermittent", "Yes") is True


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_may_be_parted_as_spreadsheets_do(mark: str) -> None:
    raws, _notes = read_table((HEADER + ROW).replace(",", mark).encode("utf-8-sig"), "in.csv", {})
    assert (raws[0].name, raws[0].facts["tier"]) == ("mail", 2)


def test_columns_of_other_names_are_mapped_and_the_rest_is_said() -> None:
    text = "Asset Name,Cost centre,Colour\nBilling_01.corp.example.org,Revenue Cycle,blue\n"
    raws, notes = read_table(text.encode(), "in.csv", {"id": "Asset Name", "owner": "Cost centre"})
    assert raws[0].name == "Billing_01.corp.example.org"
    assert raws[0].facts == {"owner": "Revenue Cycle"}
    assert notes == ['in.csv: columns that were not taken: the text "Colour"']
    one = propose(raws, {"kind": "server", "tier": 3}, ()).new[0]
    assert one.id == "billing-01"
    assert one.missing == ("environment", "data_class", "ring", "address", "baselines", "location", "exposure")
    assert one.notes == ('named billing-01 after the text "Billing_01.corp.example.org"',)


def test_a_cell_that_does_not_fit_is_left_out_and_the_rest_of_its_row_is_not() -> None:
    text = HEADER + "mail,application,office,Main Office,production,public,internal,9\n"
    one = propose(read_table(text.encode(), "in.csv", {})[0], {}, ()).new[0]
    assert one.missing == ("tier", "exposure")
    assert one.data["location"] == "main-office"
    assert one.notes == (
        "tier: the number 9; expected a tier, 1 (most critical) to 4; left out",
        'location: the text "Main Office" is written main-office',
        'exposure: the text "public"; expected one of internet, partner, internal, none; left out',
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty; expected a row of column names first"),
        (b"\xff\xfe\x00i", "byte 0 is no UTF-8"),
        (b"id,tier\x00\n", "holds a NUL character"),
        (b"owner,tier\nx,1\n", "no column id, title or address"),
        (b"id,owner,Owner\nx,y,z\n", "two columns carry owner"),
        (b'id,owner\nx,"y\n', "is no CSV: unexpected end of data"),
        (b'id,owner\nx,"y"z\n', "is no CSV: ',' expected after '\"'"),
        (b"id" + b",x" * tables.WIDEST + b"\n", "more than 20000 rows, 200 columns or 8000 characters"),
        (b"id,owner\nx," + b"y" * 8001 + b"\n", "in.csv:2: more than 20000 rows"),
        (b"id\n" + b"x\n" * (MOST + 1), "more than 20000 rows"),
        (b"id,owner\nx," + b"y" * 200_000 + b"\n", "field larger than field limit"),
        (b"x" * (tables.LARGEST + 1), "16777217 bytes; expected at most 16777216"),
    ],
)
def test_what_is_no_table_or_too_large_a_one_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_table(data, "in.csv", {})
    assert message in str(caught.value)
    assert str(caught.value).startswith("in.csv")


def test_a_column_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r'no column the text "Nmae"; expected one of the text "id"'):
        read_table(b"id\nx\n", "in.csv", {"title": "Nmae"})


def test_two_rows_of_one_name_are_one_entry_and_one_refusal() -> None:
    proposal = propose(read_table((b"id\nWeb_1\nweb-1.example.org\n"), "in.csv", {})[0], {}, ())
    assert [one.id for one in proposal.new] == ["web-1"]
    assert [(told.where, told.why) for told in proposal.rejected] == [
        ("in.csv:3", "the id web-1 is that of in.csv:2; give it its own")
    ]


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("flows", "443", "is no flow; expected the like of: tcp/443 from office dmz"),
        ("intermittent", "perhaps", "is neither yes nor no"),
        ("health", "[{", "health: "),
        ("vars", '{"a": ' * 20 + "1" + "}" * 20, "nests deeper than 8 levels"),
    ],
)
def test_cells_that_cannot_be_read_say_what_was_expected(column: str, cell: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_cell(column, cell)
