# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Works out which files would bring an nginx to its settings; touches none of them.

What is wished goes into a file of our own that the http block reads. A statement elsewhere that says otherwise, in
whatever block, becomes a comment that starts with `holdfast:`, because an inner block wins over an outer one and
nginx takes most directives once a block. A statement that keeps within a limit is left as it is.
"""

from __future__ import annotations

import os
import posixpath
import socket
import stat
from dataclasses import dataclass, field
from typing import Any

from .probes import _nginx_tree as tree
from .probes import nginx as probe

FOLDER = "/etc/nginx"
SETTINGS = FOLDER + "/conf.d/00-holdfast.conf"
HEADERS = FOLDER + "/snippets/holdfast-headers.conf"
REDIRECT = FOLDER + "/snippets/holdfast-redirect.conf"
OWN = (SETTINGS, HEADERS, REDIRECT)
HEAD = "# Written by the role nginx; what is changed here by hand is changed back.\n"
LEVELS = ("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg")
LOGS = "/var/log/nginx/"


class NginxError(Exception):
    """The files cannot be worked out; the text says why and what to do."""


@dataclass
class Wish:
    """What shall hold; None and a missing name mean that it is left alone."""

    limits: dict[str, int] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    protocols: list[str] | None = None
    ciphers: list[str] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    log_fields: list[str] | None = None
    error_level: str | None = None
    user: str | None = None
    plain_http: str | None = None
    plain_paths: list[str] = field(default_factory=list)
    unknown_names: str | None = None

    @classmethod
    def of(cls, given: dict[str, Any]) -> Wish:
        """Read a module's arguments, without what is null."""
        plain = {}
        for name, value in given.items():
            kept = {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else value
            if kept is not None:
                plain[name] = kept
        return cls(**plain)


class Editor:
    """The texts of all files, and the edits to them."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts
        self.edits: dict[str, list[tuple[int, int, str]]] = {}

    def replace(self, statement: tree.Statement, text: str) -> None:
        """Put a text in a statement's place."""
        self._add(statement.path, statement.start, statement.end, text)

    def silence(self, statement: tree.Statement) -> None:
        """Turn a statement into a comment of one line."""
        text = self.texts[statement.path]
        said = " ".join(text[statement.start : statement.end].split())
        rest = text[statement.end :].split("\n", 1)[0].strip()
        self.replace(statement, f"# holdfast: {said}" + ("\n" if rest and rest[0] != "#" else ""))

    def insert(self, block: tree.Statement, text: str) -> None:
        """Put a statement at the start of a block."""
        self._add(block.path, block.inner, block.inner, f"\n\t{text}")

    def prepend(self, path: str, text: str) -> None:
        """Put a statement at the start of a file."""
        self._add(path, 0, 0, text + "\n")

    def _add(self, path: str, start: int, end: int, text: str) -> None:
        edit = (start, end, text)
        if edit not in self.edits.setdefault(path, []):  # a file that is included twice is edited once
            self.edits[path].append(edit)

    def results(self) -> dict[str, str]:
        """Path -> new text of every file that changes."""
        changed = {}
        for path, edits in self.edits.items():
            text = self.texts[path]
            for start, end, new in sorted(edits, reverse=True):
                text = text[:start] + new + text[end:]
            changed[path] = text
        return changed


class Plan:
    """All edits that a wish makes necessary. Raises NginxError."""

    def __init__(self, texts: dict[str, str], wish: Wish, names: list[str]) -> None:
        self.wish, self.names = wish, names
        self.main = next(iter(texts))
        self.editor = Editor(texts)
        try:
            self.all = tree.load({path: text for path, text in texts.items() if path not in OWN})
            self.before = tree.parse(texts.get(SETTINGS, ""), SETTINGS)
        except tree.TreeError as error:
            raise NginxError(str(error)) from error
        http = tree.http_context(self.all)
        if http is None or http.statement is None:
            raise NginxError(f"{self.main} has no http block; this role configures web servers")
        self.http, self.servers = http, tree.servers(http)
        self.settings: list[str] = []
        self._directives()
        self._headers()
        self._logs()
        self._user()
        self._redirects()
        self._strangers()
        if self.settings:
            self._read_ours(http.statement)

    def files(self) -> dict[str, str]:
        """Path -> text: the edited files, and our own."""
        found = self.editor.results()
        headers = [f'add_header {n} "{v}" always;' for n, v in self.wish.headers.items() if n != HSTS]
        if HSTS in self.wish.headers:
            headers.append(f"add_header {HSTS} $holdfast_hsts always;")
        redirects = redirect(self.wish.plain_paths) if self.wish.plain_http is not None else []
        for path, lines in ((SETTINGS, self.settings), (HEADERS, headers), (REDIRECT, redirects)):
            # A file that other files of the site may include stays when nothing is left to say in it.
            if lines or path in self.editor.texts or os.path.exists(path):
                found[path] = HEAD + "".join(f"{line}\n" for line in lines)
        return found

    def _read_ours(self, http: tree.Statement) -> None:
        patterns = [
            statement.args[0]
            for statement in tree.parse(self.editor.texts[http.path], http.path)
            if statement.name == "http"
            for statement in statement.block or []
            if statement.name == "include" and statement.args
        ]
        if not any(tree.matches(pattern, SETTINGS, posixpath.dirname(self.main)) for pattern in patterns):
            self.editor.insert(http, f"include {SETTINGS};")

    def _directives(self) -> None:
        for name, bound in self.wish.limits.items():
            self._one(name, str(bound), lambda args, n=name, b=bound: within(n, args, b))
        for name, value in self.wish.switches.items():
            self._one(name, value, lambda args, v=value: args == [v])
        if self.wish.protocols is not None:
            wished = set(self.wish.protocols)
            self._one("ssl_protocols", " ".join(self.wish.protocols), lambda args: bool(args) and set(args) <= wished)
        if self.wish.ciphers is not None:
            suites = ":".join(self.wish.ciphers)
            self._one("ssl_ciphers", suites, lambda args: args == [suites])

    def _one(self, name: str, value: str, fine: Any) -> None:
        """Say a directive in our file, and silence whatever says otherwise anywhere."""
        said = False
        for context in tree.walk(self.http):
            for statement in context.own(name):
                if not fine(statement.args):
                    self.editor.silence(statement)
                elif context.kind == "http":
                    said = True
        if not said:
            self.settings.append(f"{name} {value};")

    def _headers(self) -> None:
        ours = {name.lower() for name in self.wish.headers}
        if HSTS in self.wish.headers:
            self.settings.append(f'map $https $holdfast_hsts {{ on "{self.wish.headers[HSTS]}"; default ""; }}')
        if ours:
            self.settings.append(f"include {HEADERS};")
        for context in tree.walk(self.http):
            own = context.own("add_header")
            foreign = [s for s in own if not s.args or s.args[0].lower() not in ours]
            for statement in own:
                if statement not in foreign:
                    self.editor.silence(statement)
            # A block that adds a header of its own inherits none.
            if foreign and ours and context.kind != "http" and context.statement is not None:
                self._include_once(context.statement, HEADERS)

    def _include_once(self, block: tree.Statement, path: str) -> None:
        line = f"include {path};"
        if line not in self.editor.texts[block.path][block.inner : block.end]:
            self.editor.insert(block, line)

    def _logs(self) -> None:
        if self.wish.log_fields is not None:
            fields = ",".join(f'"{name.lstrip("$")}":"{name}"' for name in self.wish.log_fields)
            self.settings.append(f"log_format holdfast escape=json '{{{fields}}}';")
            paths = self._log("access_log", lambda args: args[1:2] == ["holdfast"], "holdfast")
            self.settings.extend(f"access_log {path} holdfast;" for path in paths or [LOGS + "access.log"])
        if self.wish.error_level is not None:
            level = self.wish.error_level
            loud = LEVELS[: LEVELS.index(level) + 1]
            paths = self._log("error_log", lambda args: len(args) > 1 and args[1] in loud, level)
            self.settings.extend(f"error_log {path} {level};" for path in paths or [LOGS + "error.log"])

    def _log(self, name: str, fine: Any, word: str) -> list[str]:
        """Mend what servers say of a log; silence what http says and return the paths it named, now or before."""
        paths = []
        for statement in self.http.own(name):
            paths += [statement.args[0]] if statement.args and statement.args[0] not in ("off", "/dev/null") else []
            self.editor.silence(statement)
        paths = paths or [s.args[0] for s in self.before if s.name == name and s.args[0] != "/dev/null"]
        for server in self.servers:
            for statement in server.own(name):
                if statement.args[:1] in ([], ["off"], ["/dev/null"]):
                    self.editor.silence(statement)
                elif not fine(statement.args):
                    self.editor.replace(statement, f"{name} {statement.args[0]} {word};")
        return paths

    def _user(self) -> None:
        if self.wish.user is None:
            return
        said = [statement for statement in self.all if statement.name == "user"]
        for statement in said:
            if statement.args[:1] != [self.wish.user]:
                self.editor.replace(statement, f"user {self.wish.user};")
        if not said:
            self.editor.prepend(self.main, f"user {self.wish.user};")

    def _redirects(self) -> None:
        doors = [(server, tree.listeners(server)) for server in self.servers]
        if self.wish.plain_http is None or not any(at.tls for _server, found in doors for at in found):
            return
        for server, found in doors:
            away = any(
                s.args[:1] in (["301"], ["302"], ["308"]) and "https://" in s.args[-1] for s in server.own("return")
            )
            if not away and server.statement is not None and any(not at.tls for at in found):
                self._include_once(server.statement, REDIRECT)

    def _strangers(self) -> None:
        """A server of our own becomes the default one everywhere, and gives no answer."""
        if self.wish.unknown_names is None:
            return
        addresses: dict[bool, list[str]] = {False: [], True: []}
        for server in self.servers:
            for at in tree.listeners(server):
                if at.address not in addresses[at.tls]:
                    addresses[at.tls].append(at.address)
            for statement in server.own("listen"):
                if "default_server" in statement.args or "default" in statement.args[1:]:
                    words = [word for word in statement.args if word not in ("default_server", "default")]
                    self.editor.replace(statement, f"listen {' '.join(words)};")
            self._name(server)
        plain = [address for address in addresses[False] if address not in addresses[True]]
        for found, extra in ((plain, ""), (addresses[True], " ssl")):
            if found:
                listens = " ".join(f"listen {address}{extra} default_server;" for address in found)
                refuse = "ssl_reject_handshake on; " if extra else ""
                self.settings.append(f"server {{ {listens} server_name _; {refuse}return 444; }}")

    def _name(self, server: tree.Context) -> None:
        """A server that took every name is left with those of the host itself, for its health checks."""
        said = server.own("server_name")
        line = f"server_name {' '.join(self.names)};"
        if not said and server.statement is not None:
            self.editor.insert(server.statement, line)
        elif said and all(set(statement.args) <= {"_", ""} for statement in said):
            self.editor.replace(said[0], line)


HSTS = "Strict-Transport-Security"


def within(name: str, args: list[str], bound: int) -> bool:
    """Whether a statement of a limit keeps within it; zero means no limit."""
    number = probe.limit(name, args[0]) if args else None
    return number is not None and 0 < number <= bound


def redirect(paths: list[str]) -> list[str]:
    """Statements for a server: whoever comes without TLS is sent to https, but for some paths."""
    lines = ['set $holdfast_plain "";', 'if ($scheme = http) { set $holdfast_plain "away"; }']
    for path in paths:
        escaped = "".join("\\" + sign if sign in ".+*?()[]|^$" else sign for sign in path)
        end = "" if path.endswith("/") else "$"
        lines.append(f'if ($uri ~ "^{escaped}{end}") {{ set $holdfast_plain ""; }}')
    lines.append("if ($holdfast_plain) { return 301 https://$host$request_uri; }")
    return lines


def host_names() -> list[str]:
    """What a host calls itself: the loopback and its own names."""
    own = {socket.gethostname(), socket.getfqdn()} - {"localhost", ""}
    return ["localhost", "127.0.0.1", "[::1]", *sorted(own)]


def entries(contents: dict[str, str]) -> list[dict[str, str]]:
    """What `holdfast.hipaa.place` wants; links are followed, and a file's mode stays, but for rights to write."""
    found = []
    for path, text in sorted(contents.items()):
        real = os.path.realpath(path)
        mode = stat.S_IMODE(os.stat(real).st_mode) & ~0o022 if os.path.exists(real) else 0o644
        found.append({"path": real, "content": text, "mode": f"{mode:04o}"})
    return found


def rights(state: probe.State, writable: bool, keys: bool) -> list[dict[str, str]]:
    """What `holdfast.hipaa.file_modes` wants, for the files whose rights reach too far."""
    import grp

    found = []
    for asked, paths, mode in ((writable, probe.writable_files(state), "7755"), (keys, probe.open_keys(state), "0740")):
        for line in paths if asked else ():
            path = os.path.realpath(line.partition(" ")[2])
            group = grp.getgrgid(os.stat(path).st_gid).gr_name
            found.append({"path": path, "mode": mode, "owner": f"root:{group}"})
    return found
