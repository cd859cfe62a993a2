"""Where a Service may be reached from here, the likeliest first. Pure: nobody is asked whether it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

Document = Mapping[str, Any]
_TLS_PORTS: Final = {443, 8443}
_LOOPBACK: Final = "127.0.0.1"


def selecting(services: Iterable[Document], labels: Mapping[str, str]) -> list[Document]:
    """The Services that send to pods with these labels."""
    return [one for one in services if (selector := one["spec"].get("selector")) and selector.items() <= labels.items()]


def called(services: Iterable[Document], word: str, port: int) -> list[Document]:
    """The Services with this word in their name and this port, then those with the word alone."""
    named = [one for one in services if word in one["metadata"]["name"]]
    return sorted(named, key=lambda one: port not in {entry["port"] for entry in _ports(one)})


def of_service(service: Document, ingresses: Iterable[Document], host: str) -> list[str]:
    """Addresses of one Service: its ingress, its load balancer, its node port, a port-forward, its name in the cluster.

    Args:
        service: its document.
        ingresses: the ingresses of its namespace.
        host: the API server's host, which on a small cluster is a node too.
    """
    meta = service["metadata"]
    made = [address for one in ingresses for address in _of_ingress(one, meta)]
    for entry in _ports(service):
        number, node = int(entry["port"]), entry.get("nodePort")
        balancers = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        made += _both(filter(None, (one.get("ip") or one.get("hostname") for one in balancers)), number)
        made += _both((_LOOPBACK, host), int(node)) if node else []
        made += on_loopback(number)
        made += _both((f"{meta['name']}.{meta['namespace']}.svc",), number)
    return list(dict.fromkeys(made))


def on_loopback(port: int) -> list[str]:
    """A process on this machine, or `kubectl port-forward`."""
    return _both((_LOOPBACK,), port)


def _ports(service: Document) -> list[Document]:
    return list(service["spec"].get("ports") or [])


def _both(hosts: Iterable[str], port: int) -> list[str]:
    """Plain and with TLS; which one comes first is a guess by the port."""
    schemes = ("https", "http") if port in _TLS_PORTS else ("http", "https")
    return [f"{scheme}://{_bracketed(host)}:{port}" for host in hosts for scheme in schemes]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _of_ingress(ingress: Document, service: Mapping[str, str]) -> list[str]:
    if ingress["metadata"]["namespace"] != service["namespace"]:
        return []
    spec = ingress["spec"]
    secure = {host for entry in spec.get("tls") or [] for host in entry.get("hosts") or []}
    hosts = [rule["host"] for rule in spec.get("rules") or [] if rule.get("host") and _leads(rule, service["name"])]
    return [f"{'https' if host in secure else 'http'}://{host}" for host in hosts]


def _leads(rule: Document, name: str) -> bool:
    # Only at the root: a client that is given http://host/some/path has no way to say so in every route.
    paths = (rule.get("http") or {}).get("paths") or []
    backends = [one["backend"] for one in paths if one.get("path", "/") == "/"]
    return any((one.get("service") or {}).get("name") == name for one in backends)
