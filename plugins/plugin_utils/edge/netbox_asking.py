# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a NetBox for devices, virtual machines and IP addresses, page by page; the token goes nowhere else."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import HoldfastError, UsageError
from ..intake.netbox import PAGE, PATHS, read_page
from ..intake.proposal import MOST
from ..site.network import ip_of
from .no_redirect import OPENER

TOKEN = "NETBOX_TOKEN"  # noqa: S105 - the name of the variable that holds one
"""The environment variable in which a token is looked for where no file is named."""

PATIENCE = 30.0
"""Seconds one answer may take."""
ROWS = 500
"""Results asked for at once; NetBox gives fewer where its MAX_PAGE_SIZE says so."""


class NoNetBoxError(HoldfastError):
    """NetBox is out of reach, or does not answer as its API does."""


def token_of(file: Path | None) -> str:
    """Return the token in a file, or else in the environment. Raises UsageError where there is none."""
    if file is None:
        token = os.environ.get(TOKEN, "")
        where = f"${TOKEN}"
    else:
        where = str(file)
        try:
            if file.stat().st_mode & 0o077:
                raise UsageError(f"{file}: others can read it; expected mode 0600; run: chmod 600 {file}")
            token = file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: cannot be read as a token ({error}); expected one line") from error
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or len(token) > 500:
        raise UsageError(f"{where}: holds no token; write NetBox's into a file of mode 0600, and name it: --token-file")
    return token


def results_of(url: str, token: str, tell: Callable[[str], None]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every device, virtual machine and IP address with the address it was asked at.

    Raises UsageError for an address that may not be asked, NoNetBoxError for an answer that is none.
    """
    base = _base(url)
    for path in PATHS:
        count = 0
        following: str | None = f"{base}/api/{path}/?limit={ROWS}"
        seen: set[str] = set()
        while following is not None:
            seen.add(following)
            results, following = _page(following, token)
            yield from ((base, one) for one in results)
            count += len(results)
            tell(f"{base}: {path}: {count}")
            if following is not None and (not results or following in seen or count > 2 * MOST):
                raise NoNetBoxError(f"{base}: {path}: its pages do not end after {count} results; nothing was taken")
            if following is not None and _origin(following) != _origin(base):
                raise NoNetBoxError(
                    f"{base}: its next page is at {following[:200]}; expected one of {base}, for the token goes "
                    "nowhere else; ask at the address that NetBox itself has"
                )


def _base(url: str) -> str:
    """Return an address without a slash at its end; plain HTTP only to this machine, for the token would be read."""
    parts = urlsplit(url)
    here = parts.hostname == "localhost" or bool((ip := ip_of(parts.hostname)) and ip.is_loopback)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError("--url: is no address of a NetBox; expected the like of https://netbox.example.org")
    if parts.scheme == "http" and not here:
        raise UsageError(f"--url: http:// to {parts.hostname} would show the token to others; expected https://")
    return url.rstrip("/")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _page(url: str, token: str) -> tuple[list[dict[str, Any]], str | None]:
    # NetBox 4.5 on: tokens of version 2 say so themselves, and are borne, not given.
    kind = "Bearer" if token.startswith("nbt_") else "Token"
    headers = {"Authorization": f"{kind} {token}", "Accept": "application/json"}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme is checked in _base
    try:
        with OPENER.open(request, timeout=PATIENCE) as answer:
            body = answer.read(PAGE + 1)
    except urllib.error.HTTPError as error:
        with error:
            do = "check the token and its rights" if error.code in (401, 403) else "check the address"
            raise NoNetBoxError(f"{url}: answered {error.code} {error.reason}; expected 200; {do}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        found = getattr(error, "reason", None) or error
        raise NoNetBoxError(f"{url}: {found}; expected NetBox; check the address, and that it runs") from error
    if len(body) > PAGE:
        raise NoNetBoxError(f"{url}: more than {PAGE} bytes in one answer; expected a page of {ROWS}")
    return read_page(body, url)
