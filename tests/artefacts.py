# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds what is shipped, collection tarball and wheel, from `git archive HEAD`: no stray file travels.

- `python tests/artefacts.py dist`: both, into dist/
- `python tests/artefacts.py wheels`: fetch what an empty environment needs beside ours, into build/wheels/
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Root may well build in a user's checkout; git asks to be told that this is meant.
GIT = ("git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT))


def export_head(into: Path) -> Path:
    """Unpack the tracked files of HEAD into the folder `into`, made if absent; return it."""
    into.mkdir(parents=True, exist_ok=True)
    archive = into / "head.tar"
    subprocess.run([*GIT, "archive", "--format=tar", f"--output={archive}", "HEAD"], check=True)
    # tar itself: the safe filters of Python's tarfile are missing from the 3.11.2 that Debian 12 ships.
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(into)], check=True)
    archive.unlink()
    return into


def build_collection(source: Path, into: Path) -> Path:
    """Build the collection's tarball from an exported tree; return its path."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        # Its own Ansible home: an account's settings must not reach the artefact.
        environment = {**os.environ, "ANSIBLE_HOME": home, "LC_ALL": "C.UTF-8"}
        _quietly(
            [
                sys.executable,
                "-m",
                "ansible",
                "galaxy",
                "collection",
                "build",
                "--force",
                "--output-path",
                str(into),
                str(source),
            ],
            cwd=source,
            env=environment,
        )
    return _only(into, "holdfast-hipaa-*.tar.gz")


def build_wheel(source: Path, into: Path) -> Path:
    """Build the wheel from an exported tree with the backend installed here; return its path."""
    into.mkdir(parents=True, exist_ok=True)
    _quietly([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(into), str(source)])
    return _only(into, "holdfast-*.whl")


def _quietly(argv: list[str], cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    """Run a command; show what it said only when it fails, then raise CalledProcessError."""
    done = subprocess.run(
        argv, cwd=cwd, env=env, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
    done.check_returncode()


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise SystemExit(
            f"{folder}: {len(found)} files match {pattern}; expected one; empty the folder and build again"
        )
    return found[0]


def uncommitted() -> list[str]:
    """Return git's short lines for tracked or new files whose present content is not in HEAD."""
    done = subprocess.run([*GIT, "status", "--porcelain"], check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout.splitlines()


def wheels() -> Path:
    """Return a folder with the wheel of every package an empty environment needs, at our pinned versions.

    With `pip install --no-index --find-links FOLDER` such an environment is then made without the network.
    The folder is filled once for each interpreter and set of pins.
    """
    constraints = ROOT / "constraints.txt"
    project = (ROOT / "pyproject.toml").read_bytes()
    key = hashlib.sha256(project + constraints.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / "build" / "wheels" / key
    complete = folder / "complete"
    if not complete.exists():
        wanted = [*tomllib.loads(project.decode())["project"]["dependencies"], "ansible-runner"]
        pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--wheel-dir", str(folder), "--constraint", str(constraints), *wanted], check=True)
        complete.touch()
    return folder


def main() -> int:
    """Build both artefacts into dist/, or fetch the wheels; name what was made."""
    if sys.argv[1:] == ["wheels"]:
        print(wheels().relative_to(ROOT))
        return 0
    if sys.argv[1:] != ["dist"]:
        print(__doc__, file=sys.stderr)
        return 2
    left_out = uncommitted()
    if left_out:
        print(f"dist: {len(left_out)} uncommitted changes are not in what is built", file=sys.stderr)
    out = ROOT / "dist"
    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        source = export_head(Path(folder) / "head")
        for path in (build_collection(source, out), build_wheel(source, out)):
            print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
