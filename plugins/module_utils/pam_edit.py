# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the shared PAM files have to read like, as pam-auth-update(8) would write them; writes nothing.

Lines are put into the block that Debian manages, jumps over them are lengthened, and what Debian remembers of the block
(/var/lib/pam) is brought along: so Debian sees no local change, and goes on managing the files.
"""

from __future__ import annotations

import re
from typing import NamedTuple

FIRST = '# here are the per-package modules (the "Primary" block)'
LAST = "# here's the fallback if no module succeeds"
END = "# end of pam-auth-update config"
JUMP = re.compile(r"(\[[^\]\d]*=)(\d+)([^\]]*\])")


class PamError(Exception):
    """The files are not as Debian manages them; the text says what to do."""


class Wish(NamedTuple):
    """A line in a facility's block: whose it is, what it says, and where it stands.

    `where` is "first", "last", or the module that it comes right before (first, when that is not there). A line of the
    same module with the same last word is the same line, said otherwise.
    """

    profile: str
    rest: str
    where: str

    @property
    def module(self) -> str:
        """The module's file name."""
        return next(word for word in self.rest.split("\t") if ".so" in word).split()[0]

    @property
    def mark(self) -> str:
        """What tells the lines of one module apart: preauth and authfail, else nothing."""
        last = self.rest.split()[-1]
        return last if last in ("preauth", "authfail") else ""


def with_wish(text: str, saved: str, facility: str, wish: Wish) -> tuple[str, str]:
    """The file and what Debian remembers of it, with one line as wished. Raises PamError."""
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if line.startswith(FIRST)), None)
    stop = next((at for at, line in enumerate(lines) if line.startswith(LAST)), None)
    if start is None or stop is None or stop < start:
        raise PamError(
            f"common-{facility} has no block of pam-auth-update; run pam-auth-update --force after you have kept what "
            "is your own, or leave these settings alone with null"
        )
    block = lines[start + 1 : stop]
    after = lines[stop:]
    for at in [at for at, line in enumerate(block) if same(line, wish)][::-1]:
        del block[at]
        block = jumped(block, at, -1)
    at = position(block, wish)
    # pam-auth-update leaves a blank where a module has no options; the same bytes keep the two from undoing each other.
    block.insert(at, f"{facility}\t{wish.rest}{' ' if wish.rest.endswith('.so') else ''}\n")
    block = jumped(block, at, 1)
    new = "".join([*lines[: start + 1], *block, *after])
    return new, remembered(saved, wish, block, at) if saved else saved


def same(line: str, wish: Wish) -> bool:
    """Whether a line is the wished one, perhaps said otherwise."""
    words = line.split()
    return wish.module in words and (not wish.mark or wish.mark in words)


def position(block: list[str], wish: Wish) -> int:
    """Where in the block the line goes."""
    if wish.where == "first":
        return 0
    if wish.where == "last":
        return len(block)
    return next((at for at, line in enumerate(block) if wish.where in line.split()), 0)


def jumped(block: list[str], at: int, by: int) -> list[str]:
    """The block with the jumps that pass a place lengthened or shortened; `at` is where a line came or went."""
    found = list(block)
    for here in range(at):
        match = JUMP.search(found[here])
        if match and here + int(match.group(2)) + 1 > (at - 1 if by > 0 else at):
            found[here] = JUMP.sub(rf"\g<1>{int(match.group(2)) + by}\g<3>", found[here], count=1)
    return found


def remembered(saved: str, wish: Wish, block: list[str], at: int) -> str:
    """What Debian remembers (`Module: profile`, then its lines), with the wished line in the block's order."""
    entries: list[list[str]] = []
    for line in saved.splitlines(keepends=True):
        if line.startswith("Module: ") or not entries:
            entries.append([])
        entries[-1].append(line)
    entries = [entry for entry in entries if not any(same(line, wish) for line in entry[1:])]
    own = [f"Module: {wish.profile}\n", f"{wish.rest}\n"]
    before = [word for line in block[:at] for word in line.split() if word.endswith(".so")]
    place = 0
    if before:
        place = next((n + 1 for n, entry in enumerate(entries) if before[-1] in "".join(entry).split()), len(entries))
    entries.insert(place, own)
    return "".join(line for entry in entries for line in entry)


def with_option(text: str, module: str, option: str, after: str = "") -> str:
    """The text with an option on the lines of a module that do not have it, after another one or at the end."""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        words = line.split()
        if module not in words or option.split()[0] in words or line.startswith("#"):
            continue
        if after in words:
            lines[at] = line.replace(f" {after}", f" {after} {option}", 1)
        else:
            lines[at] = f"{line.rstrip()} {option}\n"
    return "".join(lines)


def without_option(text: str, module: str, options: tuple[str, ...]) -> str:
    """The text without some options on the lines of a module."""
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        if module in line.split() and not line.startswith("#"):
            for option in options:
                lines[at] = re.sub(rf"[ \t]+{option}(?=\s)", "", lines[at])
    return "".join(lines)


def with_line_after_block(text: str, module: str, line: str) -> str:
    """The text with a line after Debian's block, where pam-auth-update leaves it alone, unless the module is asked."""
    if any(module in known.split() for known in text.splitlines() if not known.startswith("#")):
        return text
    return text + ("" if text.endswith("\n") else "\n") + line + "\n"


def with_values(text: str, values: dict[str, str], assign: str, heading: str) -> str:
    """A file of settings with one line for each of these names, at its end; other lines stay as they are."""
    pattern = re.compile(rf"\s*({'|'.join(map(re.escape, values))})\s*(=|\s|$)")
    kept = [line for line in text.splitlines() if not pattern.match(line) and line != heading]
    return "\n".join([*kept, heading, *(f"{name}{assign}{value}" for name, value in values.items())]) + "\n"
