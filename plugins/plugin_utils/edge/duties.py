# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who does what in a run, asked before it is opened: each with a valid key, and nobody with two duties.

The gate judges who asked and who agreed, and the audit all of it once more (audit/changes.py); what the gate cannot
know is with which keys this run will sign.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..errors import PolicyError
from ..ledger.reading import Record
from ..ledger.trust import Trust
from ..site.exceptions import Waiver
from .journal import Signers


def require_duties_apart(
    trust: Trust,
    signers: Signers,
    records: Sequence[Record],
    basis: Mapping[str, Any],
    at: int,
    waivers: Iterable[Waiver] = (),
) -> None:
    """Raise TrustError where a key of the run may not sign entry `at` in its role, PolicyError where duties clash.

    `basis` is what run-open will name: the request, and the approvals that count. Requester, approvers, implementer and
    verifier of a change are different principals. `waivers` are the exceptions in force for the run's hosts: who
    approved one neither measures nor carries out what it waives.
    """
    carries_out = trust.require(signers.implementer.public_key.keyid, "implementer", at)
    verifies = trust.require(signers.verifier.public_key.keyid, "verifier", at)
    trust.require(signers.log.public_key.keyid, "log", at)
    others = {carries_out: "carries this run out"}
    cited = {approval["index"] for approval in basis.get("approvals", ())}
    for record in records:
        if record.sha256 == basis.get("request"):
            others[record.principal] = "asked for this change"
        elif record.index in cited:
            others[record.principal] = "approved this change"
    if verifies in others:
        raise PolicyError(
            f"run: {verifies} {others[verifies]}, and would verify it (45 CFR 164.308(a)(3)(ii)(A)); "
            "let another principal verify: name a key of theirs in site.yml, keys: verifier"
        )
    for waiver in waivers:
        part = {carries_out: "carry this run out", verifies: "verify it"}.get(waiver.approver)
        if part is not None:
            raise PolicyError(
                f"exceptions.yml: {waiver.id}: was approved by {waiver.approver}, who would {part} "
                "(45 CFR 164.308(a)(3)(ii)(A)); have somebody else approve it, or run with another principal's key"
            )
