# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit that goes on where an earlier one ended: what is the same is believed, what is not is verified anew."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.envelope import Envelope
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger

from tests.ledger_cases import Forger, Shop, audit_of

AT = 9


@pytest.fixture
def forger(shop: Shop, tmp_path: Path) -> Forger:
    """One who can write a copy of the story's file."""
    shop.story()
    return Forger(shop.ledger, tmp_path)


def unsigned(forger: Forger) -> list[bytes]:
    """Return the entries, one of them with a signature that its key never made."""
    good = Envelope.from_bytes(forger.entries[AT])
    bad = Envelope(good.payload, good.keyid, bytes([good.signature[0] ^ 1]) + good.signature[1:]).to_bytes()
    return [*forger.entries[:AT], bad, *forger.entries[AT + 1 :]]


def found(path: Path, shop: Shop, **more: object) -> set[tuple[str, int | None]]:
    """Return code and entry of what an audit finds."""
    return {(one.code, one.index) for one in audit_of(path, shop.plans, **more).findings}


def test_resumed_audit_says_the_same_and_what_it_left_out(shop: Shop, forger: Forger) -> None:
    kept = f"12 {shop.ledger.root(12).hex()}\n"
    whole, resumed = shop.audit(remembered_head=kept), shop.audit(remembered_head=kept, resume=True)
    assert resumed
    assert (resumed.root, resumed.warnings, resumed.genesis) == (whole.root, whole.warnings, whole.genesis)
    assert set(resumed.could_not_check) - set(whole.could_not_check) == {
        "signatures of the first 12 entries: the audit before this one did"
    }


@pytest.mark.parametrize(("size", "wanted"), [(AT, {("signature", AT)}), (AT + 1, set())])
def test_signatures_are_believed_as_far_as_the_kept_head_goes(
    shop: Shop, forger: Forger, size: int, wanted: set[tuple[str, int]]
) -> None:
    path = forger.write(unsigned(forger), keep_heads=False)
    kept = f"{size} {Ledger(path).root(size).hex()}"
    assert {("signature", AT)} <= found(path, shop, remembered_head=kept)
    assert {one for one in found(path, shop, remembered_head=kept, resume=True) if one[0] == "signature"} == wanted


def test_prefix_that_is_another_now_is_verified_anew(shop: Shop, forger: Forger) -> None:
    path = forger.write(unsigned(forger))
    kept = f"12 {shop.ledger.root(12).hex()}"
    assert {("signature", AT), ("history-rewritten", None)} <= found(path, shop, remembered_head=kept, resume=True)
    path = forger.write(forger.entries[:5])
    assert ("rolled-back", None) in found(path, shop, remembered_head=kept, resume=True)


@pytest.mark.parametrize("text", ["", "12", "12 abc", "1e1 " + "0" * 64])
def test_only_a_head_that_an_audit_kept_is_resumed_from(shop: Shop, text: str) -> None:
    with pytest.raises(LedgerError, match="expected a head that `holdfast audit --keep FILE` wrote"):
        shop.audit(remembered_head=text, resume=True)


def test_signed_head_says_nothing_of_an_audit(shop: Shop) -> None:
    with pytest.raises(LedgerError, match="expected a head that `holdfast audit --keep FILE` wrote"):
        shop.audit(remembered_head=shop.seal(), resume=True)


def test_command_resumes_from_what_it_kept(shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shop.story()
    words = ["audit", "--ledger", str(shop.ledger.path), "--plans", str(shop.plans)]
    assert main([*words, "--resume"]) == 2
    assert "--resume: no head was given" in capsys.readouterr().err
    kept = tmp_path / "kept"
    assert main([*words, "--keep", str(kept)]) == 0
    shop.look()
    shop.seal()
    assert main([*words, "--head", str(kept), "--keep", str(kept), "--resume"]) == 0
    assert "signatures of the first 18 entries" in capsys.readouterr().out
    assert kept.read_text().startswith("21 ")
