# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""trust.yml: what it may hold, and how what is wrong with it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import SiteError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trustfile import TrustFile, read_trust_file

from tests.ledger_cases import ROLES, trust_of


def text_of(keys: dict[str, Signer], version: int = 1) -> str:
    """Return trust.yml as `holdfast key show` would have one write it."""
    lines = [f"version: {version}", "root_threshold: 1", "principals:"]
    for name, roles in ROLES.items():
        key = keys[name].public_key
        lines += [f"  - id: {name}", f"    roles: [{', '.join(roles)}]", "    keys:"]
        lines += [f'      - {{type: {key.kind}, public: "{key.written}"}}']
    return "\n".join(lines) + "\n"


@pytest.fixture
def path(tmp_path: Path, keys: dict[str, Signer]) -> Path:
    """A good trust.yml."""
    path = tmp_path / "trust.yml"
    path.write_text(text_of(keys))
    return path


def test_file_is_the_document(path: Path, keys: dict[str, Signer]) -> None:
    document = read_trust_file(path).follows(None)
    assert document == trust_of(keys)
    assert document is not None
    assert Trust.from_dict(document.to_dict()) == document
    assert document.principal_of(keys["security"].public_key.keyid) == "security"
    assert document.roles("security") == {"approver", "security"}
    assert document.roles("nobody") == frozenset()


def test_version_follows(path: Path, keys: dict[str, Signer]) -> None:
    current = trust_of(keys)
    assert read_trust_file(path).follows(current) is None
    path.write_text(text_of(keys, 2))
    following = read_trust_file(path).follows(current)
    assert following is not None
    assert (following.version, following.previous) == (2, current.sha256)
    with pytest.raises(TrustError, match=r"trust\.yml: version: 2 was found; expected 1"):
        read_trust_file(path).follows(None)
    path.write_text(text_of(keys).replace("[approver]", "[approver, verifier]", 1))
    with pytest.raises(TrustError, match="expected 2, for version 1 is in force; write `version: 2`"):
        read_trust_file(path).follows(current)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1", "version: 0", "version: the number 0; expected the version"),
        ("version: 1", 'version: "1"', "take the quotes away"),
        ("root_threshold: 1", "root_threshold: 2", "root_threshold: 2, and 1 root principal"),
        ("root_threshold: 1\n", "", "no root_threshold"),
        ("[requester]", "[boss]", 'principals[2].roles[0]: the text "boss"; expected one of requester, approver'),
        ("[requester]", "[]", "principals[2].roles"),
        ("id: operations", "id: Operations", "principals[2].id"),
        ("id: operations", "id: security", 'principals[3].id: "security" a second time'),
        ("id: operations", "name: operations", "an unknown key"),
        ("[root]", "[log]", "nobody with the role root"),
        ("[log]", "[root]", "nobody with the role log"),
        ("type: ssh-ed25519", "type: ed25519", "expected 32 bytes in base64"),
        ("type: ed25519", "type: rsa", "expected one of ed25519, ecdsa-p256"),
        ("type: ed25519", "type: ssh-ed25519", "expected a line 'ssh-ed25519 AAAA... comment'"),
        ("ssh-ed25519 AAAA", "ssh-ed25519 BBBB", "keys[0].public"),
        ("version: 1", "version: 1\nversion: 1", "a duplicate key"),
    ],
)
def test_mistake_is_named_with_file_line_and_place(path: Path, old: str, new: str, said: str) -> None:
    read_trust_file(path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(SiteError) as caught:
        read_trust_file(path)
    assert str(caught.value).startswith("trust.yml:")
    assert said in str(caught.value)


def test_one_key_under_two_names_is_refused_everywhere(path: Path, keys: dict[str, Signer]) -> None:
    mine = keys["security"].public_key
    path.write_text(
        path.read_text() + f'  - {{id: twin, roles: [approver], keys: [{{type: ed25519, public: "{mine.public}"}}]}}\n'
    )
    with pytest.raises(SiteError, match=r"principals\[9\]\.keys\[0\]\.public: the key .* that security holds already"):
        read_trust_file(path)
    good = trust_of(keys).principals
    with pytest.raises(TrustError, match="is already held by security"):
        Trust(1, None, (*good, Principal("twin", ("approver",), (mine,))))
    with pytest.raises(TrustError, match="is listed twice"):
        Trust(1, None, (*good, good[0]))


def test_log_key_is_one_that_readers_of_heads_know(path: Path, keys: dict[str, Signer]) -> None:
    path.write_text(path.read_text().replace("[approver]", "[approver, log]", 1))
    with pytest.raises(SiteError, match="a log key of type ssh-ed25519; expected type ed25519"):
        read_trust_file(path)
    with pytest.raises(TrustError, match="the log's head is signed with type ed25519"):
        trust_of(keys, {"security": ("approver", "log")})


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"previous": "0" * 64},
        {"root_threshold": 2},
        {"principals": []},
        {"comment": "free text"},
    ],
)
def test_document_is_closed(keys: dict[str, Signer], change: dict[str, object]) -> None:
    with pytest.raises(TrustError):
        Trust.from_dict({**trust_of(keys).to_dict(), **change})


