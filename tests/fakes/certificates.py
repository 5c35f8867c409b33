# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority of the test's own, and a server that it vouches for."""

from __future__ import annotations

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificates(folder, *names):
    """Write an authority's certificate, and a server's with its key; return their paths.

    The server's is for 127.0.0.1, or for the host *names* instead.
    """
    now = datetime.datetime.now(datetime.timezone.utc)
    hour = datetime.timedelta(hours=1)
    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    alternative = x509.SubjectAlternativeName([x509.DNSName(each) for each in names] or here)
    # Python 3.13 checks these two by RFC 5280.
    signs = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False
    )
    signs |= {"key_agreement": False, "encipher_only": False, "decipher_only": False}
    usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **signs)
    key_of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    own_key = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    found = []
    for subject, public, extensions in (
        (
            name,
            authority.public_key(),
            {x509.BasicConstraints(ca=True, path_length=None): True, usage: True, own_key: False},
        ),
        (own, server.public_key(), {alternative: True, key_of_authority: False}),
    ):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(name)
        builder = builder.public_key(public).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - hour).not_valid_after(now + hour)
        for extension, critical in extensions.items():
            builder = builder.add_extension(extension, critical=critical)
        signed = builder.sign(authority, hashes.SHA256())
        found.append(signed.public_bytes(serialization.Encoding.PEM))
    folder.mkdir(parents=True)
    (folder / "ca.crt").write_bytes(found[0])
    key = server.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "server.pem").write_bytes(found[1] + key)
    return folder / "ca.crt", folder / "server.pem"
