# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sound register leaves unsaid is named once, with who answers for it, and refuses nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.gaps import gaps
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

from tests.site_cases import EXAMPLE, GOOD, Case

pytestmark = pytest.mark.skipif(not EXAMPLE.is_dir(), reason="only a checkout has the example")

TODAY = date(2026, 11, 22)


def found(tmp_path: Path, *edits: tuple[str, str], today: date = TODAY) -> list[tuple[str, str, str]]:
    case = Case("", "", [{"file": "holdfast.yml", "find": find, "put": put} for find, put in edits], [], EXAMPLE)
    return [(gap.kind, gap.about, gap.owner) for gap in gaps(load_site(case.lay_out(tmp_path), PRODUCT), today)]


def test_the_example_leaves_nothing_unsaid() -> None:
    assert gaps(load_site(EXAMPLE, PRODUCT), TODAY) == ()


def test_an_old_register_is_told_what_it_does_not_say() -> None:
    kinds = [(gap.about, gap.kind) for gap in gaps(load_site(GOOD, PRODUCT), TODAY)]
    assert kinds == [
        ("lab-1", "no-location"), ("lab-1", "no-exposure"),
        ("prod-1", "no-location"), ("prod-1", "no-exposure"), ("prod-1", "no-data-flow"),
    ]  # fmt: skip


BAA = "    baa: {signed: 2025-01-15, ends: 2030-12-31, notice_days: 3}\n"
STATEMENTS = "    carries: statements of patients\n    vendor: print-and-mail\n"


@pytest.mark.parametrize(
    ("edit", "gap"),
    [
        ((BAA, ""), ("no-baa", "clearinghouse", "edi")),
        ((BAA, BAA.replace("2030-12-31", "2026-11-21")), ("baa-ended", "clearinghouse", "edi")),
        ((BAA, BAA.replace("2030-12-31", "2026-11-22")), ("baa-ends", "clearinghouse", "edi")),
        ((BAA, BAA.replace("2030-12-31", "2026-12-22")), ("baa-ends", "clearinghouse", "edi")),
        (
            ("high: 5, medium: 30}, ends: 2030-12-31}", "high: 5, medium: 30}, ends: 2026-01-01}"),
            ("contract-ended", "clearinghouse", "edi"),
        ),
        (
            ("    contract: {patch_days: {critical: 7, high: 30}}\n", ""),
            ("no-contract", "network-maker", "network"),
        ),
        (
            ("    security_page: https://network-maker.example.org/psirt\n", ""),
            ("no-security-page", "network-maker", "network"),
        ),
        (("vendors:\n", "vendors:\n  forgotten: {title: Forgotten Inc.}\n"), ("unused-vendor", "forgotten", "")),
        (
            ("    product: {vendor: Office Suite Example, name: Mail}\n", ""),
            ("no-product", "mail", "office"),
        ),
        ((STATEMENTS, STATEMENTS.partition("    vendor")[0]), ("no-party", "statements-out", "platform")),
        (
            (
                "port: 443, encryption: tls, carries: scanned remittances",
                "port: 443, encryption: none, unencrypted_because: a cable of its own, carries: scanned remittances",
            ),
            ("unencrypted", "scanned-pages", "revenue-cycle"),
        ),
        (
            (
                "  - {id: scanned-pages, from: office-copier, to: scan-1, port: 443, encryption: tls, "
                "carries: scanned remittances}\n",
                "",
            ),
            None,  # scan-1, on which the copier depends, still has a data flow
        ),
    ],
)
def test_each_gap_is_named(edit: tuple[str, str], gap: tuple[str, str, str] | None, tmp_path: Path) -> None:
    assert found(tmp_path, edit) == ([gap] if gap else [])


def test_what_is_more_than_thirty_days_off_is_not_named_yet(tmp_path: Path) -> None:
    assert found(tmp_path, (BAA, BAA.replace("2030-12-31", "2026-12-23"))) == []


def test_ephi_that_never_moves_is_not_believed(tmp_path: Path) -> None:
    flows = "  - id: documents\n    from: scan-1\n    to: document-store\n"
    elsewhere = flows.replace("from: scan-1\n    to: document-store", "from: backup-1\n    to: offsite-backup")
    assert found(tmp_path, (flows, elsewhere)) == [("no-data-flow", "document-store", "data")]


def test_what_something_more_critical_needs_is_as_critical_at_any_distance(tmp_path: Path) -> None:
    switch = "    exposure: internal\n    data_class: internal\n    tier: 1\n    vendor: network-maker\n"
    assert found(tmp_path, (switch, switch.replace("tier: 1", "tier: 2"))) == [("tier", "core-switch", "network")]
