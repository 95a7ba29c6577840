# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle holds what was asked for and what belongs to it, and other tools read it."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.verifier import verify
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import HoldfastError, UsageError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.evidence.bundle import sums
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.bundles import (
    DETAIL,
    Files,
    Told,
    problem,
)
from tests.ledger_cases import ORG, PLAN_DIGEST, Forger, altered


def test_bundle_holds_and_says_what_it_is(told: Told, whole: Files) -> None:
    found = verify.Bundle(whole, None, [told.witness])
    assert (found.origin, found.size) == (ORG, told.shop.ledger.size)
    assert {one.step for one in found.records} >= {"trust", "request", "approve", "run-open", "deploy", "rollback"}
    assert [one for one in found.notes if "IN DOUBT" in one]  # `rekey` says that security's key was stolen
    assert not problem(whole, found.versions[0].sha256, (told.witness,))
    for index, stored in told.shop.ledger.entries():
        assert whole.get(f"records/{index}.json", stored) == stored
    assert f"plans/{PLAN_DIGEST}.json" in whole
    assert [whole[name] for name in whole if name.startswith("results/")] == [DETAIL]


def test_whole_runs_and_whole_changes_come_along(told: Told) -> None:
    contents, _files = told.bundle(assets=["prod-1"], steps=["rollback"])
    (asked,) = contents.gathered.asked
    records = {one.index: one for one in contents.gathered.records}
    assert records[asked].step == "rollback"
    run, change = records[asked].body["run_id"], records[asked].change_id
    everything = [one.index for one in told.bundle()[0].gathered.records]
    theirs = [one for one in told.bundle()[0].gathered.records if one.change_id == change]
    assert {one.index for one in theirs if one.body.get("run_id") == run} <= set(records)
    assert {one.index for one in theirs} | {one for one in records if records[one].step == "trust"} == set(records)
    assert everything == list(range(told.shop.ledger.size))


def test_what_was_tampered_with_is_left_out_and_said(told: Told) -> None:
    told.detail.write_bytes(b"other")
    try:
        contents, files = told.bundle(assets=["lab-1"])
    finally:
        told.detail.write_bytes(DETAIL)
    assert [one for one in contents.missing if "is not the one that was signed" in one]
    assert not [name for name in files if name.startswith("results/")]
    assert "is not the one that was signed" in files["index.html"].decode()
    assert not problem(files)


def test_ledger_that_does_not_hold_gives_no_bundle(told: Told, keys: dict[str, Signer], tmp_path: Path) -> None:
    forger = Forger(told.shop.ledger, tmp_path)
    forger.entries[5] = altered(forger.entries[5], keys["scanner"], lambda one: None)
    with pytest.raises(HoldfastError, match="are not those whose head was signed"):
        told.bundle(Ledger(forger.write(forger.entries)), assets=["lab-1"])
    with pytest.raises(UsageError, match="no record under the newest signed head answers"):
        told.bundle(assets=["nowhere"])


def test_page_needs_nothing_and_runs_nothing(told: Told, whole: Files) -> None:
    page = html.unescape(whole["index.html"].decode())
    assert "default-src 'none'" in page
    assert not re.search(
        r"<script|<img|<link|https?://(?!holdfast\.example|in-toto\.io)|\son\w+=", page.partition("</style>")[2]
    )
    assert "asset lab-1" in page.lower()
    assert "IN DOUBT" not in page
    assert "in doubt" in page


def test_other_tools_read_it(told: Told, whole: Files, tmp_path: Path) -> None:
    """The README's own lines: sha256sum, OpenSSL, ssh-keygen, and no program of ours."""
    for name, data in whole.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    text = whole["README.txt"].decode()
    snippet = text[text.index("python3 -c 'import base64") : text.index(" records/N.json\n")]
    ssh = next(line.split("(SSH)")[0] for line in text.splitlines() if "ssh-keygen -Y verify" in line)
    armour = next(line for line in text.splitlines() if "BEGIN SSH SIGNATURE" in line)
    openssl = next(line.split("(Ed25519)")[0] for line in text.splitlines() if "pkeyutl" in line)
    records = {one.step: one for one in told.bundle(assets=["lab-1"])[0].gathered.records}
    assert shell(tmp_path, "sha256sum --quiet -c SHA256SUMS") == 0
    for step, lines in (("approve", [armour, ssh]), ("deploy", [openssl])):
        one = records[step]
        steps = [f"{snippet} records/{one.index}.json", *lines]
        script = (
            "\n".join(steps).replace("WHO-KEYID", f"{one.principal}-{one.keyid[:16]}").replace("WHO", one.principal)
        )
        assert shell(tmp_path, script) == 0
        assert shell(tmp_path, script.replace(f"records/{one.index}.json", "records/0.json")) != 0


def shell(folder: Path, script: str) -> int:
    done = subprocess.run(
        ["sh", "-e"], input=script, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode


def test_sums_are_those_of_sha256sum(whole: Files) -> None:
    assert whole["SHA256SUMS"] == sums({name: data for name, data in whole.items() if name != "SHA256SUMS"})
