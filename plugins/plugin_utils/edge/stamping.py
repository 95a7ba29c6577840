# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time stamps of others over a head: RFC 3161 tokens, which bound from above when the records beneath it were written.

A token says that the head existed at that time, and nothing of what came before: two histories can both be stamped. It
goes beside witnesses, not in their place.
"""

from __future__ import annotations

import urllib.request
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import LedgerError
from .witnessing import NoAnswerError, answer_of

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
"""RFC 3161, 3.4."""


def stamp(data: bytes, url: str, roots: bytes) -> tuple[bytes, datetime]:
    """Have a time stamping authority stamp these bytes; return its whole answer (DER), verified, and the time in it.

    `roots` are the authority's root certificates (PEM). Raises LedgerError where no answer holds.
    """
    rfc3161 = _library()
    request = rfc3161.TimestampRequestBuilder().data(data).hash_algorithm(rfc3161.HashAlgorithm.SHA256).build()
    try:
        # The scheme is checked where the address is read.
        status, kind, body = answer_of(urllib.request.Request(url, request.as_bytes(), {"Content-Type": QUERY}))  # noqa: S310 - see above
    except NoAnswerError as error:
        raise LedgerError(f"{url}: {error}; nothing was stamped") from error
    if status != 200 or kind.split(";")[0] != REPLY:
        raise LedgerError(f"{url}: answered {status} {kind}; expected 200 {REPLY}; nothing was stamped; correct --url")
    return body, check_stamp(body, data, roots, request)


def check_stamp(token: bytes, data: bytes, roots: bytes, request: TimeStampRequest | None = None) -> datetime:
    """Return the time at which a stamped answer says that these bytes existed; raises LedgerError unless it holds.

    With the request its nonce is compared too: the answer is to this question. The authority's own certificates must
    be in the answer, and lead to one of the roots.
    """
    rfc3161 = _library()
    from cryptography.x509 import load_pem_x509_certificates

    try:
        builder = rfc3161.VerifierBuilder.from_request(request) if request else rfc3161.VerifierBuilder()
        for certificate in load_pem_x509_certificates(roots):
            builder = builder.add_root_certificate(certificate)
        answer = rfc3161.decode_timestamp_response(token)
        builder.build().verify_message(answer, data)
        at: datetime = answer.tst_info.gen_time
    except (ValueError, rfc3161.VerificationError) as error:
        raise LedgerError(
            f"time stamp: {error}; expected one over these very bytes, by an authority under the roots given"
        ) from error
    return at.astimezone(UTC)


def _library() -> Any:
    try:
        import rfc3161_client
    except ImportError as error:
        raise LedgerError(
            "time stamps: the Python package rfc3161-client is missing; run: pip install 'holdfast[timestamps]'"
        ) from error
    return rfc3161_client
