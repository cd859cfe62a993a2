"""The lab's own certificate authority and the certificates of its components."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rollout_lab.addresses import KUBERNETES_SERVICE, LOOPBACK, NODE, NODE_ADDRESS

VALID = datetime.timedelta(days=3650)
SKEW = datetime.timedelta(minutes=10)
SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    NODE,
)
SERVER_ADDRESSES = (NODE_ADDRESS, KUBERNETES_SERVICE, LOOPBACK)


@dataclass(frozen=True)
class Identity:
    """A client certificate: file name, user and group as Kubernetes reads them."""

    name: str
    user: str
    group: str = ""


IDENTITIES = (
    Identity("admin", "lab-admin", "system:masters"),
    Identity("controller-manager", "system:kube-controller-manager"),
    Identity("scheduler", "system:kube-scheduler"),
    Identity("proxy", "system:kube-proxy"),
    Identity("node", f"system:node:{NODE}", "system:nodes"),
    Identity("apiserver-client", "kube-apiserver-kubelet-client", "system:masters"),
    Identity("prometheus", "prometheus"),
)


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate and key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def ensure(folder: Path) -> None:
    """Make every certificate that is not there; the authority is made once per lab."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if all((folder / f"{name}.crt").exists() for name in _names()):
        return
    authority = _new_authority(folder)
    _issue(folder, authority, "server", _name("kube-apiserver"), server=True)
    _issue(folder, authority, "kubelet", _name(f"system:node:{NODE}"), server=True)
    for identity in IDENTITIES:
        _issue(folder, authority, identity.name, _name(identity.user, identity.group), server=False)
    _write_key(folder / "service-accounts.key", rsa.generate_private_key(65537, 2048))


def _names() -> list[str]:
    return ["ca", "server", "kubelet", *(identity.name for identity in IDENTITIES)]


def _name(user: str, group: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, user)]
    if group:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    return x509.Name(parts)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
    )


def _new_authority(folder: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("rollout-lab")
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signing=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(folder, "ca", certificate, key)
    return Authority(certificate, key)


def _usage(*, signing: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signing,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _issue(folder: Path, authority: Authority, name: str, subject: x509.Name, *, server: bool) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, authority.certificate.subject, key)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if server:
        builder = builder.add_extension(_alternatives(SERVER_NAMES, SERVER_ADDRESSES), critical=False)
    _write(folder, name, builder.sign(authority.key, hashes.SHA256()), key)


def _alternatives(names: Sequence[str], addresses: Sequence[str]) -> x509.SubjectAlternativeName:
    hosts = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    return x509.SubjectAlternativeName([*(x509.DNSName(name) for name in names), *hosts])


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    _write_key(folder / f"{name}.key", key)
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
