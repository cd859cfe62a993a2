"""What is found of a place: which Deployment, where its servers answer, and a file that loads."""

import tomllib
from urllib.parse import urlsplit

import pytest

from hera_rollout.errors import Conflicting, Refused
from hera_rollout.finding import ARGO, BACKEND, PROMETHEUS, Place, addresses, deployments, probing, text, write
from hera_rollout.target import Target


def deployment(name, *containers, account=""):
    spec = {"containers": list(containers) or [{"name": name}]} | ({"serviceAccountName": account} if account else {})
    return {"metadata": {"name": name}, "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": spec}}}


FLAGGED = {"name": "api", "env": [{"name": "USE_HERA_SDK", "value": "false"}, {"name": "RESULTS_PVC", "value": "out"}]}


def likely(*documents):
    found = deployments.likely(deployments.ranked(documents))
    return found and found.name


def test_the_service_is_the_one_with_the_flag_then_the_one_called_backend_then_the_only_one():
    assert likely(deployment("backend"), deployment("jobs", FLAGGED)) == "jobs"
    assert likely(deployment("web"), deployment("backend")) == "backend"
    assert likely(deployment("argo-server"), deployment("workflow-controller"), deployment("web")) == "web"


def test_which_one_it_is_is_not_guessed_among_several():
    assert likely(deployment("a"), deployment("b")) is None
    assert likely(deployment("a", FLAGGED), deployment("b", FLAGGED)) is None
    assert likely() is None


def test_the_container_with_the_flag_is_taken_and_what_its_variables_say_of_workflows():
    (found,) = deployments.ranked([deployment("jobs", {"name": "proxy"}, FLAGGED, account="runner")])
    assert (found.container, found.account, found.workflow) == ("api", "runner", {"claim": "out"})


def service(name="backend", ports=None, selector=None, balancers=()):
    return {
        "metadata": {"name": name, "namespace": "argo"},
        "spec": {"selector": selector or {"app": name}, "ports": ports or [{"port": 8000}]},
        "status": {"loadBalancer": {"ingress": list(balancers)}},
    }


def ingress(host, to, path="/", tls=False, namespace="argo"):
    backend = {"service": {"name": to, "port": {"number": 8000}}}
    rules = [{"host": host, "http": {"paths": [{"path": path, "backend": backend}]}}]
    return {
        "metadata": {"name": "i", "namespace": namespace},
        "spec": {"rules": rules} | ({"tls": [{"hosts": [host]}]} if tls else {}),
    }


def test_an_address_of_the_ingress_comes_first_then_balancer_node_port_forward_and_cluster_name():
    one = service(ports=[{"port": 8000, "nodePort": 30080}], balancers=[{"ip": "192.0.2.7"}])
    found = addresses.of_service(one, [ingress("jobs.example.org", "backend", tls=True)], "198.51.100.1")
    plain = [url for url in found if url.startswith("http:") or "example" in url]
    assert plain == [
        "https://jobs.example.org",
        "http://192.0.2.7:8000",
        "http://127.0.0.1:30080",
        "http://198.51.100.1:30080",
        "http://127.0.0.1:8000",
        "http://backend.argo.svc:8000",
    ]
    assert "https://192.0.2.7:8000" in found


@pytest.mark.parametrize("other", [
    ingress("x.example.org", "frontend"), ingress("x.example.org", "backend", path="/jobs"),
    ingress("x.example.org", "backend", namespace="elsewhere"),
])  # fmt: skip
def test_an_ingress_that_leads_elsewhere_or_not_from_its_root_is_no_address(other):
    assert addresses.of_service(service(), [other], "") == [
        f"{scheme}://{host}:8000" for host in ("127.0.0.1", "backend.argo.svc") for scheme in ("http", "https")
    ]


def test_a_service_is_the_deployments_if_its_selector_takes_the_pods():
    mine, other = service(), service("other")
    headless = service("external")
    headless["spec"]["selector"] = None
    assert addresses.selecting([mine, other, headless], {"app": "backend", "tier": "api"}) == [mine]


ANSWERS = {
    ARGO: (401, '{"code": 16, "message": "token not valid"}'),
    BACKEND: (200, '{"tasks": []}'),
    PROMETHEUS: (200, '{"status": "success", "data": {"version": "3.5.0"}}'),
}


@pytest.mark.parametrize("kind", ANSWERS, ids=lambda kind: kind.name)
def test_each_server_is_known_by_its_own_answer_and_not_by_another_ones(kind, answering, closed_url):
    right = answering({kind.route: ANSWERS[kind]})
    wrong = answering({kind.route: (200, '{"kind": "Status", "code": 401}')})
    assert probing.first(kind, [closed_url, wrong, right]) == probing.Answered(right, trusted=True)
    assert probing.first(kind, [closed_url, wrong, closed_url.replace("http:", "https:")]) is None


def test_the_servers_node_port_is_found_by_asking(answering):
    url = answering({BACKEND.route: ANSWERS[BACKEND]})
    tried = addresses.of_service(service(ports=[{"port": 1, "nodePort": urlsplit(url).port}]), [], "")
    assert probing.first(BACKEND, tried).url == url


PLACE = Place(name="qa", context='odd "name"', namespace="jobs", deployment="api", container="api", account="runner",
              backend_url="https://api.example.org", argo_url="https://argo.example.org", argo_trusted=False,
              workflow={"claim": "out"})  # fmt: skip


def test_the_file_loads_with_what_was_found_and_says_what_each_line_is_for(tmp_path):
    path = tmp_path / "targets" / "qa.toml"
    write(path, text(PLACE), force=False)
    target = Target.load("qa", search=tmp_path)
    assert (target.context, target.namespace, target.deployment) == ('odd "name"', "jobs", "api")
    assert (target.service_account, target.workflow.pvc, target.prometheus_url) == ("runner", "out", None)
    assert target.argo_verify_tls  # never switched off unasked
    lines = path.read_text().splitlines()
    assert next(line for line in lines if line.startswith("argo_verify_tls")).endswith("or say false")
    assert next(line for line in lines if line.startswith("image")).endswith("# a guess: correct it")


def test_every_limit_that_the_file_offers_is_one_at_its_default():
    offered = text(PLACE).partition("[limits]")[2].replace("\n# ", "\n").partition("\n")[2]
    limits = Target.model_validate({**tomllib.loads(text(PLACE)), "limits": tomllib.loads(offered)}).limits
    assert limits.model_dump() == Target.model_validate(tomllib.loads(text(PLACE))).limits.model_dump()
    assert len(limits.model_fields_set) == 5


def test_a_password_in_an_address_is_refused_and_not_repeated():
    place = Place(**{**PLACE.__dict__, "backend_url": "https://me:hunter2@example.org"})
    with pytest.raises(Refused) as caught:
        text(place)
    assert "backend_url" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_there_is_written_over_only_by_force(tmp_path):
    path = tmp_path / "qa.toml"
    path.write_text("mine")
    with pytest.raises(Conflicting, match="there already"):
        write(path, text(PLACE), force=False)
    assert path.read_text() == "mine"
    write(path, text(PLACE), force=True)
    assert path.read_text() == text(PLACE)
    assert [one.name for one in tmp_path.iterdir()] == ["qa.toml"]
