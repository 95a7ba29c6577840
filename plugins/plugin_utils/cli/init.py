# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast init`: lay out a site, with keys, a trust document and a ledger whose first record is that document."""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from ..edge.environment import PRODUCT, find_site
from ..edge.signing import site_signer
from ..errors import UsageError
from ..ledger.keys import PublicKey
from ..ledger.store import Ledger
from ..ledger.trustfile import read_trust_file
from ..site.item import DATA_CLASSES
from ..site.site import Site, load_site
from ..site.structure import SLUG
from .key import new_key, public_key, warn_plain
from .options import add_format
from .trust import record_trust

SKELETON = PRODUCT / "plugins" / "plugin_utils" / "site" / "skeleton"

PRINCIPALS = {
    "root": ("root", "signs this document and nothing else; keep its private key off the controller"),
    "requester": ("requester", "asks for changes"),
    "implementer": ("controller", "the machine that runs Ansible; signs what it did"),
    "verifier": ("scanner", "signs what was measured afterwards"),
    "log": ("log", "signs the head of the ledger"),
}
"""Role, and the principal that plays it in a new site: five roles, five keys, for none may play another's."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("init", help="lay out a site", description=__doc__)
    parser.add_argument("dir", type=Path, metavar="DIR", help="the site's folder: new, or empty but for .git")
    parser.add_argument("--name", type=_slug, help="the site's name (default: the folder's)")
    parser.add_argument("--org", type=_slug, help="the organisation's name in records (default: org-NAME)")
    parser.add_argument(
        "--approver",
        type=_approver,
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="an approver and their public key, the .pub of an SSH key; may be given again",
    )
    parser.add_argument(
        "--keys-only", action="store_true", help="make only keys, trust.yml and ledger of a site that has none"
    )
    parser.add_argument(
        "--without-keys", action="store_true", help="make neither keys nor trust.yml nor ledger: for a key ceremony"
    )
    add_format(parser)
    host = parser.add_argument_group("a first host")
    host.add_argument("--host", metavar="ADDRESS", help="put the host of this address into the register")
    host.add_argument("--owner", help="who answers for it")
    host.add_argument("--user", help="the user Ansible logs in as")
    host.add_argument("--port", type=int, help="the port of its SSH server")
    host.add_argument("--ring", default="lab", help="its ring (default: lab)")
    host.add_argument("--data-class", choices=DATA_CLASSES, default="ephi", help="what lies on it (default: ephi)")
    parser.set_defaults(func=_init)


@dataclass(frozen=True)
class FirstHost:
    """The asset that `--host` describes."""

    address: str
    owner: str
    user: str | None
    port: int | None
    ring: str
    data_class: str

    @property
    def id(self) -> str:
        """A name taken from the address: the first part of a host name, or `host-` and an IP address with dashes."""
        numbers = re.fullmatch(r"[0-9.]+|[0-9a-f]*:[0-9a-f:]+", self.address)
        words = self.address.lower() if numbers else self.address.lower().partition(".")[0]
        name = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
        return name if name[:1].isalpha() and not numbers else f"host-{name}"

    def entry(self) -> str:
        """Return the asset as the register writes it; where nothing was said, the cautious word, and a comment."""
        connection = {"ansible_user": self.user, "ansible_port": self.port}
        known = [f"      {name}: {json.dumps(value)}\n" for name, value in connection.items() if value is not None]
        return (
            f"\n  - id: {self.id}\n    kind: server\n    owner: {json.dumps(self.owner)}\n    ring: {self.ring}\n"
            f"    address: {json.dumps(self.address)}\n    environment: {self.ring}\n"
            f"    data_class: {self.data_class}  # none, internal or ephi: what lies on it\n"
            "    tier: 1  # 1 (most critical) to 4: assumed, until you say otherwise\n"
            "    baselines: [debian-server]\n" + ("    vars:\n" + "".join(known) if known else "")
        )


def _init(args: argparse.Namespace) -> int:
    _distinct(args.approver)
    if args.without_keys and (args.approver or args.keys_only):
        raise UsageError("--without-keys: goes with neither --approver nor --keys-only; see `holdfast trust init`")
    if args.keys_only:
        return _keys_only(args)
    host = _first_host(args)
    root: Path = args.dir.resolve()
    name = args.name or _name_from(root)
    _must_be_empty(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Laid out apart and moved when sound: a mistake in the host's words leaves nothing half done.
        with tempfile.TemporaryDirectory(prefix=".init-", dir=root) as apart:
            _lay_out(Path(apart), {"name": name, "org": args.org or f"org-{name}", "assets": _assets(host)})
            load_site(Path(apart), PRODUCT)
            for path in sorted(Path(apart).iterdir()):
                path.rename(root / path.name)
    except OSError as error:
        raise UsageError(f"{root}: {error.strerror}; expected a folder this user can write; name another") from error
    site = load_site(root, PRODUCT)
    if not args.without_keys:
        _found_trust(site, args.approver)
        warn_plain(*site.key_paths.values())
    if args.format == "json":
        print(json.dumps(_said(site)))
    else:
        _say(site, host, args.without_keys)
    return 0


def _lay_out(root: Path, words: dict[str, str]) -> None:
    for file in ("site.yml", "holdfast.yml", "README.md"):
        _write(root / file, Template(_skeleton(f"{file}.in")).substitute(words))
    _write(root / "ansible.cfg", _skeleton("ansible.cfg"))
    _write(root / ".gitignore", _skeleton("gitignore"))
    for name in ("exceptions.yml", "overlays.yml"):
        _write(root / name, _skeleton(name))
    for policy in sorted((PRODUCT / "policy").glob("*.yml")):
        _write(root / "policy" / policy.name, policy.read_text(encoding="utf-8"))


def _assets(host: FirstHost | None) -> str:
    return host.entry() if host else " []  # take the [] away when the first asset stands below\n"


def _keys_only(args: argparse.Namespace) -> int:
    site = load_site(find_site(args.dir), PRODUCT)
    ledger = site.ledger_path
    files = (ledger,) if isinstance(ledger, Path) else ()
    for path in (*site.key_paths.values(), site.trust_path, *files):
        if path.exists():
            raise UsageError(f"{path}: exists already; expected a site without keys; nothing is ever overwritten")
    # In a server the database's owner has made the empty ledger.
    if not files and (not Ledger.exists(ledger) or Ledger(ledger).size):
        raise UsageError(
            f"{ledger}: no ledger, or one with records; expected an empty one; make it with `holdfast ledger create`"
        )
    _found_trust(site, args.approver)
    print(f"{site.root}: made keys, trust.yml and ledger; their private keys are in this folder", file=sys.stderr)
    warn_plain(*site.key_paths.values())
    if args.format == "json":
        print(json.dumps(_said(site)))
    return 0


def _found_trust(site: Site, approvers: Iterable[tuple[str, PublicKey]]) -> None:
    """Make the site's keys, write trust.yml, and publish it as the first record of a new ledger."""
    entries = []
    for role, (principal, does) in PRINCIPALS.items():
        entries.append(_principal(principal, role, _key_of(site, role), f"  # {does}"))
    entries += [_principal(name, "approver", key) for name, key in approvers]
    _write(site.trust_path, Template(_skeleton("trust.yml.in")).substitute(principals="\n".join(entries)))
    document = read_trust_file(site.trust_path).follows(None)
    if document is None:
        raise AssertionError("the first version follows none")
    record_trust(site, document)


