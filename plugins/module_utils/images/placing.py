# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts single paths back as an image has them."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Any

from .errors import ImageError
from .store import Store


def place(store: Store, path: str, entry: list[Any] | None, present: list[Any] | None) -> None:
    """Make `path` what `entry` says; None takes it away.

    Raises ImageError when its content is not kept, when a folder to go is not empty, or for what is neither file,
    link nor folder; OSError when the system refuses.
    """
    if "o" in (entry[0] if entry else "", present[0] if present else ""):
        raise ImageError(f"{path}: is neither file, link nor folder")
    if entry is None:
        _remove(path, present)
        return
    kind, mode, uid, gid, _what = entry
    if kind == "m":
        if present is None:
            raise ImageError(f"{path}: is gone, and only its mode is in the image")
    elif kind == "d":
        if present is not None and present[0] != "d":
            _remove(path, present)
        os.makedirs(path, exist_ok=True)
    else:
        _fill(store, path, entry, present)
    if kind == "l":
        os.lchown(path, uid, gid)
        return
    os.chown(path, uid, gid)
    os.chmod(path, mode)


def _fill(store: Store, path: str, entry: list[Any], present: list[Any] | None) -> None:
    """Give a file its content or a link its target, by a rename where the system allows one."""
    kind, _mode, uid, gid, what = entry
    same = present is not None and present[0] == kind and present[4] == what
    if same:
        return
    data = None if kind == "l" else store.content(what)
    if kind == "f" and data is None:
        raise ImageError(f"{path}: its earlier content is not kept on this host")
    if present is not None and present[0] == "d":
        _remove(path, present)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fresh = f"{path}.{os.getpid()}.holdfast"
    try:
        if data is None:
            os.symlink(what, fresh)
        else:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as target:
                target.write(data)
                os.fchown(descriptor, uid, gid)
                os.fchmod(descriptor, entry[1])
                target.flush()
                os.fsync(descriptor)
        os.rename(fresh, path)
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        if data is None or error.errno not in (errno.EBUSY, errno.EXDEV):
            raise
        with open(path, "wb") as target:  # something is mounted on this very file
            target.write(data)


def _remove(path: str, present: list[Any] | None) -> None:
    if present is None:
        return
    if present[0] == "m":
        raise ImageError(f"{path}: was not there before, and only its mode is in the image")
    if present[0] != "d":
        os.unlink(path)
        return
    try:
        os.rmdir(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise ImageError(f"{path}: is a folder with something else in it") from error
