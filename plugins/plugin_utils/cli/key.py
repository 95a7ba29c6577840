# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast key`: make a signing key, show a public key as trust.yml wants it, list the keys a site signs with.

Exit 0 done, 1 a listed key cannot be used, 2 wrong usage, 3 no such key.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from ..change.words import table
from ..edge.environment import PRODUCT, find_site
from ..edge.signing import ask
from ..errors import TrustError, UsageError
from ..ledger import keyfiles, unlock
from ..ledger.keys import PublicKey
from ..ledger.kinds import PLAIN
from ..ledger.secrets import nobody, read_secret
from ..ledger.trust import Principal
from ..ledger.trustfile import read_trust_file
from ..site.keyref import KeyRef, of_file
from ..site.site import Site, load_site
from .options import add_format, add_site, key_reference

SHORTEST = 12
"""Characters of a passphrase: scrypt makes each guess dear, not a short word safe."""
ELSEWHERE = {
    "pkcs11": "the token's own tool makes it: pkcs11-tool --login --keypairgen --key-type EC:prime256v1 --label NAME",
    "vault": "Vault makes it: vault write -f transit/keys/NAME type=ed25519",
}
_CLOUD = "the cloud's own tool makes it, for signing, with a key on P-256"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("key", help="make, show and list signing keys", description=__doc__)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = actions.add_parser(
        "new", help="make a key in a file of mode 0600, encrypted with a passphrase, never over an existing file"
    )
    new.add_argument("key", type=key_reference, metavar="PATH", help="where the private key goes")
    new.add_argument("--type", choices=PLAIN, default="ed25519", help="its kind (default: ed25519)")
    locked = new.add_mutually_exclusive_group()
    locked.add_argument(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="the file of the passphrase, or /dev/fd/N (default: ask)",
    )
    locked.add_argument("--plain", action="store_true", help="do not encrypt: for what signs with nobody there")
    new.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")
    new.set_defaults(func=_new)
    show = actions.add_parser("show", help="show the public half of a key: a file, private or public, or a URI")
    show.add_argument("key", type=key_reference, metavar="KEY", help="a file, PEM or OpenSSH, or a URI like pkcs11:...")
    show.set_defaults(func=_show)
    for action in (new, show):
        action.add_argument("--public-only", action="store_true", help="print only the public key, in base64")
        add_format(action)
    listing = actions.add_parser("list", help="list the keys a site signs with: how each is kept, and whose it is")
    add_site(listing)
    add_format(listing)
    listing.set_defaults(func=_list)


def _new(args: argparse.Namespace) -> int:
    path: Path | None = args.key.path
    if path is None:
        how = ELSEWHERE.get(args.key.scheme, _CLOUD)
        raise UsageError(f"{args.key}: keys are made in files only; {how}; then see it with `holdfast key show`")
    if path.exists():
        raise UsageError(f"{path}: exists already; a key is never overwritten; name another path")
    kept = "not encrypted" if args.plain else "encrypted with the passphrase"
    if args.dry_run:
        print(f"key: {path} would be made: {args.type}, mode 0600, {kept}; nothing was written", file=sys.stderr)
        return 0
    passphrase = None if args.plain else _passphrase(path, args.passphrase_file)
    made = keyfiles.write_private(path, keyfiles.make_private(args.type), passphrase)
    if args.plain:
        warn_plain(path)
    return _print(args, made)


def new_key(path: Path) -> PublicKey:
    """Make an Ed25519 key in an unencrypted file of mode 0600, and return its public half.

    For what signs with nobody there. Raises UsageError where the file exists already or cannot be written.
    """
    return keyfiles.write_private(path, keyfiles.make_private("ed25519"), None)


def warn_plain(*paths: Path) -> None:
    """Say loudly that keys lie in the clear."""
    names = ", ".join(map(str, paths))
    print(
        f"holdfast: WARNING: NOT ENCRYPTED: {names}: whoever reads such a file signs in its owner's name; "
        "keep it on this machine alone, out of every backup that others can read; a person's key belongs on a token, "
        "or in a file with a passphrase",
        file=sys.stderr,
    )