TERMS = {
    "security": Term(valid_from=1, revoked_from=9, reason="stolen", distrust_from=3, attested=(4, 7)),
    "scanner": Term(revoked_from=0, reason="lost"),
}


def test_file_written_by_command_is_read_back_and_keeps_its_heading(path: Path, keys: dict[str, Signer]) -> None:
    people = tuple(
        Principal(one.id, one.roles, one.keys, {key.keyid: TERMS[one.id] for key in one.keys if one.id in TERMS})
        for one in trust_of(keys).principals
    )
    file = TrustFile(3, people, 1)
    path.write_text(file.to_text("# ours\n"))
    assert path.read_text().startswith("# ours\nversion: 3\n")
    assert read_trust_file(path) == file
    assert Trust.from_dict(Trust(3, "0" * 64, people).to_dict()).principals == people


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (", revoked_from: 4", "revoked_from and reason come together"),
        (", reason: lost", "revoked_from and reason come together"),
        (", revoked_from: 4, reason: bored", "expected one of rotated, lost, stolen, left"),
        (", distrust_from: 4", "distrusted from entry 4 on; expected it to be revoked then or later"),
        (", revoked_from: 4, reason: lost, distrust_from: 5", "distrusted from entry 5 on"),
        (", attested: [4]", "attested entries, and it is not distrusted"),
        (", valid_from: 9, revoked_from: 4, reason: left", "before it is valid from entry 9"),
        (", valid_from: soon", "expected the first entry of the ledger it may sign"),
        (", revoked_from: 4, reason: left", "nobody with the role root"),
    ],
)
def test_what_is_said_of_a_key_is_checked(path: Path, more: str, said: str) -> None:
    path.write_text(path.read_text().replace("}\n", more + "}\n", 1))
    with pytest.raises(SiteError) as caught:
        read_trust_file(path)
    assert str(caught.value).startswith("trust.yml:")
    assert said in str(caught.value)


def test_threshold_without_a_spare_root_is_said(keys: dict[str, Signer]) -> None:
    alone = trust_of(keys)
    assert [line.partition(",")[0] for line in alone.cautions()] == [
        "root_threshold: 1 of 1 root principals must sign", "root_threshold: 1"
    ]  # fmt: skip
    three = trust_of(keys, {"operations": ("root",), "scanner": ("root",)})
    assert Trust(1, None, three.principals, 2).cautions() == ()
    assert len(Trust(1, None, three.principals, 3).cautions()) == 1
    with pytest.raises(TrustError, match="root_threshold: 4 was found, and 3 principals"):
        Trust(1, None, three.principals, 4)


def test_key_id_must_be_its_keys(keys: dict[str, Signer]) -> None:
    body = trust_of(keys).to_dict()
    body["principals"][0]["keys"][0]["keyid"] = "0" * 64
    with pytest.raises(TrustError, match="names another key than its own"):
        Trust.from_dict(body)
