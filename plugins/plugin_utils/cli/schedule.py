# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`holdfast schedule`: print the systemd units, or the cron file, that run `holdfast watch` for this site.

Nothing is installed. Exit 0, or 2 for wrong usage and for paths that no unit can hold.
"""

from __future__ import annotations

import argparse
import getpass
import json
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template

from ..edge.environment import PRODUCT, find_site
from ..edge.opening import open_site
from ..edge.playing import collections_root
from ..errors import UsageError
from .options import add_site
from .watch import MINUTES

TEMPLATES = PRODUCT / "plugins" / "plugin_utils" / "cli" / "templates"
MODULE = "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli"
WHEN = {"hourly": "17 * * * *", "daily": "17 5 * * *", "weekly": "17 5 * * 1"}
"""How often, in systemd's words, and what cron calls it; not at the full hour, when everybody else runs."""


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser("schedule", help="print units that check drift regularly", description=__doc__)
    add_site(parser)
    parser.add_argument("--format", choices=tuple(FORMATS), default="systemd", help="(default: systemd)")
    parser.add_argument("--every", choices=tuple(WHEN), default="hourly", help="(default: hourly)")
    parser.add_argument("--user", type=_user, default=None, help="who runs it (default: who asks now)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write the files there instead of printing them")
    parser.set_defaults(func=_run)


def _user(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a user")
    return text


def _run(args: argparse.Namespace) -> int:
    site = open_site(find_site(args.site))
    words = [*_command(), "watch", "--site", str(site.root)]
    for word in words:
        if not re.fullmatch(r"[^\x00-\x1f\x7f]+", word):
            raise UsageError(f"{word!r}: no unit can hold a path with control characters; move the folder")
    files = FORMATS[args.format](site.name, args.user or _user(getpass.getuser()), args.every, words)
    if args.output is not None:
        _write(args.output, files)
    elif args.format == "json":
        print(json.dumps(files, sort_keys=True))
    else:
        print("\n".join(f"# --- {name}\n{text}" for name, text in files.items()), end="")
    return 0


def _command() -> list[str]:
    """Return how this very product is started: its script where there is one, else the module of the collection."""
    script = Path(sys.executable).parent / "holdfast"
    if script.exists():
        return [str(script)]
    started = [sys.executable, "-m", MODULE]
    root = collections_root()
    return ["/usr/bin/env", f"PYTHONPATH={root}", *started] if root else started


def systemd_quoted(word: str) -> str:
    """Return a word of ExecStart= as systemd reads it: one word, no specifier, no variable (systemd.service(5))."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def cron_quoted(word: str) -> str:
    """Return a word of a crontab's command: quoted for the shell; cron turns a bare percent sign into a new line."""
    return shlex.quote(word).replace("%", "\\%")


def _systemd(name: str, user: str, every: str, words: Sequence[str]) -> dict[str, str]:
    told = {
        "name": name,
        "user": user,
        "every": every,
        "command": " ".join(map(systemd_quoted, words)),
        "timeout": f"{MINUTES + 5}min",
    }
    return {f"holdfast-{name}.{kind}": _filled(kind, told) for kind in ("service", "timer")}


def _cron(name: str, user: str, every: str, words: Sequence[str]) -> dict[str, str]:
    command = " ".join(map(cron_quoted, words))
    return {f"holdfast-{name}": _filled("cron", {"name": name, "user": user, "when": WHEN[every], "command": command})}


def _both(name: str, user: str, every: str, words: Sequence[str]) -> dict[str, str]:
    return {**_systemd(name, user, every, words), **_cron(name, user, every, words)}


FORMATS: dict[str, Callable[[str, str, str, Sequence[str]], dict[str, str]]] = {
    "systemd": _systemd,
    "cron": _cron,
    "json": _both,
}


def _filled(kind: str, told: dict[str, str]) -> str:
    return Template((TEMPLATES / f"{kind}.in").read_text(encoding="utf-8")).substitute(told)


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
            print(folder / name)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; name a folder this user can write") from error
