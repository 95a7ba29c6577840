# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a key is named, everywhere: the path of a file, or a URI that says who keeps it. A secret is never part of it.

| reference | kept by |
| --- | --- |
| PATH, file:PATH?passphrase-file=FILE | a PEM file; an OpenSSH file, or the .pub of a key in the SSH agent |
| pkcs11:token=T;object=O?module-path=FILE&pin-source=FILE | a token behind PKCS#11 (RFC 7512) |
| vault://HOST/MOUNT/NAME?token-file=FILE | HashiCorp Vault's transit engine |
| awskms:KEY, gcpkms:NAME, azurekms://VAULT/keys/NAME | a cloud's key management |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from . import structure
from .problems import Fault

WORDS = "a key's file, or a URI of kind file:, pkcs11:, vault:, awskms:, gcpkms: or azurekms:"

_GCP = "projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[0-9]+"


@dataclass(frozen=True)
class _Scheme:
    """What a kind of URI may say: the form of its body, parameters that name files, and others."""

    body: str
    example: str
    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


SCHEMES = {
    "file": _Scheme("[^?]+", "file:keys/root.pem?passphrase-file=FILE", ("passphrase-file",)),
    "pkcs11": _Scheme(
        "(?:token|serial|object|id)=[^;?=]+(?:;(?:token|serial|object|id)=[^;?=]+)*",
        "pkcs11:token=holdfast;object=controller?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=FILE",
        ("module-path", "pin-source"),
        needed=("module-path",),
    ),
    "vault": _Scheme(
        "//[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._-]+){2,}",
        "vault://vault.example.org:8200/transit/controller?token-file=FILE",
        ("token-file", "ca-file"),
        ("version", "namespace"),
        ("token-file",),
    ),
    "awskms": _Scheme("[A-Za-z0-9:/_-]+", "awskms:alias/holdfast"),
    "gcpkms": _Scheme(_GCP, "gcpkms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1"),
    "azurekms": _Scheme(
        "//[A-Za-z0-9-]+\\.vault\\.azure\\.net/keys/[A-Za-z0-9-]+(?:/[0-9a-f]{32})?",
        "azurekms://VAULT.vault.azure.net/keys/NAME",
    ),
}
_SECRET = ("pin-value", "pin", "passphrase", "password", "token")
_DRIVER = re.compile("([a-z][a-z0-9+.-]*):(.*)", re.DOTALL)


@dataclass(frozen=True)
class KeyRef:
    """A sound reference: `text` as written, `scheme`, `body` between scheme and parameters, absolute `files`."""

    text: str
    scheme: str
    body: str
    options: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    path: Path | None = None
    """The file that holds the key itself; None where something else than a file keeps it."""

    @property
    def attributes(self) -> dict[str, str]:
        """What a pkcs11: URI says of its token and its key, decoded."""
        return {name: unquote(value) for name, value in (part.split("=", 1) for part in self.body.split(";"))}

    def __str__(self) -> str:
        return str(self.path) if self.path is not None else self.text


def of_file(path: Path) -> KeyRef:
    """Return the reference of a key that lies in a file, whatever characters its name has."""
    return KeyRef(str(path), "file", str(path), path=path)


def key_ref(text: str, root: Path) -> KeyRef:
    """Return what a sound text refers to; files it names are from the folder `root`. Raises ValueError, saying why."""
    wrong = fault_of(text)
    if wrong is not None:
        raise ValueError(f"{wrong[0]}; expected {WORDS}; {wrong[1]}")
    scheme, rest = _parts(text)
    if scheme is None:
        return of_file(root / text)
    body, _unused, query = rest.partition("?")
    asked = {name: unquote(value) for name, value in _parameters(query)}
    files = {name: root / value for name, value in asked.items() if name in SCHEMES[scheme].files}
    options = {name: value for name, value in asked.items() if name not in files}
    path = root / unquote(body) if scheme == "file" else None
    return KeyRef(text, scheme, body, options, files, path)


def fault_of(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a reference, and what to do; None when nothing is. No value of it is shown."""
    scheme, rest = _parts(text)
    if scheme is None:
        return None if re.fullmatch(r"[^\x00-\x1f\x7f]+", text) else ("no path", "name the key's file")
    known = SCHEMES.get(scheme)
    if known is None:
        return f'a key of kind "{scheme[:40]}"', f"use one of {', '.join(SCHEMES)}, or file:PATH for a path like this"
    body, _unused, query = rest.partition("?")
    if "@" in body and scheme in ("vault", "azurekms"):
        return "a name or a password in the address", "write the token into the file that token-file= names"
    if not re.fullmatch(known.body, body) or re.search(r"[\x00-\x20\x7f]", rest):
        return f"a {scheme}: URI of another form", f"write it like {known.example}"
    asked = _parameters(query)
    names = [name for name, _value in asked]
    for name in names:
        if name in _SECRET:
            return f"a secret in the parameter {name}", f"write it into a file of mode 0600: {known.example}"
        if name not in (*known.files, *known.words):
            return f'the parameter "{name[:40]}"', f"write it like {known.example}"
    if len(set(names)) < len(names) or not all(value for _name, value in asked):
        return "a parameter that is given twice, or empty", "say it once"
    for name in known.needed:
        if name not in names:
            return f"no {name}", f"write it like {known.example}"
    return _unclear(scheme, body, dict(asked), known)


def _unclear(scheme: str, body: str, asked: dict[str, str], known: _Scheme) -> tuple[str, str] | None:
    if scheme == "pkcs11":
        said = [part.split("=", 1)[0] for part in body.split(";")]
        if len(set(said)) < len(said) or not {"token", "serial"} & set(said) or not {"object", "id"} & set(said):
            return "a URI that does not say which token (token or serial) and which key (object or id)", (
                f"write it like {known.example}"
            )
    if not re.fullmatch("[1-9][0-9]{0,8}", asked.get("version", "1")):
        return "a version that is no number", "write it like version=1, or leave it out for the newest"
    return None


def _parts(text: str) -> tuple[str | None, str]:
    found = _DRIVER.fullmatch(text)
    return (found[1], found[2]) if found else (None, text)


def _parameters(query: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _unused, value in (part.partition("=") for part in query.split("&") if part)]


@dataclass(frozen=True)
class KeyName:
    """The shape of a key's reference in a file of the site."""

    words: str = WORDS

    def faults(self, value: Any, path: structure.Path = ()) -> Iterator[Fault]:
        """Yield what is wrong; a reference is never shown whole, for somebody may have put a secret into it."""
        if not isinstance(value, str) or not re.match("[a-z][a-z0-9+.-]*:", value):
            yield from structure.Text(self.words, r"[^\x00-\x1f\x7f]+", 1000).faults(value, path)
            return
        wrong = fault_of(value)
        if wrong is not None:
            yield Fault(path, wrong[0], self.words, wrong[1])

    def schema(self) -> dict[str, Any]:
        """Return the rule as JSON Schema; what a URI may hold is checked beyond it."""
        return {"type": "string", "description": self.words, "maxLength": 1000}
