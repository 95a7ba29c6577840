# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast trust`: publish trust.yml as the next trust document, and show the one in force."""

from __future__ import annotations

import argparse
import json
import sys

from ..edge.environment import PRODUCT, find_site, utc_now
from ..edge.product import product_version
from ..ledger.reading import trust_after, trust_in_force
from ..ledger.recorder import Recorder
from ..ledger.signers import FileSigner
from ..ledger.store import Ledger
from ..ledger.trust import Trust
from ..ledger.trustfile import read_trust_file
from ..site.site import Site, load_site
from .options import add_format, add_site


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("trust", help="say who may sign what", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    publish = actions.add_parser("publish", help="sign trust.yml with the root key and record it; makes the ledger")
    publish.add_argument("--dry-run", action="store_true", help="check trust.yml and say what would be recorded")
    publish.set_defaults(func=_publish)
    show = actions.add_parser("show", help="show the trust document in force, its chain verified")
    show.set_defaults(func=_show)
    for action in (publish, show):
        add_site(action)
        add_format(action)


def _publish(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    wanted = read_trust_file(site.trust_path)
    exists = site.ledger_path.exists()
    document = wanted.follows(trust_after(Ledger(site.ledger_path), None, 0) if exists else None)
    if document is None:
        print(f"trust: version {wanted.version} is in force already; nothing to publish", file=sys.stderr)
        return _print(args, trust_in_force(Ledger(site.ledger_path)))
    if args.dry_run:
        made = "" if exists else f" after making {site.ledger_path}"
        print(
            f"trust: version {document.version} would be published{made}; nothing was written",
            file=sys.stderr,
        )
        return _print(args, document)
    record_trust(site, document)
    print(f"trust: version {document.version} is in force", file=sys.stderr)
    return _print(args, document)


def record_trust(site: Site, document: Trust) -> None:
    """Append the document and sign the new head; both keys are tried before anything is written."""
    root, log = FileSigner.load(site.key_paths["root"]), FileSigner.load(site.key_paths["log"])
    document.require(log.public_key.keyid, "log")
    if document.version == 1:
        document.require(root.public_key.keyid, "root")
    exists = site.ledger_path.exists()
    ledger = Ledger(site.ledger_path) if exists else Ledger.create(site.ledger_path)
    recorder = Recorder(ledger, document, site.org, product_version(), utc_now)
    recorder.publish_trust(root)
    recorder.checkpoint(log)


def _show(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    return _print(args, trust_in_force(Ledger(site.ledger_path)))


def _print(args: argparse.Namespace, trust: Trust) -> int:
    if args.format == "json":
        print(json.dumps({"sha256": trust.sha256, "trust": trust.to_dict()}, sort_keys=True))
        return 0
    print(f"trust version {trust.version}  sha256 {trust.sha256}")
    width = max(len(principal.id) for principal in trust.principals)
    for principal in trust.principals:
        keys = ", ".join(f"{key.kind} {key.keyid[:16]}..." for key in principal.keys)
        print(f"  {principal.id:<{width}}  {', '.join(principal.roles):<11}  {keys}")
    return 0