def _key_of(site: Site, role: str) -> PublicKey:
    """Make the key that a file of the site will hold; one that something else keeps is there already."""
    path = site.keys[role].path
    return new_key(path) if path is not None else site_signer(site, role).public_key


def _principal(name: str, role: str, key: PublicKey, comment: str = "") -> str:
    return (
        f"  - id: {name}{comment}\n    roles: [{role}]\n    keys:\n"
        f'      - {{type: {key.kind}, public: "{key.written}"}}'
    )


def _said(site: Site) -> dict[str, object]:
    """Return what was laid out, for machines."""
    return {
        "site": site.name,
        "org": site.org,
        "root": str(site.root),
        "ledger": str(site.ledger_path),
        "keys": {role: str(ref) for role, ref in site.keys.items()},
    }


def _say(site: Site, host: FirstHost | None, keyless: bool) -> None:
    """Print the three things to do next."""
    register = f"look over {site.root}/holdfast.yml" if host else f"write your hosts into {site.root}/holdfast.yml"
    print(f"Site {site.name} is laid out in {site.root}. Next:")
    print(f"  1. {register}, then: cd {site.root} && holdfast check")
    print("  2. ansible-playbook holdfast.hipaa.check_drift    (compares hosts with their baselines, changes nothing)")
    if keyless:
        print("  3. make keys, each where it stays, then: holdfast trust init, propose, sign, publish")
    else:
        print("  3. write approvers into trust.yml, publish it, and move keys/root.pem to a place off this machine")


def _first_host(args: argparse.Namespace) -> FirstHost | None:
    if args.host is None:
        return None
    if args.owner is None:
        raise UsageError("--host: no owner was given; each asset needs one who answers for it; add --owner NAME")
    return FirstHost(args.host, args.owner, args.user, args.port, args.ring, args.data_class)


def _distinct(approvers: Iterable[tuple[str, PublicKey]]) -> None:
    names = {principal for principal, _unused in PRINCIPALS.values()}
    keyids: set[str] = set()
    for name, key in approvers:
        if name in names or key.keyid in keyids:
            raise UsageError(
                f"--approver {name}: its name or its key is another's already; one key, one person, one name"
            )
        names.add(name)
        keyids.add(key.keyid)


def _must_be_empty(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError(f"{root}: is a file; expected a folder, new or empty; name another")
    found = sorted(path.name for path in root.glob("*") if path.name != ".git") if root.is_dir() else []
    if found:
        raise UsageError(f"{root}: holds {found[0]}; expected a new or empty folder; nothing is ever overwritten")


def _name_from(root: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", root.name.lower()).strip("-")
    if not re.fullmatch(SLUG, name):
        raise UsageError(f"{root}: its name makes no site's name; name the site with --name")
    return name


def _slug(text: str) -> str:
    if not re.fullmatch(SLUG, text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: small letters, digits and dashes, a letter first")
    return text


def _approver(text: str) -> tuple[str, PublicKey]:
    name, _unused, file = text.partition("=")
    if not file:
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=FILE, such as compliance=compliance.pub")
    return _slug(name), public_key(Path(file))


def _skeleton(name: str) -> str:
    return (SKELETON / name).read_text(encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
