# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A manifest: the SHA-256 of every file, in the form that `sha256sum --check` and ansible-sign read.

Two spaces between digest and path, paths relative and sorted, one line feed after each. Other programs read more than
that; a manifest has the one spelling, so that it cannot say two things to two readers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import ContentError

LARGEST = 16 * 1024 * 1024
"""Bytes a manifest may have; some hundred thousand files."""
MOST = 100_000
"""Files a manifest may name."""
LONGEST = 1024
"""Characters a path may have."""

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
# GNU coreutils escapes names with a backslash or a line break, and then begins the line with a backslash. What else is
# refused redraws a terminal, or is read by people as another name.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Manifest:
    """Which files there are: `digests` is the SHA-256 in hexadecimal by path, relative with `/`."""

    digests: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the manifest's one spelling."""
        return "".join(f"{digest}  {path}\n" for path, digest in sorted(self.digests.items())).encode()

    @property
    def sha256(self) -> str:
        """The digest that is signed: of the spelling."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Manifest:
        """Read a manifest, called `name` in messages; raises ContentError for any spelling but the one."""
        if len(data) > LARGEST:
            raise ContentError(f"{name}: more than {LARGEST} bytes; expected a manifest; {_AGAIN}")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ContentError(f"{name}: a byte that is no UTF-8 at offset {error.start}; {_AGAIN}") from error
        digests: dict[str, str] = {}
        lines = text.split("\n")
        if lines.pop() != "" or not lines:
            raise ContentError(f"{name}: it does not end with a whole line; {_AGAIN}")
        if len(lines) > MOST:
            raise ContentError(f"{name}: {len(lines)} files; expected {MOST} at most; {_AGAIN}")
        last = ""
        for number, line in enumerate(lines, 1):
            found = _LINE.fullmatch(line)
            if found is None:
                raise ContentError(
                    f"{name}:{number}: {line[:100]!a} was found; expected a SHA-256 in lowercase hexadecimal, two "
                    f"spaces and a path; {_AGAIN}"
                )
            path = found[2]
            if wrong := flaw(path):
                raise ContentError(f"{name}:{number}: {path[:100]!a}: {wrong}; {_AGAIN}")
            if path <= last:
                what = "is listed twice" if path == last else f"comes after {last[:100]!a}; expected sorted paths"
                raise ContentError(f"{name}:{number}: {path[:100]!a}: {what}; {_AGAIN}")
            digests[path] = found[1]
            last = path
        return cls(digests)


_AGAIN = "write it anew: holdfast content sign"


def flaw(path: str) -> str | None:
    """Return why a manifest cannot name a path, None when it can."""
    if len(path) > LONGEST:
        return f"more than {LONGEST} characters"
    if _UNFIT.search(path):
        return "a character that is not printed, or a backslash; expected a plain name"
    if path.startswith("/") or any(part in ("", ".", "..") for part in path.split("/")):
        return "it leads elsewhere; expected a path below the folder, without . and .. and //"
    return None
