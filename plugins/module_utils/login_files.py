# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files of a host have to read like what so that logins and passwords are as asked; reads, and writes nothing."""

from __future__ import annotations

import os
from typing import Any

from . import pam_edit
from .pam_edit import Wish

PAM = "/etc/pam.d"
SAVED = "/var/lib/pam"
PROFILES = "/usr/share/pam-configs"
LOCKED_FIRST = Wish("holdfast-faillock-first", "requisite\t\t\tpam_faillock.so preauth", "first")
LOCKED_LAST = Wish("holdfast-faillock-last", "[default=die]\t\t\tpam_faillock.so authfail", "last")
FORGIVEN = Wish("holdfast-faillock-first", "required\t\t\tpam_faillock.so", "first")
QUALITY = Wish("pwquality", "requisite\t\t\tpam_pwquality.so retry=3", "first")

PROFILE = """Name: {name}
Default: no
Priority: {priority}
"""
FAILLOCK_FIRST = (
    PROFILE.format(name="Refuse accounts after too many wrong passwords (first part)", priority=2048)
    + "Auth-Type: Primary\nAuth:\n\trequisite\t\t\tpam_faillock.so preauth\n"
    + "Account-Type: Primary\nAccount:\n\trequired\t\t\tpam_faillock.so\n"
)
FAILLOCK_LAST = (
    PROFILE.format(name="Refuse accounts after too many wrong passwords (last part)", priority=1)
    + "Auth-Type: Primary\nAuth:\n\t[default=die]\t\t\tpam_faillock.so authfail\n"
)
HISTORY = PROFILE.format(name="Refuse passwords that were used before", priority=1000) + (
    "Password-Type: Primary\nPassword:\n\t{rest}\n"
)


class Host:
    """The files as they are, and as they have to be; `root` is / but in tests."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._was: dict[str, str] = {}
        self._now: dict[str, str] = {}

    def text(self, path: str) -> str:
        """What a file has to read like so far; "" when it does not exist. Raises OSError."""
        if path not in self._now:
            whole = os.path.join(self._root, path.lstrip("/"))
            if not os.path.exists(whole):
                return ""
            with open(whole, encoding="utf-8", errors="surrogateescape") as source:
                self._was[path] = self._now[path] = source.read()
        return self._now[path]

    def put(self, path: str, text: str) -> None:
        """Say what a file has to read like."""
        self.text(path)
        self._now[path] = text

    def changed(self) -> list[dict[str, str]]:
        """Path and content of every file that has to change, in the order in which they were asked for."""
        return [{"path": path, "content": text} for path, text in self._now.items() if self._was.get(path) != text]

    def wish(self, facility: str, wish: Wish) -> None:
        """Put one line into a facility's block, and into what Debian remembers. Raises pam_edit.PamError."""
        file, saved = f"{PAM}/common-{facility}", f"{SAVED}/{facility}"
        text, remembered = pam_edit.with_wish(self.text(file), self.text(saved), facility, wish)
        self.put(file, text)
        if remembered:
            self.put(saved, remembered)
        seen = self.text(f"{SAVED}/seen")
        if seen and wish.profile not in seen.split():
            self.put(f"{SAVED}/seen", f"{seen}{wish.profile}\n")


def missing(asked: dict[str, Any], root: str = "/") -> list[str]:
    """The packages without which new passwords could not be weighed: the module, and the words that it looks up."""
    needed = {"libpam-pwquality": f"{PROFILES}/pwquality", "cracklib-runtime": "/var/cache/cracklib/cracklib_dict.pwd"}
    wanted = needed if asked["quality"] else {}
    return [name for name, path in wanted.items() if not os.path.exists(os.path.join(root, path.lstrip("/")))]


def plan(asked: dict[str, Any], root: str = "/") -> list[dict[str, str]]:
    """The files that have to change. Raises pam_edit.PamError and OSError.

    `asked` has settings (path, assign, heading, values), and failures, remember, empty_passwords, session_mask, each
    None when it is to be left alone.
    """
    host = Host(root)
    for one in asked["settings"]:
        if one["values"]:
            text = pam_edit.with_values(host.text(one["path"]), one["values"], one["assign"], one["heading"])
            host.put(one["path"], text)
    if asked["failures"]:
        host.put(f"{PROFILES}/{LOCKED_FIRST.profile}", FAILLOCK_FIRST)
        host.put(f"{PROFILES}/{LOCKED_LAST.profile}", FAILLOCK_LAST)
        host.wish("auth", LOCKED_FIRST)
        host.wish("auth", LOCKED_LAST)
        host.wish("account", FORGIVEN)
        for path in (f"{PAM}/common-auth", f"{SAVED}/auth"):
            # What Debian gives a module that is not the first to be asked.
            host.put(path, pam_edit.with_option(host.text(path), "pam_unix.so", "try_first_pass"))
    if asked["quality"]:
        host.wish("password", QUALITY)
    if asked["remember"] is not None:
        rest = f"requisite\t\t\tpam_pwhistory.so remember={asked['remember']} use_authtok"
        host.put(f"{PROFILES}/holdfast-pwhistory", HISTORY.format(rest=rest))
        host.wish("password", Wish("holdfast-pwhistory", rest, "pam_unix.so"))
    if asked["quality"] or asked["remember"] is not None:
        for path in (f"{PAM}/common-password", f"{SAVED}/password"):
            # The password was asked for further up; pam_unix must not ask again.
            host.put(
                path, pam_edit.with_option(host.text(path), "pam_unix.so", "use_authtok try_first_pass", "obscure")
            )
    if asked["empty_passwords"] is False:
        path = f"{PAM}/common-auth"
        host.put(path, pam_edit.without_option(host.text(path), "pam_unix.so", ("nullok", "nullok_secure")))
    if asked["session_mask"]:
        for name in ("common-session", "common-session-noninteractive"):
            line = "session optional\t\t\tpam_umask.so"
            host.put(f"{PAM}/{name}", pam_edit.with_line_after_block(host.text(f"{PAM}/{name}"), "pam_umask.so", line))
    return host.changed()
