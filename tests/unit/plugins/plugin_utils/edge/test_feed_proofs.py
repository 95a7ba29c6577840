# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a feed offers as proof is checked, what policy asks for must be there, and what is wrong refuses all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.holdfast.hipaa.plugins.module_utils.packages.openpgp import dearmour
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.feeding import Feeds, Outcome

from tests.feed_cases import DATA
from tests.feed_server import FeedServer, serving

SIGNED = DATA / "signed"
PROOFS = ("list.sha256", "list.sha512", "list.asc")

needs_gpgv = pytest.mark.skipif(shutil.which("gpgv") is None, reason="needs gpgv, which Debian 12 has")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the list, its proofs, and two keyrings."""
    for name in ("list", *PROOFS, "publisher.asc"):
        shutil.copy(SIGNED / name, tmp_path / name)
    (tmp_path / "other.gpg").write_bytes(dearmour((SIGNED / "other.asc").read_bytes()))
    (tmp_path / "policy").mkdir()
    return tmp_path


@pytest.fixture
def server() -> Iterator[FeedServer]:
    with serving() as found:
        yield found


def take(root: Path, source: str = "list", **more: Any) -> Outcome:
    wanted = {"id": "one", "kind": "debian-list", "source": source, "max_age_hours": 48, **more}
    (root / "policy" / "feeds.yml").write_text(yaml.safe_dump({"feeds": [wanted]}), encoding="utf-8")
    feeds = Feeds.of(root)
    return feeds.update(feeds.settings[0], lambda _text: None)


def proved(done: Outcome) -> tuple[str, str]:
    assert done.state is not None, done.reason
    return done.state.hash, done.state.signature


def fingerprint(done: Outcome) -> str:
    assert done.state is not None, done.reason
    (found,) = done.state.signed_by
    return found


def test_hashes_are_checked_where_they_are_offered(root: Path) -> None:
    assert proved(take(root)) == ("verified", "not-checked")
    for name in PROOFS:
        (root / name).unlink()
    assert proved(take(root)) == ("absent", "absent")


@pytest.mark.parametrize("name", ["list.sha256", "list.sha512"])
def test_a_hash_that_differs_refuses_asked_for_or_not(root: Path, name: str) -> None:
    (root / name).write_text(
        re.sub(r"^.", "0" if (root / name).read_text()[0] != "0" else "1", (root / name).read_text())
    )
    done = take(root)
    assert (done.result, done.state) == ("refused", None)
    assert f"as {name} says" in done.reason
    (root / name).write_text("no digest\n", encoding="utf-8")
    assert "hexadecimal digits first" in take(root).reason


@pytest.mark.parametrize(
    ("asked", "name"), [("sha256", "list.sha256"), ("sha512", "list.sha512"), ("signature", "list.asc")]
)
def test_what_policy_asks_for_must_be_there(root: Path, asked: str, name: str) -> None:
    (root / name).unlink()
    done = take(root, require=[asked], keyring="publisher.asc")
    assert (done.result, "policy asks" in done.reason) == ("refused", True)


@needs_gpgv
def test_a_good_signature_is_kept_with_its_key(root: Path) -> None:
    done = take(root, require=["signature", "sha512"], keyring="publisher.asc")
    assert proved(done) == ("verified", "verified")
    assert take(root, keyring="publisher.asc", signed_by=[fingerprint(done)]).result == "unchanged"


@needs_gpgv
@pytest.mark.parametrize("keyring", ["other.gpg", "list.sha256"])
def test_a_signature_of_no_key_named_refuses(root: Path, keyring: str) -> None:
    done = take(root, keyring=keyring)
    assert (done.result, "its signature does not hold" in done.reason) == ("refused", True)


@needs_gpgv
def test_a_signature_of_another_key_than_may_sign_refuses(root: Path) -> None:
    shutil.copy(SIGNED / "list.other.asc", root / "list.asc")
    assert take(root, keyring="other.gpg").result == "taken"
    done = take(root, keyring="other.gpg", signed_by=["A" * 40])
    assert (done.result, "expected one of signed_by" in done.reason) == ("refused", True)


@needs_gpgv
def test_one_byte_changed_is_no_longer_what_was_signed(root: Path) -> None:
    for name in ("list.sha256", "list.sha512"):
        (root / name).unlink()
    data = (root / "list").read_bytes()
    (root / "list").write_bytes(data.replace(b"rsync 3.2.7", b"rsync 3.2.6"))
    done = take(root, keyring="publisher.asc")
    assert (done.result, "BADSIG" in done.reason) == ("refused", True)
    assert take(root).result == "taken"  # without keys nobody can tell


def test_a_keyring_that_is_gone_refuses(root: Path) -> None:
    done = take(root, keyring="nowhere.gpg")
    assert (done.result, "expected the keyring that policy/feeds.yml names" in done.reason) == ("refused", True)


@needs_gpgv
def test_a_server_is_asked_for_the_proofs_that_policy_wants(root: Path, server: FeedServer) -> None:
    server.files = {f"/dsa/{name}": (SIGNED / name).read_bytes() for name in ("list", *PROOFS)}
    url = f"{server.url}/dsa/list"
    assert proved(take(root, url)) == ("not-checked", "not-checked")
    assert [path for path, _headers in server.asked] == ["/dsa/list"]
    server.asked.clear()
    (root / "feeds" / "index.json").unlink()
    assert proved(take(root, url, require=["sha256", "signature"], keyring="publisher.asc")) == ("verified", "verified")
    assert {path for path, _headers in server.asked} == {"/dsa/list", "/dsa/list.sha256", "/dsa/list.asc"}
    del server.files["/dsa/list.asc"]
    (root / "feeds" / "index.json").unlink()
    assert take(root, url, require=["signature"], keyring="publisher.asc").result == "unreachable"
