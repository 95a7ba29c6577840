# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""trust.yml, where a site writes down its principals; publishing makes it a version of the trust document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TrustError
from ..site.problems import Fault, SiteFilesError
from ..site.reading import read_document
from ..site.structure import Fields, Items, Text, Whole, Word, slug
from .bodies import ROLES
from .keys import PublicKey
from .kinds import KINDS
from .trust import Principal, Trust

TRUST = Fields(
    "the site's principals",
    required={
        "version": Whole("the version, one more at each change", 1),
        "root_threshold": Whole("how many root principals sign a version: 1", 1, 1),
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


@dataclass(frozen=True)
class TrustFile:
    """A checked trust.yml."""

    version: int
    principals: tuple[Principal, ...]

    def follows(self, current: Trust | None) -> Trust | None:
        """Return the document to publish after `current`, or None when that says the same already.

        Raises TrustError when the version is not the next one.
        """
        if current and (self.version, self.principals) == (current.version, current.principals):
            return None
        expected = current.version + 1 if current else 1
        if self.version != expected:
            state = f"version {current.version} is in force" if current else "the ledger has no trust document"
            raise TrustError(
                f"trust.yml: version: {self.version} was found; expected {expected}, for {state}; "
                f"write `version: {expected}`"
            )
        return Trust(self.version, current.sha256 if current else None, self.principals)


def read_trust_file(path: Path) -> TrustFile:
    """Return the checked content of trust.yml; raises SiteFilesError with all that is wrong with it."""
    document, problems = read_document(path, path.name)
    problems = problems or document.problems([*TRUST.faults(document.data)])
    problems = problems or document.problems([*_key_faults(document.data)])
    if problems:
        raise SiteFilesError(problems)
    return TrustFile(
        document.data["version"],
        tuple(
            Principal(one["id"], tuple(one["roles"]), tuple(_key(key) for key in one["keys"]))
            for one in document.data["principals"]
        ),
    )


def _key(data: dict[str, str]) -> PublicKey:
    return PublicKey.from_text(data["type"], data["public"])


def _key_faults(data: dict[str, Any]) -> Iterator[Fault]:
    owners: dict[bytes, str] = {}
    names: set[str] = set()
    roles: set[str] = set()
    for at, principal in enumerate(data["principals"]):
        name, path = principal["id"], ("principals", at)
        if name in names:
            yield Fault((*path, "id"), f'"{name}" a second time', "each principal once", "join the two")
        names.add(name)
        roles.update(principal["roles"])
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
            if "log" in principal["roles"] and key.kind != "ed25519":
                yield Fault(where, f"a log key of type {key.kind}", "type ed25519", "use `holdfast key new`")
    for role in ("root", "log"):
        if role not in roles:
            yield Fault(("principals",), f"nobody with the role {role}", f"one who is {role}", "add one")
