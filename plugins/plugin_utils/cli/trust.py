# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast trust`: who may sign what; from trust.yml, by the signatures of root principals, into the ledger."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.opening import open_ledger
from ..edge.product import product_version
from ..edge.signing import site_signer
from ..edge.witnessing import seal
from ..errors import TrustError, UsageError
from ..ledger.chain import Chain
from ..ledger.envelope import LARGEST_ENVELOPE
from ..ledger.proposal import collect
from ..ledger.reading import chain_after
from ..ledger.recorder import Recorder
from ..ledger.signers import Signer
from ..ledger.store import Ledger
from ..ledger.trust import Trust
from ..ledger.trustfile import read_trust_file
from ..site.site import Site, load_site
from . import trust_making, trust_signing
from .options import add_format, add_site
from .trust_desk import chain_of, exists, print_trust, read_made, say, say_cautions, say_consequences, signers_needed


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("trust", help="say who may sign what", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listed = [*trust_making.register(actions), trust_signing.register_propose(actions)]
    trust_signing.register_sign(actions)
    publish = actions.add_parser("publish", help="record a version that enough root principals have signed")
    publish.add_argument(
        "signed",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="what `trust sign` wrote, of each signer (default: sign with the site's root key, if that is enough)",
    )
    publish.add_argument("--dry-run", action="store_true", help="verify everything and say what would follow")
    publish.set_defaults(func=_publish)
    show = actions.add_parser("show", help="show the trust document in force, its chain verified")
    show.set_defaults(func=_show)
    for action in (*listed, publish, show):
        add_site(action)
        add_format(action)


def _publish(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    wanted = read_trust_file(site.trust_path)
    chain = chain_of(site)
    document = wanted.follows(chain.trust)
    if document is None or chain.trust == document:
        print(f"trust: version {wanted.version} is in force already; nothing to publish", file=sys.stderr)
        return print_trust(args, chain.trust or document, chain.genesis)
    signed = [read_made(path, "sign", LARGEST_ENVELOPE + 1) for path in args.signed]
    if args.dry_run:
        if signed:
            _try(site, document, signed)
        made = "" if exists(site) else f" after making {site.ledger_path}"
        say(f"version {document.version} would be published{made}; nothing was written")
        say_consequences(site, chain.trust, document)
        return print_trust(args, document, chain.genesis)
    needed = signers_needed(chain.trust, document)
    if not signed and needed > 1:
        raise UsageError(
            f"publish: {needed} root principals must sign version {document.version}; name the files they wrote "
            "(`holdfast trust propose`, then each: `holdfast trust sign`)"
        )
    record_trust(site, document, signed)
    say(f"version {document.version} is in force")
    say_cautions(document)
    return print_trust(args, document, chain.genesis or document.sha256)


def record_trust(site: Site, document: Trust, signed: Sequence[bytes] = ()) -> None:
    """Append the document, signed by others or with the site's root key, and sign the new head.

    All keys and signatures are tried before anything is written.
    """
    log = site_signer(site, "log")
    size = open_ledger(site).size if exists(site) else 0
    document.require(log.public_key.keyid, "log", size)
    root = None if signed else site_signer(site, "root")
    if not exists(site):
        if root is not None:
            document.require(root.public_key.keyid, "root", 0)
        _try(site, document, signed, root)
    ledger = open_ledger(site) if exists(site) else Ledger.create(site.ledger_path)
    recorder = _append(site, ledger, document, signed, root)
    for message in seal(recorder, log, site.witnesses, utc_now()):
        print(f"holdfast: {message}", file=sys.stderr)


def _try(site: Site, document: Trust, signed: Sequence[bytes], root: Signer | None = None) -> None:
    """Raise what publishing would raise; where there is no ledger yet, in an empty one that is thrown away."""
    if exists(site):
        collect(open_ledger(site), document, signed, site.org, utc_now())
        return
    with tempfile.TemporaryDirectory() as folder:
        _append(site, Ledger.create(Path(folder) / "ledger.sqlite"), document, signed, root)


def _append(site: Site, ledger: Ledger, document: Trust, signed: Sequence[bytes], root: Signer | None) -> Recorder:
    """Append the document to a ledger, signed with the root key or else by others; return what wrote it."""
    recorder = Recorder(ledger, document, site.org, product_version(), utc_now)
    if root is not None:
        recorder.publish_trust(root)
    else:
        recorder.publish_signed(signed)
    return recorder


def _show(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    chain = chain_after(open_ledger(site), Chain(), 0)
    for pending in chain.pending.values():
        say(f"version {pending.document.version} is on its way, signed by {pending.tally(chain.trust)}")
    if chain.trust is None:
        raise TrustError("trust: no version is in force; publish one with `holdfast trust publish`")
    say_cautions(chain.trust)
    return print_trust(args, chain.trust, chain.genesis)
