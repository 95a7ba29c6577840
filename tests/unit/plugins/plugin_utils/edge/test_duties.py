# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before a run is opened: each of its keys is valid and plays its role, and nobody has two duties."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.duties import require_duties_apart
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.journal import Signers
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import PolicyError, TrustError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.reading import read_records, trust_in_force
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import Signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.trust import Principal, Term, Trust
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.exceptions import Waiver

from tests.ledger_cases import START, Shop, make_keys


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signer]:
    """A key for each principal."""
    return make_keys(tmp_path_factory.mktemp("keys"))


Ask = Callable[..., None]


@pytest.fixture
def ask(tmp_path: Path, keys: dict[str, Signer]) -> Ask:
    """Ask of a change that operations wants and security approved, with the machines' keys or others, and roles."""

    def asked(roles: dict[str, tuple[str, ...]] | None = None, by: str = "security", **more: str) -> None:
        shop = Shop(tmp_path, keys, roles)
        request = shop.request()
        approval = shop.approve(by, request)
        names = {"implementer": "controller", "verifier": "scanner", "log": "log", **more}
        signers = Signers(**{role: keys[name] for role, name in names.items()})
        basis: dict[str, Any] = {"request": request.sha256, "approvals": [{"index": approval.index}]}
        require_duties_apart(trust_in_force(shop.ledger), signers, read_records(shop.ledger), basis, shop.ledger.size)

    return asked


def test_four_principals_may_run(ask: Ask) -> None:
    ask()


@pytest.mark.parametrize(
    ("name", "roles", "said"),
    [
        ("controller", ("implementer", "verifier"), "controller carries this run out, and would verify it"),
        ("operations", ("requester", "verifier"), "operations asked for this change, and would verify it"),
        ("security", ("approver", "verifier"), "security approved this change, and would verify it"),
    ],
)
def test_who_has_another_part_does_not_verify(ask: Ask, name: str, roles: tuple[str, ...], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        ask({name: roles}, verifier=name)


@pytest.mark.parametrize(("role", "name"), [("verifier", "log"), ("log", "scanner"), ("implementer", "scanner")])
def test_key_of_another_role_is_found_before_the_run(ask: Ask, role: str, name: str) -> None:
    with pytest.raises(TrustError, match=f"{name} is .*, not {role}"):
        ask(None, **{role: name})


def test_revoked_key_is_found_before_the_run(tmp_path: Path, keys: dict[str, Signer]) -> None:
    shop = Shop(tmp_path, keys)
    term = {keys["scanner"].public_key.keyid: Term(revoked_from=1, reason="lost")}
    principals = tuple(
        Principal(one.id, one.roles, one.keys, term) if one.id == "scanner" else one for one in shop.trust.principals
    )
    trust = Trust(2, shop.trust.sha256, principals)
    signers = Signers(keys["controller"], keys["scanner"], keys["log"])
    require_duties_apart(trust, signers, (), {}, 0)
    with pytest.raises(TrustError, match=r"of scanner is revoked from entry 1 \(lost\), and entry 1 is to be"):
        require_duties_apart(trust, signers, (), {}, 1)


@pytest.mark.parametrize(
    ("approver", "said"), [("controller", "who would carry this run out"), ("scanner", "who would verify it")]
)
def test_who_approved_an_exception_neither_measures_nor_carries_out_what_it_waives(
    tmp_path: Path, keys: dict[str, Signer], approver: str, said: str
) -> None:
    shop = Shop(
        tmp_path, keys, {approver: ("approver", {"controller": "implementer", "scanner": "verifier"}[approver])}
    )
    signers = Signers(keys["controller"], keys["scanner"], keys["log"])
    asked = {
        "id": "legacy-scanner", "control": "ssh-02", "scope": {"all": True}, "reason": "It is replaced.",
        "compensating": {"none": "It is in a locked room."}, "expires": START.isoformat(),
    }  # fmt: skip
    other, own = (Waiver.from_dict({**asked, "approver": name}) for name in ("security", approver))
    require_duties_apart(shop.trust, signers, (), {}, 1, [other])
    with pytest.raises(PolicyError, match=f"legacy-scanner: was approved by {approver}, {said}"):
        require_duties_apart(shop.trust, signers, (), {}, 1, [other, own])
