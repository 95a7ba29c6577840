# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration that nginx would read, as a tree: what `nginx -T` prints, with its includes put in their places.

nginx inherits a directive from the block around it unless the inner block says it again; `effective` answers that.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field

MARK = "# configuration file "
SPACE = " \t\r\n"


class TreeError(Exception):
    """The text is no nginx configuration."""


@dataclass
class Statement:
    """One directive: its words, where it stands (offsets into its file's text), and its block if it opens one."""

    name: str
    args: list[str]
    path: str
    start: int
    end: int
    block: list[Statement] | None = None
    inner: int = 0
    """The offset after the brace that opens the block."""


@dataclass
class Context:
    """A block in which directives hold, within the blocks around it (outermost first, itself last)."""

    kind: str
    chain: list[list[Statement]]
    statement: Statement | None = None
    children: list[Context] = field(default_factory=list)

    def own(self, name: str) -> list[Statement]:
        """The statements of that name in this very block."""
        return [statement for statement in self.chain[-1] if statement.name == name]

    def effective(self, name: str) -> list[Statement]:
        """The statements of that name in the innermost block that has any."""
        for block in reversed(self.chain):
            found = [statement for statement in block if statement.name == name]
            if found:
                return found
        return []


def split_dump(text: str) -> dict[str, str]:
    """Path -> text of every file in the output of `nginx -T`, the main file first.

    nginx writes a line with the path before each file and an empty line after it.
    """
    files: dict[str, str] = {}
    path, lines = "", []
    for line in text.splitlines(keepends=True):
        if line.startswith(MARK) and line.rstrip().endswith(":"):
            if path:
                files[path] = "".join(lines)
            path, lines = line.rstrip()[len(MARK) : -1], []
        else:
            lines.append(line)
    if path:
        files[path] = "".join(lines)
    return files


def parse(text: str, path: str) -> list[Statement]:
    """The statements of one file. Raises TreeError."""
    statements, position = _block(text, 0, path, outer=True)
    if position < len(text):
        raise TreeError(f"{path}: a brace too many")
    return statements


def _block(text: str, position: int, path: str, outer: bool) -> tuple[list[Statement], int]:
    found: list[Statement] = []
    words: list[str] = []
    start = position
    while True:
        position = _skip(text, position)
        if position >= len(text):
            if words or not outer:
                raise TreeError(f"{path}: ends in the middle of a statement")
            return found, position
        sign = text[position]
        if sign == "}" and not words:
            return found, position if outer else position + 1
        if sign in ";{":
            if not words:
                raise TreeError(f"{path}: {sign!r} without a name before it")
            statement = Statement(words[0], words[1:], path, start, position + 1)
            position += 1
            if sign == "{":
                statement.inner = position
                if words[0].endswith("_by_lua_block"):
                    raise TreeError(f"{path}: {words[0]} holds a program, which is not read here")
                statement.block, position = _block(text, position, path, outer=False)
                statement.end = position
            found.append(statement)
            words = []
            continue
        if not words:
            start = position
        word, position = _word(text, position, path)
        words.append(word)


def _skip(text: str, position: int) -> int:
    while position < len(text):
        if text[position] in SPACE:
            position += 1
        elif text[position] == "#":
            end = text.find("\n", position)
            position = len(text) if end < 0 else end
        else:
            break
    return position


def _word(text: str, position: int, path: str) -> tuple[str, int]:
    quote = text[position] if text[position] in "\"'" else ""
    signs: list[str] = []
    position += len(quote)
    while position < len(text):
        sign = text[position]
        if sign == "\\" and position + 1 < len(text):
            following = text[position + 1]
            signs.append(following if following in "\"'\\ ;{}" else sign + following)
            position += 2
            continue
        if quote and sign == quote:
            return "".join(signs), position + 1
        if not quote and (sign in SPACE or sign in ";{"):
            # ${name} is part of a word, not the start of a block.
            if not (sign == "{" and signs and signs[-1] == "$"):
                return "".join(signs), position
            end = text.find("}", position)
            if end < 0:
                raise TreeError(f"{path}: ends in the middle of a word")
            signs.append(text[position : end + 1])
            position = end + 1
            continue
        signs.append(sign)
        position += 1
    raise TreeError(f"{path}: ends in the middle of a word")


