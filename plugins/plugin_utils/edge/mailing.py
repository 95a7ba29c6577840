# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handing mail over: to a sendmail program on the controller, or to a server by SMTP (RFC 5321) with TLS."""

from __future__ import annotations

import os
import re
import smtplib
import ssl
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from ..errors import HoldfastError
from ..site.problems import Fault
from ..site.structure import Fields, Items, Text, Whole, Word

FILE = "notices.yml"
SENDMAIL = "/usr/sbin/sendmail"
PATIENCE = 30
"""Seconds that a mail program, a mail server or a webhook may take."""
LOOPBACK = ("localhost", "127.0.0.1", "::1")

ADDRESS = Text("a mail address", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,200}")
ADDRESSES = Items(ADDRESS, least=1, most=50, distinct=True)
PATH = Text("a path, from the site's folder or absolute", r"[^\x00-\x1f\x7f]+", 1000)
SMTP = Fields(
    "a mail server: host",
    required={"host": Text("a host's name or address", r"[A-Za-z0-9.:-]{1,253}")},
    optional={
        "port": Whole("a port, 1 to 65535", 1, 65535),
        "tls": Word(("starttls", "implicit", "none")),
        "ca_file": PATH,
        "user": Text("an account's name", r"[!-~]{1,200}"),
        "password_file": PATH,
    },
)
"""What `mail.smtp` of notices.yml may hold."""


class SendingError(HoldfastError):
    """A notice did not go out."""


def mail_faults(mail: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what does not agree within the checked `mail` of notices.yml."""
    smtp = mail.get("smtp")
    if smtp is None:
        return
    if "program" in mail:
        yield Fault(("mail", "smtp"), "both program and smtp", "one way for mail to go", "take one of them away")
    if ("user" in smtp) != ("password_file" in smtp):
        yield Fault(("mail", "smtp"), "one of user and password_file", "both of them, or neither", "add the other")
    if smtp.get("tls") == "none" and (smtp["host"] not in LOOPBACK or "user" in smtp):
        expected = "starttls or implicit, but for a server on this machine that asks for no password"
        yield Fault(("mail", "smtp", "tls"), '"none"', expected, "choose one of these")


def written(
    settings: Mapping[str, Any], to: Sequence[str], subject: str, text: str, *, html: str = "", name: str = ""
) -> EmailMessage:
    """Return a message. `name` makes its Message-ID, so that whoever gets it twice can tell that it is the same."""
    message = EmailMessage()
    message["From"], message["To"] = settings["from"], ", ".join(to)
    # No line break can be in it, and mail programs cut long ones in their own ways.
    line = re.sub(r"\s+", " ", subject)
    message["Subject"] = line if len(line) <= 200 else line[:197] + "..."
    message["Auto-Submitted"] = "auto-generated"
    if name:
        message["Message-ID"] = f"<{name}@{settings['from'].rpartition('@')[2]}>"
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    return message


def deliver(root: Path, settings: Mapping[str, Any], message: EmailMessage) -> None:
    """Hand a message over as `mail` of the site at `root` says. Raises SendingError."""
    if "smtp" in settings:
        _by_server(root, settings["smtp"], message)
    else:
        _by_program(str(root / settings.get("program", SENDMAIL)), message)


def _by_program(program: str, message: EmailMessage) -> None:
    try:
        done = subprocess.run(
            [program, "-i", "-t"], input=message.as_bytes(), capture_output=True, timeout=PATIENCE, check=False
        )
    except OSError as error:
        raise SendingError(f"{FILE}: mail.program: {program}: {error.strerror}; the notice was not sent") from error
    except subprocess.TimeoutExpired as error:
        raise SendingError(f"{FILE}: mail.program: {program}: took more than {PATIENCE} s") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()[:200]
        raise SendingError(f"{FILE}: mail.program: {program} left with {done.returncode}: {said}")


def _by_server(root: Path, smtp: Mapping[str, Any], message: EmailMessage) -> None:
    host, tls = smtp["host"], smtp.get("tls", "starttls")
    port = smtp.get("port", 465 if tls == "implicit" else 587)
    where = f"{FILE}: mail.smtp: {host}:{port}"
    password = secret(root, "mail.smtp.password_file", smtp["password_file"]) if "user" in smtp else ""
    try:
        context = ssl.create_default_context(cafile=str(root / smtp["ca_file"]) if "ca_file" in smtp else None)
        with (
            smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=context)
            if tls == "implicit"
            else smtplib.SMTP(host, port, timeout=PATIENCE)
        ) as server:
            if tls == "starttls":
                server.starttls(context=context)
            if "user" in smtp:
                server.login(smtp["user"], password)
            refused = server.send_message(message)
    except smtplib.SMTPResponseException as error:
        raise SendingError(f"{where}: answered {error.smtp_code}; the notice was not taken") from error
    except smtplib.SMTPRecipientsRefused as error:
        raise SendingError(f"{where}: took none of {', '.join(error.recipients)}; correct them") from error
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise SendingError(f"{where}: {error}; the notice was not sent") from error
    if refused:
        raise SendingError(f"{where}: did not take {', '.join(refused)}; the others have it; correct these")


def secret(root: Path, key: str, named: str) -> str:
    """Return what a secret's file holds; raises SendingError unless it is this user's, and nobody else reads it."""
    path = root / named
    where = f"{FILE}: {key}: {path}"
    try:
        with path.open(encoding="utf-8") as file:
            found = os.fstat(file.fileno())
            if found.st_mode & 0o077 or not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
                raise SendingError(f"{where}: others can read it; run chmod 600 on it, as its owner")
            text = file.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SendingError(f"{where}: cannot be read; expected one line of text that this user can read") from error
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise SendingError(f"{where}: expected one line without blanks")
    return text
