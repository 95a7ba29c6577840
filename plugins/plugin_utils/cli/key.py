# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast key`: make a signing key, and show a public key as trust.yml wants it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from ..errors import TrustError, UsageError
from ..ledger import keys
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
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: a key that signed records must never be lost to a second `key new`.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise UsageError(f"{path}: exists already; a key is never overwritten; name another path") from error
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a folder this user can write; name another") from error
    return FileSigner(private).public_key


def _show(args: argparse.Namespace) -> int:
    return _print(args, public_key(args.path))


def public_key(path: Path) -> PublicKey:
    """Return the public key of a file: PEM (private or public) or OpenSSH (private or .pub).

    Raises TrustError for any other file.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustError(f"{path}: {error.strerror}; expected a key file") from error
    text = data[:64_000].decode("ascii", "replace")
    if "-----BEGIN PRIVATE KEY-----" in text:
        return FileSigner.load(path).public_key
    if _BEGIN_PUBLIC in text:
        try:
            key = load_pem_public_key(data)
        except ValueError as error:
            raise TrustError(f"{path}: a damaged PEM file; copy the public key again") from error
        if not isinstance(key, Ed25519PublicKey):
            raise TrustError(f"{path}: a public key of another kind; expected Ed25519 (`holdfast key new`)")
        return PublicKey("ed25519", key.public_bytes_raw())
    return PublicKey(keys.SSH, keys.public_part(path))


def _print(args: argparse.Namespace, key: PublicKey) -> int:
    if args.public_only:
        print(key.public)
    elif args.format == "json":
        print(json.dumps({**key.to_dict(), "path": str(args.path), "trust": key.written}, sort_keys=True))
    else:
        print(f"key     {args.path}\nkeyid   {key.keyid}\npublic  {key.public}")
        print(f'trust   - {{type: {key.kind}, public: "{key.written}"}}')
    return 0
