# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proposing a version of the trust document, and signing it anywhere: with the proposal and a key, without the site."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.opening import open_ledger
from ..edge.product import product_version
from ..errors import TrustError, UsageError
from ..ledger import statements
from ..ledger.chain import root_of
from ..ledger.envelope import Envelope
from ..ledger.follows import consequences
from ..ledger.proposal import Proposal
from ..ledger.trust import Trust
from ..ledger.trustfile import read_trust_file
from ..site.site import load_site
from . import change_signing
from .change_desk import signer_of
from .options import add_format, key_file, key_reference
from .trust_desk import chain_of, exists, print_trust, read_made, say, say_cautions, say_consequences, write_new

EMPTY = (0, bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))
"""Size and root of a ledger without entries: SHA-256 of nothing (RFC 6962, 2.1)."""
LARGEST = 1024 * 1024


def register_propose(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> argparse.ArgumentParser:
    """Add `propose`."""
    parser = actions.add_parser("propose", help="write trust.yml's version to a file that root principals sign")
    parser.add_argument("--to", type=Path, metavar="FILE", help="(default: trust-vN.proposal in the site)")
    parser.add_argument("--dry-run", action="store_true", help="say what would follow, and write nothing")
    parser.set_defaults(func=_propose)
    return parser


def register_sign(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `sign`."""
    parser = actions.add_parser("sign", help="sign a proposed version; needs its file and a root key, and no site")
    parser.add_argument("proposal", type=Path, metavar="FILE", help="what `trust propose` wrote")
    keys = parser.add_mutually_exclusive_group()
    keys.add_argument("--key", type=key_reference, metavar="KEY", help="your root key: a file or a URI (pkcs11:...)")
    keys.add_argument("--ssh-key", type=key_file, metavar="PATH", help="an SSH key instead (file, agent or token)")
    keys.add_argument("--for-signing", action="store_true", help="write the bytes that --as signs with other tools")
    keys.add_argument("--signed", type=Path, metavar="BYTES", help="the bytes `--for-signing` wrote, signed by --as")
    parser.add_argument("--signature", type=Path, metavar="SIG", help="the signature made over them")
    parser.add_argument("--as", dest="principal", metavar="PRINCIPAL", help="whose key signs with other tools")
    parser.add_argument("--to", type=Path, metavar="OUT", help="(default: FILE.PRINCIPAL)")
    parser.add_argument("--dry-run", action="store_true", help="say what the version does, and sign nothing")
    add_format(parser)
    parser.set_defaults(func=_sign)


def _propose(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    chain = chain_of(site)
    document = read_trust_file(site.trust_path).follows(chain.trust)
    if document is None:
        say("the version in trust.yml is in force already; nothing to propose")
        return print_trust(args, chain.trust, chain.genesis)
    head = open_ledger(site).head() if exists(site) else EMPTY
    proposal = Proposal(site.org, head, chain.trust, document)
    say_consequences(site, chain.trust, document)
    if args.dry_run:
        say("nothing was written")
        return print_trust(args, document, chain.genesis)
    path = args.to or site.root / f"trust-v{document.version}.proposal"
    write_new(path, proposal.to_bytes())
    if args.format == "json":
        print(json.dumps({"proposal": str(path), "version": document.version, "sha256": document.sha256}))
    else:
        print(path)
    say(f"send it to the root principals; each runs: holdfast trust sign {path.name} --key KEY")
    say(f"then, with what they return: holdfast trust publish {path.name}.*")
    return 0


def _sign(args: argparse.Namespace) -> int:
    proposal = _proposal(args.proposal)
    say(f"{proposal.org}: version {proposal.document.version}, sha256 {proposal.document.sha256}")
    for line in consequences(proposal.in_force, proposal.document):
        say(line)
    say_cautions(proposal.document)
    if args.dry_run:
        return print_trust(args, proposal.document, None)
    if bool(args.signed) != bool(args.signature):
        raise UsageError("sign: --signed and --signature come together")
    if (args.signed or args.for_signing) and not args.principal:
        raise UsageError("sign: whose signature? add --as PRINCIPAL")
    if args.for_signing:
        return _for_signing(args.principal, proposal)
    if args.signed:
        data, principal = _taken_in(args, proposal)
    else:
        signer = signer_of(args, None, "sign")
        data = proposal.signed(signer, utc_now(), product_version())
        principal = str(statements.read(Envelope.from_bytes(data))["predicate"]["actor"]["principal"])
    path = args.to or args.proposal.with_name(f"{args.proposal.name}.{principal}")
    write_new(path, data)
    if args.format == "json":
        print(json.dumps({"signed": str(path), "principal": principal, "version": proposal.document.version}))
    else:
        print(path)
    return 0


def _for_signing(principal: str, proposal: Proposal) -> int:
    """Write the bytes to stdout, and to stderr how to sign them."""
    if sys.stdout.isatty():
        raise UsageError("--for-signing: writes bytes, not text; send them to a file: ... --for-signing > BYTES")
    trust = _known(principal, proposal)
    keyid = next(
        (key.keyid for key in change_signing.keys_of(trust, principal) if root_of(trust, key.keyid, proposal.head[0])),
        None,
    )
    if keyid is None:
        raise TrustError(f"trust: {principal} has no valid key of a root principal; see who has: --dry-run")
    statement = proposal.statement(keyid, utc_now(), product_version())
    sys.stdout.buffer.write(statements.message(statement))
    sys.stdout.buffer.flush()
    say("sign the bytes, then: ssh-keygen -Y sign -n dsse@holdfast.example -f KEY BYTES")
    say(f"  holdfast trust sign FILE --as {principal} --signed BYTES --signature BYTES.sig")
    return 0


def _taken_in(args: argparse.Namespace, proposal: Proposal) -> tuple[bytes, str]:
    trust = _known(args.principal, proposal)
    envelope, statement = change_signing.take_in(args.signed, args.signature, trust, args.principal)
    proposal.check(statement, envelope.keyid)
    return envelope.to_bytes(), args.principal


def _known(principal: str, proposal: Proposal) -> Trust:
    """Return the version in which a principal is root: the one in force, or else the proposed one."""
    before = proposal.in_force
    return before if before is not None and principal in before.roots else proposal.document


def _proposal(path: Path) -> Proposal:
    data = read_made(path, "propose", LARGEST)
    try:
        return Proposal.from_bytes(data)
    except TrustError as error:
        raise TrustError(f"{path}: {error}") from error
