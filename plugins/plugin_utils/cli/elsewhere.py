# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A record signed with a key of its author's: here, or elsewhere with OpenSSH alone, its bytes sent out and back in.

Every record that a person writes is made in one way: a function takes a signer and writes. Where the signer is at hand
it signs; else the same function draws the bytes, which are shown in words too, and taken in again once they are signed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..change.words import table
from ..errors import UsageError
from ..ledger import statements
from ..ledger.canonical import moment
from ..ledger.signers import Signer
from ..site.keyref import KeyRef
from . import change_signing
from .change_desk import LATE, Desk, signer_of
from .options import add_keys

Write = Callable[[Signer], Any]
OWN = ("record_id", "recorded_at", "ledger_head")
"""What of a record is its own, and differs from one drawn anew."""


def add_elsewhere(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add --as, --key, --ssh-key, --for-signing, --signed and --signature."""
    parser.add_argument("--as", dest="principal", metavar="PRINCIPAL", help="who signs")
    add_keys(parser, whose)
    parser.add_argument("--for-signing", action="store_true", help="write the bytes that --as signs elsewhere")
    parser.add_argument("--signed", type=Path, metavar="FILE", help="the bytes that --for-signing wrote")
    parser.add_argument("--signature", type=Path, metavar="FILE", help="the signature made over them")


@dataclass(frozen=True)
class Author:
    """Who writes a record by a command; `signer` is None where they sign elsewhere."""

    args: argparse.Namespace
    desk: Desk
    principal: str
    signer: Signer | None

    def record(self, write: Write, again: str) -> int | None:
        """Have a record written; return its index, or None where its bytes went out to be signed elsewhere.

        `again` is the command that takes them in. Raises UsageError, LedgerError or TrustError; then nothing is
        recorded.
        """
        if self.signer is not None:
            index = int(write(self.signer).index)
        elif self.args.signed:
            index = _take_in(self.args, self.desk, self.principal, write)
        else:
            _hand_out(self.desk, self.principal, write, again)
            return None
        self.desk.sign_head()
        return index


def author_of(args: argparse.Namespace, desk: Desk, action: str, default: KeyRef | None = None) -> Author:
    """Return who signs, and with what. Raises UsageError."""
    if args.for_signing or args.signed or args.signature:
        if args.key or args.ssh_key or bool(args.signed) != bool(args.signature) or not args.principal:
            raise UsageError(
                f"{action}: to sign elsewhere name who does (--as PRINCIPAL) and no key; --signed and --signature "
                "come together"
            )
        if args.for_signing and args.signed:
            raise UsageError(f"{action}: --for-signing writes bytes, --signed takes them in; expected one of the two")
        change_signing.keys_of(desk.trust, args.principal)
        return Author(args, desk, args.principal, None)
    signer = signer_of(args, default, action)
    owner = desk.trust.principal_of(signer.public_key.keyid)
    if args.principal not in (None, owner):
        raise UsageError(f"--as {args.principal}: the key is {owner}'s; sign with a key of your own")
    return Author(args, desk, owner, signer)


def _hand_out(desk: Desk, author: str, write: Write, again: str) -> None:
    if sys.stdout.isatty():
        raise UsageError("--for-signing: writes bytes, not text; send them to a file: ... --for-signing > FILE")
    message = change_signing.drawn(write, desk.trust, author)
    sys.stdout.buffer.write(message)
    sys.stdout.buffer.flush()
    say_signing(message, again)


def say_signing(message: bytes, again: str) -> None:
    """Say on stderr, in words, what the bytes hold, and how they are signed and handed in."""
    print("\n".join(in_words(message)), file=sys.stderr)
    print("sign the file, then hand both in:", file=sys.stderr)
    print("  ssh-keygen -Y sign -n dsse@holdfast.example -f KEY FILE", file=sys.stderr)
    print(f"  {again} --signed FILE --signature FILE.sig", file=sys.stderr)


def in_words(message: bytes) -> list[str]:
    """Return everything that bytes to be signed hold, as lines: nothing of them is left out, nothing else is said."""
    statement = change_signing.statement_in(message)
    predicate = statement["predicate"]
    actor = predicate["actor"]
    rows = [
        ("signs", f"{actor['principal']}, as {actor['role']} of {predicate['org']}"),
        ("what", statements.step_of(dict(statement))),
        *((one["name"], f"sha256 {one['digest']['sha256']}") for one in statement["subject"]),
        ("change", predicate["change_id"] or "none"),
        *((name.replace("_", " "), _said(value)) for name, value in predicate["step"].items()),
        ("written at", predicate["recorded_at"]),
        ("ledger seen", f"{predicate['ledger_head']['size']} entries, root {predicate['ledger_head']['root']}"),
        ("trust", f"version {predicate['trust']['version']}, sha256 {predicate['trust']['sha256']}"),
        ("record", f"{predicate['record_id']}, by {predicate['producer']['name']} {predicate['producer']['version']}"),
    ]
    return ["what is signed, in words:", *table(rows, indent="  ")]


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name.replace('_', ' ')}: {_said(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value)


def _take_in(args: argparse.Namespace, desk: Desk, author: str, write: Write) -> int:
    """Record what was signed elsewhere, where it is what the same words would write now."""
    envelope, statement = change_signing.take_in(args.signed, args.signature, desk.trust, author)
    expected = change_signing.statement_in(change_signing.drawn(write, desk.trust, author))
    wrong = [
        f"{name} is {_said(found)}, not {_said(wanted)}" for name, found, wanted in _differences(statement, expected)
    ]
    head = statement["predicate"]["ledger_head"]
    if head["root"] != desk.root_at(head["size"]):
        wrong.append("its author saw another ledger")
    if moment(statement["predicate"]["recorded_at"]) > desk.now + LATE:
        wrong.append(f"was written at {statement['predicate']['recorded_at']}, which is still to come")
    if wrong:
        raise UsageError(f"{args.signed}: {'; '.join(wrong)}; write the bytes to sign anew, and sign those")
    return desk.recorder.ledger.append(envelope.to_bytes())


def _differences(statement: Mapping[str, Any], expected: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return each member in which a record differs from one drawn anew, but for what is its own, and its nonce."""
    told = []
    for name in ("subject", "predicateType"):
        if statement[name] != expected[name]:
            told.append((name, statement[name], expected[name]))
    one, other = statement["predicate"], expected["predicate"]
    for name in sorted(set(other) - {*OWN, "step"}):
        if one[name] != other[name]:
            told.append((name.replace("_", " "), one[name], other[name]))
    for name in sorted({*one["step"], *other["step"]} - {"nonce"}):
        if one["step"].get(name) != other["step"].get(name):
            told.append((name.replace("_", " "), one["step"].get(name), other["step"].get(name)))
    return told
