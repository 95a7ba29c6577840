# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing and verifying with the tools that others use: OpenSSL, ssh-keygen, and OpenSSH's dummy of a FIDO2 token."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger import keyfiles
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.keys import PublicKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.signers import FileSigner, Signer, SshSigner
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.ledger.ssh import NAMESPACE

DUMMY = Path(sys.prefix) / "lib/openssh/sk-dummy.so"
"""A token in software, from Debian's openssh-tests; .ci/setup unpacks it there."""
SSH_TYPES = {
    "ssh-ed25519": ("ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa", "-b", "256"),
    "ecdsa-sha2-nistp384": ("ecdsa", "-b", "384"),
    "sk-ssh-ed25519@openssh.com": ("ed25519-sk",),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("ecdsa-sk",),
}
"""Kinds of key, and ssh-keygen's words for them."""


def openssl(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run OpenSSL; raises CalledProcessError when it fails."""
    return subprocess.run(["openssl", *words], capture_output=True, check=True, timeout=60, **more)


def openssl_key(path: Path, kind: str, *more: str) -> Path:
    """Make a private key as OpenSSL does, in PKCS#8 of mode 0600."""
    curve = {"ecdsa-p256": "P-256", "ecdsa-p384": "P-384"}.get(kind)
    words = ["ec", "-pkeyopt", f"ec_paramgen_curve:{curve}"] if curve else ["ed25519"]
    openssl("genpkey", "-algorithm", *words, *more, "-out", path)
    path.chmod(0o600)
    return path


def openssl_takes(key: PublicKey, signature: bytes, message: bytes, folder: Path) -> bool:
    """Say whether OpenSSL verifies a bare signature."""
    (folder / "message").write_bytes(message)
    (folder / "signature").write_bytes(signature)
    (folder / "public.pem").write_text(key.pem)
    if key.kind == "ed25519":
        words = [
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "public.pem",
            "-rawin",
            "-in",
            "message",
            "-sigfile",
            "signature",
        ]
    else:
        digest = "-sha256" if key.kind == "ecdsa-p256" else "-sha384"
        words = ["dgst", digest, "-verify", "public.pem", "-signature", "signature", "message"]
    return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=False, timeout=60).returncode == 0


def ssh_keygen(*words: str | Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen; raises CalledProcessError when it fails."""
    return subprocess.run(["ssh-keygen", "-q", *words], capture_output=True, check=True, timeout=60, **more)


def armoured(blob: bytes) -> str:
    """Return an SSHSIG blob as ssh-keygen reads it."""
    return f"-----BEGIN SSH SIGNATURE-----\n{base64.encodebytes(blob).decode()}-----END SSH SIGNATURE-----\n"


def ssh_keygen_takes(
    key: PublicKey, blob: bytes, message: bytes, folder: Path, *more: str, options: str = "", who: str = "alice"
) -> bool:
    """Say whether ssh-keygen verifies a signature of alice, whose line of allowed_signers has these options."""
    (folder / "allowed").write_text(f"alice {options} {key.written}\n")
    (folder / "signature").write_text(armoured(blob))
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", who, "-n", NAMESPACE, "-s", "signature", *more]
    return (
        subprocess.run(command, cwd=folder, input=message, capture_output=True, check=False, timeout=60).returncode == 0
    )


def varied_keys(folder: Path, first: str, second: str) -> dict[str, Signer]:
    """Return a signer for each principal of tests/ledger_cases.py: machines with ECDSA, two approvers with SSH keys.

    The log's key stays Ed25519: other readers of heads know no other.
    """
    machines = {"controller": "ecdsa-p256", "scanner": "ecdsa-p384", "root": "ecdsa-p384", "operations": "ecdsa-p256"}
    people = {"security": first, "revenue-cycle": second}
    keys: dict[str, Signer] = {}
    for name in ("root", "log", "operations", "security", "revenue-cycle", "controller", "scanner"):
        if name in people:
            ssh_keygen("-t", *SSH_TYPES[people[name]], "-N", "", "-C", "demo", "-f", folder / name)
            keys[name] = SshSigner(folder / name)
        else:
            keys[name] = FileSigner(keyfiles.make_private(machines.get(name, "ed25519")))
    return keys


NEEDS_DUMMY = pytest.mark.skipif(not DUMMY.exists(), reason=f"needs {DUMMY}, which .ci/setup unpacks")
VARIED = [
    pytest.param(("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"), id="ecdsa"),
    pytest.param(("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"), id="token", marks=NEEDS_DUMMY),
]
"""Kinds of the two approvers' keys."""
