# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of the trust document, honest and forged: what the writer refuses to append, the audit finds in the file."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import canonical, checkpoint
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.proposal import Proposal
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records, trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.recorder import Recorder
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.store import Ledger
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.ledger_cases import ORG, ROLES, START, Shop, audit_of, codes, signed, statement_of, stored

ROOTS = ("ann", "ben", "cyd")
Edit = Callable[[Trust], Sequence[Principal]]


class Board(Shop):
    """A shop with three root principals, of whom two must sign; `second` is ann's second key."""

    def __init__(self, folder: Path, keys: dict[str, Signer]) -> None:
        super().__init__(folder, keys)
        self.roots = {name: FileSigner(Ed25519PrivateKey.generate()) for name in (*ROOTS, "second", "new")}
        people = [one for one in self.trust.principals if one.id != "root"]
        for name in ROOTS:
            held = (name, "second") if name == "ann" else (name,)
            people.append(Principal(name, ("root",), tuple(self.roots[one].public_key for one in held)))
        self.trust = Trust(2, self.trust.sha256, tuple(people), 2)
        own = [self.roots[name] for name in ("ann", "cyd")]
        self.recorder = Recorder(self.ledger, self.trust, ORG, "0.1.0", self.tick)
        self.recorder.publish_trust(self.keys["root"], *own)

    def next(self, **changes: Any) -> Trust:
        """Return the version that would follow."""
        return dataclasses.replace(self.trust, **{"version": 3, "previous": self.trust.sha256, **changes})

    def publish(self, document: Trust, *names: str) -> None:
        """Publish a version signed by these, and take it up."""
        recorder = Recorder(self.ledger, document, ORG, "0.1.0", self.tick)
        recorder.publish_trust(*(self.roots[name] for name in names))
        self.trust, self.recorder = document, recorder

    def force(self, document: Trust, *names: str) -> None:
        """Append a version as one does who has these keys and writes the file himself."""
        head = self.ledger.head()
        proposal = Proposal(ORG, head, trust_in_force(self.ledger), self.next())
        for name in names:
            signer = self.roots[name]
            statement = proposal.statement(self.roots["ann"].public_key.keyid, self.tick(), "0.1.0")
            owner = next((one.id for one in document.principals if signer.public_key in one.keys), "ann")
            statement["predicate"]["actor"]["principal"] = owner
            statement["predicate"]["step"] = document.to_dict()
            statement["subject"][0]["digest"]["sha256"] = document.sha256
            stored(self.ledger, signed(statement, signer))

    def with_term(self, who: str, term: Term) -> tuple[Principal, ...]:
        """Return the principals, with a term for every key of one."""
        return tuple(
            dataclasses.replace(one, terms={key.keyid: term for key in one.keys}) if one.id == who else one
            for one in self.trust.principals
        )


@pytest.fixture
def board(tmp_path: Path, keys: dict[str, Signer]) -> Board:
    """A shop with a board."""
    return Board(tmp_path, keys)


def test_two_of_three_carry_a_version(board: Board) -> None:
    board.look()
    board.publish(board.next(), "ben", "cyd")
    board.look()
    board.seal()
    assert board.audit(), board.audit().findings
    assert trust_in_force(board.ledger).version == 3


@pytest.mark.parametrize("names", [(), ("ann",), ("ann", "second"), ("ann", "ann")])
def test_too_few_principals_change_nothing(board: Board, names: tuple[str, ...]) -> None:
    """Two keys of one principal, or one key twice, are one voice: in the writer, in a reader, and in the audit."""
    size = board.ledger.size
    with pytest.raises(TrustError, match=f"{min(1, len(names))} of 2 root principals of version 2"):
        board.publish(board.next(), *names)
    assert board.ledger.size == size
    board.force(board.next(), *names)
    assert trust_in_force(board.ledger).version == 2
    board.look()
    board.seal()
    assert codes(board.audit()) == ({"trust-unfinished"} if names else set())


def test_version_needs_its_own_threshold_too(board: Board) -> None:
    document = board.next(root_threshold=3)
    with pytest.raises(TrustError, match=r"2 of 2 root .* version 2 .*; 2 of 3 root .* version 3"):
        board.publish(document, "ann", "ben")
    board.force(document, "ann", "ben")
    board.seal()
    assert codes(board.audit()) == {"trust-unfinished"}
    board.publish(document, "cyd")  # completes what was begun
    board.seal()
    assert board.audit(), board.audit().findings


