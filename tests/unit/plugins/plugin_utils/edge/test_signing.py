# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A site's keys opened: a passphrase typed at a terminal, unseen, or none asked for where nobody sits."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli.main import main
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.environment import PRODUCT
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.signing import site_signer
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keyfiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.site.site import load_site

COMMAND = (sys.executable, "-m", "ansible_collections.holdfast.hipaa.plugins.plugin_utils.cli")
ROOT = Path(__file__).resolve().parents[5]
WORDS = "canary words of mine"


def environment() -> dict[str, str]:
    """Return what the command needs, and nothing else."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "collections"), "LC_ALL": "C.UTF-8"}


def at_a_terminal(words: list[str], *typed: str) -> tuple[int, str]:
    """Run the command with a terminal at which somebody types, after each question; return exit code and what stood."""
    child, terminal = pty.fork()
    if not child:
        os.execve(COMMAND[0], [*COMMAND, *words], environment())  # noqa: S606  # no shell, and a terminal of its own
    shown, left = b"", list(typed)
    while True:
        try:
            read = os.read(terminal, 4096)
        except OSError:  # the terminal is gone with the process
            break
        if not read:
            break
        shown += read
        if left and shown.rstrip().endswith(b":"):
            os.write(terminal, left.pop(0).encode() + b"\n")
            shown += b"<typed>"
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


def without_a_terminal(*words: str) -> tuple[int, str]:
    """Run the command as cron does, the passphrase on stdin, where none is read; return exit code and stderr."""
    done = subprocess.run(
        [*COMMAND, *words], capture_output=True, input=f"{WORDS}\n{WORDS}\n", start_new_session=True, text=True,
        check=False, env=environment(), timeout=60,
    )  # fmt: skip
    return done.returncode, done.stderr


def test_passphrase_is_asked_twice_and_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    code, shown = at_a_terminal(["key", "new", str(path)], WORDS, "another")
    assert code == 2
    assert "the two passphrases differ" in shown
    assert not path.exists()
    code, shown = at_a_terminal(["key", "new", str(path)], WORDS, WORDS)
    assert code == 0, shown
    assert "canary" not in shown
    assert f"new passphrase of {path}:" in shown
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()


def test_where_nobody_sits_no_key_is_made_by_chance(tmp_path: Path) -> None:
    code, said = without_a_terminal("key", "new", str(tmp_path / "key.pem"))
    assert code == 2
    assert "no terminal to ask for a passphrase at; expected --passphrase-file FILE, or --plain" in said
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    """A site whose root key is encrypted, its passphrase in the file `words` beside the site."""
    site = tmp_path / "clinic"
    assert main(["init", str(site)]) == 0
    root = site / "keys/root.pem"
    private = root.read_text()
    root.unlink()
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    keyfiles.write_private(root, load_pem_private_key(private.encode(), None), WORDS)
    (tmp_path / "words").write_text(WORDS)
    (tmp_path / "words").chmod(0o600)
    text = (site / "trust.yml").read_text()
    (site / "trust.yml").write_text(
        text.replace("version: 1", "version: 2", 1).replace("[requester]", "[requester, approver]")
    )
    return site


def test_root_key_with_a_passphrase_publishes_at_a_terminal(locked: Path) -> None:
    words = ["trust", "publish", "--site", str(locked)]
    code, said = without_a_terminal(*words)
    assert code == 3
    assert f"passphrase of {locked}/keys/root.pem: no terminal to ask for it at" in said
    code, shown = at_a_terminal(words, "not these words")
    assert code == 3
    assert "the passphrase is not this key's" in shown
    assert "not these words" not in shown
    code, shown = at_a_terminal(words, WORDS)
    assert code == 0, shown
    assert "version 2 is in force" in shown
    assert main(["audit", "--site", str(locked)]) == 0


def test_root_key_with_a_passphrase_in_a_file_publishes_by_itself(locked: Path) -> None:
    settings = locked / "site.yml"
    settings.write_text(settings.read_text() + "keys:\n  root: file:keys/root.pem?passphrase-file=../words\n")
    code, said = without_a_terminal("trust", "publish", "--site", str(locked))
    assert code == 0, said
    assert main(["audit", "--site", str(locked)]) == 0
    assert site_signer(load_site(locked, PRODUCT), "root").public_key.kind == "ed25519"
