# Copyright: (c) 2026, Holdfast contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tls check against a real server with certificates good and bad."""

from __future__ import annotations

import contextlib
import datetime
import socket
import ssl
import threading

import pytest
from ansible_collections.holdfast.hipaa.plugins.module_utils.health import tls
from ansible_collections.holdfast.hipaa.plugins.module_utils.health.answer import HELD
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = "billing.example.org"
NOW = datetime.datetime.now(datetime.UTC)


def subject(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def issued(folder, name, days, issuer=None):
    """Write a certificate and its key; without an issuer it is an authority's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = issuer or (subject(name), key)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject(name)).issuer_name(signer[0]).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=400)).not_valid_after(NOW + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer[1], hashes.SHA256())
    )  # fmt: skip
    file = folder / f"{name}-{days}.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(built.public_bytes(serialization.Encoding.PEM) + secret)
    return file, (subject(name), key)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A folder, an authority's file, and what it signs with."""
    folder = tmp_path_factory.mktemp("tls")
    file, signer = issued(folder, "authority.example.org", 900)
    return folder, str(file), signer


@contextlib.contextmanager
def serving(certificate):
    """A server that shakes hands with one caller after the other; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                caller, _where = listening.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), context.wrap_socket(caller, server_side=True) as secured:
                secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


@pytest.mark.parametrize(
    ("valid", "argument", "why"),
    [
        (90, {}, ""),
        (20, {"days": 30}, "the certificate ends in 19 days, expected 30 or more"),
        (20, {"days": 0}, ""),
        (-1, {"days": 0}, "the certificate does not hold: certificate has expired"),
        (90, {"server_name": "other.example.org"}, "the certificate does not hold: Hostname mismatch"),
        (90, {"ca_file": None}, "the certificate does not hold: "),
        (90, {"ca_file": "/no/such/file"}, "/no/such/file holds no certificates"),
    ],
)
def test_a_certificate_holds_for_its_name_its_authority_and_long_enough(authority, valid, argument, why):
    folder, file, signer = authority
    certificate, _signer = issued(folder, NAME, valid, signer)
    with serving(certificate) as port:
        answer = tls.check({"port": port, "server_name": NAME, "ca_file": file, "days": 14, **argument}, 5)
    assert answer.passed == (not why)
    assert answer.why.startswith(why)
    assert answer.passed == (answer == HELD)


def test_a_port_that_speaks_no_tls_fails(authority):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        assert tls.check({"port": port}, 0.3).why == f"127.0.0.1 port {port} did not answer within 0.3 s"
    assert tls.check({"port": port}, 5).why == f"127.0.0.1 port {port}: Connection refused"
