# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""trust.yml, where a site writes down its principals; publishing makes it a version of the trust document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TrustError
from ..site.problems import Fault, SiteFilesError
from ..site.reading import read_document
from ..site.structure import Fields, Items, Text, Whole, Word, slug
from .bodies import REASONS, ROLES
from .keys import PublicKey
from .kinds import KINDS
from .trust import Principal, Term, Trust, terms_of

TRUST = Fields(
    "the site's principals",
    required={
        "version": Whole("the version, one more at each change", 1),
        "root_threshold": Whole("how many root principals sign a version", 1),
        "principals": Items(
            Fields(
                "a principal",
                required={
                    "id": slug("the principal's id"),
                    "roles": Items(Word(ROLES), least=1, distinct=True),
                    "keys": Items(
                        Fields(
                            "a public key",
                            required={
                                "type": Word(tuple(KINDS)),
                                "public": Text("a public key, as `holdfast key show` or a .pub file has it"),
                            },
                            optional={
                                "valid_from": Whole("the first entry of the ledger it may sign", 0),
                                "revoked_from": Whole("the first entry of the ledger it may not sign any more", 0),
                                "reason": Word(REASONS),
                                "distrust_from": Whole("the first entry somebody else may have signed with it", 0),
                                "attested": Items(
                                    Whole("an entry that its owner did sign, distrust or not", 0),
                                    least=1,
                                    distinct=True,
                                ),
                            },
                        ),
                        least=1,
                    ),
                },
            ),
            least=1,
        ),
    },
)
"""What trust.yml may hold."""


HEADING = """\
---
# Who may sign what: docs/reference/trust.md. Written by `holdfast trust`; edit it, or let `holdfast trust rotate` and
# `revoke` do so. What stands here is public, and counts once `holdfast trust publish` has put it into the ledger.
"""


@dataclass(frozen=True)
class TrustFile:
    """A checked trust.yml."""

    version: int
    principals: tuple[Principal, ...]
    root_threshold: int = 1

    def follows(self, current: Trust | None) -> Trust | None:
        """Return the document to publish after `current`, or None when that says the same already.

        Raises TrustError when the version is not the next one.
        """
        if current and self == TrustFile.of(current):
            return None
        expected = current.version + 1 if current else 1
        if self.version != expected:
            state = f"version {current.version} is in force" if current else "the ledger has no trust document"
            raise TrustError(
                f"trust.yml: version: {self.version} was found; expected {expected}, for {state}; "
                f"write `version: {expected}`"
            )
        return Trust(self.version, current.sha256 if current else None, self.principals, self.root_threshold)

    @classmethod
    def of(cls, trust: Trust) -> TrustFile:
        """Return the file that says what a version says."""
        return cls(trust.version, trust.principals, trust.root_threshold)

    def to_text(self, heading: str = HEADING) -> str:
        """Return the file's text, below comment lines of one's own."""
        lines = [*heading.splitlines(), f"version: {self.version}", f"root_threshold: {self.root_threshold}"]
        lines.append("principals:")
        for principal in self.principals:
            lines += [f"  - id: {principal.id}", f"    roles: [{', '.join(principal.roles)}]", "    keys:"]
            for key in principal.keys:
                said = {"type": key.kind, "public": key.written, **principal.term(key.keyid).to_dict()}
                lines.append(f"      - {{{', '.join(f'{name}: {json.dumps(value)}' for name, value in said.items())}}}")
        return "\n".join(lines) + "\n"


def read_trust_file(path: Path) -> TrustFile:
    """Return the checked content of trust.yml; raises SiteFilesError with all that is wrong with it."""
    document, problems = read_document(path, path.name)
    problems = problems or document.problems([*TRUST.faults(document.data)])
    problems = problems or document.problems([*_key_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    data = document.data
    return TrustFile(data["version"], tuple(map(_principal, data["principals"])), data["root_threshold"])


def _principal(data: dict[str, Any]) -> Principal:
    keys = tuple(map(_key, data["keys"]))
    return Principal(data["id"], tuple(data["roles"]), keys, terms_of(zip(keys, data["keys"], strict=True)))


def _key(data: dict[str, str]) -> PublicKey:
    return PublicKey.from_text(data["type"], data["public"])


def _key_faults(data: dict[str, Any]) -> Iterator[Fault]:
    owners: dict[bytes, str] = {}
    names: set[str] = set()
    able: dict[str, set[str]] = {}
    for at, principal in enumerate(data["principals"]):
        name, path = principal["id"], ("principals", at)
        if name in names:
            yield Fault((*path, "id"), f'"{name}" a second time', "each principal once", "join the two")
        names.add(name)
        for place, data_key in enumerate(principal["keys"]):
            where = (*path, "keys", place, "public")
            try:
                key = _key(data_key)
            except TrustError as error:
                yield Fault(where, str(error), f"a key of type {data_key['type']}", "copy the public key again")
                continue
            if key.raw in owners:
                yield Fault(
                    where,
                    f"the key {key.keyid[:16]}... that {owners[key.raw]} holds already",
                    "one key for one principal, once",
                    "make another key; under two names it would count as two people",
                )
            owners[key.raw] = name
            if flaw := Term.from_dict(data_key).flaw():
                yield Fault(where[:-1], flaw, "one that fits the other", "correct it, or use `holdfast trust revoke`")
            if "revoked_from" in data_key:
                continue
            able.setdefault(name, set()).update(principal["roles"])
            if "log" in principal["roles"] and key.kind != "ed25519":
                yield Fault(where, f"a log key of type {key.kind}", "type ed25519", "use `holdfast key new`")
    for role in ("root", "log"):
        if not any(role in roles for roles in able.values()):
            yield Fault(("principals",), f"nobody with the role {role}", f"one who is {role}", "add one")
    roots, threshold = sum("root" in roles for roles in able.values()), data["root_threshold"]
    if threshold > roots:
        found = f"{threshold}, and {roots} root principal{'s' * (roots != 1)} with a key that is not revoked"
        yield Fault(("root_threshold",), found, f"at most {roots}", "name more root principals, or lower it")