def test_signed_by_its_own_new_roots_only(board: Board) -> None:
    usurper = Principal("usurper", ("root",), (board.roots["new"].public_key,))
    document = board.next(principals=(*board.trust.principals, usurper), root_threshold=1)
    with pytest.raises(TrustError, match="0 of 2 root principals of version 2; 1 of 1 root principals of version 3"):
        board.publish(document, "new")
    board.force(document, "new")
    assert trust_in_force(board.ledger).version == 2
    board.seal()
    assert codes(board.audit()) == {"trust-unfinished"}


@pytest.mark.parametrize(
    "changes", [{"version": 4}, {"version": 2}, {"previous": "0" * 64}], ids=["skipped", "repeated", "of another"]
)
def test_version_that_does_not_follow(board: Board, changes: dict[str, Any]) -> None:
    with pytest.raises(TrustError, match="does not follow; the next is version 3"):
        board.publish(board.next(**changes), "ann", "ben")
    board.force(board.next(**changes), "ann", "ben")
    with pytest.raises(TrustError, match="does not follow"):
        read_records(board.ledger)
    assert codes(board.audit()) == {"trust-chain"}


def test_version_signed_by_nobody_who_is_root(board: Board) -> None:
    board.roots["log"] = board.keys["log"]  # type: ignore[assignment]  # any signer will do here
    with pytest.raises(TrustError, match="log is log, not root"):
        board.publish(board.next(), "log")
    board.force(board.next(), "log")
    assert "role" in codes(board.audit())


LEFT = Term(revoked_from=5, reason="left")


def test_revoked_key_signs_no_more(board: Board) -> None:
    request = board.request()
    board.approve("security", request)
    good = board.ledger.entry(board.ledger.size - 1)
    board.publish(board.next(principals=board.with_term("security", LEFT)), "ann", "ben")
    board.seal()
    assert board.audit(), board.audit().findings
    with pytest.raises(TrustError, match=r"of security is revoked from entry 5 \(left\)"):
        board.approve("security", request)
    statement = statement_of(good)
    statement["predicate"] |= {"record_id": "rec_" + "a" * 26}
    statement["predicate"]["trust"] = {"version": 3, "sha256": board.trust.sha256}
    size, root = board.ledger.head()
    statement["predicate"]["ledger_head"] = {"size": size, "root": root.hex()}
    stored(board.ledger, signed(statement, board.keys["security"]))
    with pytest.raises(TrustError, match="is revoked from entry 5"):
        read_records(board.ledger)
    assert {(one.code, one.index) for one in board.audit().findings} == {("key-revoked", size)}


def test_key_is_not_valid_before_its_time(board: Board) -> None:
    board.publish(board.next(principals=board.with_term("operations", Term(valid_from=8))), "ann", "ben")
    assert board.ledger.size == 6
    with pytest.raises(TrustError, match="valid from entry 8, and entry 6 is to be signed"):
        board.request()
    board.look()
    board.request()
    board.seal()
    assert board.audit(), board.audit().findings


def test_distrust_marks_a_span_and_unmakes_nothing(board: Board) -> None:
    """Records of a stolen key before the theft are good, those since are named, until the root attests them."""
    first = board.request()
    approvals = [board.approve("security", first) for _unused in range(3)]
    since, attested = approvals[1].index, approvals[2].index
    run = board.open(first, approvals[1:2])
    board.work(run)
    board.close(run)
    term = Term(revoked_from=since + 1, reason="stolen", distrust_from=since)
    board.publish(board.next(principals=board.with_term("security", term)), "ann", "ben")
    board.seal()
    assert {one.index for one in read_records(board.ledger) if one.doubted} == {since, attested}
    found = {(one.code, one.index) for one in board.audit().findings}
    assert {("key-distrusted", since), ("key-distrusted", attested)} == {one for one in found if "key" in one[0]}
    assert "approvals-few" in codes(board.audit())
    third = dataclasses.replace(board.trust, version=4, previous=board.trust.sha256)
    third = dataclasses.replace(
        third, principals=board.with_term("security", dataclasses.replace(term, attested=(since, attested)))
    )
    board.publish(third, "ann", "ben")
    board.seal()
    assert board.audit(), board.audit().findings
    assert not any(one.doubted for one in read_records(board.ledger))


