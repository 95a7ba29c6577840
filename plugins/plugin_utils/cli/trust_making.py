# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing trust.yml by command: the first version, keys and principals that come, keys that are revoked."""

from __future__ import annotations

import argparse
import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..edge.environment import PRODUCT, find_site
from ..edge.opening import open_ledger
from ..errors import TrustError, UsageError
from ..ledger.bodies import REASONS, ROLES
from ..ledger.chain import Chain, check_follows
from ..ledger.keys import PublicKey
from ..ledger.kinds import KINDS, PLAIN
from ..ledger.trust import Principal, Term, Trust
from ..ledger.trustfile import HEADING, TrustFile, read_trust_file
from ..site.site import Site, load_site
from ..site.structure import SLUG
from .key import public_key
from .trust_desk import chain_of, exists, print_trust, say, say_consequences, signers_needed

SHORTEST = 8
"""Digits of a key id that name it."""


@dataclass(frozen=True)
class Entrant:
    """A principal named on the command line, with one key."""

    name: str
    roles: tuple[str, ...]
    key: PublicKey


def register(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
) -> tuple[argparse.ArgumentParser, ...]:
    """Add `init`, `rotate` and `revoke`."""
    init = actions.add_parser("init", help="write the first trust.yml, from public keys that were made elsewhere")
    rotate = actions.add_parser("rotate", help="write the next version: new keys, new principals, another threshold")
    for parser, needed in ((init, True), (rotate, False)):
        parser.add_argument(
            "--principal",
            type=_entrant,
            action="append",
            default=[],
            required=needed,
            metavar="NAME=ROLE[,ROLE]=KEY",
            help="a principal and a public key: a file, or the base64 of `key show --public-only`; may be given again",
        )
        parser.add_argument(
            "--root-threshold", type=_whole, metavar="N", help="how many root principals must sign a version"
        )
    rotate.add_argument(
        "--key",
        type=_replacement,
        action="append",
        default=[],
        metavar="NAME=KEY",
        help="a principal's new key; all others of theirs are revoked from now on; may be given again",
    )
    revoke = actions.add_parser(
        "revoke", help="write the next version: a key is revoked, or distrusted from an entry on"
    )
    revoke.add_argument(
        "who", metavar="WHO", help="a key's id (8 digits or more of it), or a principal: all their keys"
    )
    revoke.add_argument("--reason", choices=REASONS, help="why (needed, unless the key is revoked already)")
    revoke.add_argument(
        "--revoked-from", type=_whole, metavar="INDEX", help="the first entry it may not sign (default: the next one)"
    )
    revoke.add_argument(
        "--distrust-from", type=_whole, metavar="INDEX", help="the first entry that somebody else may have signed"
    )
    revoke.add_argument(
        "--attest",
        type=_whole,
        action="append",
        default=[],
        metavar="INDEX",
        help="an entry since then that its owner says they signed; may be given again",
    )
    for parser, act in ((init, _init), (rotate, _rotate), (revoke, _revoke)):
        parser.add_argument("--dry-run", action="store_true", help="say what would follow, and write nothing")
        parser.set_defaults(func=act)
    return init, rotate, revoke


