# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast key`: make a signing key, and show a public key as trust.yml wants it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..errors import TrustError
from ..ledger import keyfiles, ssh
from ..ledger.keys import PublicKey
from ..ledger.signers import FileSigner
from .options import add_format

_BEGIN_PUBLIC = "-----BEGIN PUBLIC KEY-----"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("key", help="make a signing key, or show a public key", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = actions.add_parser("new", help="make an Ed25519 key: PKCS#8 PEM, mode 0600, never over an existing file")
    new.add_argument("path", type=Path, metavar="PATH", help="where the private key goes")
    new.add_argument("--public-only", action="store_true", help="print the public key in base64 and nothing else")
    add_format(new)
    new.set_defaults(func=_new)
    show = actions.add_parser("show", help="show the public half of a key: private or public, PEM or OpenSSH")
    show.add_argument("path", type=Path, metavar="PATH", help="a key file")
    show.add_argument("--public-only", action="store_true", help="print the public key in base64 and nothing else")
    add_format(show)
    show.set_defaults(func=_show)


def _new(args: argparse.Namespace) -> int:
    return _print(args, new_key(args.path))


def new_key(path: Path) -> PublicKey:
    """Make an Ed25519 key in a PKCS#8 PEM file of mode 0600 and return its public half.

    Raises UsageError where the file exists already or cannot be written.
    """
    return keyfiles.write_private(path, keyfiles.make_private("ed25519"), None)


def _show(args: argparse.Namespace) -> int:
    return _print(args, public_key(args.path))


def public_key(path: Path) -> PublicKey:
    """Return the public key of a file: PEM (private or public) or OpenSSH (private or .pub).

    Raises TrustError for any other file.
    """
    try:
        text = path.read_bytes()[: keyfiles.LARGEST].decode("ascii", "replace")
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; expected a key file") from error
    if f"-----BEGIN {keyfiles.PRIVATE}-----" in text:
        return FileSigner.load(path).public_key
    return keyfiles.stated_public(path, text) or PublicKey(*ssh.read_file(path, text)).checked()


def _print(args: argparse.Namespace, key: PublicKey) -> int:
    if args.public_only:
        print(key.public)
    elif args.format == "json":
        print(json.dumps({**key.to_dict(), "path": str(args.path), "trust": key.written}, sort_keys=True))
    else:
        print(f"key     {args.path}\nkeyid   {key.keyid}\npublic  {key.public}")
        print(f'trust   - {{type: {key.kind}, public: "{key.written}"}}')
    return 0
