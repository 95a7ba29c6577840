# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever strangers send is taken apart or refused: no other error, no second spelling of the same thing."""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.heads import parse
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.notekeys import LOG, WITNESS, NoteKey
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.audit.receipts import Receipt
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.edge.witnessing import submitted
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.errors import LedgerError
from ansible_collections.holdfast.hipaa.plugins.plugin_utils.witness.service import Submission
from hypothesis import given
from hypothesis import strategies as st

ROOT = "p" * 43 + "="
NOTE = f"org\n7\n{ROOT}\n\n\u2014 org {'A' * 90}==\n"
PIECES = st.lists(
    st.sampled_from(
        ["\n", "\n\n", "old 0", "old 7", "index 3", "c2sp.org/tlog-proof@v1", "extra aGk=", ROOT, "org", "7", "0", "-1",
         "\u2014 org ", "A" * 90 + "==", "A" * 92, "\u2014", " ", "+", "\x00", "9" * 30, NOTE]
    )
    | st.text(max_size=8),
    max_size=14,
).map("".join)  # fmt: skip


@given(PIECES)
def test_checkpoint(text: str) -> None:
    with suppress(ValueError):
        head = parse(text)
        assert head.text.decode() + "\n" == text.partition("\n\n")[0] + "\n\n"
        assert len(head.root) == 32


@given(PIECES)
def test_receipt(text: str) -> None:
    with suppress(ValueError):
        receipt = Receipt.parse(text)
        assert f"index {receipt.index}\n" in text


@given(PIECES.map(str.encode) | st.binary(max_size=200))
def test_request(data: bytes) -> None:
    with suppress(ValueError):
        asked = Submission.parse(data)
        assert submitted(asked.old, asked.proof, asked.note) == data, "there is one spelling of a request"


@given(
    st.lists(st.sampled_from(["org", "+", "0" * 8, "BAAA", "=", ROOT]) | st.text(max_size=4), max_size=8).map("".join)
)
def test_key(text: str) -> None:
    for kind in (LOG, WITNESS):
        with suppress(LedgerError):
            assert NoteKey.parse(text, kind).written == text.strip()


@given(
    st.sampled_from([LOG, WITNESS]), st.binary(min_size=32, max_size=32), st.from_regex(r"[^\s+]{1,20}", fullmatch=True)
)
def test_key_that_is_written_is_read(kind: int, raw: bytes, name: str) -> None:
    key = NoteKey(name, kind, raw)
    assert NoteKey.parse(key.written, kind) == key