def _init(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    if site.trust_path.exists() or exists(site):
        found = site.trust_path if site.trust_path.exists() else site.ledger_path
        raise UsageError(f"{found}: exists already; a site has one first version; see `holdfast trust rotate`")
    principals: dict[str, Principal] = {}
    for entrant in args.principal:
        _enter(principals, entrant)
    threshold = 1 if args.root_threshold is None else args.root_threshold
    return _write(args, site, Chain(), TrustFile(1, tuple(principals.values()), threshold))


def _rotate(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    chain, base, now = _base(site)
    principals = {one.id: one for one in base.principals}
    if not (args.principal or args.key or args.root_threshold is not None):
        raise UsageError("rotate: nothing was asked for; add --key, --principal or --root-threshold")
    for entrant in args.principal:
        _enter(principals, entrant)
    for name, key in args.key:
        if name not in principals:
            raise UsageError(f"--key {name}: nobody of that name is in trust.yml; see `holdfast trust show`")
        one = principals[name]
        _unheld(principals, key)
        old = {k.keyid: _ended(one.term(k.keyid), now, "rotated") for k in one.keys}
        fresh = {key.keyid: Term(valid_from=now)} if now else {}
        principals[name] = replace(one, keys=(*one.keys, key), terms={**old, **fresh})
    threshold = base.root_threshold if args.root_threshold is None else args.root_threshold
    return _write(args, site, chain, replace(base, principals=tuple(principals.values()), root_threshold=threshold))


def _revoke(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.site), PRODUCT)
    chain, base, now = _base(site)
    named = [(one, key.keyid) for one in base.principals for key in one.keys if _meant(args.who, one, key)]
    owners = {one.id for one, _unused in named}
    if not named or (len(named) > 1 and owners != {args.who}):
        found = f"{len(named)} keys start so" if named else "no principal and no key of that name is in trust.yml"
        raise UsageError(f"{args.who}: {found}; name one principal or one key; see `holdfast trust show`")
    owner = named[0][0]
    terms = dict(owner.terms)
    for _unused, keyid in named:
        terms[keyid] = _revoked(args, owner.term(keyid), now)
    changed = replace(owner, terms=terms)
    principals = tuple(changed if one.id == owner.id else one for one in base.principals)
    return _write(args, site, chain, replace(base, principals=principals))


def _revoked(args: argparse.Namespace, term: Term, now: int) -> Term:
    """Return a key's term after what the command line says."""
    if term.revoked_from is None and args.reason is None:
        raise UsageError(f"revoke {args.who}: why? add --reason {', '.join(REASONS)}")
    if args.reason == "stolen" and term.distrust_from is None and args.distrust_from is None:
        raise UsageError(
            f"revoke {args.who}: since when may somebody else have had it? add --distrust-from INDEX, the first entry "
            "in doubt; 0 where nobody knows"
        )
    start = now if args.revoked_from is None else args.revoked_from
    return Term(
        valid_from=term.valid_from,
        revoked_from=term.revoked_from if term.revoked_from is not None and args.revoked_from is None else start,
        reason=args.reason or term.reason,
        distrust_from=term.distrust_from if args.distrust_from is None else args.distrust_from,
        attested=tuple(sorted({*term.attested, *args.attest})),
    )


def _ended(term: Term, now: int, reason: str) -> Term:
    return term if term.revoked_from is not None else replace(term, revoked_from=now, reason=reason)


def _meant(who: str, one: Principal, key: PublicKey) -> bool:
    return one.id == who or (len(who) >= SHORTEST and key.keyid.startswith(who))


def _base(site: Site) -> tuple[Chain, TrustFile, int]:
    """Return the chain on record, the version to change, numbered as the next one, and how many entries there are.

    That version is what trust.yml says, in force or not yet: several commands make one version together.
    """
    chain = chain_of(site)
    file = read_trust_file(site.trust_path)
    file.follows(chain.trust)  # refuses a number that leads nowhere
    version = chain.trust.version + 1 if chain.trust else 1
    return chain, replace(file, version=version), open_ledger(site).size if exists(site) else 0


def _enter(principals: dict[str, Principal], entrant: Entrant) -> None:
    """Add a principal, or another key of one who has the same roles."""
    known = principals.get(entrant.name)
    if known is not None and set(known.roles) != set(entrant.roles):
        raise UsageError(
            f"--principal {entrant.name}: is {', '.join(known.roles)} in trust.yml; give the same roles, or edit it"
        )
    _unheld(principals, entrant.key)
    principals[entrant.name] = (
        Principal(entrant.name, entrant.roles, (entrant.key,))
        if known is None
        else replace(known, keys=(*known.keys, entrant.key))
    )


def _unheld(principals: dict[str, Principal], key: PublicKey) -> None:
    for one in principals.values():
        if any(held.keyid == key.keyid for held in one.keys):
            raise UsageError(
                f"{one.id} holds the key {key.keyid[:16]}... already; one key, one principal; make another"
            )


def _write(args: argparse.Namespace, site: Site, chain: Chain, file: TrustFile) -> int:
    """Write trust.yml, once what it says may follow what is in force, and say what comes of it."""
    document = file.follows(chain.trust)
    if document is None:
        raise AssertionError("the next version is never the one in force")
    if chain.trust is not None and TrustFile.of(document) == replace(TrustFile.of(chain.trust), version=file.version):
        raise UsageError("trust.yml says this already; nothing was changed")
    check_follows(chain.trust, document)
    say_consequences(site, chain.trust, document)
    if args.dry_run:
        say("nothing was written")
    else:
        _replace(site.trust_path, file)
        say(f"{site.trust_path} is written; " + _next(site, chain.trust, document))
    return print_trust(args, document, chain.genesis)


def _next(site: Site, before: Trust | None, document: Trust) -> str:
    root = site.keys["root"].path
    step = "publish" if signers_needed(before, document) == 1 and (root is None or root.exists()) else "propose"
    return f"next: holdfast trust {step}"


def _replace(path: Path, file: TrustFile) -> None:
    """Write the file whole or not at all; the comment lines at its top stay, others do not."""
    top: list[str] = []
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if not (line.startswith("#") or line in ("", "---")):
                break
            top.append(line)
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_text(file.to_text("\n".join(top) + "\n" if top else HEADING), encoding="utf-8")
        read_trust_file(fresh)
        os.replace(fresh, path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; expected a folder this user can write") from error
    finally:
        fresh.unlink(missing_ok=True)


def _entrant(text: str) -> Entrant:
    name, _unused, rest = text.partition("=")
    roles, _unused, key = rest.partition("=")
    held = tuple(roles.split(","))
    if not key or not set(held) <= set(ROLES) or len(set(held)) < len(held):
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=ROLE[,ROLE]=KEY; roles are {', '.join(ROLES)}")
    if not re.fullmatch(SLUG, name):
        raise argparse.ArgumentTypeError(f"{name!r} is no name: small letters, digits and dashes, a letter first")
    return Entrant(name, held, _key(key))


def _replacement(text: str) -> tuple[str, PublicKey]:
    name, _unused, key = text.partition("=")
    if not key:
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=KEY, such as ann=ann.pub")
    return name, _key(key)


def _key(text: str) -> PublicKey:
    """Return the public key in a file, or one written out: the line of a .pub file, or a raw key in base64."""
    kind = text.partition(" ")[0]
    if kind in KINDS and KINDS[kind].ssh:
        return PublicKey.from_text(kind, text)
    if Path(text).exists():
        return public_key(Path(text))
    for name in PLAIN:
        with suppress(TrustError):
            return PublicKey.from_base64(name, text)
    raise argparse.ArgumentTypeError(f"{text!r} is no file and no public key in base64")


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number")
    return int(text)
