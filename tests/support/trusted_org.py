"""
The simulated org at an address of Salesforce's: over TLS, behind a proxy, as functions and commands meet it on AWS.

Both accept only Salesforce's hosts and only HTTPS. HTTPS_PROXY leads them here; the certificate has to be among those
that they trust.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from destination_testbench.org import SimulatedOrg
from destination_testbench.org.transport.server import OrgHandler, OrgHTTPServer

MY_DOMAIN = "acme.my.salesforce.com"


@dataclass
class Trust:
    """A certificate for everything on this machine, and the variables of the proxy."""

    certificate: Path
    key: Path
    proxy: Mapping[str, str]


def a_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key, for this machine and for the org."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "this machine")])
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost"), x509.DNSName(MY_DOMAIN)]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, **usage), critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return files


class ProxyHandler(OrgHandler):
    """A proxy that answers for the org itself."""

    def do_CONNECT(self) -> None:  # noqa: N802 - a name of http.server
        self.send_response_only(200)
        self.end_headers()
        self.wfile.flush()
        server = self.server
        assert isinstance(server, ProxyServer)
        server.open.discard(self.connection)
        self.connection = server.context.wrap_socket(self.connection, server_side=True)
        server.open.add(self.connection)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False


class ProxyServer(OrgHTTPServer):
    context: ssl.SSLContext


class TrustedOrg:
    """The org on the network; `trust` is what its callers need."""

    def __init__(self, org: SimulatedOrg, folder: Path) -> None:
        self.org = org
        certificate, key = a_certificate(folder)
        self._server = ProxyServer(("127.0.0.1", 0), ProxyHandler)
        self._server.org = org
        self._server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._server.context.load_cert_chain(certificate, key)
        address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.trust = Trust(certificate, key, {"HTTPS_PROXY": address, "NO_PROXY": "127.0.0.1,localhost"})
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def __enter__(self) -> TrustedOrg:
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.break_connections()
        self._thread.join()
