# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives a host is told of, from its own sources (sources.list(5)), and the keys each may be signed by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .openpgp import MAX_BYTES, Key, read_keys

ETC = Path("/etc/apt")
_OPTIONS = re.compile(r"^(deb(?:-src)?)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)")
_YES = ("yes", "true", "with", "on", "enable", "1")


@dataclass(frozen=True)
class Archive:
    """One archive of one source: where it is, and who may sign it.

    keyrings are files; inline is a key written into the source itself; only (fingerprints), when not empty, narrows
    them down. trusted is what the source itself says: True means that apt asks for no signature.
    """

    uri: str
    suite: str
    file: str
    keyrings: tuple[str, ...]
    inline: bytes
    only: tuple[str, ...]
    trusted: bool | None

    @property
    def base(self) -> str:
        """Where its Release file is, with a slash at its end, as apt names it."""
        uri = self.uri.rstrip("/")
        if self.suite.endswith("/"):
            return f"{uri}/{self.suite.lstrip('./')}" if self.suite.strip("./") else f"{uri}/./"
        return f"{uri}/dists/{self.suite}/"

    @property
    def name(self) -> str:
        """How apt's messages name it."""
        return f"{self.uri.rstrip('/')} {self.suite}"


def archives(etc: Path = ETC) -> tuple[Archive, ...]:
    """Return the binary archives of all of the host's sources that are not switched off, each once."""
    parts = etc / "sources.list.d"
    files = [etc / "sources.list"]
    if parts.is_dir():
        files += sorted(path for path in parts.iterdir() if path.suffix in (".list", ".sources"))
    found: dict[tuple[str, str], Archive] = {}
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        read = _stanzas if path.suffix == ".sources" else _lines
        for one in read(text, str(path)):
            found.setdefault((one.uri.rstrip("/"), one.suite), one)
    return tuple(found.values())


def keys_of(archive: Archive, etc: Path = ETC) -> tuple[Key, ...]:
    """Return the keys apt takes for this archive; without keyrings of its own, those that apt trusts for all."""
    keys: list[Key] = []
    for data in keyring_data(archive, etc):
        keys += read_keys(data)
    named = [key for key in keys if any(key.is_called(name) or key.primary == name for name in archive.only)]
    return tuple(dict.fromkeys(named if archive.only else keys))


def keyring_data(archive: Archive, etc: Path = ETC) -> tuple[bytes, ...]:
    """Return the keyrings' content as it lies there; one that cannot be read is left out, as apt leaves it out."""
    if archive.inline:
        return (archive.inline,)
    paths = [Path(name) for name in archive.keyrings]
    if not paths:
        folder = etc / "trusted.gpg.d"
        paths = [etc / "trusted.gpg"]
        paths += sorted(folder.glob("*.gpg")) + sorted(folder.glob("*.asc")) if folder.is_dir() else []
    found = []
    for path in paths:
        try:
            with path.open("rb") as content:
                found.append(content.read(MAX_BYTES))
        except OSError:
            continue
    return tuple(found)


def _lines(text: str, file: str) -> list[Archive]:
    """Read the form of one line an archive."""
    found = []
    for line in text.splitlines():
        entry = _OPTIONS.match(line.split("#", 1)[0].strip())
        if entry is None or entry.group(1) != "deb":
            continue
        pairs = (pair.partition("=") for pair in (entry.group(2) or "").split())
        said = {key.lower(): value for key, _equals, value in pairs}
        found.append(_archive(entry.group(3), entry.group(4), file, said.get("signed-by", ""), said.get("trusted")))
    return found


def _stanzas(text: str, file: str) -> list[Archive]:
    """Read the form of stanzas (deb822)."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        said: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):
                said[key] = f"{said.get(key, '')}\n{line.strip()}"
                continue
            key, _colon, value = line.partition(":")
            key = key.strip().lower()
            said[key] = value.strip()
        if "deb" not in said.get("types", "").split() or said.get("enabled", "yes").lower() not in _YES:
            continue
        for uri in said.get("uris", "").split():
            for suite in said.get("suites", "").split():
                found.append(_archive(uri, suite, file, said.get("signed-by", ""), said.get("trusted")))
    return found


def _archive(uri: str, suite: str, file: str, signed_by: str, trusted: str | None) -> Archive:
    inline = b""
    keyrings: list[str] = []
    only: list[str] = []
    if "-----BEGIN PGP" in signed_by:
        inline = "\n".join("" if line == "." else line for line in signed_by.strip().splitlines()).encode()
    else:
        for word in signed_by.replace(",", " ").split():
            if word.startswith("/"):
                keyrings.append(word)
            else:
                only.append(word.rstrip("!").upper())
    says = None if trusted is None else trusted.lower() in _YES
    return Archive(uri, suite, file, tuple(keyrings), inline, tuple(only), says)
