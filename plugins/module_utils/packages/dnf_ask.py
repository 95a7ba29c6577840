# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts questions to dnf: through a program in dnf's own interpreter (dnf_session.py), and by dnf's command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import dnf_session, settings
from .commands import READ_SECONDS, Done, run
from .errors import PackageError

PROGRAM = Path("/usr/bin/dnf")

HOME = settings.HOME / "dnf"
CACHE = HOME / "cache"
LOGS = HOME / "log"
STAMP = HOME / "refreshed"
INCOMING = HOME / "incoming"

_REFRESH_SECONDS = 600


class NoSolutionError(PackageError):
    """What was asked of dnf cannot be: its own words say why."""


def ask(question: dict[str, Any], *, seconds: float = READ_SECONDS, log: Path | None = None) -> dict[str, Any]:
    """Return dnf's answer to one of the questions of dnf_session.

    With log, all it says goes there, and a controller that dies does not end it (see commands.run). `hung` in the
    answer names the scripts that were ended because the time was over. Raises PackageError with dnf's own words when
    it finds no answer, and when it gives none at all.
    """
    prepare()
    asked = json.dumps({**question, "cachedir": str(CACHE), "logdir": str(LOGS)})
    done = run([interpreter(), "-I", str(_program()), asked], seconds=seconds, log=log)
    return {**read_answer(done), "hung": list(done.hung)}


def read_answer(done: Done) -> dict[str, Any]:
    """Return the answer in what the session wrote; raises PackageError when it is a refusal, or not there."""
    lines = [line for line in done.out.splitlines() if line.startswith(dnf_session.MARK)]
    if done.code != 0 or not lines:
        raise PackageError(f"dnf ended with {done.code} and without an answer: {done.complaint()}; look at the host")
    said: dict[str, Any] = json.loads(lines[-1][len(dnf_session.MARK) :])
    if "broken" in said:
        raise PackageError(f"dnf broke: {said['broken']}; mend dnf or its databases on the host, then run again")
    if "error" in said:
        raise NoSolutionError(f"dnf finds no solution: {said['error']}")
    return said


def refresh() -> None:
    """Fetch and verify the metadata of every repository the host is configured for, into Holdfast's own cache.

    dnf verifies what a repository says is signed (repo_gpgcheck) with the keys that the host's own configuration
    names. Raises PackageError with dnf's words when any repository cannot be fetched or verified.
    """
    prepare()
    options = [f"--setopt=cachedir={CACHE}", f"--setopt=logdir={LOGS}", "--setopt=*.skip_if_unavailable=0"]
    # Not quietly: only so does dnf say why a repository could not be fetched.
    argv = [str(PROGRAM), "--assumeyes", "--disableplugin=local", *options, "--refresh", "makecache"]
    answer = run(argv, seconds=_REFRESH_SECONDS)
    if answer.code != 0:
        said = [line.strip(" -") for line in answer.err.splitlines() if line.strip()]
        raise PackageError(
            f"the repositories could not be refreshed: {' | '.join(said[-4:])[:1500] or answer.complaint()}; "
            "mend the host's repositories or its way to them, then plan again"
        )
    STAMP.touch()


def prepare() -> None:
    """Make Holdfast's folders for dnf; nobody but root may enter them."""
    for folder in (settings.HOME, HOME, CACHE, LOGS):
        folder.mkdir(mode=0o755 if folder == settings.HOME else 0o700, exist_ok=True)


def interpreter(program: Path = PROGRAM) -> str:
    """Return the Python that dnf runs in, which need not be the one Ansible found.

    Raises PackageError when dnf is not there or is no Python program (dnf 5 is not).
    """
    try:
        with program.open("rb") as text:
            first = text.readline(256).decode("utf-8", "replace").split()
    except OSError as missing:
        raise PackageError(
            f"{program} is not on this host; expected dnf 4; take this host out of the plan"
        ) from missing
    path = first[0][2:] if first and first[0].startswith("#!/") else ""
    if "python" not in path.rpartition("/")[2]:
        raise PackageError(f"{program} is no Python program; expected dnf 4; this host's dnf is not supported")
    return path


def _program(path: Path = HOME / "session.py") -> Path:
    """Lay the session's program out for the interpreter, in a folder that only root may enter; return where."""
    text = source()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        waiting = path.with_suffix(".new")
        waiting.write_text(text, encoding="utf-8")
        waiting.replace(path)
    return path


def source() -> str:
    """Return the text of the session's program: Ansible keeps it in an archive, where no interpreter could run it."""
    text = dnf_session.__spec__.loader.get_source(dnf_session.__name__)  # type: ignore[union-attr]  # every loader has it
    return str(text)
