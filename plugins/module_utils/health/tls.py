# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health check tls: a port shows a certificate that clients trust, for its name, and for long enough."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

from .answer import HELD, Answer

_DAY = 86400


def check(argument: dict[str, Any], seconds: float) -> Answer:
    """Shake hands as a client does: chain and name are checked against the system's store, or a given file of CAs.

    The certificate must still be valid for `days` days. Nothing is sent after the handshake.
    """
    host, port = argument.get("host") or "127.0.0.1", argument["port"]
    authorities = argument.get("ca_file")
    days = 14 if argument.get("days") is None else argument["days"]
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (ssl.SSLError, OSError):
        return Answer(False, f"{authorities} holds no certificates of authorities that can be read")
    try:
        with (
            socket.create_connection((host, port), timeout=seconds) as plain,
            context.wrap_socket(plain, server_hostname=argument.get("server_name") or host) as secured,
        ):
            shown = secured.getpeercert() or {}
    except socket.timeout:
        return Answer(False, f"{host} port {port} did not answer within {seconds:g} s")
    except ssl.SSLCertVerificationError as problem:
        return Answer(False, f"the certificate does not hold: {problem.verify_message}")
    except ssl.SSLError as problem:
        return Answer(False, f"TLS: {problem.reason or 'no agreement'}")
    except OSError as problem:
        return Answer(False, f"{host} port {port}: {problem.strerror or 'no connection'}")
    left = (ssl.cert_time_to_seconds(str(shown["notAfter"])) - time.time()) / _DAY
    if left < days:
        return Answer(False, f"the certificate ends in {max(0, int(left))} days, expected {days} or more")
    return HELD
