# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log's side of a witness, over HTTP on this machine: what is kept, what is a warning, and what is an alarm."""

from __future__ import annotations

import http.client
import socket
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import WITNESS, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.journal import Journal, Signers
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import (
    COSIGNED,
    REFUSED,
    UNREACHABLE,
    cosign,
    newest,
)
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.witnesses import WitnessSettings
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import Witness

from tests.ledger_cases import BASELINE, ORG, Shop, make_keys
from tests.witnessing import NAME, log_key, make_witness, serving, submission


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def shop(tmp_path: Path, keys: dict[str, Signer]) -> Shop:
    """A ledger that holds its trust document."""
    return Shop(tmp_path, keys)


@pytest.fixture
def witness(shop: Shop, tmp_path: Path) -> Witness:
    """A witness that has seen the trust document and nothing since."""
    return make_witness(tmp_path, log_key(ORG, shop.keys["log"]), shop.seal(), shop.now)


def own(settings: WitnessSettings) -> NoteKey:
    return NoteKey.parse(settings.key, WITNESS)


def test_head_is_cosigned_and_kept_beside_the_log_s_own(shop: Shop, witness: Witness) -> None:
    shop.look()
    note = shop.seal()
    with serving(witness, shop.tick) as settings:
        (heard,) = cosign(shop.ledger, note, [settings], shop.now)
        assert (heard.outcome, heard.size, heard.witness) == (COSIGNED, 4, NAME)
        kept = str(shop.ledger.checkpoint())
        assert kept.startswith(note)
        assert own(settings).cosigned_at(parse(kept)) is not None
        before = shop.ledger.checkpoints()
        assert [heard.outcome for heard in cosign(shop.ledger, kept, [settings], shop.now)] == [COSIGNED]
        assert shop.ledger.checkpoints() == before, "a second cosignature of one head says nothing new"
    assert shop.audit()


def test_several_witnesses_sign_one_note_and_one_out_of_reach_costs_none_of_them(
    shop: Shop, witness: Witness, tmp_path: Path
) -> None:
    second = make_witness(tmp_path, log_key(ORG, shop.keys["log"]), shop.seal(), shop.now, "auditor.example.org")
    shop.look()
    note = shop.seal()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        with serving(witness, shop.tick) as one, serving(second, shop.tick) as other:
            away = replace(one, url=nobody)
            heard = cosign(shop.ledger, note, [one, away, other, WitnessSettings(one.key)], shop.now)
    assert [one.outcome for one in heard] == [COSIGNED, UNREACHABLE, COSIGNED]
    assert "no cosignature was had" in heard[1].message
    head = parse(str(shop.ledger.checkpoint()))
    assert [name for name, _hint, _data in head.signatures] == [ORG, NAME, "auditor.example.org"]


def test_older_state_and_rewritten_past_are_refused_by_name(
    shop: Shop, witness: Witness, keys: dict[str, Signer], tmp_path: Path
) -> None:
    shop.look()
    note = shop.seal()
    assert witness.add_checkpoint(submission(shop.ledger, note, 1), shop.now).status == 200
    (tmp_path / "old").mkdir()
    other = Shop(tmp_path / "old", keys)
    with serving(witness, shop.tick) as settings:
        (heard,) = cosign(other.ledger, other.seal(), [settings], shop.now)
        assert heard.outcome == REFUSED
        assert heard.message.startswith(f"{NAME} has cosigned 4 entries and this ledger has 1: it was put back")
        other.look()
        for _round in range(2):  # of the same size, and larger
            (heard,) = cosign(other.ledger, other.seal(), [settings], shop.now)
            assert heard.outcome == REFUSED
            assert "its 4 entries are not the first 4 of this ledger" in heard.message
            other.look()
    assert len(other.ledger.checkpoints()) == 3, "nothing of a refusal is kept as a head"