def load(files: dict[str, str]) -> list[Statement]:
    """The main file's statements, every include replaced by the statements of the files it names.

    Raises TreeError for a file that is none, or that includes itself.
    """
    main = next(iter(files))
    parsed = {path: parse(text, path) for path, text in files.items()}
    return _included(parsed[main], parsed, posixpath.dirname(main), (main,))


def matches(pattern: str, path: str, folder: str) -> bool:
    """Whether an include's pattern, relative to the main file's folder, names this file."""
    wanted, here = posixpath.join(folder, pattern).split("/"), path.split("/")
    return len(wanted) == len(here) and all(fnmatch.fnmatchcase(name, part) for name, part in zip(here, wanted))


def _included(
    statements: list[Statement], parsed: dict[str, list[Statement]], folder: str, above: tuple[str, ...]
) -> list[Statement]:
    found: list[Statement] = []
    for statement in statements:
        if statement.name == "include" and len(statement.args) == 1:
            for path in sorted(name for name in parsed if matches(statement.args[0], name, folder)):
                if path in above:
                    raise TreeError(f"{path} includes itself")
                found.extend(_included(parsed[path], parsed, folder, (*above, path)))
            continue
        if statement.block is not None and not statement.name.endswith(("map", "types", "geo")):
            statement = Statement(**{**vars(statement), "block": _included(statement.block, parsed, folder, above)})
        found.append(statement)
    return found


def http_context(tree: list[Statement]) -> Context | None:
    """The http block with its servers, their locations and conditions; None when there is no http block."""
    for statement in tree:
        if statement.name == "http" and statement.block is not None:
            return _context("http", [tree], statement)
    return None


def _context(kind: str, chain: list[list[Statement]], statement: Statement) -> Context:
    block = statement.block or []
    context = Context(kind, [*chain, block], statement)
    for child in block:
        if child.block is not None and child.name in ("server", "location", "if", "limit_except"):
            context.children.append(_context(child.name, context.chain, child))
    return context


def walk(context: Context) -> Iterator[Context]:
    """A context and all within it."""
    yield context
    for child in context.children:
        yield from walk(child)


def servers(http: Context) -> list[Context]:
    """The servers, in the order nginx reads them."""
    return [child for child in http.children if child.kind == "server"]


@dataclass(frozen=True)
class Listener:
    """One address a server listens at; `host` is one that reaches it from the host itself."""

    host: str
    port: int
    tls: bool
    default: bool
    address: str
    """As the configuration writes it."""


def listeners(server: Context) -> list[Listener]:
    """Where a server listens; nginx's default is port 80. Sockets of the file system and QUIC are left out."""
    found = []
    own = server.own("listen")
    for args in [statement.args for statement in own] or [["80"]]:
        if not args or args[0].startswith("unix:") or "quic" in args[1:]:
            continue
        host, port = split_address(args[0])
        found.append(Listener(host, port, "ssl" in args[1:], "default_server" in args[1:], args[0]))
    return found


def split_address(text: str) -> tuple[str, int]:
    """The host to connect to and the port of a listen address; any address is reached on the loopback."""
    if text.isdigit():
        return "127.0.0.1", int(text)
    host, _unused, port = text.rpartition(":") if "]" not in text or "]:" in text else (text, "", "80")
    if not host or not port.isdigit():
        host, port = text, "80"
    host = host.strip("[]")
    if host == "*" or not host.strip("0."):
        host = "127.0.0.1"
    return ("::1" if host == "::" else host), int(port)


def names(server: Context) -> list[str]:
    """The names a server answers to that a client can send: no patterns, no catch-all."""
    said = [name for statement in server.own("server_name") for name in statement.args]
    return [name for name in said if name not in ("", "_") and name[0] not in "~.$" and "*" not in name]
