"""Certificates: one authority per lab, private keys for root only, names and addresses of the servers inside."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from rollout_lab import certificates, kubeconfig
from rollout_lab.addresses import API_SERVER
from rollout_lab.health import client_context
from rollout_lab.paths import Paths


@pytest.fixture
def made(paths: Paths) -> Paths:
    certificates.ensure(paths.certificates)
    return paths


def load(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def test_every_certificate_is_signed_by_the_lab(made: Paths) -> None:
    authority = load(made.certificates, "ca")
    for path in made.certificates.glob("*.crt"):
        load(made.certificates, path.stem).verify_directly_issued_by(authority)


def test_server_is_valid_for_bridge_service_and_loopback(made: Paths) -> None:
    names = load(made.certificates, "server").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = set(names.get_values_for_type(x509.IPAddress))
    assert {ipaddress.ip_address(text) for text in ("10.244.0.1", "10.96.0.1", "127.0.0.1")} <= addresses
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_node_and_admin_are_in_their_groups(made: Paths) -> None:
    for name, group in (("node", "system:nodes"), ("admin", "system:masters")):
        found = load(made.certificates, name).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        assert [one.value for one in found] == [group]


def test_keys_are_for_root_only(made: Paths) -> None:
    assert made.certificates.stat().st_mode & 0o077 == 0
    for key in made.certificates.glob("*.key"):
        assert key.stat().st_mode & 0o077 == 0, key


def test_second_call_keeps_them_all(made: Paths) -> None:
    before = {path: path.read_bytes() for path in made.certificates.iterdir()}
    certificates.ensure(made.certificates)
    assert before == {path: path.read_bytes() for path in made.certificates.iterdir()}


def test_half_made_certificates_are_made_anew(made: Paths) -> None:
    (made.certificates / "prometheus.crt").unlink()
    certificates.ensure(made.certificates)
    authority = load(made.certificates, "ca")
    for path in made.certificates.glob("*.crt"):
        load(made.certificates, path.stem).verify_directly_issued_by(authority)


def test_client_context_verifies(made: Paths) -> None:
    context = client_context(made)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_operators_kubeconfig_has_both_contexts_and_is_private(made: Paths) -> None:
    kubeconfig.write_operator(made, "a-token", made.kubeconfig)
    content = yaml.safe_load(made.kubeconfig.read_text())
    assert made.kubeconfig.stat().st_mode & 0o777 == 0o600
    assert content["current-context"] == "lab"
    assert {one["name"]: one["context"]["namespace"] for one in content["contexts"]} == {
        "lab": "argo",
        "lab-admin": "argo",
    }
    assert content["clusters"][0]["cluster"]["server"] == API_SERVER
    users = {one["name"]: one["user"] for one in content["users"]}
    assert users["lab"] == {"token": "a-token"}
    assert "client-key-data" in users["lab-admin"]


def test_components_each_have_a_kubeconfig_of_their_own(made: Paths) -> None:
    kubeconfig.write_components(made)
    for name in kubeconfig.COMPONENT_IDENTITIES:
        assert (made.kubeconfigs / f"{name}.yaml").stat().st_mode & 0o077 == 0