def test_head_that_another_controller_went_past_is_no_alarm(shop: Shop, witness: Witness) -> None:
    early = shop.seal()
    shop.look()
    late = shop.seal()
    with serving(witness, shop.tick) as settings:
        cosign(shop.ledger, late, [settings], shop.now)
        (heard,) = cosign(shop.ledger, early, [settings], shop.now)
    assert (heard.outcome, heard.size) == (COSIGNED, 4)


def test_answer_of_another_key_or_another_time_is_none(shop: Shop, witness: Witness, tmp_path: Path) -> None:
    note = shop.seal()
    stranger = make_witness(tmp_path, log_key(ORG, shop.keys["log"]), note, shop.now, "stranger.example.org")

    def yesterday() -> datetime:
        return shop.now - timedelta(days=1)

    with serving(witness, shop.tick) as settings, serving(stranger, shop.tick) as other:
        posing = replace(other, key=settings.key)
        (heard,) = cosign(shop.ledger, note, [posing], shop.now)
        assert (heard.outcome, "no cosignature of the key in site.yml" in heard.message) == (UNREACHABLE, True)
        with pytest.raises(LedgerError, match="no head of this log that it cosigned"):
            newest(ORG, posing, shop.now)
        with pytest.raises(LedgerError, match="it answered 404"):
            newest("org-other", settings, shop.now)
        assert parse(newest(ORG, settings, shop.now)).size == 1
    with serving(witness, yesterday) as settings:
        with pytest.raises(LedgerError, match="expected one made now"):
            newest(ORG, settings, shop.now)
        (heard,) = cosign(shop.ledger, note, [settings], shop.now)
        assert "set it, or ours, by NTP" in heard.message
    assert len(shop.ledger.checkpoints()) == 1


def test_server_answers_what_is_asked_and_nothing_else(shop: Shop, witness: Witness) -> None:
    with serving(witness, shop.tick) as settings:
        address = urlsplit(str(settings.url))
        connection = http.client.HTTPConnection(str(address.hostname), int(address.port or 0), timeout=10)
        good = submission(shop.ledger, shop.seal(), 1)
        for method, path, body, headers, status in (
            ("POST", "/add-checkpoint", good, {}, 200),
            ("POST", "/add-checkpoint", good, {}, 200),  # on the same connection
            ("GET", "/add-checkpoint", None, {}, 404),
            ("GET", f"/{'0' * 64}/checkpoint", None, {}, 404),
            ("POST", "/other", good, {}, 404),
            ("POST", "/add-checkpoint", b"x" * 70_000, {}, 413),
            ("POST", "/add-checkpoint", None, {"Content-Length": "-1"}, 411),
            ("PUT", "/add-checkpoint", good, {}, 501),
        ):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status, (method, path)
            if answer.will_close:
                connection.close()
        connection.close()


def test_memory_that_fails_is_500_and_cosigns_nothing(shop: Shop, witness: Witness) -> None:
    shop.look()
    note = shop.seal()
    with serving(witness, shop.tick) as settings:
        witness.memory.path.unlink()
        (heard,) = cosign(shop.ledger, note, [settings], shop.now)
    assert (heard.outcome, "it answered 500" in heard.message) == (UNREACHABLE, True)


def test_run_shows_its_head_when_it_ends(shop: Shop, witness: Witness) -> None:
    with serving(witness, shop.tick) as settings:
        signers = Signers(shop.keys["controller"], shop.keys["scanner"], shop.keys["log"])
        journal = Journal(
            shop.recorder, signers, kind="check", mode="check", expected=["lab-1"],
            cosign=lambda note: cosign(shop.ledger, note, [settings], shop.now),
        )  # fmt: skip
        journal.open(baseline=BASELINE, ansible_core="2.19.14")
        journal.close(0)
    assert [one.outcome for one in journal.heard] == [COSIGNED]
    assert own(settings).cosigned_at(parse(str(shop.ledger.checkpoint()))) is not None