@pytest.mark.parametrize(
    "later",
    [None, Term(), Term(revoked_from=9, reason="stolen", distrust_from=2), Term(revoked_from=5, reason="stolen"),
     Term(revoked_from=5, reason="stolen", distrust_from=4)],
    ids=["unlisted", "valid again", "revoked later", "trusted again", "distrusted later"],
)  # fmt: skip
def test_revocation_is_not_taken_back(board: Board, later: Term | None) -> None:
    term = Term(revoked_from=5, reason="stolen", distrust_from=2)
    board.publish(board.next(principals=board.with_term("security", term)), "ann", "ben")
    principals = board.with_term("security", later or term)
    if later is None:
        principals = tuple(one for one in principals if one.id != "security")
    document = dataclasses.replace(board.trust, version=4, previous=board.trust.sha256, principals=principals)
    with pytest.raises(TrustError, match="expected every later version to say so too"):
        Proposal.of(board.ledger, ORG, document)
    board.next = lambda **_unused: dataclasses.replace(board.trust, version=4, previous=board.trust.sha256)  # type: ignore[method-assign]  # the version that an honest one would be
    board.force(document, "ann", "ben")
    with pytest.raises(TrustError, match="expected every later version to say so too"):
        read_records(board.ledger)
    assert "trust-chain" in codes(board.audit())


def test_head_is_signed_by_the_log_key_of_its_time(board: Board) -> None:
    old, new = board.keys["log"], FileSigner(Ed25519PrivateKey.generate())
    board.look()
    board.seal()
    size = board.ledger.size
    ended = {old.public_key.keyid: Term(revoked_from=size, reason="rotated")}
    people = tuple(
        dataclasses.replace(one, keys=(*one.keys, new.public_key), terms=ended) if one.id == "log" else one
        for one in board.trust.principals
    )
    board.publish(board.next(principals=people), "ann", "ben")
    with pytest.raises(TrustError, match="of log is revoked from entry"):
        board.seal()
    board.recorder.checkpoint(new)
    assert board.audit(), board.audit().findings
    note = checkpoint.note(ORG, *board.ledger.head(), old)
    board.ledger.save_checkpoint(note)
    assert codes(board.audit()) == {"checkpoint-signature"}


def test_genesis_of_a_board_needs_the_board(tmp_path: Path, keys: dict[str, Signer]) -> None:
    held = {name: keys[name].public_key for name in ("root", "log", "operations")}
    people = tuple(Principal(name, ("root",) if name != "log" else ROLES["log"], (key,)) for name, key in held.items())
    ledger = Ledger.create(tmp_path / "ledger.sqlite")
    recorder = Recorder(ledger, Trust(1, None, people, 2), ORG, "0.1.0", lambda: START)
    with pytest.raises(TrustError, match="version 1 is signed by 1 of 2 root principals of version 1"):
        recorder.publish_trust(keys["root"])
    assert ledger.size == 0
    recorder.publish_trust(keys["root"], keys["operations"])
    assert ledger.size == 2
    assert trust_in_force(ledger).version == 1


def test_two_keys_of_one_root_begin_no_ledger(tmp_path: Path, keys: dict[str, Signer]) -> None:
    """The first version has no other threshold than its own, which counts principals too."""
    held = {"ann": ("root", "operations"), "ben": ("scanner",), "log": ("log",)}
    people = tuple(
        Principal(name, ROLES.get(name, ("root",)), tuple(keys[one].public_key for one in names))
        for name, names in held.items()
    )
    document = Trust(1, None, people, 2)
    ledger = Ledger.create(tmp_path / "ledger.sqlite")
    both = keys["root"], keys["operations"]
    with pytest.raises(TrustError, match=r"1 of 2 root principals of version 1 \(ann\)"):
        Recorder(ledger, document, ORG, "0.1.0", lambda: START).publish_trust(*both)
    proposal = Proposal.of(ledger, ORG, document)
    for signer in both:
        stored(ledger, proposal.signed(signer, START, "0.1.0"))
    with pytest.raises(TrustError, match="holds no trust document"):
        trust_in_force(ledger)
    assert codes(audit_of(ledger.path, None)) == {"trust-unfinished"}


@pytest.mark.parametrize(
    "term",
    [
        {"revoked_from": 5},
        {"reason": "lost"},
        {"distrust_from": 3},
        {"revoked_from": 3, "reason": "lost", "distrust_from": 4},
        {"valid_from": 6, "revoked_from": 5, "reason": "lost"},
        {"attested": [4]},
    ],
)
def test_term_that_contradicts_itself(board: Board, term: dict[str, Any]) -> None:
    body = board.next().to_dict()
    next(one for one in body["principals"] if one["id"] == "security")["keys"][0] |= term
    with pytest.raises(TrustError, match=r"key .*correct it"):
        Trust.from_dict(body)
    head = board.ledger.head()
    statement = Proposal(ORG, head, board.trust, board.next()).statement(
        board.roots["ann"].public_key.keyid, board.tick(), "0.1.0"
    )
    statement["predicate"]["step"] = body
    statement["subject"][0]["digest"]["sha256"] = canonical.digest(canonical.encode(body))
    stored(board.ledger, signed(statement, board.roots["ann"]))
    assert "trust-chain" in codes(board.audit())
