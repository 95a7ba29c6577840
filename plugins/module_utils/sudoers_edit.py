# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of sudo have to read like so that they give nobody more than allowed; writes nothing.

Only lines that give too much are touched: the rest of a file, comments and order included, stays as it is.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .probes import _sudoers

MAIN = "/etc/sudoers"
OURS = "zz-holdfast"
ELEVATED = "holdfast-elevated-"
TIMEOUT = 10.0
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
INCLUDE = re.compile(r"\s*[@#](includedir|include)\s+(\S+)")
DEFAULTS = re.compile(r"\s*Defaults(?P<binding>[@:!>]\s*\S+)?\s+(?P<options>.*)$", re.DOTALL)
ALIAS = re.compile(r"\s*(User|Runas|Host|Cmnd|Cmd)_Alias\s")
NO_PASSWORD = re.compile(r"\bNOPASSWD\s*:\s*")
PEOPLE = re.compile(r"(\s*)((?:\S+?\s*,\s*)*\S+)(\s+\S.*)$", re.DOTALL)
OPTION = re.compile(r'((?:[^,"]|"[^"]*")+)')


class EditError(Exception):
    """The files cannot be brought to what was asked; the text says why and what to do."""


class Wanted(NamedTuple):
    """Who may do what; None leaves that alone. `settings` are the names that no line after ours may change."""

    without_password: tuple[str, ...] | None
    administrators: tuple[str, ...] | None
    settings: tuple[str, ...]


def files(main: str = MAIN) -> list[str]:
    """The files that sudo reads, in its order (sudoers(5), Including other files). Raises OSError."""
    found = [main]
    for line in text_of(main).splitlines():
        match = INCLUDE.match(line)
        if match and match.group(1) == "include":
            found.append(match.group(2))
        elif match:
            folder = match.group(2)
            listed = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            found.extend(os.path.join(folder, name) for name in listed if "." not in name and not name.endswith("~"))
    return found


def text_of(path: str) -> str:
    """A file's text; raises OSError."""
    with open(path, encoding="utf-8", errors="surrogateescape") as source:
        return source.read()


def logical(text: str) -> list[str]:
    """The lines of a file, those that a backslash continues as one; joined they are the text again."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if lines and lines[-1].rstrip("\n").endswith("\\"):
            lines[-1] += line
        else:
            lines.append(line)
    return lines


def plan(wanted: Wanted, main: str = MAIN) -> dict[str, str]:
    """Path -> new text of every file that has to change. Raises EditError or OSError."""
    paths = files(main)
    texts = {path: text_of(path) for path in paths if os.path.isfile(path)}
    lines = {path: logical(text) for path, text in texts.items()}
    aliases = "".join(line for own in lines.values() for line in own if ALIAS.match(line))
    ours = next((at for at, path in enumerate(paths) if os.path.basename(path) == OURS), len(paths))
    changed = {}
    for at, path in enumerate(paths):
        name = os.path.basename(path)
        if path not in texts or name == OURS or name.startswith(ELEVATED):
            continue
        new = "".join(edited(line, wanted, aliases, at > ours) for line in lines[path])
        if new != texts[path]:
            changed[path] = new
    return changed


def edited(line: str, wanted: Wanted, aliases: str, after_ours: bool) -> str:
    """One logical line without what it gives too much; "" when nothing is left of it."""
    if line.lstrip().startswith("#") or not line.strip() or INCLUDE.match(line) or ALIAS.match(line):
        return line
    defaults = DEFAULTS.match(line)
    if defaults:
        return settings(line, defaults, wanted.settings) if defaults.group("binding") or after_ours else line
    return specification(line, wanted, aliases)


def settings(line: str, match: re.Match[str], managed: Sequence[str]) -> str:
    """A Defaults line without the settings that are ours to say."""
    options = [option.strip() for option in OPTION.findall(match.group("options").replace("\\\n", " ").strip())]
    kept = [
        option for option in options if re.split(r"[\s=+-]", option.lstrip("!").strip(), maxsplit=1)[0] not in managed
    ]
    if len(kept) == len(options):
        return line
    return f"Defaults{match.group('binding') or ''} {', '.join(kept)}\n" if kept else ""


def specification(line: str, wanted: Wanted, aliases: str) -> str:
    """A user specification without the people and the tags that are not allowed."""
    grants = read(line, aliases)
    if wanted.administrators is not None and any(grant.everything for grant in grants):
        strangers = beyond(grants, wanted.administrators)
        if strangers:
            line = without_people(line, strangers, aliases)
            if not line:
                return ""
            grants = read(line, aliases)
    for_free = [grant for grant in grants if grant.without_password]
    if wanted.without_password is not None and beyond(for_free, wanted.without_password):
        return NO_PASSWORD.sub("", line)
    return line


def beyond(grants: Iterable[_sudoers.Grant], allowed: Sequence[str]) -> set[str]:
    """The people of some grants who are not among the allowed."""
    return {who for grant in grants for who in grant.who} - set(allowed)


def without_people(line: str, strangers: set[str], aliases: str) -> str:
    """The line for its other people, "" when there are none; an alias goes as a whole when it names a stranger."""
    head = PEOPLE.match(line)
    if not head:
        raise EditError(f"cannot tell the people of the line {line.strip()!r}; rewrite it by hand with visudo")
    kept = []
    for who in re.split(r"\s*,\s*", head.group(2)):
        meant = {name for grant in read(f"{who} ALL=ALL\n", aliases) for name in grant.who}
        if not meant & strangers:
            kept.append(who)
    return f"{head.group(1)}{', '.join(kept)}{head.group(3)}" if kept else ""


def read(line: str, aliases: str) -> list[_sudoers.Grant]:
    """What one specification gives, by sudo's own reader. Raises EditError for a line that it cannot read."""
    done = subprocess.run(
        ["cvtsudoers", "-f", "json", "-"], input=(aliases + line).encode("utf-8", "surrogateescape"),
        capture_output=True, env=ENVIRONMENT, timeout=TIMEOUT, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise EditError(f"sudo cannot read the line {line.strip()!r} ({said[0]}); mend it with visudo first")
    return _sudoers.parse(done.stdout.decode("utf-8", "replace")).grants


def option(values: list[str] | None) -> tuple[str, ...] | None:
    """A list from a module's option."""
    return None if values is None else tuple(values)


def wanted_from(params: dict[str, Any]) -> Wanted:
    """What the module's options ask."""
    return Wanted(option(params["without_password"]), option(params["administrators"]), tuple(params["settings"]))