def _passphrase(path: Path, file: Path | None) -> str:
    if file is not None:
        found = read_secret(file, "passphrase")
    else:
        try:
            found = ask(f"new passphrase of {path}")
            if found != ask("the same again"):
                raise UsageError(f"{path}: the two passphrases differ; nothing was written; try again")
        except TrustError as error:
            raise UsageError(
                f"{path}: no terminal to ask for a passphrase at; expected --passphrase-file FILE, or --plain for a "
                "machine that signs with nobody there; add one of them"
            ) from error
    if len(found) < SHORTEST:
        raise UsageError(f"{path}: a passphrase of {len(found)} characters; expected {SHORTEST} or more")
    return found


def _show(args: argparse.Namespace) -> int:
    return _print(args, unlock.public_key_of(args.key, ask))


def public_key(path: Path) -> PublicKey:
    """Return the public key of a file: PEM (private or public) or OpenSSH (private or .pub); raises TrustError."""
    return unlock.public_key_of(of_file(path))


@dataclass(frozen=True)
class Listed:
    """One key of a site: who signs with it, how it is kept, and whose trust.yml says it is; `problem` if unusable."""

    role: str
    ref: KeyRef
    kept: str
    key: PublicKey | None
    holder: str
    problem: str

    def to_dict(self) -> dict[str, object]:
        """Return it for machines."""
        return {
            "role": self.role,
            "key": str(self.ref),
            "kept": self.kept,
            "keyid": self.key.keyid if self.key else None,
            "type": self.key.kind if self.key else None,
            "principal": self.holder or None,
            "problem": self.problem or None,
        }

    def row(self) -> tuple[str, ...]:
        """Return it as a line of a table."""
        keyid = f"{self.key.keyid[:16]}..." if self.key else "-"
        kind = self.key.kind if self.key else "-"
        return self.role, self.kept, kind, keyid, self.holder or "-", str(self.ref)


def _list(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    principals = read_trust_file(site.trust_path).principals if site.trust_path.exists() else ()
    found = [_listed(site, role, principals) for role in site.keys]
    if args.format == "json":
        print(json.dumps([one.to_dict() for one in found], sort_keys=True))
    else:
        heads = ("SIGNS AS", "KEPT", "TYPE", "KEYID", "HELD BY", "KEY")
        print("\n".join(table([heads, *(one.row() for one in found)])))
    for one in found:
        if one.problem:
            print(f"holdfast: {one.role}: {one.problem}", file=sys.stderr)
    return 1 if any(one.problem for one in found) else 0


def _listed(site: Site, role: str, principals: tuple[Principal, ...]) -> Listed:
    """Look at a key without a secret; one whose file is not here is no problem: a controller has but some of them."""
    ref = site.keys[role]
    if ref.path is not None and not ref.path.exists():
        return Listed(role, ref, "not here", None, "", "")
    try:
        kept, key = unlock.protection_of(ref), unlock.public_key_of(ref, nobody)
        if kept in ("plain", "encrypted") and ref.path is not None:
            keyfiles.read_private(ref.path)  # for its judgement of the file's mode
    except TrustError as error:
        return Listed(role, ref, "unusable", None, "", str(error))
    holder = next((one for one in principals for held in one.keys if held.keyid == key.keyid), None)
    if holder is None:
        return Listed(role, ref, kept, key, "", f"nobody in trust.yml holds key {key.keyid[:16]}... of {ref}; add it")
    wanted = f"{holder.id} is {', '.join(holder.roles)}, not {role}; correct `keys: {role}:` in site.yml, or trust.yml"
    return Listed(role, ref, kept, key, holder.id, "" if role in holder.roles else wanted)


def _print(args: argparse.Namespace, key: PublicKey) -> int:
    if args.public_only:
        print(key.public)
    elif args.format == "json":
        print(json.dumps({**key.to_dict(), "path": str(args.key), "trust": key.written}, sort_keys=True))
    else:
        print(f"key     {args.key}\nkeyid   {key.keyid}\npublic  {key.public}")
        print(f'trust   - {{type: {key.kind}, public: "{key.written}"}}')
    return 0
