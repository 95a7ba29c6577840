# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files brought to their content, owner and mode together: validated before, checked after, or put back."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any, NamedTuple

TIMEOUT = 60.0  # seconds a validating program may take
LONGEST_SAID = 400  # characters of a program's complaint that are worth carrying home
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
MODES = {"file": 0o644, "directory": 0o755}


class PlacingError(Exception):
    """The files cannot be put in their place; whatever had been touched is back as it was."""


class Entry(NamedTuple):
    """One thing to bring about; `state` is file, directory or absent, `validate` a program with %s."""

    path: str
    state: str
    content: bytes
    uid: int
    gid: int
    mode: int
    validate: tuple[str, ...]
    secret: bool

    @classmethod
    def of(cls, option: dict[str, Any]) -> Entry:
        """Read a checked member of the module's `files`. Raises PlacingError."""
        path, state = option["path"], option["state"]
        if not os.path.isabs(path) or os.path.normpath(path) != path:
            raise PlacingError(f"{path}: no absolute path without detours; write it as the system does")
        validate = tuple(option["validate"] or ())
        if validate and "%s" not in validate:
            raise PlacingError(f'{path}: validate has no "%s", which stands for the new content; add it')
        try:
            uid, gid = pwd.getpwnam(option["owner"]).pw_uid, grp.getgrnam(option["group"]).gr_gid
        except KeyError as error:
            raise PlacingError(f"{path}: {error.args[0]}; expected an owner and group of this host") from error
        return cls(
            path, state, (option["content"] or "").encode(), uid, gid, _mode(path, state, option["mode"]), validate,
            option["secret"],
        )  # fmt: skip


class Present(NamedTuple):
    """What lies at a path now; `kind` is file, directory or absent."""

    kind: str
    content: bytes = b""
    uid: int = 0
    gid: int = 0
    mode: int = 0

    def shown(self, secret: bool) -> str:
        """Say it for a difference that people read."""
        if self.kind == "absent":
            return ""
        head = f"{self.kind} {self.mode:04o} {self.uid}:{self.gid}\n"
        return head + ("(not shown)\n" if secret and self.kind == "file" else self.content.decode("utf-8", "replace"))


class Place:
    """All files of one call. Nothing is touched before `land`."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._before = {entry.path: look(entry.path) for entry in entries}
        self._todo = [entry for entry in entries if self._before[entry.path] != _wanted(entry)]
        for entry in self._todo:
            was = self._before[entry.path].kind
            if was not in ("absent", entry.state) and entry.state != "absent":
                raise PlacingError(f"{entry.path}: there is a {was}; expected a {entry.state} or nothing; move it away")

    @property
    def paths(self) -> list[str]:
        """What changes, in order."""
        return [entry.path for entry in self._todo]

    def difference(self) -> list[dict[str, str]]:
        """One member a path that changes, as Ansible's diff mode wants it."""
        return [
            {
                "before_header": entry.path,
                "after_header": entry.path,
                "before": self._before[entry.path].shown(entry.secret),
                "after": _wanted(entry).shown(entry.secret),
            }
            for entry in self._todo
        ]

    def validate(self) -> None:
        """Ask each changing file's validator about a private copy. Raises PlacingError; nothing is touched."""
        for entry in self._todo:
            if entry.validate and entry.state == "file":
                with _copy(entry) as copy:
                    ask([copy if word == "%s" else word for word in entry.validate], entry.path)

    def land(self, checks: Sequence[Sequence[str]]) -> None:
        """Bring everything about, then ask `checks`. Raises PlacingError with everything put back."""
        done: list[Entry] = []
        try:
            for entry in self._todo:
                done.append(entry)
                bring_about(entry.path, _wanted(entry))
            for argv in checks if self._todo else ():
                ask([str(word) for word in argv], " ".join(self.paths))
        except (PlacingError, OSError) as error:
            for entry in reversed(done):
                bring_about(entry.path, self._before[entry.path])
            raise PlacingError(f"{error}; everything is as it was") from error


def look(path: str) -> Present:
    """What lies at `path`. Raises PlacingError for a link or anything but a file or a folder."""
    try:
        # One descriptor: what is read is what was looked at. A link, even to nothing, ends here with ELOOP.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return Present("absent")
    except OSError as error:
        raise PlacingError(f"{path}: {error.strerror}; expected a plain file or folder, or nothing") from error
    try:
        about = os.fstat(handle)
        mode, owners = stat.S_IMODE(about.st_mode), (about.st_uid, about.st_gid)
        if stat.S_ISDIR(about.st_mode):
            return Present("directory", b"", *owners, mode)
        if not stat.S_ISREG(about.st_mode):
            raise PlacingError(f"{path}: neither a file nor a folder; move it away")
        with open(handle, "rb", closefd=False) as opened:
            return Present("file", opened.read(), *owners, mode)
    finally:
        os.close(handle)


def bring_about(path: str, wanted: Present) -> None:
    """Make `path` what is wanted. A file is replaced by a rename; raises OSError."""
    if wanted.kind == "absent":
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        return
    if wanted.kind == "directory":
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, 0o700)
        os.chown(path, wanted.uid, wanted.gid, follow_symlinks=False)
        os.chmod(path, wanted.mode)
        return
    # Beside its place and dotted: on the same file system, and no *.conf that a daemon would read meanwhile.
    handle, name = tempfile.mkstemp(prefix=".holdfast-", dir=os.path.dirname(path))
    try:
        with open(handle, "wb") as new:
            new.write(wanted.content)
            os.fchown(new.fileno(), wanted.uid, wanted.gid)
            os.fchmod(new.fileno(), wanted.mode)
            new.flush()
            os.fsync(new.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def ask(argv: Sequence[str], about: str) -> None:
    """Raises PlacingError, with what the program said, unless it leaves with 0."""
    try:
        done = subprocess.run(
            list(argv), stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PlacingError(f"{about}: {argv[0]} could not be asked: {error}") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).decode("utf-8", "replace").split())[-LONGEST_SAID:]
        raise PlacingError(f"{about}: {argv[0]} refuses it: {said or 'it did not say why'}")


def _wanted(entry: Entry) -> Present:
    if entry.state == "absent":
        return Present("absent")
    return Present(entry.state, entry.content if entry.state == "file" else b"", entry.uid, entry.gid, entry.mode)


def _mode(path: str, state: str, text: str | None) -> int:
    try:
        mode = int(text, 8) if text is not None else MODES.get(state, 0)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise PlacingError(f'{path}: mode "{text}" is no octal mode; write it like "0640", in quotes')
    return mode


@contextlib.contextmanager
def _copy(entry: Entry) -> Any:
    """A private copy of the new content, under the name it will have, for a validator to read."""
    with tempfile.TemporaryDirectory(prefix="holdfast-") as private:
        copy = os.path.join(private, os.path.basename(entry.path))
        with open(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(entry.content)
        yield copy
