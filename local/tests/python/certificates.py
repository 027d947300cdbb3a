"""Certificates of a CA of the test's own."""

import datetime
import hashlib
import ipaddress
from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


class Issued:
    """A certificate and its key, as files."""

    def __init__(self, folder, name, certificate, key):
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        self.serial = certificate.serial_number
        self.certificate.write_bytes(certificate.public_bytes(PEM))
        self.key.write_bytes(
            key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        # By this Chromium can be told to take the certificate.
        self.pin = b64encode(hashlib.sha256(public).digest()).decode()


class Authority:
    """A CA. What it issues lies in `folder`."""

    def __init__(self, folder, name):
        self.folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key, days=10)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def issue(self, name, *hosts, days=5):
        """Issues a certificate for these names and addresses; with negative `days` it has expired so long ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, days)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(list(map(general_name, hosts))), critical=False)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        return Issued(self.folder, name, builder.sign(self._key, hashes.SHA256()), key)

    def _builder(self, subject, key, days):
        end = datetime.datetime.now(datetime.UTC) + days * DAY
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - 20 * DAY)
            .not_valid_after(end)
        )


def general_name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
