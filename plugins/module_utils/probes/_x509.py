# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""As much of an X.509 certificate (RFC 5280) as tells its age and strength, without a program for each file."""

from __future__ import annotations

import base64
import binascii
import calendar
import re
import time
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = re.compile(r"-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]+?)-----END ")
SEQUENCE, INTEGER, BITS, OBJECT, UTC_TIME, VERSION = 0x30, 0x02, 0x03, 0x06, 0x17, 0xA0
RSA = "1.2.840.113549.1.1.1"
DSA = "1.2.840.10040.4.1"
EC = "1.2.840.10045.2.1"
# Curves by their identifier; others (Ed25519, Ed448) are their own algorithm and strong.
CURVES = {"1.2.840.10045.3.1.1": 192, "1.3.132.0.33": 224, "1.2.840.10045.3.1.7": 256, "1.3.132.0.34": 384,
          "1.3.132.0.35": 521, "1.3.132.0.10": 256}  # fmt: skip
# Signatures with MD5 or SHA-1.
WORN_OUT = frozenset(("1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.10040.4.3"))


class DerError(Exception):
    """The bytes are no certificate."""


class Certificate(NamedTuple):
    """From when until when (seconds since 1970), and what is weak about it."""

    begins: int
    ends: int
    weak: str


def certificates(text: str) -> list[Certificate]:
    """The certificates of a PEM file, in order. Raises DerError."""
    found = []
    for block in BLOCK.findall(text):
        try:
            found.append(read(base64.b64decode("".join(block.split()), validate=True)))
        except (IndexError, ValueError, binascii.Error) as error:
            raise DerError(f"not understood: {error}") from error
    return found


def elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element. Raises DerError."""
    position = 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            count = length & 0x7F
            length = int.from_bytes(data[position : position + count], "big")
            position += count
        if position + length > len(data):
            raise DerError("ends in the middle of an element")
        yield tag, data[position : position + length]
        position += length


def identifier(data: bytes) -> str:
    """An object identifier with dots."""
    numbers = [min(data[0] // 40, 2)]
    numbers.append(data[0] - 40 * numbers[0])
    value = 0
    for byte in data[1:]:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            numbers.append(value)
            value = 0
    return ".".join(map(str, numbers))


def moment(tag: int, data: bytes) -> int:
    """A time of a certificate. RFC 5280: two digits of a year from 50 on mean 19.."""
    text = data.decode("ascii")
    if tag == UTC_TIME:
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))


def read(der: bytes) -> Certificate:
    """One certificate. Raises DerError, ValueError, IndexError."""
    whole = next(content for tag, content in elements(der) if tag == SEQUENCE)
    signed, signature = [content for _tag, content in elements(whole)][:2]
    fields = [(tag, content) for tag, content in elements(signed) if tag != VERSION]
    # serial, signature, issuer, validity, subject, key
    begins, ends = [moment(tag, content) for tag, content in elements(fields[3][1])]
    weak = weakness_of_key(fields[5][1])
    if not weak and identifier(next(c for t, c in elements(signature) if t == OBJECT)) in WORN_OUT:
        weak = "signed with SHA-1 or older"
    return Certificate(begins, ends, weak)


def weakness_of_key(data: bytes) -> str:
    """What is weak about a public key, "" when nothing is."""
    (_tag, algorithm), (_bits, key) = list(elements(data))[:2]
    parts = list(elements(algorithm))
    kind = identifier(parts[0][1])
    if kind == DSA:
        return "DSA"
    if kind == RSA:
        modulus = next(c for t, c in elements(next(c for t, c in elements(key[1:]))) if t == INTEGER)
        size = int.from_bytes(modulus, "big").bit_length()
        return f"RSA with {size} bits" if size < 2048 else ""
    if kind == EC and len(parts) > 1 and parts[1][0] == OBJECT:
        size = CURVES.get(identifier(parts[1][1]), 256)
        return f"a curve with {size} bits" if size < 256 else ""
    return ""
